"""The client knows what the gateway offers, and both of its forms offer the same."""

import inspect
from dataclasses import fields
from typing import Any

import pytest

from gateway.schemas import datasets as schemas
from gateway.schemas import service
from gateway.upload.fields import PrepareOptions as RestPrepareOptions
from gateway.upload.fields import UploadOptions as RestUploadOptions
from neuralearn import models
from neuralearn.async_client import AsyncClient
from neuralearn.client import Client


def test_options_are_those_of_the_gateway() -> None:
    assert set(models.PrepareOptions.__annotations__) == set(RestPrepareOptions.model_fields)
    own = set(models.PrepareOptions.__annotations__) | set(models.UploadOptions.__annotations__)
    assert own | {"dataset_url"} == set(RestUploadOptions.model_fields)


@pytest.mark.parametrize(
    ("own", "schema"),
    [
        (models.Dataset, schemas.DatasetStatus),
        (models.Event, schemas.RunEvent),
        (models.Failure, schemas.Failure),
        (models.Queue, service.Queue),
        (models.RedisServer, service.RedisServer),
        (models.Worker, service.Worker),
    ],
)
def test_fields_are_those_of_the_gateway(own: Any, schema: Any) -> None:
    assert {field.name for field in fields(own)} <= set(schema.model_fields)


def public(kind: type) -> dict[str, Any]:
    return {name: method for name, method in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


def test_both_clients_have_the_same_methods() -> None:
    plain, asynchronous = public(Client), public(AsyncClient)
    assert set(plain) == set(asynchronous)
    for name, method in plain.items():
        other = asynchronous[name]
        assert inspect.signature(method).parameters.keys() == inspect.signature(other).parameters.keys(), name
        assert method.__doc__ == other.__doc__, name


def test_an_answer_may_have_more_fields_than_are_known() -> None:
    document = {"reason": "X", "detail": "It failed.", "later": 1}
    assert models.Failure.from_json(document) == models.Failure(reason="X", detail="It failed.")
