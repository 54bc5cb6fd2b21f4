"""The description of the API, and that it is the one the contracts promise."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import ServiceDescriptor
from pydantic import BaseModel, TypeAdapter, ValidationError

from gateway.app import create_app
from gateway.openapi import RECIPE_SCHEMA
from gateway.schemas import datasets, problems, profile, results, service
from gateway.version import project_version
from shared.pb.neuralearn.ingest.v1 import ingest_pb2
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2
from shared.pb.neuralearn.report.v1 import report_pb2
from shared.settings.processes import Settings

OWN_ROUTES = {("get", "/"), ("get", "/health"), ("get", "/health/live")}


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    settings = Settings(database_url="postgresql://nobody@127.0.0.1/nothing", redis_url="redis://127.0.0.1/0")
    return create_app(settings).openapi()


def operations(openapi: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def annotated_routes(described: ServiceDescriptor) -> Iterator[tuple[str, str]]:
    for method in described.methods:
        rule = method.GetOptions().Extensions[annotations_pb2.http]
        yield from (_route(binding) for binding in (rule, *rule.additional_bindings) if binding.WhichOneof("pattern"))


def _route(rule: http_pb2.HttpRule) -> tuple[str, str]:
    method = rule.WhichOneof("pattern")
    return str(method), str(getattr(rule, method))


def test_rest_and_the_contracts_agree_on_every_route(openapi: dict[str, Any]) -> None:
    promised = {
        route
        for file in (ingest_pb2, pipeline_pb2, report_pb2)
        for described in file.DESCRIPTOR.services_by_name.values()
        for route in annotated_routes(described)
    }
    served = {(method, path) for path, methods in openapi["paths"].items() for method in methods}
    assert served - OWN_ROUTES == promised


def test_path_parameters_are_fields_of_the_request(openapi: dict[str, Any]) -> None:
    for file in (ingest_pb2, report_pb2):
        for described in file.DESCRIPTOR.services_by_name.values():
            for method in described.methods:
                rule = method.GetOptions().Extensions[annotations_pb2.http]
                for name in re.findall(r"{(\w+)}", rule.get):
                    assert name in method.input_type.fields_by_name


def test_everything_is_described(openapi: dict[str, Any]) -> None:
    for name, operation in operations(openapi):
        assert operation["summary"] and operation["description"] and operation["tags"], name
        for parameter in operation.get("parameters", []):
            assert parameter.get("description"), f"{name}: {parameter['name']}"
    # Steps and charts describe their fields in their docstrings, which the reference shows.
    recipe_schemas = {"Recipe", *json.loads(RECIPE_SCHEMA.read_text("utf-8"))["$defs"]}
    recipe_schemas |= {name for name in openapi["components"]["schemas"] if name.endswith(("Chart", "Data"))}
    for name, schema in openapi["components"]["schemas"].items():
        assert schema["description"], name
        if name in recipe_schemas:
            continue
        for field, description in schema["properties"].items():
            assert description.get("description") or "$ref" in description, f"{name}.{field}"


def test_every_error_is_a_problem(openapi: dict[str, Any]) -> None:
    for name, operation in operations(openapi):
        errors = {code: response for code, response in operation["responses"].items() if int(code) >= 400}
        if name.split()[1] in {"/", "/health", "/health/live"}:
            continue
        assert {"422", "500", "503"} <= set(errors), name
        for error in errors.values():
            assert list(error["content"]) == ["application/problem+json"], name


def test_the_upload_body_is_described(openapi: dict[str, Any]) -> None:
    content = openapi["paths"]["/dataset/upload"]["post"]["requestBody"]["content"]
    form = content["multipart/form-data"]["schema"]["properties"]
    assert form["file"]["format"] == "binary"
    assert form["mode"]["enum"] == ["fast", "smart", "deep"] and form["mode"]["default"] == "fast"
    assert set(content) == {"multipart/form-data", "application/json", "application/x-www-form-urlencoded"}


def test_the_version_comes_from_one_place(openapi: dict[str, Any]) -> None:
    assert openapi["info"]["version"] == project_version()


def test_operation_ids_are_names_of_methods(openapi: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(openapi)]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", name) for name in names), names
    assert "getDatasetStatus" in names


def test_the_committed_description_is_current(openapi: dict[str, Any]) -> None:
    committed = (Path(__file__).parents[3] / "docs" / "reference" / "openapi.json").read_text("utf-8")
    assert json.loads(committed) == json.loads(json.dumps(openapi)), "run `make contracts`"


def test_a_recipe_and_a_chart_are_typed(openapi: dict[str, Any]) -> None:
    schemas = openapi["components"]["schemas"]
    kinds = schemas["Recipe"]["properties"]["steps"]["items"]["discriminator"]["mapping"]
    assert "fill_missing" in kinds
    for kind, reference in kinds.items():
        assert schemas[reference.rpartition("/")[2]]["properties"]["kind"]["const"] == kind
    chart = openapi["paths"]["/dataset/{dataset_id}/graph/{graph_id}"]["get"]["responses"]["200"]["content"]
    assert "histogram" in chart["application/json"]["schema"]["discriminator"]["mapping"]


def models() -> Iterator[tuple[str, Any]]:
    for module in (datasets, problems, profile, results, service):
        for name, model in vars(module).items():
            if isinstance(model, type) and issubclass(model, BaseModel) and model.__module__ == module.__name__:
                yield name, model


@pytest.mark.parametrize(("name", "model"), list(models()))
def test_examples_can_occur(name: str, model: type[BaseModel]) -> None:
    for field, info in model.model_fields.items():
        for example in info.examples or []:
            try:
                TypeAdapter[Any](info.annotation or Any).validate_python(example)
            except ValidationError as error:
                raise AssertionError(f"{name}.{field}: {example!r}") from error
