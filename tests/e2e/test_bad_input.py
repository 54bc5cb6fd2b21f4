"""Bad input: answered with a problem that says what is wrong and where, and not stored."""

import json
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

from deploy.local.stack import Stack
from tests.e2e.user import User

FORM_TYPE = "multipart/form-data; boundary=b"
FIRST_PART = '--b\r\ncontent-disposition: form-data; name="file"; filename="x.csv"\r\n\r\na,b\r\n1,2\r\n'


def stored_objects(stack: Stack) -> set[Path]:
    folder = stack.settings.storage_dir
    return {path for path in folder.rglob("*") if path.is_file()}


def assert_problem(response: httpx.Response, status: int) -> str:
    """Check the format of a problem, and return its detail."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["request_id"] == response.headers["x-request-id"]
    assert body["reason"].isupper()
    detail: str = body["detail"]
    return detail


@pytest.mark.parametrize(
    ("content", "filename", "status", "words"),
    [
        (b"", "x.csv", 422, "empty"),
        (b"a,b\n", "x.csv", 422, "no rows"),
        (bytes(range(256)) * 100, "x.csv", 422, "binary"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "x.csv", 422, "PNG"),
        (b'{"name": "Ada"}', "x.json", 422, "not a table"),
        (b'[{"a": 1}, {"a": 2]', "x.json", 422, "line 1, column 19"),
        (b"a,b\n1,2\n3,4,5\n", "x.csv", 422, "Line 3"),
        (b"a\n" + b"1\n" * 100_001, "x.csv", 400, "100,001 rows"),
        (
            (",".join(f"c{n}" for n in range(101)) + "\n" + ",".join("1" * 101) + "\n").encode(),
            "x.csv",
            400,
            "101 columns",
        ),
    ],
)
def test_files_that_are_no_tables(
    user: User, stack: Stack, content: bytes, filename: str, status: int, words: str
) -> None:
    before = stored_objects(stack)
    assert words in assert_problem(user.upload(content, filename), status)
    assert stored_objects(stack) == before


@pytest.mark.parametrize(
    "content",
    [
        b"only\n1\n2\n",
        b"a,b\n1,2\n",
        b"a,a,,b\n1,2,3,4\n5,6,7,8\n",
        b"x\n" + b"\n".join(b"same" for _ in range(50)) + b"\n",
        "naïve 😀,km/h\n1,2\n3,\n".encode(),
        b'"new\nline",b\n1,2\n',
        ("n" * 500 + ",b\n1,2\n").encode(),
        b"a,b\n,\n,\n",
        b"a,b\ninf,-inf\nnan,1e308\n-0,1e-308\n",
        b"<script>alert(1)</script>,b\n1,2\n",
    ],
)
def test_odd_tables_are_prepared(user: User, content: bytes) -> None:
    dataset = user.prepare(content)
    for path in ("cleaned", "engineered", "features", "eda/graphs", "logs/cleaning", "logs/outliers", "logs/features"):
        assert user.client.get(f"/dataset/{dataset}/{path}").status_code == 200
    for graph in user.get(f"/dataset/{dataset}/eda/graphs")["graphs"]:
        assert user.client.get(graph["url"]).content.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"mode": "turbo"}, "fast"),
        ({"outlier_method": "magic"}, "iqr"),
        ({"outlier_strategy": "hide"}, "cap"),
        ({"target": "height"}, "height"),
        ({"user_id": "x" * 500}, "user_id"),
        ({"colour": "red"}, "colour"),
        ({"dataset_url": "http://example.com/x.csv"}, "dataset_url"),
    ],
)
def test_wrong_fields(user: User, stack: Stack, fields: dict[str, str], words: str) -> None:
    before = stored_objects(stack)
    response = user.upload(b"a,b\n1,2\n", **fields)
    assert_problem(response, 422)
    assert words in response.text
    assert stored_objects(stack) == before


def test_a_truncated_upload(user: User, stack: Stack) -> None:
    before = stored_objects(stack)
    response = user.client.post("/dataset/upload", content=FIRST_PART.encode(), headers={"content-type": FORM_TYPE})
    assert_problem(response, 422)
    assert stored_objects(stack) == before


@pytest.mark.parametrize("body", [b"", b"nonsense", b"--b--\r\n"])
def test_bodies_that_are_no_forms(user: User, body: bytes) -> None:
    assert_problem(user.client.post("/dataset/upload", content=body, headers={"content-type": FORM_TYPE}), 422)


def test_a_file_over_the_byte_limit_is_refused_before_it_is_sent(stack: Stack) -> None:
    before = stored_objects(stack)
    connection = HTTPConnection("127.0.0.1", stack.settings.gateway_port, timeout=30)
    connection.putrequest("POST", "/dataset/upload")
    connection.putheader("content-type", FORM_TYPE)
    connection.putheader("content-length", str(stack.settings.max_upload_bytes * 2))
    connection.endheaders(FIRST_PART.encode())
    response = connection.getresponse()
    assert response.status == 413
    assert json.loads(response.read())["reason"] == "FILE_TOO_LARGE"
    connection.close()
    assert stored_objects(stack) == before


@pytest.mark.parametrize(
    "path",
    [
        "status",
        "raw",
        "cleaned",
        "engineered",
        "report",
        "eda/graphs",
        "graph/histogram-1",
        "features",
        "logs/cleaning",
        "logs/outliers",
        "logs/features",
    ],
)
@pytest.mark.parametrize("dataset", ["00000000-0000-4000-8000-000000000000", "not-a-uuid"])
def test_unknown_datasets(user: User, dataset: str, path: str) -> None:
    assert dataset in assert_problem(user.client.get(f"/dataset/{dataset}/{path}"), 404)


def test_unknown_routes_and_methods(user: User) -> None:
    assert_problem(user.client.get("/no/such/route"), 404)
    assert user.client.delete("/datasets").status_code == 405
