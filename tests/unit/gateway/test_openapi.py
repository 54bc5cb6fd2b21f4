"""The description of the API, and that it is the one the contracts promise."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import ServiceDescriptor

from gateway.app import create_app
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


def annotated_routes(service: ServiceDescriptor) -> Iterator[tuple[str, str]]:
    for method in service.methods:
        rule = method.GetOptions().Extensions[annotations_pb2.http]
        yield from (_route(one) for one in (rule, *rule.additional_bindings) if one.WhichOneof("pattern"))


def _route(rule: http_pb2.HttpRule) -> tuple[str, str]:
    method = rule.WhichOneof("pattern")
    return str(method), str(getattr(rule, method))


def test_rest_and_the_contracts_agree_on_every_route(openapi: dict[str, Any]) -> None:
    promised = {
        route
        for file in (ingest_pb2, pipeline_pb2, report_pb2)
        for service in file.DESCRIPTOR.services_by_name.values()
        for route in annotated_routes(service)
    }
    served = {(method, path) for path, methods in openapi["paths"].items() for method in methods}
    assert served - OWN_ROUTES == promised


def test_path_parameters_are_fields_of_the_request(openapi: dict[str, Any]) -> None:
    for file in (ingest_pb2, report_pb2):
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                rule = method.GetOptions().Extensions[annotations_pb2.http]
                for name in re.findall(r"{(\w+)}", rule.get):
                    assert name in method.input_type.fields_by_name


def test_everything_is_described(openapi: dict[str, Any]) -> None:
    for name, operation in operations(openapi):
        assert operation["summary"] and operation["description"] and operation["tags"], name
        for parameter in operation.get("parameters", []):
            assert parameter.get("description"), f"{name}: {parameter['name']}"
    for name, schema in openapi["components"]["schemas"].items():
        assert schema["description"], name
        for field, description in schema["properties"].items():
            assert description.get("description") or "$ref" in description, f"{name}.{field}"


def test_every_error_is_a_problem(openapi: dict[str, Any]) -> None:
    for name, operation in operations(openapi):
        errors = {code: one for code, one in operation["responses"].items() if int(code) >= 400}
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


def test_operation_ids_differ(openapi: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(openapi)]
    assert len(names) == len(set(names))
