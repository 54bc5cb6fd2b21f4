"""Uploading datasets and following them."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, cast

from fastapi import APIRouter, Body, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator

from gateway.clients.pipeline import Progressed, Removed, WatchEvent
from gateway.convert.answers import status_path
from gateway.dependencies import (
    ClientsDependency,
    CollaborationIdQuery,
    DatasetIdPath,
    GatewayDependency,
    PageDependency,
    UserIdQuery,
    problems,
)
from gateway.http.problems import invalid_fields
from gateway.http.protocol import ENDLESS, STOPPING
from gateway.schemas import datasets as schemas
from gateway.schemas.collaboration import AuditPage, ErasedUser
from gateway.schemas.preview import Preview
from gateway.upload.fields import FILE_FIELD, PrepareOptions, UploadOptions, UserId
from shared.errors import FieldError, ServiceError
from shared.logs import get_logger

router = APIRouter(tags=["datasets"])
_ENDED = object()
LAST_SEQUENCE = 2**63 - 1
_log = get_logger("gateway")


def _upload_body() -> dict[str, Any]:
    """The body of an upload, which FastAPI must not read itself, for the OpenAPI page."""
    fields: dict[str, Any] = UploadOptions.model_json_schema()["properties"]
    file = {
        "type": "string",
        "format": "binary",
        "description": "A table as delimited text, JSON, Parquet, Arrow or a workbook.",
    }
    form = {"type": "object", "properties": {FILE_FIELD: file, **fields}, "additionalProperties": False}
    address = {
        "type": "object",
        "properties": fields,
        "required": ["dataset_url"],
        "additionalProperties": False,
        "example": {"dataset_url": "https://example.org/sales.csv", "mode": "fast"},
    }
    return {
        "requestBody": {
            "description": "A file or a `dataset_url`, and options in any order. Each option may be a query parameter "
            "instead; the form outranks it.",
            "content": {
                "multipart/form-data": {"schema": form},
                "application/json": {"schema": address},
                "application/x-www-form-urlencoded": {"schema": address},
            },
        }
    }


def _printable(key: str) -> str:
    if not key.isascii() or not (key or " ").isprintable():
        raise ValueError("Must consist of printable ASCII characters")
    return key


@router.post(
    "/dataset/upload",
    summary="Upload a dataset",
    responses=problems(400, 408, 413, 415, 429),
    openapi_extra=_upload_body(),
)
async def upload_dataset(
    request: Request,
    response: Response,
    gateway: GatewayDependency,
    options: Annotated[UploadOptions, Query()],
    idempotency_key: Annotated[
        str,
        Header(
            max_length=200,
            description="Makes repeats harmless: the same owner, key, file and options get the dataset first accepted; "
            "the same key with anything else answers 409. Up to 200 printable ASCII characters; empty for none.",
        ),
        AfterValidator(_printable),
    ] = "",
) -> schemas.UploadedDataset:
    """Send a table in a file, or the address of one; its preparation is queued at once.

    The file is stored as it came. Follow the preparation at the path in the `Location` header.
    """
    if len(request.headers.getlist("idempotency-key")) > 1:
        raise invalid_fields([FieldError(field="idempotency-key", detail="There may be only one")])
    answer = await gateway.uploads.accept(request, options, request_id=idempotency_key)
    response.headers["Location"] = status_path(answer.dataset_id)
    return answer


@router.post(
    "/dataset/preview",
    summary="See how a dataset would be read",
    responses=problems(400, 408, 413, 415, 429),
    openapi_extra=_upload_body(),
)
async def preview_dataset(
    request: Request, gateway: GatewayDependency, options: Annotated[UploadOptions, Query()]
) -> Preview:
    """The same request as an upload; the dataset is read and nothing is stored.

    Shows the first rows, what the columns are, and which separators, header lines and encodings came into question, so
    that `delimiter`, `header_row`, `encoding`, `sheet` and `types` can be corrected before the upload.
    """
    return await gateway.uploads.preview(request, options)


@router.get("/dataset/{dataset_id}/status", summary="Follow a dataset", responses=problems(404))
async def get_dataset_status(dataset_id: DatasetIdPath, clients: ClientsDependency) -> schemas.DatasetStatus:
    """The state of a preparation, and links to its results."""
    return await clients.ingest.status(dataset_id)


@router.get(
    "/dataset/{dataset_id}/events",
    summary="Watch a dataset",
    response_class=StreamingResponse,
    responses={
        **problems(404),
        200: {"model": schemas.RunEvent, "content": {"text/event-stream": {}}, "description": "Server-sent events."},
        204: {"description": "The run has ended, and nothing happened behind `Last-Event-ID`."},
    },
)
async def watch_dataset(
    request: Request,
    dataset_id: DatasetIdPath,
    clients: ClientsDependency,
    last_event_id: Annotated[
        int, Header(ge=0, le=LAST_SEQUENCE, description="The last event that is known; browsers send it.")
    ] = 0,
) -> Response:
    """Every change of status, stage and percentage as it happens, until the run has ended.

    Each is an event named `progress`; where the dataset is deleted meanwhile, one named `removed` is the last.
    """
    events = clients.pipeline.watch(dataset_id, after=last_event_id)
    first = await anext(events, _ENDED)
    if first is _ENDED:
        return Response(status_code=204)
    if request.scope.get(STOPPING):
        await events.aclose()
        return Response(_event_text(dataset_id, cast(WatchEvent, first)), media_type="text/event-stream")
    request.scope[ENDLESS] = True
    return StreamingResponse(
        _stream(dataset_id, cast(WatchEvent, first), events),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store"},
    )


async def _stream(dataset_id: str, first: WatchEvent, events: AsyncGenerator[WatchEvent]) -> AsyncIterator[str]:
    """The events as text; the call behind them ends with the reader."""
    async with aclosing(events):
        yield _event_text(dataset_id, first)
        try:
            async for event in events:
                yield _event_text(dataset_id, event)
        except ServiceError as error:
            # A client that reconnects gets the error as a status; this one was 200 already.
            _log.warning("stream of events broken off", dataset_id=dataset_id, reason=error.reason)


def _event_text(dataset_id: str, event: WatchEvent) -> str:
    """A server-sent event, or a comment that keeps the connection open."""
    match event:
        case Progressed():
            return f"id: {event.sequence}\nevent: progress\ndata: {event.event.model_dump_json()}\n\n"
        case Removed():
            return f"event: removed\ndata: {json.dumps({'dataset_id': dataset_id})}\n\n"
        case None:
            return ": still here\n\n"


@router.post("/dataset/{dataset_id}/cancel", summary="Call a preparation off", responses=problems(404, 409))
async def cancel_dataset(dataset_id: DatasetIdPath, clients: ClientsDependency) -> schemas.DatasetStatus:
    """Its process is ended within a second, nothing of it is published, and its quota is given back."""
    return await clients.ingest.cancel(dataset_id)


@router.post("/dataset/{dataset_id}/retry", summary="Prepare a dataset again", responses=problems(404, 409, 429))
async def retry_dataset(dataset_id: DatasetIdPath, clients: ClientsDependency) -> schemas.DatasetStatus:
    """With the same options, where the preparation failed or was called off."""
    return await clients.ingest.retry(dataset_id)


@router.post(
    "/dataset/{dataset_id}/prepare",
    summary="Prepare a dataset with other options",
    responses=problems(404, 409, 429),
)
async def prepare_dataset(
    dataset_id: DatasetIdPath,
    clients: ClientsDependency,
    options: Annotated[PrepareOptions | None, Body(description="The options of the new preparation.")] = None,
) -> schemas.DatasetStatus:
    """The stored table, once its preparation has ended; what the body does not say has its default.

    The result before stays readable until the new one is published, and where the new preparation fails.
    """
    return await clients.ingest.prepare(dataset_id, options or PrepareOptions())


@router.delete("/dataset/{dataset_id}", summary="Remove a dataset", status_code=204, responses=problems(404))
async def delete_dataset(dataset_id: DatasetIdPath, clients: ClientsDependency) -> None:
    """The upload and all results, for good; a preparation that runs is called off."""
    await clients.ingest.delete(dataset_id)


@router.get("/datasets", summary="List datasets", responses=problems())
async def list_datasets(
    clients: ClientsDependency,
    page: PageDependency,
    user_id: UserIdQuery = "",
    collaboration_id: CollaborationIdQuery = "",
) -> schemas.DatasetPage:
    """Datasets, newest first: 50 a page unless `page_size` says otherwise, 500 at most."""
    return await clients.ingest.datasets(user_id=user_id, collaboration_id=collaboration_id, page=page)


@router.get("/datasets/status", summary="Follow many datasets", responses=problems())
async def list_dataset_statuses(
    clients: ClientsDependency,
    page: PageDependency,
    user_id: UserIdQuery = "",
    collaboration_id: CollaborationIdQuery = "",
) -> schemas.DatasetPage:
    """The same as `/datasets`."""
    return await clients.ingest.datasets(user_id=user_id, collaboration_id=collaboration_id, page=page)


@router.get("/usage", summary="Ask what is left of a quota", responses=problems())
async def get_usage(
    clients: ClientsDependency,
    user_id: Annotated[UserId, Query(description="The user; empty for the caller, `anonymous` in open mode.")] = "",
) -> schemas.Usage:
    """How often a user has used the modes that ask a language model, and how often they still may."""
    return await clients.ingest.usage(user_id)


@router.get("/audit", summary="See who did what with one's data", responses=problems())
async def list_audit_events(
    clients: ClientsDependency,
    page: PageDependency,
    dataset_id: Annotated[str, Query(max_length=200, description="Only this dataset; empty for all.")] = "",
) -> AuditPage:
    """Changes, downloads of tables and refusals, newest first; 100 a page unless `page_size` says so, 500 at most.

    An owner sees what concerns its datasets, also deleted ones, and its collaborations. In open mode nobody proves who
    calls, and nothing is recorded.
    """
    return await clients.ingest.audit(dataset_id, page)


@router.delete("/users/{user_id}/data", summary="Remove all that a user owns", responses=problems())
async def erase_user(
    user_id: Annotated[UserId, Path(min_length=1, description="The user: oneself, or anybody in open mode.")],
    clients: ClientsDependency,
) -> ErasedUser:
    """For good: datasets with all results, API keys, memberships and the audit trail; a repeat is harmless.

    In the audit trail of others the user is not named any more. How often the modes that ask a language model were used
    is kept under a pseudonym, so that nobody gets a new quota this way.
    """
    return await clients.ingest.erase_user(user_id)
