"""IngestService, in the gateway's terms."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress

import grpc

from gateway.clients.calls import Page, call, metadata
from gateway.convert.answers import dataset_status
from gateway.convert.requests import (
    UploadPart,
    cell_places,
    fill_change,
    import_request,
    prepare_request,
    preview_address,
    preview_part,
)
from gateway.convert.to_model import plain_values, to_model
from gateway.http.forwarded import current_forwarded
from gateway.http.problems import invalid_fields
from gateway.schemas.collaboration import AuditPage, ErasedUser, Member, Members
from gateway.schemas.comments import Comment, CommentPage, CommentState, NewComment
from gateway.schemas.datasets import DatasetPage, DatasetStatus, UploadedDataset, Usage
from gateway.schemas.preview import Preview
from gateway.schemas.recipes import NewRecipe, RecipePage, StoredRecipe
from gateway.schemas.versions import RecipeChange, Undo
from gateway.upload.fields import PrepareOptions, UploadOptions
from shared.contracts.vocabulary import Role
from shared.errors import FieldError, PermissionDenied
from shared.pb.neuralearn.ingest.v1 import ingest_pb2 as pb
from shared.pb.neuralearn.ingest.v1 import ingest_pb2_grpc as rpc
from shared.rpc.calls import client_call
from shared.rpc.channel import TRANSFER_SECONDS
from shared.rpc.early_status import stream_to
from shared.rpc.messages import enum_number
from shared.rpc.status import service_errors

_SERVICE = pb.DESCRIPTOR.services_by_name["IngestService"].full_name
_UPLOAD = f"{_SERVICE}/UploadDataset"
_PREVIEW = f"{_SERVICE}/PreviewDataset"
_CHECK_SECONDS = 30.0


class IngestClient:
    """Uploads, follows, cancels and removes datasets."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = rpc.IngestServiceStub(channel)

    async def upload(self, parts: AsyncIterator[UploadPart]) -> UploadedDataset:
        """Send an upload; `parts` must end once this returns or raises.

        Raises:
            Unavailable: where the service went away in the middle.
        """
        with service_errors(), client_call(_UPLOAD):
            answer = await stream_to(self._stub.UploadDataset, parts, timeout=TRANSFER_SECONDS, metadata=metadata())
        return to_model(answer.dataset, UploadedDataset)

    async def preview(self, parts: AsyncIterator[UploadPart]) -> Preview:
        """Send an upload that is only read; `parts` must end once this returns or raises."""
        return await self._preview(preview_part(part) async for part in parts)

    async def preview_import(self, options: UploadOptions) -> Preview:
        """Let the service fetch `options.dataset_url` and only read it."""

        async def parts() -> AsyncIterator[pb.PreviewDatasetRequest]:
            for part in preview_address(options):
                yield part

        return await self._preview(parts())

    async def _preview(self, parts: AsyncIterator[pb.PreviewDatasetRequest]) -> Preview:
        with service_errors(), client_call(_PREVIEW):
            answer = await stream_to(self._stub.PreviewDataset, parts, timeout=TRANSFER_SECONDS, metadata=metadata())
        rows = [plain_values(row) for row in answer.preview.sample_rows]
        return to_model(answer.preview, Preview, sample_rows=rows)

    async def import_dataset(self, options: UploadOptions, *, request_id: str) -> UploadedDataset:
        """Let the service fetch `options.dataset_url`."""
        request = import_request(options=options, request_id=request_id)
        answer = await call(self._stub.ImportDataset, request, timeout=TRANSFER_SECONDS)
        return to_model(answer.dataset, UploadedDataset)

    async def status(self, dataset_id: str) -> DatasetStatus:
        """Return a dataset and where its preparation stands."""
        answer = await call(self._stub.GetDataset, pb.GetDatasetRequest(dataset_id=dataset_id))
        return dataset_status(answer.dataset)

    async def datasets(self, *, user_id: str, collaboration_id: str, page: Page) -> DatasetPage:
        """Return a page of datasets; an empty owner or group means any."""
        request = pb.ListDatasetsRequest(
            user_id=user_id, collaboration_id=collaboration_id, page_size=page.size, page_token=page.token
        )
        answer = await call(self._stub.ListDatasets, request)
        return to_model(answer, DatasetPage, datasets=[dataset_status(dataset) for dataset in answer.datasets])

    async def cancel(self, dataset_id: str) -> DatasetStatus:
        """Cancel a preparation."""
        answer = await call(self._stub.CancelDataset, pb.CancelDatasetRequest(dataset_id=dataset_id))
        return dataset_status(answer.dataset)

    async def apply(self, dataset_id: str) -> DatasetStatus:
        """Complete a preparation that is proposed."""
        answer = await call(self._stub.ApplyDataset, pb.ApplyDatasetRequest(dataset_id=dataset_id))
        return dataset_status(answer.dataset)

    async def retry(self, dataset_id: str) -> DatasetStatus:
        """Prepare a dataset again."""
        answer = await call(self._stub.RetryDataset, pb.RetryDatasetRequest(dataset_id=dataset_id))
        return dataset_status(answer.dataset)

    async def prepare(self, dataset_id: str, options: PrepareOptions) -> DatasetStatus:
        """Prepare a dataset again with other options."""
        answer = await call(self._stub.PrepareDataset, prepare_request(dataset_id, options))
        return dataset_status(answer.dataset)

    async def change_recipe(self, dataset_id: str, change: RecipeChange, *, etag: str) -> DatasetStatus:
        """Switch steps of a recipe off or on, and carry it out once more; only if the etag is its own or empty."""
        request = pb.ReviseDatasetRequest(dataset_id=dataset_id, etag=etag)
        fill_change(request, change)
        return dataset_status((await call(self._stub.ReviseDataset, request)).dataset)

    async def undo(self, dataset_id: str, undone: Undo) -> DatasetStatus:
        """Switch steps of a recipe off, and carry it out once more."""
        request = pb.ReviseDatasetRequest(
            dataset_id=dataset_id,
            off=undone.steps,
            columns=undone.columns,
            rules=undone.rules,
            everything=undone.everything,
            cells=cell_places(undone.cells),
        )
        return dataset_status((await call(self._stub.ReviseDataset, request)).dataset)

    async def delete(self, dataset_id: str) -> None:
        """Remove a dataset."""
        await call(self._stub.DeleteDataset, pb.DeleteDatasetRequest(dataset_id=dataset_id))

    async def authenticate(self) -> None:
        """Return if the caller is somebody; in open mode nobody is asked.

        Raises:
            Unauthenticated: the caller does not prove who it is.
        """
        if current_forwarded().tokens is None:
            return
        with suppress(PermissionDenied):  # a key that may write alone is somebody, too
            await call(self._stub.GetUsage, pb.GetUsageRequest())

    async def usage(self, user_id: str) -> Usage:
        """Return what a user has used of the modes that ask a language model."""
        answer = await call(self._stub.GetUsage, pb.GetUsageRequest(user_id=user_id))
        return to_model(answer, Usage)

    async def create_recipe(self, new: NewRecipe) -> StoredRecipe:
        """Store a recipe under a name."""
        request = pb.CreateStoredRecipeRequest(user_id=new.user_id, name=new.name)
        if new.recipe is not None and not new.dataset_id:
            request.content = json.dumps(new.recipe, separators=(",", ":")).encode()
        elif new.recipe is None:
            request.dataset_id = new.dataset_id
        else:
            raise invalid_fields([FieldError("recipe", "must not be given together with dataset_id")])
        answer = await call(self._stub.CreateStoredRecipe, request, timeout=_CHECK_SECONDS)
        return to_model(answer.recipe, StoredRecipe)

    async def recipes(self, *, user_id: str, name: str, page: Page) -> RecipePage:
        """Return a page of the stored recipes of a user."""
        request = pb.ListStoredRecipesRequest(user_id=user_id, name=name, page_size=page.size, page_token=page.token)
        answer = await call(self._stub.ListStoredRecipes, request)
        return to_model(answer, RecipePage)

    async def stored_recipe(self, recipe_id: str) -> bytes:
        """Return a stored recipe as JSON, with its steps as they were stored."""
        answer = await call(self._stub.GetStoredRecipe, pb.GetStoredRecipeRequest(recipe_id=recipe_id))
        head = to_model(answer.recipe, StoredRecipe).model_dump_json().encode()
        return head.removesuffix(b"}") + b',"recipe":' + answer.content + b"}"

    async def delete_recipe(self, recipe_id: str) -> None:
        """Remove a stored recipe."""
        await call(self._stub.DeleteStoredRecipe, pb.DeleteStoredRecipeRequest(recipe_id=recipe_id))

    async def create_comment(self, dataset_id: str, new: NewComment) -> Comment:
        """Keep a comment."""
        request = pb.CreateCommentRequest(dataset_id=dataset_id, **new.model_dump(exclude_none=True))
        return to_model((await call(self._stub.CreateComment, request)).comment, Comment)

    async def comments(self, dataset_id: str, *, step: int, column: str, row: int, page: Page) -> CommentPage:
        """Return a page of the comments of a dataset."""
        request = pb.ListCommentsRequest(dataset_id=dataset_id, step=step, column=column, row=row)
        request.page_size, request.page_token = page.size, page.token
        answer = await call(self._stub.ListComments, request)
        return to_model(answer, CommentPage)

    async def resolve_comment(self, dataset_id: str, comment_id: str, state: CommentState) -> Comment:
        """Settle a comment, or open it again."""
        request = pb.ResolveCommentRequest(dataset_id=dataset_id, comment_id=comment_id, **state.model_dump())
        return to_model((await call(self._stub.ResolveComment, request)).comment, Comment)

    async def delete_comment(self, dataset_id: str, comment_id: str) -> None:
        """Remove a comment."""
        await call(self._stub.DeleteComment, pb.DeleteCommentRequest(dataset_id=dataset_id, comment_id=comment_id))

    async def members(self, collaboration_id: str) -> Members:
        """Return the members of a collaboration."""
        answer = await call(self._stub.ListMembers, pb.ListMembersRequest(collaboration_id=collaboration_id))
        return to_model(answer, Members)

    async def put_member(self, collaboration_id: str, user_id: str, role: Role) -> Member:
        """Add a member, or change the role of one."""
        number = enum_number(pb.Role.DESCRIPTOR, role)
        request = pb.PutMemberRequest(collaboration_id=collaboration_id, user_id=user_id, role=number)  # type: ignore[arg-type]
        answer = await call(self._stub.PutMember, request)
        return to_model(answer.member, Member)

    async def remove_member(self, collaboration_id: str, user_id: str) -> None:
        """Remove a member."""
        request = pb.RemoveMemberRequest(collaboration_id=collaboration_id, user_id=user_id)
        await call(self._stub.RemoveMember, request)

    async def audit(self, dataset_id: str, page: Page) -> AuditPage:
        """Return a page of what was done with the caller's datasets and collaborations."""
        request = pb.ListAuditEventsRequest(dataset_id=dataset_id, page_size=page.size, page_token=page.token)
        answer = await call(self._stub.ListAuditEvents, request)
        return to_model(answer, AuditPage)

    async def erase_user(self, user_id: str) -> ErasedUser:
        """Remove all that a user owns."""
        request = pb.EraseUserRequest(user_id=user_id)
        answer = await call(self._stub.EraseUser, request, timeout=TRANSFER_SECONDS)
        return to_model(answer, ErasedUser)
