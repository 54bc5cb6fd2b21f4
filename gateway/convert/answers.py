"""Answers of the services as JSON models, where more than the fields of the same names is needed; pure."""

from urllib.parse import quote

from gateway.convert.to_model import to_model
from gateway.schemas import datasets as schemas
from gateway.schemas.results import CleanedDataset, CleaningReport, Graph
from shared.contracts.vocabulary import dataset_state
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2 as pipeline
from shared.pb.neuralearn.report.v1 import report_pb2 as report
from shared.rpc.messages import enum_word


def dataset_status(dataset: common.Dataset) -> schemas.DatasetStatus:
    """Return a dataset and where its preparation stands, with links to everything about it."""
    has_drift = bool(dataset.recipe_of or dataset.recipe or dataset.split)
    links = _links(dataset.dataset_id, has_report=dataset.mode == common.MODE_DEEP, has_drift=has_drift)
    return to_model(dataset, schemas.DatasetStatus, links=links)


def run_event(event: pipeline.RunEvent) -> schemas.RunEvent:
    """Return an event with the state of the dataset, as its status has it too."""
    run_state = enum_word(pipeline.RunState.DESCRIPTOR, event.state)
    return to_model(event, schemas.RunEvent, status=dataset_state(run_state, event.attempt))  # type: ignore[arg-type]


def graph(message: report.Graph) -> Graph:
    """Return a chart with its address."""
    url = f"/dataset/{message.dataset_id}/graph/{quote(message.graph_id, safe='')}"
    return to_model(message, Graph, url=url)


def cleaned_dataset(message: report.CleanedDataset) -> CleanedDataset:
    """Return a prepared dataset with the address of its cleaned table."""
    return to_model(message, CleanedDataset, url=f"/dataset/{message.dataset_id}/cleaned")


def report_document(report: CleaningReport) -> str:
    """Return the report as one Markdown document."""
    author = f"Written by {report.author}." if report.author != "template" else "Written from the evidence alone."
    parts = (
        f"# Report on dataset {report.dataset_id}",
        author,
        report.summary,
        report.recommendations,
        report.reasoning,
    )
    return "\n\n".join(parts) + "\n"


def status_path(dataset_id: str) -> str:
    """Return where the status of a dataset is."""
    return f"/dataset/{dataset_id}/status"


def _links(dataset_id: str, *, has_report: bool, has_drift: bool) -> schemas.DatasetLinks:
    root = f"/dataset/{dataset_id}"
    return schemas.DatasetLinks(
        self=status_path(dataset_id),
        raw=f"{root}/raw",
        cleaned=f"{root}/cleaned",
        engineered=f"{root}/engineered",
        changes=f"{root}/changes",
        rows=f"{root}/rows",
        rejects=f"{root}/rejects",
        profile=f"{root}/profile",
        recipe=f"{root}/recipe",
        drift=f"{root}/drift" if has_drift else None,
        graphs=f"{root}/eda/graphs",
        features=f"{root}/features",
        utility=f"{root}/utility",
        report=f"{root}/report" if has_report else None,
        logs=schemas.LogLinks(
            cleaning=f"{root}/logs/cleaning", outliers=f"{root}/logs/outliers", features=f"{root}/logs/features"
        ),
    )
