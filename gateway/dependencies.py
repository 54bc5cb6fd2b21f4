"""Dependencies of routes: the clients, the requested page, and the problems that a route declares."""

from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import Depends, Path, Query, Request

from gateway.clients.calls import Page
from gateway.clients.clients import Clients
from gateway.http.download import TableDownload
from gateway.schemas.problems import Problem
from gateway.schemas.service import About
from gateway.upload.fields import CollaborationId, UserId
from gateway.upload.uploads import Uploads

_DESCRIPTIONS = {
    400: "The table has too many rows or columns; the detail says how many and what the limits are.",
    401: "The caller does not prove who it is: a token or API key is missing, not valid, or expired.",
    403: "The caller may not do this, the name of the gateway is not served, or a page of another site asked for it.",
    404: "There is no such thing.",
    408: "The client sent nothing for too long.",
    409: "Not ready yet, or not possible in this state; `Retry-After` says when to ask again.",
    413: "The file is too large.",
    415: "The body is of a type the service does not take.",
    416: "The range lies outside of the file; `Content-Range` says how large it is.",
    422: "The request is not valid, or the file can't be read as a table.",
    431: "The head of the request is too long: 64 KiB or 200 headers at most.",
    429: "The quota of this mode is used up.",
    500: "Something went wrong on our side.",
    503: "A part of the service does not answer or is busy; `Retry-After` says when to try again.",
}


@dataclass(frozen=True)
class Gateway:
    """Everything that the application holds while it runs."""

    clients: Clients
    uploads: Uploads
    downloads: TableDownload
    about: About
    """What the root says of the service."""


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the errors that a route declares, with those that every route may answer."""
    declared = {*statuses, 401, 403, 431, 422, 500, 503}
    return {status: {"model": Problem, "description": _DESCRIPTIONS[status]} for status in declared}


def _gateway(request: Request) -> Gateway:
    return cast(Gateway, request.app.state.gateway)


def _clients(request: Request) -> Clients:
    return _gateway(request).clients


def _page(
    page_size: Annotated[
        int, Query(ge=0, le=2**31 - 1, description="Most entries on the page; 0 lets the service choose.")
    ] = 0,
    page_token: Annotated[
        str,
        Query(
            max_length=2000,
            pattern=r"^[A-Za-z0-9_-]*$",
            description="The `next_page_token` of the page before; empty for the first.",
        ),
    ] = "",
) -> Page:
    return Page(size=page_size, token=page_token)


GatewayDependency = Annotated[Gateway, Depends(_gateway)]
ClientsDependency = Annotated[Clients, Depends(_clients)]
PageDependency = Annotated[Page, Depends(_page)]
DatasetIdPath = Annotated[str, Path(max_length=200, description="The dataset's UUID, from the answer of the upload.")]
CollaborationIdPath = Annotated[CollaborationId, Path(description="The group, as given with the uploads.")]
UserIdQuery = Annotated[UserId, Query(description="Only this owner's datasets; empty for all that the caller may see.")]
CollaborationIdQuery = Annotated[CollaborationId, Query(description="Only this group's datasets; empty for all.")]
