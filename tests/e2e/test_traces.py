"""One trace from a REST request to the publication of its result, at a collector and in the logs."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.local.stack import Stack
from tests.e2e.user import User
from tests.fakes.collector import CollectedSpan, Collector, running_collector

CLIENT_TRACE = "0af7651916cd43dd8448eb211c80319c"
CLIENT_SPAN = "b7ad6b7169203331"
SECRET_CELL = "canary-7301"


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory, clean_environment: None) -> Iterator[tuple[Collector, str, Path]]:
    """Run a stack with a collector, prepare one dataset, fail one and cancel one; all spans are out at the end."""
    directory = tmp_path_factory.mktemp("traced")
    failpoints = directory / "failpoints"
    failpoints.mkdir()
    with running_collector() as collector:
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "x-collector-key=s%20ecret",
            "FAILPOINTS": str(failpoints),
            "LEASE_SECONDS": "2",
            "HEARTBEAT_SECONDS": "0.5",
            "RECONCILE_SECONDS": "0.5",
            "LOG_FORMAT": "json",
        }
        with (
            Stack(directory / "stack", ports="free", env_overrides=environment) as stack,
            httpx.Client(base_url=stack.gateway_url, timeout=60) as client,
        ):
            user = User(client)
            (failpoints / "storing").write_text("kill")
            rows = "".join(f"{number},{SECRET_CELL},{number % 7}\n" for number in range(200))
            answer = client.post(
                "/dataset/upload",
                files={"file": ("people.csv", f"id,note,score\n{rows}".encode())},
                headers={"traceparent": f"00-{CLIENT_TRACE}-{CLIENT_SPAN}-01"},
            )
            dataset_id = answer.json()["dataset_id"]
            assert user.wait(dataset_id)["status"] == "completed"
            assert client.get(f"/dataset/{dataset_id}/cleaned").status_code == 200
            assert client.get("/dataset/00000000-0000-4000-8000-000000000000/status").status_code == 404
        yield collector, dataset_id, directory / "stack"


def named(spans: list[CollectedSpan], service: str, name: str) -> list[CollectedSpan]:
    return [span for span in spans if (span.service, span.name) == (service, name)]


def test_one_trace_from_the_request_to_the_publication(traced: tuple[Collector, str, Path]) -> None:
    collector, _, _ = traced
    spans = collector.trace(CLIENT_TRACE)
    by_id = {span.span_id: span for span in spans}

    def path_of(span: CollectedSpan) -> list[str]:
        parents = path_of(by_id[span.parent_id]) if span.parent_id != CLIENT_SPAN else []
        return [*parents, f"{span.service}: {span.name}"]

    upload = ["gateway: POST /dataset/upload"]
    upload += [f"{process}: neuralearn.ingest.v1.IngestService/UploadDataset" for process in ("gateway", "ingest")]
    start = [f"{process}: neuralearn.pipeline.v1.PipelineService/StartRun" for process in ("ingest", "pipeline")]
    paths = [path_of(span) for span in spans]
    assert [*upload, *start] in paths
    assert [*upload, "worker-eda_fast: wait in eda_fast"] in paths
    for stage in ("loading", "profiling", "applying", "charting", "writing", "publishing"):
        assert [*upload, "worker-eda_fast: run in eda_fast", f"worker-eda_fast: {stage}"] in paths


def test_each_attempt_is_a_span_with_its_stages(traced: tuple[Collector, str, Path]) -> None:
    collector, _, _ = traced
    spans = collector.trace(CLIENT_TRACE)
    # A worker that was killed sends nothing of its attempt.
    (run,) = named(spans, "worker-eda_fast", "run in eda_fast")
    assert run.attributes["neuralearn.attempt"] == 2
    assert run.attributes["neuralearn.outcome"] == "completed"
    stages = [span for span in spans if span.parent_id == run.span_id]
    assert (stages[0].name, stages[-1].name) == ("loading", "publishing")
    assert sum(stage.seconds for stage in stages) == pytest.approx(run.seconds, abs=0.5)


def test_a_request_without_a_trace_begins_one(traced: tuple[Collector, str, Path]) -> None:
    collector, _, _ = traced
    (download,) = named(collector.spans, "gateway", "GET /dataset/{dataset_id}/cleaned")
    assert download.parent_id == ""
    assert download.trace_id != CLIENT_TRACE
    assert {"gateway", "report"} <= {span.service for span in collector.trace(download.trace_id)}
    (unknown,) = [span for span in collector.spans if span.attributes.get("http.response.status_code") == 404]
    assert not unknown.is_error
    (refused,) = [span for span in collector.trace(unknown.trace_id) if span.service == "ingest"]
    assert refused.attributes["rpc.response.status_code"] == "NOT_FOUND"
    assert not refused.is_error


def test_probes_are_no_traces_and_data_is_in_none(traced: tuple[Collector, str, Path]) -> None:
    collector, _, _ = traced
    assert not [span.name for span in collector.spans if "health" in span.name.lower()]
    assert not [span.text for span in collector.spans if SECRET_CELL in span.text or "people.csv" in span.text]
    assert {headers["x-collector-key"] for headers in collector.headers} == {"s ecret"}


def test_log_lines_have_the_ids(traced: tuple[Collector, str, Path]) -> None:
    _, _, directory = traced
    lines = [
        json.loads(line)
        for path in directory.rglob("*.log")
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("{")
    ]
    of_trace = [line for line in lines if line.get("trace_id") == CLIENT_TRACE]
    assert {"gateway", "ingest", "pipeline", "worker-eda_fast"} <= {line["service"] for line in of_trace}
    (request_id,) = {line["request_id"] for line in of_trace if line["service"] in ("gateway", "ingest", "pipeline")}
    assert request_id
    completed = next(line for line in of_trace if line["event"] == "run completed")
    assert completed["run_id"]
