"""Stored recipes and drift over REST, against fake services."""

import json

import httpx
import pytest
from google.protobuf.json_format import MessageToDict

from gateway.schemas.drift import Drift
from shared.contracts.artifacts import MAX_RECIPE_BYTES
from tests.fakes.findings import DRIFT, RECIPE
from tests.fakes.services import DATASET_ID, RECIPE_ID, FakeIngest
from tests.integration.gateway.forms import assert_problem


async def test_a_recipe_is_stored(client: httpx.AsyncClient, ingest: FakeIngest) -> None:
    answer = await client.post("/recipes", json={"name": "sales", "dataset_id": DATASET_ID})
    assert answer.headers["location"] == f"/recipes/{RECIPE_ID}"
    assert answer.json() == {
        "recipe_id": RECIPE_ID,
        "name": "sales",
        "version": 2,
        "user_id": "ada",
        "sha256": "ab",
        "size_bytes": 91,
        "dataset_id": None,
        "created_at": "2026-11-23T15:59:12.531000Z",
    }
    assert (ingest.created_recipe.name, ingest.created_recipe.dataset_id) == ("sales", DATASET_ID)
    await client.post("/recipes", json={"name": "sales", "recipe": json.loads(RECIPE)})
    assert json.loads(ingest.created_recipe.content) == json.loads(RECIPE)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"dataset_id": DATASET_ID}, "name"),
        ({"name": "", "dataset_id": DATASET_ID}, "name"),
        ({"name": "a", "dataset_id": DATASET_ID, "recipe": {}}, "recipe"),
        ({"name": "a", "recipe": []}, "recipe"),
        ({"name": "a", "dataset": DATASET_ID}, "dataset"),
    ],
)
async def test_a_wrong_body(client: httpx.AsyncClient, body: dict[str, object], field: str) -> None:
    problem = assert_problem(await client.post("/recipes", json=body), 422, "INVALID_INPUT")
    assert problem["errors"][0]["field"] == field


async def test_a_body_that_is_no_recipe(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json"}
    assert (await client.post("/recipes", content=b"{", headers=headers)).status_code == 422
    assert (await client.post("/recipes", content=b"{}")).status_code == 415
    large = b" " * (MAX_RECIPE_BYTES + 1)
    assert_problem(await client.post("/recipes", content=large, headers=headers), 413, "BODY_TOO_LARGE")


async def test_recipes_are_listed_read_and_removed(client: httpx.AsyncClient, ingest: FakeIngest) -> None:
    page = (await client.get("/recipes", params={"name": "sales", "page_size": 3, "user_id": "ada"})).json()
    assert (page["recipes"][0]["recipe_id"], page["next_page_token"]) == (RECIPE_ID, "more")
    request = ingest.listed_recipes
    assert (request.name, request.page_size, request.user_id) == ("sales", 3, "ada")
    answer = await client.get(f"/recipes/{RECIPE_ID}")
    assert RECIPE in answer.content
    assert (answer.json()["recipe"], answer.json()["name"]) == (json.loads(RECIPE), "sales")
    assert_problem(await client.get("/recipes/other"), 404, "RECIPE_NOT_FOUND")
    assert (await client.delete(f"/recipes/{RECIPE_ID}")).status_code == 204


async def test_drift(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/dataset/{DATASET_ID}/drift")
    assert (answer.content, answer.headers["etag"]) == (DRIFT, '"d1"')
    assert Drift.model_validate(answer.json()).rows == (3, 2)
    headers = {"if-none-match": '"d1"'}
    assert (await client.get(f"/dataset/{DATASET_ID}/drift", headers=headers)).status_code == 304


async def test_steps_are_switched_off(client: httpx.AsyncClient, ingest: FakeIngest) -> None:
    headers = {"if-match": 'W/"r1"'}
    answer = await client.patch(f"/dataset/{DATASET_ID}/recipe", json={"off": [3], "on": [4, 5]}, headers=headers)
    assert answer.json()["dataset_id"] == DATASET_ID
    assert (list(ingest.revised.off), list(ingest.revised.on), ingest.revised.etag) == ([3], [4, 5], "r1")
    undone = {"steps": [1], "columns": ["a"], "rules": ["b"], "everything": True}
    await client.post(f"/dataset/{DATASET_ID}/undo", json=undone)
    request = ingest.revised
    assert (list(request.off), list(request.columns), list(request.rules)) == ([1], ["a"], ["b"])
    assert request.everything
    await client.patch(f"/dataset/{DATASET_ID}/recipe", json={"parameters": {"12": {"upper": 100}, "3": None}})
    assert MessageToDict(ingest.revised.parameters) == {"12": {"upper": 100.0}, "3": None}
    bodies: list[object] = [
        {"parameters": {"0": {}}},
        {"parameters": {"1": 3}},
        {"off": [0]},
        {"off": "3"},
        {"of": [3]},
    ]
    for body in bodies:
        assert (await client.patch(f"/dataset/{DATASET_ID}/recipe", json=body)).status_code == 422


async def test_versions(client: httpx.AsyncClient) -> None:
    page = (await client.get(f"/dataset/{DATASET_ID}/versions")).json()
    assert (page["versions"][0]["version"], page["versions"][0]["switched_off"]) == (2, [3])
    assert page["next_page_token"] == "more"
