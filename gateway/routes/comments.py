"""Comments, with which the members of a collaboration review a dataset."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Response

from gateway.dependencies import ClientsDependency, DatasetIdPath, PageDependency, problems
from gateway.schemas import comments as schemas

router = APIRouter(prefix="/dataset/{dataset_id}/comments", tags=["collaboration"])

CommentIdPath = Annotated[str, Path(max_length=200, description="The comment's UUID.")]


@router.post("", summary="Comment on a dataset, a step, a column or a cell", responses=problems(404, 429))
async def create_comment(
    dataset_id: DatasetIdPath,
    clients: ClientsDependency,
    new: Annotated[schemas.NewComment, Body(description="The comment.")],
) -> schemas.Comment:
    """For everybody who may read the dataset; 5,000 comments a dataset at most."""
    return await clients.ingest.create_comment(dataset_id, new)


@router.get("", summary="List comments", responses=problems(404))
async def list_comments(
    dataset_id: DatasetIdPath,
    clients: ClientsDependency,
    page: PageDependency,
    step: Annotated[int | None, Query(ge=1, le=100_000, description="Only those on this step.")] = None,
    column: Annotated[str, Query(max_length=10_000, description="Only those on this column and its cells.")] = "",
    row: Annotated[int | None, Query(ge=1, le=2**53, description="With a column: only those on the cell.")] = None,
) -> schemas.CommentPage:
    """Oldest first: 100 a page unless `page_size` says otherwise, 1,000 at most."""
    return await clients.ingest.comments(dataset_id, step=step or 0, column=column, row=row or 0, page=page)


@router.patch("/{comment_id}", summary="Settle a comment, or open it again", responses=problems(404))
async def resolve_comment(
    dataset_id: DatasetIdPath,
    comment_id: CommentIdPath,
    clients: ClientsDependency,
    state: Annotated[schemas.CommentState, Body(description="Whether it is settled.")],
) -> schemas.Comment:
    """Who settled it, and when, stays with the comment."""
    return await clients.ingest.resolve_comment(dataset_id, comment_id, state)


@router.delete("/{comment_id}", summary="Remove a comment", status_code=204, responses=problems(404))
async def delete_comment(dataset_id: DatasetIdPath, comment_id: CommentIdPath, clients: ClientsDependency) -> Response:
    """For its author and for owners of the dataset."""
    await clients.ingest.delete_comment(dataset_id, comment_id)
    return Response(status_code=204)
