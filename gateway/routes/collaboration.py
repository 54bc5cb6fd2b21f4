"""Results that a group shares, and its members."""

from typing import Annotated

from fastapi import APIRouter, Body, Path

from gateway.dependencies import ClientsDependency, CollaborationIdPath, PageDependency, problems
from gateway.schemas import collaboration
from gateway.schemas import results as schemas
from gateway.upload.fields import UserId

router = APIRouter(prefix="/collaboration/{collaboration_id}", tags=["collaboration"])

UserIdPath = Annotated[UserId, Path(description="The user.")]


@router.get("/graphs", summary="List a group's charts", responses=problems(404))
async def list_collaboration_graphs(
    collaboration_id: CollaborationIdPath, clients: ClientsDependency, page: PageDependency
) -> schemas.CollaborationGraphPage:
    """The charts of every prepared dataset of a group, newest dataset first; 500 a page unless `page_size` says so."""
    return await clients.report.collaboration_graphs(collaboration_id, page)


@router.get("/datasets/cleaned", summary="List a group's prepared datasets", responses=problems(404))
async def list_cleaned_datasets(
    collaboration_id: CollaborationIdPath, clients: ClientsDependency, page: PageDependency
) -> schemas.CleanedDatasetPage:
    """The prepared datasets of a group, newest first; 50 a page unless `page_size` says otherwise, 500 at most."""
    return await clients.report.cleaned_datasets(collaboration_id, page)


@router.get("/members", summary="List a group's members", responses=problems(404))
async def list_members(collaboration_id: CollaborationIdPath, clients: ClientsDependency) -> collaboration.Members:
    """All members with their roles. The first who uploads into a collaboration is its first owner."""
    return await clients.ingest.members(collaboration_id)


@router.put("/members/{user_id}", summary="Add a member or change its role", responses=problems(404, 409))
async def put_member(
    collaboration_id: CollaborationIdPath,
    user_id: UserIdPath,
    clients: ClientsDependency,
    member: Annotated[collaboration.NewRole, Body(description="The role.")],
) -> collaboration.Member:
    """For owners. Where a claim of the tokens names the members, answers 409."""
    return await clients.ingest.put_member(collaboration_id, user_id, member.role)


@router.delete("/members/{user_id}", summary="Remove a member", status_code=204, responses=problems(404, 409))
async def remove_member(collaboration_id: CollaborationIdPath, user_id: UserIdPath, clients: ClientsDependency) -> None:
    """For owners; a collaboration keeps at least one owner."""
    await clients.ingest.remove_member(collaboration_id, user_id)
