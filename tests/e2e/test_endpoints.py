"""Every documented endpoint, over REST and gRPC, with one prepared dataset."""

import csv
import hashlib
import io
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4
from xml.etree import ElementTree

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deploy.local.stack import Stack
from shared.contracts.vocabulary import ChartKind
from tests.e2e.user import User
from worker_service.core.recipe.apply import apply
from worker_service.core.recipe.ledger import undo
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.table.frame import Frame

ROOT = Path(__file__).parents[2]
SAMPLE_CSV = (ROOT / "sample_dataset.csv").read_bytes()


@pytest.fixture(scope="module")
def dataset(user: User) -> str:
    return user.prepare(SAMPLE_CSV, "sample_dataset.csv", user_id="ada", collaboration_id="team", mode="deep")


def test_the_answer_to_an_upload(user: User) -> None:
    response = user.upload(SAMPLE_CSV, "customers.v2.csv")
    assert response.json() == {
        "dataset_id": response.json()["dataset_id"],
        "rows": 600,
        "columns": 16,
        "status": "uploaded",
        "mode": "fast",
        "database_name": "customers.v2",
    }
    user.wait(response.json()["dataset_id"])


def test_status_and_lists(user: User, dataset: str) -> None:
    status = user.get(f"/dataset/{dataset}/status")
    assert status["status"] == "completed"
    assert status["database_name"] == "sample_dataset"
    assert "100 %" in status["progress_info"]
    assert status["started_at"] <= status["finished_at"]
    for route in ("/datasets", "/datasets/status"):
        listed = user.get(route, user_id="ada", collaboration_id="team")["datasets"]
        assert dataset in {entry["dataset_id"] for entry in listed}
        assert user.get(route, user_id="nobody")["datasets"] == []


def test_raw_is_what_was_uploaded(user: User, dataset: str) -> None:
    response = user.client.get(f"/dataset/{dataset}/raw")
    assert response.content == SAMPLE_CSV
    part = user.client.get(f"/dataset/{dataset}/raw", headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, SAMPLE_CSV[10:20])
    same = user.client.get(f"/dataset/{dataset}/raw", headers={"if-none-match": response.headers["etag"]})
    assert same.status_code == 304


def test_cleaned_and_engineered_tables(user: User, dataset: str) -> None:
    raw = pd.read_csv(io.BytesIO(SAMPLE_CSV), dtype=str, keep_default_na=False)
    cleaned = pd.read_parquet(io.BytesIO(download_table(user, dataset, "cleaned", "parquet")))
    engineered = pd.read_parquet(io.BytesIO(download_table(user, dataset, "engineered", "parquet")))
    as_csv = pd.read_csv(io.BytesIO(download_table(user, dataset, "cleaned", "csv")), dtype=str)
    assert len(cleaned) == len(engineered) == len(as_csv) == 600
    assert list(as_csv.columns) == list(cleaned.columns)
    assert list(cleaned.columns) == list(raw.columns)
    assert "fax" not in engineered.columns
    assert cleaned["zip"].tolist() == raw["zip"].tolist()
    assert cleaned["churned"].tolist() == engineered["churned"].tolist() == raw["churned"].tolist()
    assert cleaned["age"].notna().all()
    features = engineered.drop(columns="churned")
    assert "customer_id" not in features and "currency" not in features
    assert np.isfinite(features.to_numpy(dtype=float)).all()


def test_undoing_every_change_gives_the_upload_back(user: User, dataset: str) -> None:
    changes = pq.read_table(io.BytesIO(download_table(user, dataset, "changes", "parquet")))
    cleaned = pq.read_table(io.BytesIO(download_table(user, dataset, "cleaned", "parquet")))
    rows = list(csv.reader(io.StringIO(SAMPLE_CSV.decode())))
    undone = undo(changes, cleaned)
    assert undone.column_names == rows[0]
    assert [[cell or "" for cell in row.values()] for row in undone.to_pylist()] == rows[1:]
    as_csv = pd.read_csv(io.BytesIO(download_table(user, dataset, "changes", "csv")))
    assert list(as_csv.columns) == ["row", "column", "before", "after", "step", "rule", "confidence", "kind"]
    assert len(as_csv) == changes.num_rows


def test_changes_by_the_page_are_those_of_the_file(user: User, dataset: str) -> None:
    path = f"/dataset/{dataset}/changes"
    expected = pq.read_table(io.BytesIO(download_table(user, dataset, "changes", "parquet"))).to_pylist()
    listed, token = list[dict[str, object]](), ""
    while token is not None:
        page = user.get(path, page_size=1000, page_token=token)
        listed, token = [*listed, *page["changes"]], page["next_page_token"]
    assert listed == expected
    column = expected[0]["column"]
    of_column = user.get(path, column=column)
    assert of_column["total_changes"] == sum(change["column"] == column for change in expected)
    assert {change["column"] for change in of_column["changes"]} == {column}


def test_the_recipe_can_be_carried_out_again(user: User, dataset: str) -> None:
    recipe = Recipe.model_validate_json(user.client.get(f"/dataset/{dataset}/recipe").content)
    rows = list(csv.reader(io.StringIO(SAMPLE_CSV.decode())))
    decoded = pa.table([[cell or None for cell in cells] for cells in zip(*rows[1:], strict=True)], names=rows[0])
    cleaned = pq.read_table(io.BytesIO(download_table(user, dataset, "cleaned", "parquet")))
    assert apply(recipe, Frame.from_table(decoded)).cleaned.to_table().equals(cleaned)


def test_the_profile_tells_what_the_table_is_like(user: User, dataset: str) -> None:
    profile = user.get(f"/dataset/{dataset}/profile")
    assert (profile["rows"], len(profile["columns"])) == (600, 16)
    assert 50 < profile["quality"]["score"] < 100
    assert all(alert["why"].endswith(".") for alert in profile["alerts"])
    assert {"missing_values", "constant", "identifier"} <= {alert["kind"] for alert in profile["alerts"]}
    assert user.get(f"/dataset/{dataset}/rejects")["total_rejects"] == 0


def download_table(user: User, dataset: str, table: str, table_format: str) -> bytes:
    response = user.client.get(f"/dataset/{dataset}/{table}", params={"format": table_format})
    assert response.status_code == 200, response.text
    return response.content


def test_every_chart_in_every_format(user: User, dataset: str) -> None:
    graphs = user.get(f"/dataset/{dataset}/eda/graphs")["graphs"]
    kinds = {graph["kind"] for graph in graphs}
    assert kinds == set(get_args(ChartKind))
    graph_of_each_kind = {graph["kind"]: graph for graph in graphs}.values()
    for graph in graph_of_each_kind:
        assert user.client.get(graph["url"]).content.startswith(b"\x89PNG")
        svg = user.client.get(graph["url"], params={"format": "svg"})
        ElementTree.fromstring(svg.content)
        assert svg.headers["content-type"].startswith("image/svg+xml")
        json.loads(user.client.get(graph["url"], params={"format": "json"}).content)


def test_features_tell_their_sources(user: User, dataset: str) -> None:
    features = user.get(f"/dataset/{dataset}/features")
    assert features["target"]["column"] == "churned"
    assert features["target"]["why"]
    assert {feature["name"] for feature in features["input_features"]} == set(
        SAMPLE_CSV.decode().split("\n")[0].strip().split(",")
    )
    engineered = pd.read_parquet(io.BytesIO(download_table(user, dataset, "engineered", "parquet")))
    assert {feature["name"] for feature in features["output_features"]} == set(engineered.columns)
    assert all(feature["sources"] and feature["why"] for feature in features["output_features"])


@pytest.mark.parametrize("log", ["cleaning", "outliers", "features"])
def test_logs_give_a_reason_for_every_step(user: User, dataset: str, log: str) -> None:
    lines = user.get(f"/dataset/{dataset}/logs/{log}")["logs"]
    assert lines
    for line in lines:
        assert line["state"] in {"applied", "skipped", "flagged"}
        assert line["why"].endswith(".")
    paged, token = [], ""
    while True:
        page = user.get(f"/dataset/{dataset}/logs/{log}", page_size=2, page_token=token)
        paged += page["logs"]
        if not (token := page["next_page_token"]):
            break
    assert paged == lines


def test_the_report_of_deep_mode(user: User, dataset: str) -> None:
    report = user.get(f"/dataset/{dataset}/report")
    assert report["mode"] == "deep"
    assert all(report[part] for part in ("reasoning", "summary", "recommendations", "created_at"))
    other = user.prepare(SAMPLE_CSV, "fast.csv")
    refused = user.client.get(f"/dataset/{other}/report")
    assert refused.status_code == 409
    assert "deep" in refused.json()["detail"]


def test_collaborations(user: User, dataset: str) -> None:
    graphs = user.get("/collaboration/team/graphs")["graphs"]
    assert {graph["dataset_id"] for graph in graphs} == {dataset}
    cleaned = user.get("/collaboration/team/datasets/cleaned")["datasets"]
    assert [(entry["dataset_id"], entry["database_name"], entry["rows"]) for entry in cleaned] == [
        (dataset, "sample_dataset", 600)
    ]
    assert user.get("/collaboration/nobody/graphs")["graphs"] == []


@pytest.mark.parametrize("strategy", ["cap", "remove", "median"])
@pytest.mark.parametrize("method", ["iqr", "zscore"])
def test_outlier_options(user: User, method: str, strategy: str) -> None:
    rows = "".join(f"{n % 7 + n / 1000:.3f},{n}\n" for n in range(300))
    content = ("v,k\n" + rows + "900,x\n").encode()
    dataset = user.prepare(content, outlier_method=method, outlier_strategy=strategy)
    (line,) = [line for line in user.get(f"/dataset/{dataset}/logs/outliers")["logs"] if line["column"] == "v"]
    assert (line["method"], line["strategy"], line["outliers"]) == (method, strategy, 1)
    values = pd.read_parquet(io.BytesIO(download_table(user, dataset, "cleaned", "parquet")))["v"]
    assert values.max() < 900
    assert len(values) == (300 if strategy == "remove" else 301)


def test_json_datasets(user: User) -> None:
    records = [{"id": n, "height": 150 + n % 50, "colour": ["red", "blue"][n % 2]} for n in range(100)]
    dataset = user.prepare(json.dumps(records).encode(), "people.json")
    assert user.get(f"/dataset/{dataset}/status")["columns"] == 3
    assert user.client.get(f"/dataset/{dataset}/raw").headers["content-type"].startswith("application/json")


def test_the_open_pages(user: User) -> None:
    assert user.get("/health")["status"] == "ok"
    for page in ("/", "/docs", "/redoc"):
        response = user.client.get(page, headers={"accept": "text/html"}, follow_redirects=True)
        assert response.status_code == 200
        assert "text/html" in response.headers["content-type"]
        assert "cdn." not in response.text
    assert "/dataset/upload" in user.get("/openapi.json")["paths"]


@pytest.mark.parametrize(
    ("port", "service", "method", "request_json"),
    [
        ("ingest_port", "neuralearn.ingest.v1.IngestService", "ListDatasets", '{"page_size": 1}'),
        ("pipeline_port", "neuralearn.pipeline.v1.PipelineService", "ListQueues", "{}"),
        ("report_port", "neuralearn.report.v1.ReportService", "ListCleanedDatasets", '{"collaboration_id": "team"}'),
    ],
)
def test_reflection_and_health_over_grpc(stack: Stack, port: str, service: str, method: str, request_json: str) -> None:
    address = f"http://127.0.0.1:{getattr(stack.settings, port)}"
    assert service in buf_curl("--list-methods", address)
    json.loads(buf_curl("-d", request_json, f"{address}/{service}/{method}"))
    health = buf_curl("-d", json.dumps({"service": service}), f"{address}/grpc.health.v1.Health/Check")
    assert json.loads(health) == {"status": "SERVING"}


def buf_curl(*arguments: str) -> str:
    command = [
        str(Path(sys.executable).parent / "buf"),
        "curl",
        "--protocol",
        "grpc",
        "--http2-prior-knowledge",
        *arguments,
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30, cwd="/").stdout


def test_upload_over_buf_curl(stack: Stack) -> None:
    import base64

    parts = [
        {"header": {"filename": "curl.csv"}},
        {"chunk": base64.b64encode(SAMPLE_CSV).decode()},
        {"commit": {"size_bytes": len(SAMPLE_CSV), "sha256": hashlib.sha256(SAMPLE_CSV).hexdigest()}},
    ]
    address = f"http://127.0.0.1:{stack.settings.ingest_port}/neuralearn.ingest.v1.IngestService/UploadDataset"
    response = json.loads(buf_curl("-d", "".join(json.dumps(part) for part in parts), address))
    assert response["dataset"]["databaseName"] == "curl"


def test_an_unreachable_dataset_url(user: User) -> None:
    response = user.client.post("/dataset/upload", data={"dataset_url": "http://127.0.0.1:9/x.csv"})
    assert response.status_code == 422
    assert response.json()["reason"] == "INVALID_DATASET_URL"


def test_not_ready_yet(user: User) -> None:
    rows = "".join(f"{n},{n * 1.5},{n % 9}\n" for n in range(90_000))
    dataset_id = user.upload(("a,b,c\n" + rows).encode()).json()["dataset_id"]
    response = user.client.get(f"/dataset/{dataset_id}/cleaned")
    if response.status_code != 200:
        assert response.status_code == 409
        assert response.json()["reason"] == "NOT_READY"
        assert int(response.headers["retry-after"]) >= 1
    user.wait(dataset_id)
    assert isinstance(user.client.get(f"/dataset/{dataset_id}/cleaned"), httpx.Response)


def test_a_preparation_is_called_off_tried_again_and_removed(user: User) -> None:
    random = np.random.default_rng(1)
    rows = random.normal(0, 1, (40_000, 40)).round(3)
    content = "\n".join([",".join(f"c{n}" for n in range(40)), *(",".join(map(str, row)) for row in rows)]).encode()
    dataset = user.upload(content).json()["dataset_id"]
    while user.get(f"/dataset/{dataset}/status")["status"] == "uploaded":
        time.sleep(0.02)
    response = user.client.post(f"/dataset/{dataset}/cancel")
    assert response.json()["status"] == "cancelled", response.text
    assert user.client.get(f"/dataset/{dataset}/cleaned").json()["reason"] == "RUN_CANCELLED"
    assert user.client.post(f"/dataset/{dataset}/retry").status_code == 200
    assert user.wait(dataset)["status"] == "completed"
    ended = user.client.post(f"/dataset/{dataset}/cancel")
    assert (ended.status_code, ended.json()["reason"]) == (409, "RUN_HAS_ENDED")
    assert user.client.delete(f"/dataset/{dataset}").status_code == 204
    assert user.client.get(f"/dataset/{dataset}/status").status_code == 404
    assert user.client.get(f"/dataset/{dataset}/cleaned").status_code == 404
    assert user.client.delete(f"/dataset/{dataset}").status_code == 404


def test_a_dataset_is_prepared_again_with_other_options(user: User) -> None:
    content = b"id,city,size\n" + b"".join(
        b"%d,%s,%d\n" % (n, [b"Oslo", b"Rome"][n % 2], n * 7 % 50) for n in range(80)
    )
    dataset = user.upload(content).json()["dataset_id"]
    assert user.wait(dataset)["status"] == "completed"
    path = f"/dataset/{dataset}/prepare"
    assert "city" in csv_header(user, dataset)
    for body, field in (({"drop": ["town"]}, "roles"), ({"fil": "all"}, "fil"), ({"delimiter": ";"}, "delimiter")):
        refused = user.client.post(path, json=body)
        assert refused.status_code == 422, refused.text
        assert refused.json()["errors"][0]["field"] == field, refused.text
    answer = user.client.post(path, json={"drop": ["CITY"], "target": "size"})
    assert (answer.status_code, answer.json()["status"]) == (200, "uploaded")
    # The result before is there all the time.
    assert csv_header(user, dataset) in (["id", "city", "size"], ["id", "size"])
    assert user.wait(dataset)["status"] == "completed"
    assert csv_header(user, dataset) == ["id", "size"]
    assert user.get(f"/dataset/{dataset}/features")["target"]["column"] == "size"
    steps = user.get(f"/dataset/{dataset}/logs/cleaning")["logs"]
    assert sum(step["rule"] == "role" for step in steps) == 1
    assert user.client.post(path).status_code == 200
    assert user.wait(dataset)["status"] == "completed"
    assert csv_header(user, dataset) == ["id", "city", "size"]


def csv_header(user: User, dataset: str) -> list[str]:
    return next(csv.reader(download_table(user, dataset, "cleaned", "csv").decode().splitlines()))


def read_events(user: User, dataset: str, after: int = 0) -> list[tuple[int, dict[str, Any]]]:
    """Return the sequence number and the data of every event until the stream ends."""
    events: list[tuple[int, dict[str, Any]]] = []
    with user.client.stream("GET", f"/dataset/{dataset}/events", headers={"Last-Event-ID": str(after)}) as response:
        if response.status_code == 204:
            return events
        assert response.headers["content-type"].startswith("text/event-stream")
        sequence = 0
        for line in response.iter_lines():
            if line.startswith("id: "):
                sequence = int(line.removeprefix("id: "))
            if line.startswith("data: "):
                events.append((sequence, json.loads(line.removeprefix("data: "))))
    return events


def test_events_tell_everything_once_and_resume_without_a_gap(user: User) -> None:
    dataset = user.upload(SAMPLE_CSV, "sample_dataset.csv").json()["dataset_id"]
    events = read_events(user, dataset)
    sequences = [sequence for sequence, _ in events]
    assert sequences == sorted(set(sequences))
    assert events[0][1]["status"] == "uploaded"
    assert events[0][1]["queue_position"] is None or events[0][1]["queue_position"] >= 0
    assert events[-1][1] | {"created_at": None} == {
        "status": "completed",
        "stage": "completed",
        "progress": 100,
        "queue_position": None,
        "eta_seconds": None,
        "created_at": None,
        "attempt": 1,
        "error": None,
    }
    past = {"queue_position": None, "eta_seconds": None}
    assert read_events(user, dataset) == [(sequence, event | past) for sequence, event in events]
    middle = sequences[len(sequences) // 2]
    later = [sequence for sequence in sequences if sequence > middle]
    assert [sequence for sequence, _ in read_events(user, dataset, after=middle)] == later
    assert read_events(user, dataset, after=sequences[-1]) == []
    assert user.client.get(f"/dataset/{uuid4()}/events").status_code == 404
