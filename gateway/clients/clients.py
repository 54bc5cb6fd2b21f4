"""The services behind the gateway: one channel to each, every call with a deadline and the request's id."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Literal, TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.convert import datasets as convert
from gateway.convert import results as result_convert
from gateway.http.request_id import HEADER, current_request_id
from gateway.schemas import datasets as schemas
from gateway.schemas import results as result_schemas
from gateway.upload.fields import UploadOptions
from shared.errors import NotFound, Unavailable
from shared.pb.neuralearn.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2, pipeline_pb2_grpc
from shared.pb.neuralearn.report.v1 import report_pb2, report_pb2_grpc
from shared.rpc.channel import QUERY_SECONDS, RENDER_SECONDS, TRANSFER_SECONDS, open_channel
from shared.rpc.early_status import stream_to
from shared.rpc.status import service_errors
from shared.settings.settings import GatewaySettings

HEALTH_SECONDS = 2.0
SERVERS = ("database", "queue", "store")
WATCH_SECONDS = 3600.0
AGAIN_SECONDS = 1.0
TableName = Literal["raw", "cleaned", "engineered", "changes"]
TableFormat = Literal["csv", "parquet"]
GraphFormat = Literal["png", "svg", "json"]
Happened = tuple[int, schemas.RunEvent] | Literal["removed"] | None
"""An event with its sequence number, the removal of the dataset, or a sign of life."""
Serving = Literal["serving", "not_serving", "unreachable"]

_Request = TypeVar("_Request")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Page:
    """Which page of a list is wanted."""

    size: int
    token: str


@dataclass(frozen=True)
class TableRef:
    """A table in a format; None for the raw one, which has only its own."""

    dataset_id: str
    name: TableName
    format: TableFormat | None


@dataclass(frozen=True)
class TableInfo:
    """What is known about a table before its bytes are fetched."""

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


@dataclass(frozen=True)
class FetchedProfile:
    """A profile, and what changes whenever it does."""

    profile: result_schemas.Profile
    etag: str


class IngestClient:
    """IngestService, in the gateway's terms."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = ingest_pb2_grpc.IngestServiceStub(channel)

    async def upload(self, parts: AsyncIterator[convert.UploadPart]) -> schemas.UploadAnswer:
        """Send an upload; `parts` must end once this returns or raises.

        Raises:
            Unavailable: where the service went away in the middle.
        """
        with service_errors():
            answer = await stream_to(self._stub.UploadDataset, parts, timeout=TRANSFER_SECONDS, metadata=_metadata())
        return convert.upload_answer(answer.dataset)

    async def import_dataset(self, options: UploadOptions, *, request_id: str) -> schemas.UploadAnswer:
        """Let the service fetch `options.dataset_url`."""
        request = convert.import_request(options=options, request_id=request_id)
        answer = await _ask(self._stub.ImportDataset, request, timeout=TRANSFER_SECONDS)
        return convert.upload_answer(answer.dataset)

    async def status(self, dataset_id: str) -> schemas.DatasetStatus:
        """A dataset and where its preparation stands."""
        answer = await _ask(self._stub.GetDataset, ingest_pb2.GetDatasetRequest(dataset_id=dataset_id))
        return convert.dataset_status(answer.dataset)

    async def datasets(self, *, user_id: str, collaboration_id: str, page: Page) -> schemas.DatasetPage:
        """A page of datasets; an empty owner or group means any."""
        request = ingest_pb2.ListDatasetsRequest(
            user_id=user_id, collaboration_id=collaboration_id, page_size=page.size, page_token=page.token
        )
        return convert.dataset_page(await _ask(self._stub.ListDatasets, request))

    async def cancel(self, dataset_id: str) -> schemas.DatasetStatus:
        """Call a preparation off."""
        answer = await _ask(self._stub.CancelDataset, ingest_pb2.CancelDatasetRequest(dataset_id=dataset_id))
        return convert.dataset_status(answer.dataset)

    async def retry(self, dataset_id: str) -> schemas.DatasetStatus:
        """Prepare a dataset again."""
        answer = await _ask(self._stub.RetryDataset, ingest_pb2.RetryDatasetRequest(dataset_id=dataset_id))
        return convert.dataset_status(answer.dataset)

    async def delete(self, dataset_id: str) -> None:
        """Remove a dataset."""
        await _ask(self._stub.DeleteDataset, ingest_pb2.DeleteDatasetRequest(dataset_id=dataset_id))

    async def usage(self, user_id: str) -> schemas.Usage:
        """What a user has used of the modes that ask a language model."""
        request = ingest_pb2.GetUsageRequest(user_id=user_id)
        return convert.usage(await _ask(self._stub.GetUsage, request))


class PipelineClient:
    """PipelineService, in the gateway's terms."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = pipeline_pb2_grpc.PipelineServiceStub(channel)

    async def watch(self, dataset_id: str, *, after: int) -> AsyncGenerator[Happened]:
        """What happens to a dataset's run, until it has ended.

        Once there has been an answer, a service that goes away is waited for: browsers do not ask again where the
        second answer is a refusal.
        """
        answered = False
        while True:
            try:
                async with aclosing(self._watch(dataset_id, after=after)) as stream:
                    async for happened in stream:
                        answered = True
                        yield happened
                        after = happened[0] if isinstance(happened, tuple) else after
                return
            except NotFound:
                if not answered:
                    raise
                yield "removed"
                return
            except Unavailable:
                if not answered:
                    raise
            yield None
            await asyncio.sleep(AGAIN_SECONDS)

    async def _watch(self, dataset_id: str, *, after: int) -> AsyncGenerator[Happened]:
        request = pipeline_pb2.WatchRunRequest(dataset_id=dataset_id, after_sequence=after)
        call = self._stub.WatchRun(request, timeout=WATCH_SECONDS, metadata=_metadata())
        try:
            with service_errors():
                async for answer in call:
                    event = answer.event
                    yield (event.sequence, convert.run_event(event)) if answer.HasField("event") else None
        finally:
            call.cancel()


class ReportClient:
    """ReportService, in the gateway's terms."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = report_pb2_grpc.ReportServiceStub(channel)

    async def table(self, table: TableRef) -> TableInfo:
        """Describe a table, rendering it where that has not been done."""
        request = report_pb2.GetTableRequest(
            dataset_id=table.dataset_id,
            table=convert.table_kind(table.name),
            format=convert.table_format(table.format),
        )
        answer = await _ask(self._stub.GetTable, request, timeout=RENDER_SECONDS)
        return TableInfo(
            size_bytes=answer.size_bytes,
            etag=answer.etag,
            media_type=answer.media_type,
            filename=answer.filename,
            download_url=answer.download_url,
        )

    async def table_bytes(self, table: TableRef, *, offset: int, length: int) -> AsyncIterator[bytes]:
        """The bytes of a table; the call ends with the iteration."""
        request = report_pb2.DownloadTableRequest(
            dataset_id=table.dataset_id,
            table=convert.table_kind(table.name),
            format=convert.table_format(table.format),
            offset=offset,
            length=length,
        )
        call = self._stub.DownloadTable(request, timeout=TRANSFER_SECONDS, metadata=_metadata())
        try:
            with service_errors():
                async for answer in call:
                    yield answer.chunk
        finally:
            call.cancel()

    async def graphs(self, dataset_id: str, page: Page) -> schemas.GraphPage:
        """A page of a dataset's charts."""
        request = report_pb2.ListGraphsRequest(dataset_id=dataset_id, page_size=page.size, page_token=page.token)
        return convert.graph_page(await _ask(self._stub.ListGraphs, request))

    async def graph(self, dataset_id: str, graph_id: str, format: GraphFormat) -> Rendering:
        """One chart, rendered."""
        request = report_pb2.GetGraphRequest(
            dataset_id=dataset_id, graph_id=graph_id, format=convert.graph_format(format)
        )
        answer = await _ask(self._stub.GetGraph, request, timeout=RENDER_SECONDS)
        return Rendering(content=answer.content, media_type=answer.media_type, etag=answer.etag)

    async def profile(self, dataset_id: str) -> FetchedProfile:
        """What is known about the uploaded table."""
        answer = await _ask(self._stub.GetProfile, report_pb2.GetProfileRequest(dataset_id=dataset_id))
        return FetchedProfile(result_convert.profile(dataset_id, answer.profile), answer.etag)

    async def recipe(self, dataset_id: str) -> Rendering:
        """The steps of the preparation, as they were stored."""
        answer = await _ask(self._stub.GetRecipe, report_pb2.GetRecipeRequest(dataset_id=dataset_id))
        return Rendering(content=answer.content, media_type=answer.media_type, etag=answer.etag)

    async def changes(self, dataset_id: str, *, column: str, step: int, page: Page) -> result_schemas.ChangePage:
        """A page of the ledger; an empty column and step 0 mean all."""
        request = report_pb2.ListChangesRequest(
            dataset_id=dataset_id, column=column, step=step, page_size=page.size, page_token=page.token
        )
        answer = await _ask(self._stub.ListChanges, request, timeout=RENDER_SECONDS)
        return result_convert.change_page(dataset_id, answer)

    async def rejects(self, dataset_id: str, page: Page) -> result_schemas.RejectPage:
        """A page of the lines that could not be read."""
        request = report_pb2.ListRejectsRequest(dataset_id=dataset_id, page_size=page.size, page_token=page.token)
        answer = await _ask(self._stub.ListRejects, request, timeout=RENDER_SECONDS)
        return result_convert.reject_page(dataset_id, answer)

    async def features(self, dataset_id: str) -> schemas.Features:
        """The features a model gets and the columns they come from."""
        answer = await _ask(self._stub.GetFeatures, report_pb2.GetFeaturesRequest(dataset_id=dataset_id))
        return convert.features(dataset_id, answer)

    async def cleaning_log(self, dataset_id: str, page: Page) -> schemas.CleaningLogPage:
        """A page of the cleaning log."""
        request = report_pb2.ListCleaningLogsRequest(dataset_id=dataset_id, page_size=page.size, page_token=page.token)
        return convert.cleaning_log_page(dataset_id, await _ask(self._stub.ListCleaningLogs, request))

    async def outlier_log(self, dataset_id: str, page: Page) -> schemas.OutlierLogPage:
        """A page of the outlier log."""
        request = report_pb2.ListOutlierLogsRequest(dataset_id=dataset_id, page_size=page.size, page_token=page.token)
        return convert.outlier_log_page(dataset_id, await _ask(self._stub.ListOutlierLogs, request))

    async def feature_log(self, dataset_id: str, page: Page) -> schemas.FeatureLogPage:
        """A page of the feature log."""
        request = report_pb2.ListFeatureLogsRequest(dataset_id=dataset_id, page_size=page.size, page_token=page.token)
        return convert.feature_log_page(dataset_id, await _ask(self._stub.ListFeatureLogs, request))

    async def report(self, dataset_id: str) -> schemas.CleaningReport:
        """The written report."""
        request = report_pb2.GetCleaningReportRequest(dataset_id=dataset_id)
        return convert.cleaning_report(await _ask(self._stub.GetCleaningReport, request))

    async def collaboration_graphs(self, collaboration_id: str, page: Page) -> schemas.CollaborationGraphPage:
        """A page of a collaboration's charts."""
        request = report_pb2.ListCollaborationGraphsRequest(
            collaboration_id=collaboration_id, page_size=page.size, page_token=page.token
        )
        answer = await _ask(self._stub.ListCollaborationGraphs, request)
        return convert.collaboration_graph_page(collaboration_id, answer)

    async def cleaned_datasets(self, collaboration_id: str, page: Page) -> schemas.CleanedDatasetPage:
        """A page of a collaboration's prepared datasets."""
        request = report_pb2.ListCleanedDatasetsRequest(
            collaboration_id=collaboration_id, page_size=page.size, page_token=page.token
        )
        answer = await _ask(self._stub.ListCleanedDatasets, request)
        return convert.cleaned_dataset_page(collaboration_id, answer)


class HealthClient:
    """Asks every service whether it serves, and PipelineService about the servers they all need."""

    def __init__(self, channels: dict[str, grpc.aio.Channel]) -> None:
        self._stubs = {name: health_pb2_grpc.HealthStub(channel) for name, channel in channels.items()}

    async def ask(self) -> tuple[dict[str, Serving], dict[str, Serving]]:
        """The state of each service, and of each server; all are asked at once."""
        names = {name: f"neuralearn.{name}.v1.{name.capitalize()}Service" for name in self._stubs}
        asked = [self._ask(service, name) for service, name in names.items()]
        asked += [self._ask("pipeline", server) for server in SERVERS]
        states = dict(zip((*names, *SERVERS), await asyncio.gather(*asked), strict=True))
        return {name: states[name] for name in names}, {name: states[name] for name in SERVERS}

    async def _ask(self, service: str, name: str) -> Serving:
        request = health_pb2.HealthCheckRequest(service=name)
        try:
            answer = await self._stubs[service].Check(request, timeout=HEALTH_SECONDS)
        except grpc.aio.AioRpcError:
            return "unreachable"
        return "serving" if answer.status == health_pb2.HealthCheckResponse.SERVING else "not_serving"


@dataclass(frozen=True)
class Clients:
    """All services behind the gateway."""

    ingest: IngestClient
    pipeline: PipelineClient
    report: ReportClient
    health: HealthClient


@asynccontextmanager
async def open_clients(settings: GatewaySettings) -> AsyncIterator[Clients]:
    """Dial all services; the channels close with the block."""
    async with AsyncExitStack() as stack:
        channels = {
            name: await stack.enter_async_context(open_channel(settings.target(name)))
            for name in ("ingest", "pipeline", "report")
        }
        yield Clients(
            ingest=IngestClient(channels["ingest"]),
            pipeline=PipelineClient(channels["pipeline"]),
            report=ReportClient(channels["report"]),
            health=HealthClient(channels),
        )


async def _ask(
    rpc: "grpc.aio.UnaryUnaryMultiCallable[_Request, _Answer]", request: _Request, *, timeout: float = QUERY_SECONDS
) -> _Answer:
    with service_errors():
        return await rpc(request, timeout=timeout, metadata=_metadata())


def _metadata() -> tuple[tuple[str, str], ...]:
    return ((HEADER, current_request_id()),)
