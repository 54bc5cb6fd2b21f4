"""gRPC servicer of IngestService: converts requests, calls the use cases, converts results."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeAlias, cast

import grpc

from ingest_service.convert.comments import comment_message, parse_subject, parse_text
from ingest_service.convert.datasets import (
    NO_DEFAULTS,
    dataset_message,
    parse_commit,
    parse_filter,
    parse_name,
    parse_new_options,
    parse_options,
    parse_request_id,
    parse_user,
    preview_message,
    usage_message,
)
from ingest_service.convert.recipes import parse_recipe_source, parse_revision, recipe_message
from ingest_service.options import OptionDefaults
from ingest_service.upload_commit import UploadCommit
from ingest_service.use_cases import UseCases
from shared.contracts.vocabulary import Role
from shared.db.comments import parse_comment_id
from shared.db.dataset_ids import parse_dataset_id
from shared.errors import InvalidInput, Unavailable
from shared.identity.caller import Caller
from shared.pb.neuralearn.ingest.v1 import ingest_pb2 as pb
from shared.pb.neuralearn.ingest.v1 import ingest_pb2_grpc as rpc
from shared.rpc.auth_interceptor import current_caller
from shared.rpc.messages import parse_enum, to_message
from shared.rpc.server import Service

IDLE_SECONDS = 60.0
"""Longest pause of an upload before it is aborted."""
HEADER_SECONDS = 10.0
"""Longest wait for the header, which a client sends at once."""

UploadMessage: TypeAlias = pb.UploadDatasetRequest | pb.PreviewDatasetRequest
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class UploadStream:
    """The messages of an upload in their order: a header, chunks, a commit.

    grpc.aio ends the stream of a client that died as if it were complete, so only a commit completes an upload.
    """

    def __init__(self, messages: AsyncIterator[UploadMessage], *, caller: Caller, defaults: OptionDefaults) -> None:
        self._messages = messages
        self._caller = caller
        self._defaults = defaults
        self._commit: pb.UploadCommit | None = None

    async def read_header(self) -> pb.UploadHeader:
        """Return the header, which has to be the first message.

        Raises:
            InvalidInput: the first message is not a header.
            Unavailable: no message came in time.
        """
        message = await self._next_message(HEADER_SECONDS)
        if message is None or message.WhichOneof("part") != "header":
            raise InvalidInput("An upload starts with its header.", reason="UPLOAD_OUT_OF_ORDER")
        return message.header

    async def read_source(self) -> pb.UploadHeader | str:
        """Return the header of a file, or the address of one, which has to be the first message.

        Raises:
            InvalidInput: the first message is neither.
            Unavailable: no message came in time.
        """
        message = await self._next_message(HEADER_SECONDS)
        if isinstance(message, pb.PreviewDatasetRequest) and message.WhichOneof("part") == "dataset_url":
            return message.dataset_url
        if message is None or message.WhichOneof("part") != "header":
            raise InvalidInput("A preview starts with a header or an address.", reason="UPLOAD_OUT_OF_ORDER")
        return message.header

    async def read_chunks(self) -> AsyncIterator[bytes]:
        """Yield the bytes of the file, up to the commit."""
        while (message := await self._next_message()) is not None:
            match message.WhichOneof("part"):
                case "chunk":
                    yield message.chunk
                case "commit":
                    self._commit = message.commit
                    return
                case _:
                    raise InvalidInput("An upload has one header, then chunks.", reason="UPLOAD_OUT_OF_ORDER")

    def commit(self) -> UploadCommit:
        """Return the commit.

        Raises:
            InvalidInput: the stream ended without a commit.
        """
        if self._commit is None:
            raise InvalidInput("The upload ended before its commit; nothing was stored.", reason="UPLOAD_INCOMPLETE")
        return parse_commit(self._commit, caller=self._caller, defaults=self._defaults)

    async def _next_message(self, seconds: float | None = None) -> UploadMessage | None:
        seconds = IDLE_SECONDS if seconds is None else seconds
        try:
            async with asyncio.timeout(seconds):
                return await anext(self._messages, None)
        except TimeoutError:
            raise Unavailable(
                f"The upload stood still for {seconds:.0f} seconds and was given up.", reason="UPLOAD_STALLED"
            ) from None


class IngestServicer(rpc.IngestServiceServicer):
    """The gRPC servicer of IngestService."""

    def __init__(self, ingest: UseCases, *, defaults: OptionDefaults) -> None:
        self._intake = ingest.intake
        self._previews = ingest.previews
        self._datasets = ingest.datasets
        self._recipes = ingest.recipes
        self._revisions = ingest.revisions
        self._collaborations = ingest.collaborations
        self._comments = ingest.comments
        self._erasure = ingest.erasure
        self._defaults = defaults

    async def UploadDataset(
        self, request_iterator: AsyncIterator[pb.UploadDatasetRequest], context: Context
    ) -> pb.UploadDatasetResponse:
        caller = current_caller()
        stream = UploadStream(aiter(request_iterator), caller=caller, defaults=self._defaults)
        header = await stream.read_header()
        async with self._intake.slot(caller):
            record = await self._intake.upload(
                uploader=caller,
                filename=header.filename,
                request_id=parse_request_id(header.request_id),
                chunks=stream.read_chunks(),
                commit=stream.commit,
            )
        return pb.UploadDatasetResponse(dataset=dataset_message(record))

    async def ImportDataset(self, request: pb.ImportDatasetRequest, context: Context) -> pb.ImportDatasetResponse:
        caller = current_caller()
        record = await self._intake.import_url(
            request.dataset_url,
            uploader=caller,
            request_id=parse_request_id(request.request_id),
            options=parse_options(request.options, caller=caller, defaults=self._defaults),
        )
        return pb.ImportDatasetResponse(dataset=dataset_message(record))

    async def PreviewDataset(
        self, request_iterator: AsyncIterator[pb.PreviewDatasetRequest], context: Context
    ) -> pb.PreviewDatasetResponse:
        caller = current_caller()
        stream = UploadStream(aiter(request_iterator), caller=caller, defaults=self._defaults)
        source = await stream.read_source()
        async with self._intake.slot(caller):
            if isinstance(source, str):
                async for _ in stream.read_chunks():
                    raise InvalidInput("An address comes without chunks.", reason="UPLOAD_OUT_OF_ORDER")
                previewed = await self._previews.preview_url(source, options=stream.commit().options)
            else:
                previewed = await self._previews.preview(
                    filename=source.filename, chunks=stream.read_chunks(), commit=stream.commit
                )
        return pb.PreviewDatasetResponse(preview=preview_message(previewed))

    async def GetDataset(self, request: pb.GetDatasetRequest, context: Context) -> pb.GetDatasetResponse:
        record = await self._datasets.get(parse_dataset_id(request.dataset_id))
        return pb.GetDatasetResponse(dataset=dataset_message(record))

    async def ListDatasets(self, request: pb.ListDatasetsRequest, context: Context) -> pb.ListDatasetsResponse:
        caller = current_caller()
        user_id = parse_filter("user_id", request.user_id)
        page = await self._datasets.list(
            caller,
            user_id=caller.resolve_user(user_id) if user_id else "",
            collaboration_id=parse_filter("collaboration_id", request.collaboration_id),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListDatasetsResponse(
            datasets=[dataset_message(record) for record in page.rows], next_page_token=page.next_token
        )

    async def CancelDataset(self, request: pb.CancelDatasetRequest, context: Context) -> pb.CancelDatasetResponse:
        record = await self._datasets.cancel(parse_dataset_id(request.dataset_id))
        return pb.CancelDatasetResponse(dataset=dataset_message(record))

    async def RetryDataset(self, request: pb.RetryDatasetRequest, context: Context) -> pb.RetryDatasetResponse:
        record = await self._datasets.retry(parse_dataset_id(request.dataset_id))
        return pb.RetryDatasetResponse(dataset=dataset_message(record))

    async def ApplyDataset(self, request: pb.ApplyDatasetRequest, context: Context) -> pb.ApplyDatasetResponse:
        record = await self._datasets.apply(parse_dataset_id(request.dataset_id))
        return pb.ApplyDatasetResponse(dataset=dataset_message(record))

    async def PrepareDataset(self, request: pb.PrepareDatasetRequest, context: Context) -> pb.PrepareDatasetResponse:
        caller = current_caller()
        options = parse_new_options(request.options, caller=caller, defaults=self._defaults)
        record = await self._datasets.prepare(parse_dataset_id(request.dataset_id), options, caller)
        return pb.PrepareDatasetResponse(dataset=dataset_message(record))

    async def ReviseDataset(self, request: pb.ReviseDatasetRequest, context: Context) -> pb.ReviseDatasetResponse:
        revision = parse_revision(request)
        record = await self._revisions.revise(parse_dataset_id(request.dataset_id), revision, current_caller())
        return pb.ReviseDatasetResponse(dataset=dataset_message(record))

    async def DeleteDataset(self, request: pb.DeleteDatasetRequest, context: Context) -> pb.DeleteDatasetResponse:
        await self._datasets.delete(parse_dataset_id(request.dataset_id))
        return pb.DeleteDatasetResponse()

    async def GetUsage(self, request: pb.GetUsageRequest, context: Context) -> pb.GetUsageResponse:
        user_id = parse_user(request.user_id, current_caller())
        return usage_message(user_id, await self._datasets.get_usage(user_id))

    async def CreateStoredRecipe(
        self, request: pb.CreateStoredRecipeRequest, context: Context
    ) -> pb.CreateStoredRecipeResponse:
        caller = current_caller()
        record = await self._recipes.create(
            caller,
            user_id=parse_user(request.user_id, caller),
            name=parse_name("name", request.name),
            source=parse_recipe_source(request),
        )
        return pb.CreateStoredRecipeResponse(recipe=recipe_message(record))

    async def ListStoredRecipes(
        self, request: pb.ListStoredRecipesRequest, context: Context
    ) -> pb.ListStoredRecipesResponse:
        page = await self._recipes.list(
            user_id=parse_user(request.user_id, current_caller()),
            name=parse_filter("name", request.name),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        recipes = [recipe_message(record) for record in page.rows]
        return pb.ListStoredRecipesResponse(recipes=recipes, next_page_token=page.next_token)

    async def GetStoredRecipe(self, request: pb.GetStoredRecipeRequest, context: Context) -> pb.GetStoredRecipeResponse:
        record, content = await self._recipes.get(request.recipe_id, current_caller())
        return pb.GetStoredRecipeResponse(recipe=recipe_message(record), content=content)

    async def DeleteStoredRecipe(
        self, request: pb.DeleteStoredRecipeRequest, context: Context
    ) -> pb.DeleteStoredRecipeResponse:
        await self._recipes.delete(request.recipe_id, current_caller())
        return pb.DeleteStoredRecipeResponse()

    async def CreateComment(self, request: pb.CreateCommentRequest, context: Context) -> pb.CreateCommentResponse:
        record = await self._comments.create(
            parse_dataset_id(request.dataset_id),
            author=parse_user(request.user_id, current_caller()),
            text=parse_text(request),
            subject=parse_subject(request),
        )
        return pb.CreateCommentResponse(comment=comment_message(record))

    async def ListComments(self, request: pb.ListCommentsRequest, context: Context) -> pb.ListCommentsResponse:
        page = await self._comments.list(
            parse_dataset_id(request.dataset_id),
            parse_subject(request),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        comments = [comment_message(record) for record in page.rows]
        return pb.ListCommentsResponse(comments=comments, next_page_token=page.next_token)

    async def ResolveComment(self, request: pb.ResolveCommentRequest, context: Context) -> pb.ResolveCommentResponse:
        user_id = parse_user(request.user_id, current_caller())
        record = await self._comments.resolve(
            parse_dataset_id(request.dataset_id),
            parse_comment_id(request.comment_id),
            by=user_id if request.resolved else None,
        )
        return pb.ResolveCommentResponse(comment=comment_message(record))

    async def DeleteComment(self, request: pb.DeleteCommentRequest, context: Context) -> pb.DeleteCommentResponse:
        dataset_id, comment_id = parse_dataset_id(request.dataset_id), parse_comment_id(request.comment_id)
        await self._comments.delete(dataset_id, comment_id, current_caller())
        return pb.DeleteCommentResponse()

    async def ListMembers(self, request: pb.ListMembersRequest, context: Context) -> pb.ListMembersResponse:
        members = await self._collaborations.list_members(parse_name("collaboration_id", request.collaboration_id))
        return pb.ListMembersResponse(members=[to_message(member, pb.Member) for member in members])

    async def PutMember(self, request: pb.PutMemberRequest, context: Context) -> pb.PutMemberResponse:
        member = await self._collaborations.put_member(
            parse_name("collaboration_id", request.collaboration_id),
            parse_name("user_id", request.user_id),
            cast(Role, parse_enum(request, "role")),
        )
        return pb.PutMemberResponse(member=to_message(member, pb.Member))

    async def RemoveMember(self, request: pb.RemoveMemberRequest, context: Context) -> pb.RemoveMemberResponse:
        await self._collaborations.remove_member(
            parse_name("collaboration_id", request.collaboration_id), parse_name("user_id", request.user_id)
        )
        return pb.RemoveMemberResponse()

    async def ListAuditEvents(self, request: pb.ListAuditEventsRequest, context: Context) -> pb.ListAuditEventsResponse:
        page = await self._collaborations.list_audit_events(
            current_caller(),
            dataset_id=parse_filter("dataset_id", request.dataset_id),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        events = [to_message(record, pb.AuditEvent) for record in page.rows]
        return pb.ListAuditEventsResponse(events=events, next_page_token=page.next_token)

    async def EraseUser(self, request: pb.EraseUserRequest, context: Context) -> pb.EraseUserResponse:
        user_id = current_caller().resolve_user(parse_name("user_id", request.user_id))
        return pb.EraseUserResponse(datasets=await self._erasure.erase(user_id))


def service(ingest: UseCases, *, defaults: OptionDefaults = NO_DEFAULTS) -> Service:
    """Return IngestService for a gRPC server.

    Args:
        ingest: the use cases.
        defaults: what holds for uploads that leave it open.
    """
    servicer = IngestServicer(ingest, defaults=defaults)
    return Service(
        "neuralearn.ingest.v1.IngestService",
        lambda server: rpc.add_IngestServiceServicer_to_server(servicer, server),
    )
