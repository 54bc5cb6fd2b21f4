"""Charts, features, logs and reports as JSON."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.pb.neuralearn.report.v1 import report_pb2
from tests.fakes.findings import RECIPE
from tests.fakes.services import DATASET_ID, GRAPH_ID, PENDING_ID, SVG, FakeIngest, FakeReport
from tests.integration.gateway.forms import assert_problem


async def test_the_status_of_a_dataset(client: httpx.AsyncClient) -> None:
    body = (await client.get(f"/dataset/{DATASET_ID}/status")).json()
    root = f"/dataset/{DATASET_ID}"
    assert body["links"] == {
        "self": f"{root}/status",
        "raw": f"{root}/raw",
        "cleaned": f"{root}/cleaned",
        "engineered": f"{root}/engineered",
        "changes": f"{root}/changes",
        "rows": f"{root}/rows",
        "rejects": f"{root}/rejects",
        "profile": f"{root}/profile",
        "recipe": f"{root}/recipe",
        "drift": None,
        "graphs": f"{root}/eda/graphs",
        "features": f"{root}/features",
        "utility": f"{root}/utility",
        "report": f"{root}/report",
        "logs": {name: f"{root}/logs/{name}" for name in ("cleaning", "outliers", "features")},
    }
    assert body["created_at"] == "2026-11-23T15:59:12.531000Z"
    assert (body["status"], body["mode"], body["progress"], body["stage"]) == ("completed", "deep", 100, "publishing")
    assert (body["outlier_method"], body["outlier_strategy"]) == ("zscore", "median")
    assert body["parse_plan"] == {
        "format": "csv",
        "encoding": "utf-8",
        "delimiter": ",",
        "compression": None,
        "header_row": None,
        "sheet": None,
        "rejected_rows": 0,
        "mended_rows": 0,
        "notes": ["renamed a"],
    }
    assert body["error"] is None and body["source_url"] is None


@pytest.mark.parametrize("path", ["/datasets", "/datasets/status"])
async def test_lists_of_datasets(client: httpx.AsyncClient, ingest: FakeIngest, path: str) -> None:
    first = (await client.get(path, params={"user_id": "ada", "collaboration_id": "team-7", "page_size": 1})).json()
    assert first["next_page_token"] == "second"
    request = ingest.lists[0]
    assert (request.user_id, request.collaboration_id, request.page_size) == ("ada", "team-7", 1)
    second = (await client.get(path, params={"page_token": "second"})).json()
    assert second["next_page_token"] is None
    (failed,) = second["datasets"]
    assert failed["error"] == {"reason": "RUN_TIMEOUT", "detail": "It took too long."}
    assert (failed["status"], failed["mode"], failed["collaboration_id"]) == ("failed", "fast", None)
    assert failed["parse_plan"] is None and failed["started_at"] is None and failed["links"]["report"] is None


@pytest.mark.parametrize("query", ["page_size=-1", "page_size=x", "page_size=99999999999", "user_id=a%00b"])
async def test_wrong_list_parameters(client: httpx.AsyncClient, query: str) -> None:
    body = assert_problem(await client.get(f"/datasets?{query}"), 422, "INVALID_INPUT")
    assert body["errors"][0]["field"] == query.partition("=")[0]


async def test_graphs(client: httpx.AsyncClient, report: FakeReport) -> None:
    body = (await client.get(f"/dataset/{DATASET_ID}/eda/graphs?page_size=5&page_token=t")).json()
    assert body == {
        "graphs": [
            {
                "graph_id": GRAPH_ID,
                "dataset_id": DATASET_ID,
                "database_name": "sales",
                "kind": "histogram",
                "title": "Distribution of price",
                "columns": ["price"],
                "created_at": "2026-11-23T15:59:12.531000Z",
                "url": f"/dataset/{DATASET_ID}/graph/{GRAPH_ID}",
            }
        ],
        "next_page_token": None,
    }
    assert (report.pages[0].page_size, report.pages[0].page_token) == (5, "t")
    shared = (await client.get("/collaboration/team-7/graphs")).json()
    assert shared == {"collaboration_id": "team-7", **body}


async def test_all_graphs_in_an_archive(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/dataset/{DATASET_ID}/graphs.zip?format=svg")
    assert (answer.status_code, answer.content) == (200, b"PKGRAPH_FORMAT_SVG")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="graphs-svg.zip"'
    assert (await client.get(f"/dataset/{DATASET_ID}/graphs.zip?format=pdf")).status_code == 422
    assert (await client.get(f"/dataset/{uuid4()}/graphs.zip")).status_code == 404


async def test_a_graph_in_every_format(client: httpx.AsyncClient) -> None:
    path = f"/dataset/{DATASET_ID}/graph/{GRAPH_ID}"
    png, svg, data = [await client.get(path, params={"format": name}) for name in ("png", "svg", "json")]
    assert (await client.get(path)).content == png.content == b"\x89PNG"
    assert (png.headers["content-type"], data.headers["content-type"]) == ("image/png", "application/json")
    assert svg.content == SVG and data.json() == {"bins": []}
    assert svg.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert svg.headers["x-content-type-options"] == "nosniff"
    assert "max-age" in svg.headers["cache-control"]
    assert (await client.head(path)).headers["etag"] == png.headers["etag"]
    assert_problem(await client.get(path + "x"), 404, "GRAPH_NOT_FOUND")
    assert_problem(await client.get(path, params={"format": "gif"}), 422, "INVALID_INPUT")


async def test_features(client: httpx.AsyncClient) -> None:
    body = (await client.get(f"/dataset/{DATASET_ID}/features")).json()
    assert body["dataset_id"] == DATASET_ID
    assert body["input_features"][0]["missing"] == 7
    assert body["output_features"][0]["sources"] == ["price"]
    assert body["target"] == {"column": None, "confidence": 0, "why": "no column looks like one", "candidates": []}


async def test_logs(client: httpx.AsyncClient) -> None:
    cleaning, outliers, features = [
        (await client.get(f"/dataset/{DATASET_ID}/logs/{name}")).json() for name in ("cleaning", "outliers", "features")
    ]
    (line,) = cleaning["logs"]
    assert line["parameters"] == {"limit": None, "names": ["a", None], "on": True, "share": 0.5, "value": 42}
    assert (line["state"], line["column"], cleaning["next_page_token"]) == ("applied", "price", "more")
    (line,) = outliers["logs"]
    assert (line["state"], line["lower"], line["upper"]) == ("skipped", 0, None)
    (line,) = features["logs"]
    assert (line["state"], line["outputs"], line["created_at"]) == ("flagged", ["city=Oslo"], None)


async def test_the_report_and_a_groups_datasets(client: httpx.AsyncClient) -> None:
    body = (await client.get(f"/dataset/{DATASET_ID}/report")).json()
    assert (body["mode"], body["summary"], body["author"]) == ("deep", "Good.", "template")
    shared = (await client.get("/collaboration/team-7/datasets/cleaned")).json()
    assert shared["collaboration_id"] == "team-7" and shared["next_page_token"] == "more"
    assert shared["datasets"][0] == {
        "dataset_id": DATASET_ID,
        "database_name": "sales",
        "user_id": "ada",
        "mode": "smart",
        "rows": 39_990,
        "columns": 2,
        "finished_at": "2026-11-23T15:59:12.531000Z",
        "url": f"/dataset/{DATASET_ID}/cleaned",
    }


async def test_the_profile(client: httpx.AsyncClient) -> None:
    response = await client.get(f"/dataset/{DATASET_ID}/profile")
    body = response.json()
    assert (body["dataset_id"], body["rows"], body["time_column"]) == (DATASET_ID, 3, None)
    assert body["target"] == {"column": None, "confidence": 0, "why": "no column looks like one", "candidates": []}
    assert body["quality"]["score"] == 98.5
    assert body["quality"]["parts"][0]["name"] == "completeness"
    assert [(alert["kind"], alert["column"], alert["severity"]) for alert in body["alerts"]] == [
        ("few_rows", None, "warning"),
        ("new", "price", "error"),
    ]
    price, city = body["columns"]
    assert price["read_as"] == {"decimal_mark": ",", "kind": "decimal"}
    assert price["sentinels"] == [{"value": 999, "count": 1}]
    assert price["top_values"] == [{"value": "1.5", "count": 2}]
    assert (price["numbers"]["minimum"], price["numbers"]["maximum"]) == (0, None)
    assert (price["numbers"]["iqr"]["lower"], price["numbers"]["iqr"]["upper"]) == (None, 9)
    assert (price["timestamps"]["first"], price["timestamps"]["last"]) == ("2024-01-01T00:00:00", None)
    assert city["read_as"] is city["numbers"] is city["ambiguity"] is city["duplicate_of"] is None
    assert price.keys() == city.keys()
    assert body["correlations"] == [{"first": "price", "second": "tax", "coefficient": -0.5}]


async def test_the_recipe_is_passed_on_byte_for_byte(client: httpx.AsyncClient) -> None:
    response = await client.get(f"/dataset/{DATASET_ID}/recipe")
    assert (response.content, response.headers["content-type"]) == (RECIPE, "application/json")


@pytest.mark.parametrize(("name", "etag"), [("profile", '"p1"'), ("recipe", '"r1"')])
async def test_documents_are_sent_once(client: httpx.AsyncClient, name: str, etag: str) -> None:
    path = f"/dataset/{DATASET_ID}/{name}"
    assert (await client.head(path)).headers["etag"] == etag
    unchanged = await client.get(path, headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert (await client.get(path, headers={"If-None-Match": '"x"'})).status_code == 200


async def test_changes_by_the_page(client: httpx.AsyncClient, report: FakeReport) -> None:
    path = f"/dataset/{DATASET_ID}/changes"
    more: dict[str, Any] = {"kind": "restyled", "page_size": 2, "page_token": "t"}
    body = (await client.get(path, params={"column": "km/h ü", "step": 2, **more})).json()
    assert body == {
        "dataset_id": DATASET_ID,
        "changes": [
            {
                "row": 2**53 + 1,
                "column": "price",
                "before": "$1",
                "after": "1",
                "step": 1,
                "rule": "r",
                "confidence": 0.9,
                "kind": "restyled",
            },
            {
                "row": 4,
                "column": "price",
                "before": "",
                "after": None,
                "step": 1,
                "rule": "r",
                "confidence": 0.9,
                "kind": None,
            },
        ],
        "total_changes": 3,
        "next_page_token": "more",
    }
    request = report.pages[0]
    assert (request.column, request.step, request.page_size, request.page_token) == ("km/h ü", 2, 2, "t")
    assert request.kind == report_pb2.CHANGE_KIND_RESTYLED
    assert report.tables == []
    assert (await client.head(path)).status_code == 200
    for query in ("step=-1", "step=x", "kind=new", "format=json"):
        assert_problem(await client.get(f"{path}?{query}"), 422, "INVALID_INPUT")


async def test_rejects(client: httpx.AsyncClient, report: FakeReport) -> None:
    body = (await client.get(f"/dataset/{DATASET_ID}/rejects?page_size=5")).json()
    assert body == {
        "dataset_id": DATASET_ID,
        "rejects": [{"line": 812, "why": "7 fields where the header has 3", "text": "a;b", "is_mended": False}],
        "total_rejects": 1,
        "next_page_token": None,
    }
    assert report.pages[0].page_size == 5


async def test_rows(client: httpx.AsyncClient, report: FakeReport) -> None:
    query = "table=engineered&offset=3&limit=2&columns=a&columns=b&sort=-a&filter=a:ge:1&filter=b:contains:x:y"
    body = (await client.get(f"/dataset/{DATASET_ID}/rows?{query}")).json()
    assert body == {
        "dataset_id": DATASET_ID,
        "table": "engineered",
        "offset": 3,
        "columns": [{"name": name, "type": "string"} for name in "abcd"],
        "rows": [[1, 2.5, "x", None]],
        "total_rows": 7,
        "row_numbers": [],
        "changes": [],
        "next_change": None,
    }
    request = report.pages[0]
    assert (request.table, request.offset, request.limit) == (report_pb2.TABLE_KIND_ENGINEERED, 3, 2)
    assert (list(request.columns), list(request.sort)) == (["a", "b"], ["-a"])
    assert list(request.filter) == ["a:ge:1", "b:contains:x:y"]
    body = (await client.get(f"/dataset/{DATASET_ID}/rows?changes=true")).json()
    assert (body["row_numbers"], body["next_change"]) == ([17], 5)
    assert body["changes"] == [
        {
            "row": 17,
            "column": "c",
            "before": "X",
            "after": "x",
            "step": 2,
            "rule": "spelling",
            "confidence": 0.9,
            "kind": None,
        }
    ]
    for invalid in ("table=changes", "offset=-1", "limit=1001", "order=a"):
        assert_problem(await client.get(f"/dataset/{DATASET_ID}/rows?{invalid}"), 422, "INVALID_INPUT")


@pytest.mark.parametrize("name", ["profile", "recipe", "changes", "rejects", "rows"])
async def test_results_of_no_dataset_and_of_one_that_is_not_ready(client: httpx.AsyncClient, name: str) -> None:
    assert_problem(await client.get(f"/dataset/nothing/{name}"), 404, "DATASET_NOT_FOUND")
    response = await client.get(f"/dataset/{PENDING_ID}/{name}")
    assert_problem(response, 409, "NOT_READY")
    assert response.headers["retry-after"] == "2"


async def test_utility(client: httpx.AsyncClient) -> None:
    body = (await client.get(f"/dataset/{DATASET_ID}/utility")).json()
    score = {"mean": 0.5, "low": 0.25, "high": 0.75}
    assert body == {
        "dataset_id": DATASET_ID,
        "target": "a",
        "metric": "r2",
        "rows": 9,
        "folds": 5,
        "baseline": 0.0,
        "scores": [{"table": "raw", "model": "linear", "score": score}],
        "gain": score,
        "families": [{"family": "fills", "steps": [2], "gain": score}],
    }


async def test_an_export_of_a_recipe(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/dataset/{DATASET_ID}/export", params={"format": "sql", "dialect": "postgres"})
    assert answer.text == "sql postgres 0"
    assert answer.headers["content-type"] == "text/x-python; charset=utf-8"
    assert 'filename="prepare.py"' in answer.headers["content-disposition"]
    assert answer.headers["x-steps-left-out"] == "7"
    assert_problem(await client.get(f"/dataset/{DATASET_ID}/export"), 422, "INVALID_INPUT")
    assert_problem(await client.get(f"/dataset/{DATASET_ID}/export?format=spark"), 422, "INVALID_INPUT")


async def test_a_dry_run_and_a_proposal(client: httpx.AsyncClient) -> None:
    body = {"off": [3], "add": [{"kind": "drop_column"}, {"kind": "flag"}]}
    document = (await client.post(f"/dataset/{DATASET_ID}/recipe/dry-run", json=body)).json()
    assert (document["rows"], document["cells_changed"]) == (2, 1)
    step = document["steps"][0]
    assert step["examples"] == [{"row": 1, "column": "a", "before": "1", "after": None}]
    assert (step["before"]["known"], step["after"]) == (2, None)
    assert (await client.post(f"/dataset/{DATASET_ID}/apply")).json()["status"] == "completed"
    undone = {"cells": [{"row": 0, "column": "a"}]}
    assert_problem(await client.post(f"/dataset/{DATASET_ID}/undo", json=undone), 422, "INVALID_INPUT")


async def test_the_report_in_one_file(client: httpx.AsyncClient) -> None:
    path = f"/dataset/{DATASET_ID}/report.html"
    answer = await client.get(path)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "sandbox allow-scripts" in answer.headers["content-security-policy"]
    assert (await client.get(path, headers={"If-None-Match": answer.headers["etag"]})).status_code == 304
    assert (await client.head(path)).status_code == 200
