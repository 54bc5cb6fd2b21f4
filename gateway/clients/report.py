"""ReportService, in the gateway's terms."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import grpc

from gateway.clients.calls import Page, call, metadata
from gateway.convert.answers import cleaned_dataset, graph
from gateway.convert.to_model import plain_values, to_model
from gateway.schemas.profile import Profile
from gateway.schemas.results import (
    ChangePage,
    CleanedDatasetPage,
    CleaningLogPage,
    CleaningReport,
    CollaborationGraphPage,
    FeatureLogPage,
    Features,
    GraphPage,
    OutlierLogPage,
    RejectPage,
    RowsPage,
    RowsTable,
)
from gateway.schemas.versions import DifferencePage, VersionPage
from shared.contracts.vocabulary import ChangeKind, Charset, TableFormat, TableStyle
from shared.pb.neuralearn.report.v1 import report_pb2 as pb
from shared.pb.neuralearn.report.v1 import report_pb2_grpc as rpc
from shared.rpc.channel import RENDER_SECONDS, TRANSFER_SECONDS
from shared.rpc.messages import to_message
from shared.rpc.status import service_errors

TableName = Literal["raw", "cleaned", "engineered", "changes"]
GraphFormat = Literal["png", "svg", "json"]


@dataclass(frozen=True)
class TableRef:
    """A table in a format; None for the raw one, which has only its own."""

    dataset_id: str
    table: TableName
    format: TableFormat | None
    style: TableStyle | None = None
    safe_csv: bool | None = None
    charset: Charset | None = None
    row_id: bool = False
    version: int = 0


@dataclass(frozen=True)
class RowsRequest:
    """Which rows and columns of a table are asked for."""

    dataset_id: str
    table: RowsTable
    offset: int
    limit: int
    columns: Sequence[str]
    sort: Sequence[str]
    filter: Sequence[str]
    changes: bool = False
    version: int = 0


@dataclass(frozen=True)
class TableInfo:
    """A table before its bytes are fetched."""

    size_bytes: int
    etag: str
    media_type: str
    filename: str
    download_url: str


@dataclass(frozen=True)
class Rendering:
    """A rendered chart, or another document that is passed on as it is."""

    content: bytes
    media_type: str
    etag: str


class ReportClient:
    """Reads everything about a prepared dataset."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = rpc.ReportServiceStub(channel)

    async def table(self, table: TableRef) -> TableInfo:
        """Describe a table, rendering it where that has not been done."""
        answer = await call(self._stub.GetTable, to_message(table, pb.GetTableRequest), timeout=RENDER_SECONDS)
        return TableInfo(
            size_bytes=answer.size_bytes,
            etag=answer.etag,
            media_type=answer.media_type,
            filename=answer.filename,
            download_url=answer.download_url,
        )

    def table_bytes(self, table: TableRef, *, offset: int, length: int) -> AsyncIterator[bytes]:
        """Yield the bytes of a table; the call ends with the iteration."""
        request = to_message(table, pb.DownloadTableRequest, offset=offset, length=length)
        return _chunks(self._stub.DownloadTable(request, timeout=TRANSFER_SECONDS, metadata=metadata()))

    async def graphs(self, dataset_id: str, version: int, page: Page) -> GraphPage:
        """Return a page of a dataset's charts."""
        request = pb.ListGraphsRequest(
            dataset_id=dataset_id, version=version, page_size=page.size, page_token=page.token
        )
        answer = await call(self._stub.ListGraphs, request)
        return to_model(answer, GraphPage, graphs=[graph(message) for message in answer.graphs])

    async def graph(self, dataset_id: str, graph_id: str, version: int, format: GraphFormat) -> Rendering:
        """Return one chart, rendered."""
        fields = {"dataset_id": dataset_id, "graph_id": graph_id, "version": version, "format": format}
        request = to_message(fields, pb.GetGraphRequest)
        answer = await call(self._stub.GetGraph, request, timeout=RENDER_SECONDS)
        return Rendering(content=answer.content, media_type=answer.media_type, etag=answer.etag)

    async def html_report(self, dataset_id: str, version: int) -> Rendering:
        """Return a report in one HTML file."""
        request = pb.GetHtmlReportRequest(dataset_id=dataset_id, version=version)
        answer = await call(self._stub.GetHtmlReport, request, timeout=RENDER_SECONDS)
        return Rendering(content=answer.content, media_type="text/html; charset=utf-8", etag=answer.etag)

    def graphs_zip(self, dataset_id: str, version: int, format: GraphFormat) -> AsyncIterator[bytes]:
        """Yield the bytes of an archive of all charts; the call ends with the iteration."""
        fields = {"dataset_id": dataset_id, "version": version, "format": format}
        request = to_message(fields, pb.DownloadGraphsRequest)
        return _chunks(self._stub.DownloadGraphs(request, timeout=TRANSFER_SECONDS, metadata=metadata()))

    async def profile(self, dataset_id: str, version: int) -> Rendering:
        """Return what is known about the uploaded table, as JSON."""
        answer = await call(self._stub.GetProfile, pb.GetProfileRequest(dataset_id=dataset_id, version=version))
        profile = to_model(answer.profile, Profile, dataset_id=dataset_id)
        return Rendering(profile.model_dump_json().encode(), "application/json", answer.etag)

    async def recipe(self, dataset_id: str, version: int) -> Rendering:
        """Return the steps of the preparation, as they were stored."""
        answer = await call(self._stub.GetRecipe, pb.GetRecipeRequest(dataset_id=dataset_id, version=version))
        return Rendering(content=answer.content, media_type=answer.media_type, etag=answer.etag)

    async def drift(self, dataset_id: str, version: int) -> Rendering:
        """Return how the table differs from that of the recipe that was repeated on it, as JSON."""
        answer = await call(self._stub.GetDrift, pb.GetDriftRequest(dataset_id=dataset_id, version=version))
        return Rendering(content=answer.content, media_type=answer.media_type, etag=answer.etag)

    async def versions(self, dataset_id: str, page: Page) -> VersionPage:
        """Return a page of the versions of a dataset."""
        request = pb.ListVersionsRequest(dataset_id=dataset_id, page_size=page.size, page_token=page.token)
        answer = await call(self._stub.ListVersions, request)
        return to_model(answer, VersionPage, dataset_id=dataset_id)

    async def differences(
        self, dataset_id: str, *, versions: tuple[int, int], of: str, column: str, page: Page
    ) -> DifferencePage:
        """Return a page of the cells in which two versions differ, the first perhaps of another dataset."""
        request = pb.ListDifferencesRequest(
            dataset_id=dataset_id,
            from_version=versions[0],
            to_version=versions[1],
            from_dataset_id=of,
            column=column,
            page_size=page.size,
            page_token=page.token,
        )
        answer = await call(self._stub.ListDifferences, request, timeout=RENDER_SECONDS)
        return to_model(answer, DifferencePage, dataset_id=dataset_id)

    async def changes(
        self, dataset_id: str, *, column: str, step: int, kind: ChangeKind | None, version: int, page: Page
    ) -> ChangePage:
        """Return a page of the ledger; an empty column, step 0 and no kind mean all."""
        filters = {"dataset_id": dataset_id, "column": column, "step": step, "kind": kind, "version": version}
        request = to_message(filters, pb.ListChangesRequest, page_size=page.size, page_token=page.token)
        answer = await call(self._stub.ListChanges, request, timeout=RENDER_SECONDS)
        return to_model(answer, ChangePage, dataset_id=dataset_id)

    async def rejects(self, dataset_id: str, page: Page) -> RejectPage:
        """Return a page of the lines that could not be read."""
        request = pb.ListRejectsRequest(dataset_id=dataset_id, page_size=page.size, page_token=page.token)
        answer = await call(self._stub.ListRejects, request, timeout=RENDER_SECONDS)
        return to_model(answer, RejectPage, dataset_id=dataset_id)

    async def rows(self, query: RowsRequest) -> RowsPage:
        """Return rows of a table as values."""
        answer = await call(self._stub.QueryRows, to_message(query, pb.QueryRowsRequest), timeout=RENDER_SECONDS)
        given = {"dataset_id": query.dataset_id, "table": query.table, "offset": query.offset}
        return to_model(answer, RowsPage, rows=[plain_values(row) for row in answer.rows], **given)

    async def features(self, dataset_id: str, version: int) -> Features:
        """Return the features a model gets and the columns they come from."""
        answer = await call(self._stub.GetFeatures, pb.GetFeaturesRequest(dataset_id=dataset_id, version=version))
        return to_model(answer, Features, dataset_id=dataset_id)

    async def cleaning_log(self, dataset_id: str, version: int, page: Page) -> CleaningLogPage:
        """Return a page of the cleaning log."""
        request = pb.ListCleaningLogsRequest(
            dataset_id=dataset_id, version=version, page_size=page.size, page_token=page.token
        )
        answer = await call(self._stub.ListCleaningLogs, request)
        return to_model(answer, CleaningLogPage, dataset_id=dataset_id)

    async def outlier_log(self, dataset_id: str, version: int, page: Page) -> OutlierLogPage:
        """Return a page of the outlier log."""
        request = pb.ListOutlierLogsRequest(
            dataset_id=dataset_id, version=version, page_size=page.size, page_token=page.token
        )
        answer = await call(self._stub.ListOutlierLogs, request)
        return to_model(answer, OutlierLogPage, dataset_id=dataset_id)

    async def feature_log(self, dataset_id: str, version: int, page: Page) -> FeatureLogPage:
        """Return a page of the feature log."""
        request = pb.ListFeatureLogsRequest(
            dataset_id=dataset_id, version=version, page_size=page.size, page_token=page.token
        )
        answer = await call(self._stub.ListFeatureLogs, request)
        return to_model(answer, FeatureLogPage, dataset_id=dataset_id)

    async def report(self, dataset_id: str) -> CleaningReport:
        """Return the written report."""
        request = pb.GetCleaningReportRequest(dataset_id=dataset_id)
        return to_model((await call(self._stub.GetCleaningReport, request)).report, CleaningReport)

    async def collaboration_graphs(self, collaboration_id: str, page: Page) -> CollaborationGraphPage:
        """Return a page of a collaboration's charts."""
        request = pb.ListCollaborationGraphsRequest(
            collaboration_id=collaboration_id, page_size=page.size, page_token=page.token
        )
        answer = await call(self._stub.ListCollaborationGraphs, request)
        graphs = [graph(message) for message in answer.graphs]
        return to_model(answer, CollaborationGraphPage, collaboration_id=collaboration_id, graphs=graphs)

    async def cleaned_datasets(self, collaboration_id: str, page: Page) -> CleanedDatasetPage:
        """Return a page of a collaboration's prepared datasets."""
        request = pb.ListCleanedDatasetsRequest(
            collaboration_id=collaboration_id, page_size=page.size, page_token=page.token
        )
        answer = await call(self._stub.ListCleanedDatasets, request)
        datasets = [cleaned_dataset(message) for message in answer.datasets]
        return to_model(answer, CleanedDatasetPage, collaboration_id=collaboration_id, datasets=datasets)


async def _chunks(download: Any) -> AsyncIterator[bytes]:
    """Yield what a call streams, and end it with the iteration."""
    try:
        with service_errors():
            async for answer in download:
                yield answer.chunk
    finally:
        download.cancel()
