"""In-memory fakes of the three services; their attributes determine how they respond."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from shared.errors import InvalidInput, NotFound, NotReady
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2, pipeline_pb2_grpc
from shared.pb.neuralearn.report.v1 import profile_pb2, report_pb2, report_pb2_grpc
from shared.rpc.server import Service
from tests.fakes.findings import RECIPE, FakeFindings

Context = grpc.aio.ServicerContext[Any, Any]
DATASET_ID = "0b6f7c2e-3a51-4c58-9d0e-7f0c1f6f3a11"
PENDING_ID = "5d1f0c86-2b54-4a0c-8a31-0d9a7e0f6b22"
RECIPE_ID = "7d1f0c86-2b54-4a0c-8a31-0d9a7e0f6b33"
GRAPH_ID = "histogram-price"
TABLE = b"price,city\r\n" + b"1.5,Oslo\r\n" * 40_000
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
CREATED_AT = datetime(2026, 11, 23, 15, 59, 12, 531000, tzinfo=UTC)


def timestamp(value: datetime = CREATED_AT) -> Timestamp:
    """Return a datetime as a protobuf message."""
    message = Timestamp()
    message.FromDatetime(value)
    return message


def comment() -> ingest_pb2.Comment:
    """Return the comment that FakeIngest knows."""
    message = ingest_pb2.Comment(comment_id=RECIPE_ID, dataset_id=DATASET_ID, author="grace", text="Why?", version=1)
    message.column, message.row = "age", 7
    return message


def stored_recipe() -> ingest_pb2.StoredRecipe:
    """Return the known recipe."""
    return ingest_pb2.StoredRecipe(
        recipe_id=RECIPE_ID, user_id="ada", name="sales", version=2, sha256="ab", size_bytes=91, created_at=timestamp()
    )


def _member(user_id: str, role: "ingest_pb2.Role.ValueType") -> ingest_pb2.Member:
    return ingest_pb2.Member(user_id=user_id, role=role, created_at=timestamp())


@dataclass
class ReceivedUpload:
    """The received part of an upload."""

    filename: str = ""
    request_id: str = ""
    size_bytes: int = 0
    sha256: str = ""
    options: common.DatasetOptions | None = None
    committed: bool = False


@dataclass
class FakeIngest(ingest_pb2_grpc.IngestServiceServicer):
    """A fake IngestService that counts and hashes uploads, and knows one dataset."""

    uploads: list[ReceivedUpload] = field(default_factory=list)
    previews: list[ReceivedUpload] = field(default_factory=list)
    imports: list[ingest_pb2.ImportDatasetRequest] = field(default_factory=list)
    lists: list[ingest_pb2.ListDatasetsRequest] = field(default_factory=list)
    metadata: dict[str, str | bytes] = field(default_factory=dict)
    error: Exception | None = None
    """Raised by every call; by an upload once `fail_after_bytes` have arrived."""
    fail_after_bytes: int = 0
    pause_seconds: float = 0.0
    """Pause after each chunk, and before an import is accepted."""
    fetching: int = 0
    """Imports that are under way."""
    fewest_fetching: int = 1
    """So many imports have to be under way until the work has begun."""
    began: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when an upload or an import begins."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when an upload or an import ends, also with an error."""

    def reset(self) -> None:
        """Reset all attributes."""
        self.__init__()  # type: ignore[misc]

    async def UploadDataset(
        self, request_iterator: AsyncIterator[ingest_pb2.UploadDatasetRequest], context: Context
    ) -> ingest_pb2.UploadDatasetResponse:
        """Receive an upload; as with IngestService, one without commit is refused."""
        self._record_metadata(context)
        upload = ReceivedUpload()
        self.uploads.append(upload)
        self.began.set()
        try:
            await self._receive(upload, request_iterator)
        finally:
            self.ended.set()
        if not upload.committed:
            raise InvalidInput("no commit", reason="UPLOAD_CUT_OFF")
        return ingest_pb2.UploadDatasetResponse(dataset=self._accepted(upload.filename, upload.options))

    async def PreviewDataset(
        self, request_iterator: AsyncIterator[ingest_pb2.PreviewDatasetRequest], context: Context
    ) -> ingest_pb2.PreviewDatasetResponse:
        """Receive a file and return what it would be read as."""
        self._record_metadata(context)
        upload = ReceivedUpload()
        self.previews.append(upload)
        await self._receive(upload, request_iterator)
        if not upload.committed:
            raise InvalidInput("no commit", reason="UPLOAD_CUT_OFF")
        return ingest_pb2.PreviewDatasetResponse(preview=preview(upload.filename))

    async def ReviseDataset(
        self, request: ingest_pb2.ReviseDatasetRequest, context: Context
    ) -> ingest_pb2.ReviseDatasetResponse:
        """Return the known dataset and keep the request."""
        self._record_metadata(context)
        self.revised = request
        return ingest_pb2.ReviseDatasetResponse(dataset=completed_dataset())

    async def CreateStoredRecipe(
        self, request: ingest_pb2.CreateStoredRecipeRequest, context: Context
    ) -> ingest_pb2.CreateStoredRecipeResponse:
        """Return the known recipe and keep the request."""
        self._record_metadata(context)
        self.created_recipe = request
        return ingest_pb2.CreateStoredRecipeResponse(recipe=stored_recipe())

    async def ListStoredRecipes(
        self, request: ingest_pb2.ListStoredRecipesRequest, context: Context
    ) -> ingest_pb2.ListStoredRecipesResponse:
        """Return the known recipe and keep the request."""
        self._record_metadata(context)
        self.listed_recipes = request
        return ingest_pb2.ListStoredRecipesResponse(recipes=[stored_recipe()], next_page_token="more")

    async def GetStoredRecipe(
        self, request: ingest_pb2.GetStoredRecipeRequest, context: Context
    ) -> ingest_pb2.GetStoredRecipeResponse:
        """Return the known recipe."""
        self._record_metadata(context)
        if request.recipe_id != RECIPE_ID:
            raise NotFound("There is no such recipe.", reason="RECIPE_NOT_FOUND")
        return ingest_pb2.GetStoredRecipeResponse(recipe=stored_recipe(), content=RECIPE)

    async def DeleteStoredRecipe(
        self, request: ingest_pb2.DeleteStoredRecipeRequest, context: Context
    ) -> ingest_pb2.DeleteStoredRecipeResponse:
        """Do nothing."""
        self._record_metadata(context)
        return ingest_pb2.DeleteStoredRecipeResponse()

    async def CreateComment(
        self, request: ingest_pb2.CreateCommentRequest, context: Context
    ) -> ingest_pb2.CreateCommentResponse:
        """Return the known comment and keep the request."""
        self._record_metadata(context)
        self.created_comment = request
        return ingest_pb2.CreateCommentResponse(comment=comment())

    async def ListComments(
        self, request: ingest_pb2.ListCommentsRequest, context: Context
    ) -> ingest_pb2.ListCommentsResponse:
        """Return the known comment and keep the request."""
        self._record_metadata(context)
        self.listed_comments = request
        return ingest_pb2.ListCommentsResponse(comments=[comment()], next_page_token="more")

    async def ResolveComment(
        self, request: ingest_pb2.ResolveCommentRequest, context: Context
    ) -> ingest_pb2.ResolveCommentResponse:
        """Return the known comment and keep the request."""
        self._record_metadata(context)
        self.resolved_comment = request
        return ingest_pb2.ResolveCommentResponse(comment=comment())

    async def DeleteComment(
        self, request: ingest_pb2.DeleteCommentRequest, context: Context
    ) -> ingest_pb2.DeleteCommentResponse:
        """Do nothing."""
        self._record_metadata(context)
        return ingest_pb2.DeleteCommentResponse()

    async def CancelDataset(
        self, request: ingest_pb2.CancelDatasetRequest, context: Context
    ) -> ingest_pb2.CancelDatasetResponse:
        """Return the known dataset."""
        self._record_metadata(context)
        return ingest_pb2.CancelDatasetResponse(dataset=completed_dataset())

    async def RetryDataset(
        self, request: ingest_pb2.RetryDatasetRequest, context: Context
    ) -> ingest_pb2.RetryDatasetResponse:
        """Return the known dataset."""
        self._record_metadata(context)
        return ingest_pb2.RetryDatasetResponse(dataset=completed_dataset())

    async def ApplyDataset(
        self, request: ingest_pb2.ApplyDatasetRequest, context: Context
    ) -> ingest_pb2.ApplyDatasetResponse:
        """Return the known dataset."""
        self._record_metadata(context)
        return ingest_pb2.ApplyDatasetResponse(dataset=completed_dataset())

    async def PrepareDataset(
        self, request: ingest_pb2.PrepareDatasetRequest, context: Context
    ) -> ingest_pb2.PrepareDatasetResponse:
        """Return the known dataset and keep the request."""
        self._record_metadata(context)
        self.prepared = request
        return ingest_pb2.PrepareDatasetResponse(dataset=completed_dataset())

    async def DeleteDataset(
        self, request: ingest_pb2.DeleteDatasetRequest, context: Context
    ) -> ingest_pb2.DeleteDatasetResponse:
        """Return an empty response."""
        self._record_metadata(context)
        return ingest_pb2.DeleteDatasetResponse()

    async def GetUsage(self, request: ingest_pb2.GetUsageRequest, context: Context) -> ingest_pb2.GetUsageResponse:
        """Return that smart mode is limited and used once, and that deep mode is not limited."""
        self._record_metadata(context)
        self._fail()
        modes = [
            ingest_pb2.ModeUsage(mode=common.MODE_SMART, limit=3, used=1, remaining=2),
            ingest_pb2.ModeUsage(mode=common.MODE_DEEP, used=0),
        ]
        return ingest_pb2.GetUsageResponse(user_id=request.user_id or "anonymous", modes=modes)

    async def ListMembers(
        self, request: ingest_pb2.ListMembersRequest, context: Context
    ) -> ingest_pb2.ListMembersResponse:
        """Return one owner."""
        self._record_metadata(context)
        return ingest_pb2.ListMembersResponse(members=[_member("ada", ingest_pb2.ROLE_OWNER)])

    async def PutMember(self, request: ingest_pb2.PutMemberRequest, context: Context) -> ingest_pb2.PutMemberResponse:
        """Return the member as requested."""
        self._record_metadata(context)
        return ingest_pb2.PutMemberResponse(member=_member(request.user_id, request.role))

    async def RemoveMember(
        self, request: ingest_pb2.RemoveMemberRequest, context: Context
    ) -> ingest_pb2.RemoveMemberResponse:
        """Return an empty response."""
        self._record_metadata(context)
        return ingest_pb2.RemoveMemberResponse()

    async def EraseUser(self, request: ingest_pb2.EraseUserRequest, context: Context) -> ingest_pb2.EraseUserResponse:
        """Return that three datasets were removed."""
        self._record_metadata(context)
        return ingest_pb2.EraseUserResponse(datasets=3)

    async def ListAuditEvents(
        self, request: ingest_pb2.ListAuditEventsRequest, context: Context
    ) -> ingest_pb2.ListAuditEventsResponse:
        """Return one event."""
        self._record_metadata(context)
        event = ingest_pb2.AuditEvent(
            created_at=timestamp(),
            action="DeleteDataset",
            outcome="ok",
            caller_kind=ingest_pb2.CALLER_KIND_USER,
            caller_id="ada",
            address="203.0.113.7",
            request_id="r",
            dataset_id=request.dataset_id,
        )
        return ingest_pb2.ListAuditEventsResponse(events=[event])

    async def _receive(
        self,
        upload: ReceivedUpload,
        parts: AsyncIterator[ingest_pb2.UploadDatasetRequest | ingest_pb2.PreviewDatasetRequest],
    ) -> None:
        digest = hashlib.sha256()
        async for part in parts:
            match part.WhichOneof("part"):
                case "header":
                    upload.filename, upload.request_id = part.header.filename, part.header.request_id
                case "dataset_url":
                    assert isinstance(part, ingest_pb2.PreviewDatasetRequest)
                    upload.filename = part.dataset_url
                case "chunk":
                    upload.size_bytes += len(part.chunk)
                    digest.update(part.chunk)
                    await asyncio.sleep(self.pause_seconds)
                case _:
                    upload.sha256 = digest.hexdigest()
                    assert (part.commit.size_bytes, part.commit.sha256) == (upload.size_bytes, upload.sha256)
                    upload.options, upload.committed = part.commit.options, True
            if self.error is not None and upload.size_bytes >= self.fail_after_bytes:
                raise self.error

    async def ImportDataset(
        self, request: ingest_pb2.ImportDatasetRequest, context: Context
    ) -> ingest_pb2.ImportDatasetResponse:
        """Accept an import without fetching anything."""
        self._record_metadata(context)
        self._fail()
        self.fetching += 1
        if self.fetching >= self.fewest_fetching:
            self.began.set()
        try:
            await asyncio.sleep(self.pause_seconds)
        finally:
            self.fetching -= 1
            self.ended.set()
        self.imports.append(request)
        return ingest_pb2.ImportDatasetResponse(dataset=self._accepted("remote.csv", request.options))

    async def GetDataset(
        self, request: ingest_pb2.GetDatasetRequest, context: Context
    ) -> ingest_pb2.GetDatasetResponse:
        """Return the known dataset."""
        self._record_metadata(context)
        self._fail()
        if request.dataset_id != DATASET_ID:
            raise NotFound(f"There is no dataset {request.dataset_id}.", reason="DATASET_NOT_FOUND")
        return ingest_pb2.GetDatasetResponse(dataset=completed_dataset())

    async def ListDatasets(
        self, request: ingest_pb2.ListDatasetsRequest, context: Context
    ) -> ingest_pb2.ListDatasetsResponse:
        """Return a page with the known dataset, then a page with a failed one."""
        self._record_metadata(context)
        self._fail()
        self.lists.append(request)
        if request.page_token:
            return ingest_pb2.ListDatasetsResponse(datasets=[failed_dataset()])
        return ingest_pb2.ListDatasetsResponse(datasets=[completed_dataset()], next_page_token="second")

    def _record_metadata(self, context: Context) -> None:
        self.metadata = dict(context.invocation_metadata() or ())

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error

    def _accepted(self, filename: str, options: common.DatasetOptions | None) -> common.Dataset:
        mode = options.mode if options else common.MODE_FAST
        name, state = filename.rpartition(".")[0], common.DATASET_STATE_UPLOADED
        return common.Dataset(dataset_id=DATASET_ID, rows=40_000, columns=2, mode=mode, database_name=name, state=state)


def preview(filename: str) -> ingest_pb2.Preview:
    """Return a preview of a file with one column."""
    message = ingest_pb2.Preview(
        filename=filename,
        size_bytes=6,
        parse_plan=common.ParsePlan(format="csv", encoding="utf-8", delimiter=",", header_row=1),
        rows=2,
        columns=[ingest_pb2.PreviewColumn(name="a", type="integer", why="Both values are whole numbers.")],
        delimiters=[ingest_pb2.DelimiterCandidate(delimiter=",", score=0.9)],
        header_rows=[ingest_pb2.HeaderCandidate(header_row=1, score=1)],
    )
    message.sample_rows.add().extend(["1"])
    message.sample_rows.add().extend([None])
    return message


def completed_dataset() -> common.Dataset:
    """Return a dataset with all fields set."""
    return common.Dataset(
        dataset_id=DATASET_ID,
        run_id=DATASET_ID,
        user_id="ada",
        collaboration_id="team-7",
        database_name="sales",
        filename="sales.csv",
        mode=common.MODE_DEEP,
        state=common.DATASET_STATE_COMPLETED,
        rows=40_000,
        columns=2,
        size_bytes=len(TABLE),
        sha256=hashlib.sha256(TABLE).hexdigest(),
        stage="publishing",
        progress=100,
        progress_info="Completed (100 %)",
        parse_plan=common.ParsePlan(format="csv", encoding="utf-8", delimiter=",", notes=["renamed a"]),
        created_at=timestamp(),
        updated_at=timestamp(),
        started_at=timestamp(),
        finished_at=timestamp(),
        outlier_method=common.OUTLIER_METHOD_ZSCORE,
        outlier_strategy=common.OUTLIER_STRATEGY_MEDIAN,
    )


def failed_dataset() -> common.Dataset:
    """Return a failed dataset with few fields set."""
    return common.Dataset(
        dataset_id=PENDING_ID,
        user_id="anonymous",
        database_name="broken",
        filename="broken.json",
        state=common.DATASET_STATE_FAILED,
        error=common.Failure(reason="RUN_TIMEOUT", detail="It took too long."),
        created_at=timestamp(),
    )


class FakePipeline(pipeline_pb2_grpc.PipelineServiceServicer):
    """A fake PipelineService with the events of one run."""

    def __init__(self) -> None:
        self.end: Exception | None = None
        """Error that ends the event stream of PENDING_ID; the stream goes on until it is set."""
        self.pause = 0.0
        """Seconds before its first event."""

    async def StartRun(self, request: pipeline_pb2.StartRunRequest, context: Context) -> pipeline_pb2.StartRunResponse:
        """Accept a run."""
        return pipeline_pb2.StartRunResponse(run=pipeline_pb2.Run(run_id=request.run_id))

    async def GetRun(self, request: pipeline_pb2.GetRunRequest, context: Context) -> pipeline_pb2.GetRunResponse:
        """Return a run with the requested id."""
        return pipeline_pb2.GetRunResponse(run=pipeline_pb2.Run(run_id=request.run_id))

    async def WatchRun(
        self, request: pipeline_pb2.WatchRunRequest, context: Context
    ) -> AsyncIterator[pipeline_pb2.WatchRunResponse]:
        """Stream one event, unless the client knows it already."""
        if request.dataset_id == PENDING_ID:
            await asyncio.sleep(self.pause)
            event = pipeline_pb2.RunEvent(sequence=1, state=pipeline_pb2.RUN_STATE_RUNNING, progress=10)
            yield pipeline_pb2.WatchRunResponse(event=event)
            while self.end is None:
                await asyncio.sleep(0.05)
                yield pipeline_pb2.WatchRunResponse()
            raise self.end
        if request.after_sequence < 1:
            event = pipeline_pb2.RunEvent(sequence=1, state=pipeline_pb2.RUN_STATE_COMPLETED, progress=100)
            yield pipeline_pb2.WatchRunResponse(event=event)

    async def GetUtility(
        self, request: pipeline_pb2.GetUtilityRequest, context: Context
    ) -> pipeline_pb2.GetUtilityResponse:
        """Return a certificate of one model."""
        score = pipeline_pb2.Estimate(mean=0.5, low=0.25, high=0.75)
        scores = [pipeline_pb2.TableScore(table="raw", model="linear", score=score)]
        families = [pipeline_pb2.FamilyGain(family="fills", steps=[2], gain=score)]
        utility = pipeline_pb2.Utility(target="a", metric="r2", rows=9, folds=5, scores=scores, families=families)
        utility.gain.CopyFrom(score)
        return pipeline_pb2.GetUtilityResponse(utility=utility)

    async def ExportRecipe(
        self, request: pipeline_pb2.ExportRecipeRequest, context: Context
    ) -> pipeline_pb2.ExportRecipeResponse:
        """Return the request as a file, without its seventh step."""
        return pipeline_pb2.ExportRecipeResponse(
            content=f"{request.format} {request.dialect} {request.version}".encode(),
            filename="prepare.py",
            media_type="text/x-python; charset=utf-8",
            left_out=[pipeline_pb2.LeftOutStep(step=7, kind="fill_by_model", why="it is a model")],
        )

    async def TryRecipe(
        self, request: pipeline_pb2.TryRecipeRequest, context: Context
    ) -> pipeline_pb2.TryRecipeResponse:
        """Return a dry run of as many rows as steps are added, with one step."""
        effect = pipeline_pb2.StepEffect(step=1, kind="drop_column", phase="features", state="applied", columns=["a"])
        effect.examples.add(row=1, column="a", before="1")
        effect.before.known = 2
        return pipeline_pb2.TryRecipeResponse(
            dry_run=pipeline_pb2.DryRun(rows=len(request.added), cells_changed=len(request.off), steps=[effect])
        )

    async def CheckRecipe(
        self, request: pipeline_pb2.CheckRecipeRequest, context: Context
    ) -> pipeline_pb2.CheckRecipeResponse:
        """Say that the recipe has no steps."""
        return pipeline_pb2.CheckRecipeResponse()

    async def InferTypes(
        self, request: pipeline_pb2.InferTypesRequest, context: Context
    ) -> pipeline_pb2.InferTypesResponse:
        """Say that there is one column of whole numbers."""
        return pipeline_pb2.InferTypesResponse(columns=[pipeline_pb2.InferredType(name="a", type="integer")])

    async def ListQueues(
        self, request: pipeline_pb2.ListQueuesRequest, context: Context
    ) -> pipeline_pb2.ListQueuesResponse:
        """Return one queue, and Redis."""
        queue = pipeline_pb2.Queue(name="eda_fast", ready=3, oldest_wait=Duration(seconds=1, nanos=500_000_000))
        redis = pipeline_pb2.RedisServer(version="7.4.1", used_memory_bytes=1024, clients=9)
        return pipeline_pb2.ListQueuesResponse(queues=[queue], redis=redis)

    async def ListWorkers(
        self, request: pipeline_pb2.ListWorkersRequest, context: Context
    ) -> pipeline_pb2.ListWorkersResponse:
        """Return one worker."""
        worker = pipeline_pb2.Worker(name="host:1:abc", queue="eda_fast", slots=2, run_ids=["a"], metrics_port=9100)
        return pipeline_pb2.ListWorkersResponse(workers=[worker])


@dataclass
class FakeReport(FakeFindings):
    """A fake ReportService with the results of one dataset; another dataset is not ready yet."""

    table: bytes = TABLE
    etag: str = "v1"
    filename: str = "sales_cleaned.csv"
    download_url: str = ""
    announced_bytes: int | None = None
    """A wrong size for GetTable to return; None for the true size."""
    tables: list[report_pb2.GetTableRequest] = field(default_factory=list)
    downloads: list[report_pb2.DownloadTableRequest] = field(default_factory=list)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    pages: list[Any] = field(default_factory=list)

    def reset(self) -> None:
        """Reset all attributes."""
        self.__init__()  # type: ignore[misc]

    async def GetTable(self, request: report_pb2.GetTableRequest, context: Context) -> report_pb2.GetTableResponse:
        """Return the metadata of the table."""
        self._check_exists(request.dataset_id)
        self.tables.append(request)
        return report_pb2.GetTableResponse(
            size_bytes=len(self.table) if self.announced_bytes is None else self.announced_bytes,
            etag=self.etag,
            media_type="text/csv; charset=utf-8",
            filename=self.filename,
            download_url=self.download_url,
        )

    async def DownloadTable(
        self, request: report_pb2.DownloadTableRequest, context: Context
    ) -> AsyncIterator[report_pb2.DownloadTableResponse]:
        """Stream the table."""
        self._check_exists(request.dataset_id)
        self.downloads.append(request)
        end = request.offset + request.length if request.length else len(self.table)
        try:
            for start in range(request.offset, min(end, len(self.table)), 65_536):
                yield report_pb2.DownloadTableResponse(chunk=self.table[start : min(end, start + 65_536)])
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled.set()
            raise

    async def ListGraphs(
        self, request: report_pb2.ListGraphsRequest, context: Context
    ) -> report_pb2.ListGraphsResponse:
        """Return a page with the chart."""
        self._check_exists(request.dataset_id)
        self.pages.append(request)
        return report_pb2.ListGraphsResponse(graphs=[graph()])

    async def GetGraph(self, request: report_pb2.GetGraphRequest, context: Context) -> report_pb2.GetGraphResponse:
        """Return the chart in the requested format."""
        self._check_exists(request.dataset_id)
        if request.graph_id != GRAPH_ID:
            raise NotFound("There is no such chart.", reason="GRAPH_NOT_FOUND")
        content, media_type = {
            report_pb2.GRAPH_FORMAT_SVG: (SVG, "image/svg+xml"),
            report_pb2.GRAPH_FORMAT_JSON: (b'{"bins":[]}', "application/json"),
        }.get(request.format, (b"\x89PNG", "image/png"))
        return report_pb2.GetGraphResponse(content=content, media_type=media_type, etag=f"g{request.format}")

    async def DownloadGraphs(
        self, request: report_pb2.DownloadGraphsRequest, context: Context
    ) -> AsyncIterator[report_pb2.DownloadGraphsResponse]:
        """Stream what stands for an archive."""
        self._check_exists(request.dataset_id)
        for chunk in (b"PK", report_pb2.GraphFormat.Name(request.format).encode()):
            yield report_pb2.DownloadGraphsResponse(chunk=chunk)

    async def GetFeatures(
        self, request: report_pb2.GetFeaturesRequest, context: Context
    ) -> report_pb2.GetFeaturesResponse:
        """Return an input feature, an output feature and no target."""
        self._check_exists(request.dataset_id)
        return report_pb2.GetFeaturesResponse(
            input_features=[report_pb2.InputFeature(name="price", type="decimal", role="feature", missing=7)],
            output_features=[report_pb2.OutputFeature(name="price", type="double", sources=["price"], why="scaled")],
            target=profile_pb2.Target(why="no column looks like one"),
        )

    async def ListCleaningLogs(
        self, request: report_pb2.ListCleaningLogsRequest, context: Context
    ) -> report_pb2.ListCleaningLogsResponse:
        """Return a page with a log row."""
        self._check_exists(request.dataset_id)
        parameters = Struct()
        parameters.update({"value": 42.0, "share": 0.5, "names": ["a", None], "limit": float("inf"), "on": True})
        log_row = report_pb2.CleaningLog(
            step=1,
            column="price",
            kind="fill_missing",
            state=report_pb2.STEP_STATE_APPLIED,
            why="7 of 100 values were missing",
            rule="rule:skewed-numeric",
            confidence=0.9,
            cells_changed=7,
            parameters=parameters,
            created_at=timestamp(),
        )
        return report_pb2.ListCleaningLogsResponse(logs=[log_row], next_page_token="more")

    async def ListOutlierLogs(
        self, request: report_pb2.ListOutlierLogsRequest, context: Context
    ) -> report_pb2.ListOutlierLogsResponse:
        """Return a log row with a finite lower fence and an infinite upper one."""
        self._check_exists(request.dataset_id)
        log_row = report_pb2.OutlierLog(
            step=2,
            column="price",
            method="iqr",
            strategy="cap",
            state=report_pb2.STEP_STATE_SKIPPED,
            lower=0.0,
            upper=float("inf"),
            table="engineered",
            outliers=12,
        )
        return report_pb2.ListOutlierLogsResponse(logs=[log_row])

    async def ListFeatureLogs(
        self, request: report_pb2.ListFeatureLogsRequest, context: Context
    ) -> report_pb2.ListFeatureLogsResponse:
        """Return a page with a log row."""
        self._check_exists(request.dataset_id)
        log_row = report_pb2.FeatureLog(
            step=3, kind="one_hot", columns=["city"], outputs=["city=Oslo"], state=report_pb2.STEP_STATE_FLAGGED
        )
        return report_pb2.ListFeatureLogsResponse(logs=[log_row])

    async def GetCleaningReport(
        self, request: report_pb2.GetCleaningReportRequest, context: Context
    ) -> report_pb2.GetCleaningReportResponse:
        """Return a report."""
        self._check_exists(request.dataset_id)
        report = report_pb2.CleaningReport(
            dataset_id=DATASET_ID, mode=common.MODE_DEEP, summary="Good.", author="template", created_at=timestamp()
        )
        return report_pb2.GetCleaningReportResponse(report=report)

    async def GetHtmlReport(
        self, request: report_pb2.GetHtmlReportRequest, context: Context
    ) -> report_pb2.GetHtmlReportResponse:
        """Return a file."""
        self._check_exists(request.dataset_id)
        return report_pb2.GetHtmlReportResponse(content=b"<!doctype html><title>sales</title>", etag="r1")

    async def ListCollaborationGraphs(
        self, request: report_pb2.ListCollaborationGraphsRequest, context: Context
    ) -> report_pb2.ListCollaborationGraphsResponse:
        """Return a page with the chart."""
        return report_pb2.ListCollaborationGraphsResponse(graphs=[graph()])

    async def ListCleanedDatasets(
        self, request: report_pb2.ListCleanedDatasetsRequest, context: Context
    ) -> report_pb2.ListCleanedDatasetsResponse:
        """Return a page with a dataset."""
        dataset = report_pb2.CleanedDataset(
            dataset_id=DATASET_ID,
            database_name="sales",
            user_id="ada",
            mode=common.MODE_SMART,
            rows=39_990,
            columns=2,
            finished_at=timestamp(),
        )
        return report_pb2.ListCleanedDatasetsResponse(datasets=[dataset], next_page_token="more")

    def _check_exists(self, dataset_id: str) -> None:
        if dataset_id == PENDING_ID:
            raise NotReady("The dataset is being prepared (40 %).", retry_after=1.2)
        if dataset_id != DATASET_ID:
            raise NotFound(f"There is no dataset {dataset_id}.", reason="DATASET_NOT_FOUND")


def graph() -> report_pb2.Graph:
    """Return a chart."""
    return report_pb2.Graph(
        graph_id=GRAPH_ID,
        dataset_id=DATASET_ID,
        kind=report_pb2.GRAPH_KIND_HISTOGRAM,
        title="Distribution of price",
        columns=["price"],
        created_at=timestamp(),
        database_name="sales",
    )


def served(fake: FakeIngest | FakePipeline | FakeReport) -> Service:
    """Return a fake as a service for `running_server`."""
    if isinstance(fake, FakeIngest):
        return Service(
            "neuralearn.ingest.v1.IngestService",
            lambda server: ingest_pb2_grpc.add_IngestServiceServicer_to_server(fake, server),
        )
    if isinstance(fake, FakePipeline):
        return Service(
            "neuralearn.pipeline.v1.PipelineService",
            lambda server: pipeline_pb2_grpc.add_PipelineServiceServicer_to_server(fake, server),
        )
    return Service(
        "neuralearn.report.v1.ReportService",
        lambda server: report_pb2_grpc.add_ReportServiceServicer_to_server(fake, server),
    )
