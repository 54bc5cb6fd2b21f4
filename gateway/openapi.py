"""The description of the API: readable operation ids, problems with their media type, and typed documents."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from gateway.http.problems import MEDIA_TYPE
from gateway.schemas.recipes import NewRecipe

DESCRIPTION = """
Upload a table; get it back cleaned, profiled and ready for a model, with the reason for every change.

1. `POST /dataset/upload` with a file (CSV, JSON, Parquet, Excel and more) answers a `dataset_id` at once.
2. `GET /dataset/{dataset_id}/status` says how far the preparation is.
3. Then the tables, charts, features and logs of the dataset can be fetched; before, they answer 409.

Every error is `application/problem+json` with a stable `reason`. Every answer carries `X-Request-ID`; send your own to
follow a request through the logs.
"""
TAGS = [
    {"name": "datasets", "description": "Upload datasets and follow them."},
    {"name": "results", "description": "Tables, charts, features, logs and reports of a dataset."},
    {"name": "recipes", "description": "Store recipes, and repeat them on other files."},
    {"name": "collaboration", "description": "What a group of people shares."},
    {"name": "service", "description": "The gateway itself."},
]
SERVERS = [{"url": "http://127.0.0.1:8000", "description": "A gateway on this machine, as `make run` starts it."}]
_BY_COLUMN = ("types", "roles", "outlier_strategies", "units", "column_privacy", "contract")
_COLUMNS = ("keep", "drop")
_OBJECT = {"type": "object", "additionalProperties": {"type": "string"}}
_LIST = {"type": "array", "items": {"type": "string", "minLength": 1}}
RECIPE_SCHEMA = Path(__file__).parent / "static" / "recipe.schema.json"
"""Generated from the steps by `make contracts`."""


def operation_id(route: APIRoute) -> str:
    """Return the name of a route's function as a client's method: `get_dataset_status` is `getDatasetStatus`."""
    first, *rest = route.name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of the application."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
            servers=app.servers,
            license_info=app.license_info,
        )
        # Either: in open mode nobody proves who calls.
        schema["security"] = [{}, {"bearer": []}]
        schema["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer", "description": "In token mode: a token, or an API key."}
        }
        # The body is read by the route itself, because it may be large.
        schema["components"]["schemas"]["NewRecipe"] = NewRecipe.model_json_schema()
        _add_recipe(schema)
        _link_upload(schema["paths"])
        _accept_objects(schema)
        for operations in schema["paths"].values():
            for operation in operations.values():
                _name_problem_type(operation["responses"])
                _describe_answer(operation["responses"], schema["components"]["schemas"])
        app.openapi_schema = schema
    return app.openapi_schema


def _accept_objects(schema: dict[str, Any]) -> None:
    """Say that in a JSON body, options of several columns may be objects and lists, too."""
    upload = schema["paths"]["/dataset/upload"]["post"]["requestBody"]["content"]["application/json"]
    upload["schema"] = deepcopy(upload["schema"])
    for body in (upload["schema"], schema["components"]["schemas"]["PrepareOptions"]):
        for name, kind in (*dict.fromkeys(_BY_COLUMN, _OBJECT).items(), *dict.fromkeys(_COLUMNS, _LIST).items()):
            text = body["properties"][name]
            options = {key: text.pop(key) for key in ("type", "maxLength") if key in text}
            text["anyOf"] = [options, kind]
    recipe = upload["schema"]["properties"]["recipe"]
    recipe["anyOf"] = [{key: recipe.pop(key) for key in ("type", "maxLength")}, {"type": "object"}]


def _link_upload(paths: dict[str, Any]) -> None:
    """Say that the answer of an upload names the dataset that other operations take."""
    operations = [
        operation["operationId"]
        for path, methods in paths.items()
        for operation in methods.values()
        if "{dataset_id}" in path
    ]
    paths["/dataset/upload"]["post"]["responses"]["200"]["links"] = {
        name: {"operationId": name, "parameters": {"dataset_id": "$response.body#/dataset_id"}} for name in operations
    }


def _name_problem_type(responses: dict[str, Any]) -> None:
    for response in responses.values():
        content = response.get("content", {})
        if content.get("application/json", {}).get("schema", {}).get("$ref", "").endswith("/Problem"):
            content[MEDIA_TYPE] = content.pop("application/json")


def _describe_answer(responses: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Say what an answer is by what its schema is, where FastAPI says only that it is one."""
    answer = responses.get("200", {})
    reference = answer.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
    description = schemas.get(reference.rpartition("/")[2], {}).get("description")
    if answer.get("description") == "Successful Response" and description:
        answer["description"] = description.splitlines()[0]


def _add_recipe(schema: dict[str, Any]) -> None:
    """Put the schema of every kind of step among the components, and the recipe in the answer of its route."""
    recipe = json.loads(RECIPE_SCHEMA.read_text("utf-8").replace("#/$defs/", "#/components/schemas/"))
    components = schema["components"]["schemas"]
    components.update(recipe.pop("$defs"))
    components["Recipe"] = {key: value for key, value in recipe.items() if not key.startswith("$")}
    answer = schema["paths"]["/dataset/{dataset_id}/recipe"]["get"]["responses"]["200"]
    answer["content"] = {"application/json": {"schema": {"$ref": "#/components/schemas/Recipe"}}}
