"""Comments over REST, against fake services."""

import httpx
import pytest

from tests.fakes.services import DATASET_ID, RECIPE_ID, FakeIngest
from tests.integration.gateway.forms import assert_problem

PATH = f"/dataset/{DATASET_ID}/comments"


async def test_a_comment_is_written_listed_and_settled(client: httpx.AsyncClient, ingest: FakeIngest) -> None:
    answer = await client.post(PATH, json={"text": "Why?", "column": "age", "row": 7})
    comment = answer.json()
    assert (comment["author"], comment["column"], comment["row"], comment["step"]) == ("grace", "age", 7, None)
    assert (ingest.created_comment.text, ingest.created_comment.column, ingest.created_comment.row) == (
        "Why?",
        "age",
        7,
    )
    page = (await client.get(PATH, params={"step": 3, "page_size": 5})).json()
    assert page == {"comments": [comment], "next_page_token": "more"}
    assert (ingest.listed_comments.step, ingest.listed_comments.page_size) == (3, 5)
    await client.patch(f"{PATH}/{RECIPE_ID}", json={"resolved": True})
    assert (ingest.resolved_comment.comment_id, ingest.resolved_comment.resolved) == (RECIPE_ID, True)
    assert (await client.delete(f"{PATH}/{RECIPE_ID}")).status_code == 204


async def test_a_state_is_true_or_false(client: httpx.AsyncClient) -> None:
    problem = assert_problem(await client.patch(f"{PATH}/{RECIPE_ID}", json={"resolved": 0}), 422, "INVALID_INPUT")
    assert problem["errors"][0]["field"] == "resolved"


@pytest.mark.parametrize(("body", "field"), [({}, "text"), ({"text": ""}, "text"), ({"text": "a", "row": 0}, "row")])
async def test_a_wrong_comment(client: httpx.AsyncClient, body: dict[str, object], field: str) -> None:
    problem = assert_problem(await client.post(PATH, json=body), 422, "INVALID_INPUT")
    assert problem["errors"][0]["field"] == field
