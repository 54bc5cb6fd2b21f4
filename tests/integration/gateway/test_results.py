"""Charts, features, logs and reports as JSON."""

import httpx
import pytest

from tests.fakes.services import DATASET_ID, GRAPH_ID, SVG, FakeIngest, FakeReport
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
        "graphs": f"{root}/eda/graphs",
        "features": f"{root}/features",
        "report": f"{root}/report",
        "logs": {name: f"{root}/logs/{name}" for name in ("cleaning", "outliers", "features")},
    }
    assert body["created_at"] == "2026-11-23T15:59:12.531000Z"
    assert (body["status"], body["mode"], body["progress"], body["stage"]) == ("completed", "deep", 100, "publishing")
    assert (body["outlier_method"], body["outlier_strategy"]) == ("zscore", "median")
    assert body["parse_plan"] == {"format": "csv", "encoding": "utf-8", "delimiter": ",", "notes": ["renamed a"]}
    assert body["error"] is None and body["source_url"] is None


@pytest.mark.parametrize("path", ["/datasets", "/datasets/status"])
async def test_lists_of_datasets(client: httpx.AsyncClient, ingest: FakeIngest, path: str) -> None:
    first = (await client.get(path, params={"user_id": "ada", "collaboration_id": "team-7", "page_size": 1})).json()
    assert first["next_page_token"] == "second"
    asked = ingest.lists[0]
    assert (asked.user_id, asked.collaboration_id, asked.page_size) == ("ada", "team-7", 1)
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
                "type": "histogram",
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


async def test_a_graph_in_every_format(client: httpx.AsyncClient) -> None:
    path = f"/dataset/{DATASET_ID}/graph/{GRAPH_ID}"
    png, svg, data = [await client.get(path, params={"format": one}) for one in ("png", "svg", "json")]
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
    assert body["target"] == {"column": None, "confidence": 0, "reason": "no column looks like one"}


async def test_logs(client: httpx.AsyncClient) -> None:
    cleaning, outliers, features = [
        (await client.get(f"/dataset/{DATASET_ID}/logs/{name}")).json() for name in ("cleaning", "outliers", "features")
    ]
    (line,) = cleaning["logs"]
    assert line["parameters"] == {"limit": None, "names": ["a", None], "on": True, "share": 0.5, "value": 42}
    assert (line["status"], line["column"], cleaning["next_page_token"]) == ("applied", "price", "more")
    (line,) = outliers["logs"]
    assert (line["status"], line["lower_fence"], line["upper_fence"]) == ("skipped", 0, None)
    (line,) = features["logs"]
    assert (line["status"], line["outputs"], line["created_at"]) == ("flagged", ["city=Oslo"], None)


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
