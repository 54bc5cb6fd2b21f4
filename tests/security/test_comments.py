"""Comments: who may write, settle and delete them, and what becomes of them."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.security.conftest import TokenStack
from tests.security.test_permissions import fresh_dataset


@contextmanager
def client_of(stack: TokenStack, caller: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url, timeout=60, headers=stack.headers(caller)) as client:
        yield client


def test_members_review_a_dataset_together(token_stack: TokenStack) -> None:
    path = f"/dataset/{token_stack.dataset_id}/comments"
    with client_of(token_stack, "viewer") as viewer, client_of(token_stack, "owner") as owner:
        cell = {"text": "  Is 999 a real age?  ", "column": "age", "row": 3}
        written = viewer.post(path, json=cell).json()
        assert (written["text"], written["column"], written["row"]) == ("Is 999 a real age?", "age", 3)
        assert (written["step"], written["version"], written["resolved_by"]) == (None, 1, None)
        step = owner.post(path, json={"text": "I agree", "step": 1}).json()
        assert step["author"] != written["author"]
        ids = [written["comment_id"], step["comment_id"]]
        assert [comment["comment_id"] for comment in owner.get(path).json()["comments"]][-2:] == ids
        assert [comment["comment_id"] for comment in owner.get(path, params={"step": 1}).json()["comments"]] == ids[1:]
        assert [
            comment["comment_id"] for comment in owner.get(path, params={"column": "age"}).json()["comments"]
        ] == ids[:1]
        page = owner.get(path, params={"page_size": 1}).json()
        rest = owner.get(path, params={"page_token": page["next_page_token"]}).json()
        assert len(page["comments"]) == 1
        assert page["comments"][0] not in rest["comments"]

        settled = owner.patch(f"{path}/{ids[0]}", json={"resolved": True}).json()
        assert (settled["resolved_by"], settled["resolved_at"] is None) == (step["author"], False)
        again = viewer.patch(f"{path}/{ids[0]}", json={"resolved": True}).json()
        assert again == settled
        assert viewer.patch(f"{path}/{ids[0]}", json={"resolved": False}).json()["resolved_by"] is None

        assert viewer.delete(f"{path}/{ids[1]}").json()["reason"] == "NOT_THE_AUTHOR"
        assert owner.delete(f"{path}/{ids[0]}").status_code == 204
        assert owner.delete(f"{path}/{ids[1]}").status_code == 204
        assert owner.delete(f"{path}/{ids[1]}").json()["reason"] == "COMMENT_NOT_FOUND"


def test_comments_of_nothing_are_not_there(token_stack: TokenStack) -> None:
    missing = token_stack.dataset_id[:-4] + "0000"
    with client_of(token_stack, "owner") as owner:
        assert owner.get(f"/dataset/{missing}/comments").status_code == 404


def test_a_comment_of_another_dataset_is_not_there(token_stack: TokenStack) -> None:
    other = fresh_dataset(token_stack)
    with client_of(token_stack, "owner") as owner:
        comment = owner.post(f"/dataset/{other}/comments", json={"text": "mine"}).json()["comment_id"]
        path = f"/dataset/{token_stack.dataset_id}/comments/{comment}"
        assert owner.patch(path, json={"resolved": True}).status_code == 404
        assert owner.delete(path).status_code == 404
        assert owner.get(f"/dataset/{other}/comments").json()["comments"][0]["text"] == "mine"
        owner.delete(f"/dataset/{other}")
        assert owner.get(f"/dataset/{other}/comments").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": "   "}, "text"),
        ({"text": "x" * 4001}, "text"),
        ({"text": "a\0b"}, "text"),
        ({"text": "a\x1b[2Jb"}, "text"),
        ({"text": "\u200b\u202e"}, "text"),
        ({"text": "a", "step": True}, "step"),
        ({"text": "a", "row": 3}, "row"),
        ({"text": "a", "step": 0}, "step"),
        ({"text": "a", "column": "c\0"}, "column"),
        ({"text": "a", "user_id": "somebody else"}, None),
        ({"text": "a", "colour": "red"}, "colour"),
    ],
)
def test_what_is_no_comment_is_refused(token_stack: TokenStack, body: dict[str, object], field: str | None) -> None:
    with client_of(token_stack, "owner") as owner:
        answer = owner.post(f"/dataset/{token_stack.dataset_id}/comments", json=body)
        assert answer.status_code in (403, 422), answer.text
        assert field is None or field in [error["field"] for error in answer.json()["errors"]], answer.text
