"""Results that a group shares."""

from fastapi import APIRouter

from gateway.dependencies import ClientsDependency, CollaborationIdPath, PageDependency, problems
from gateway.schemas import results as schemas

router = APIRouter(prefix="/collaboration/{collaboration_id}", tags=["collaboration"])


@router.get("/graphs", summary="List a group's charts", responses=problems())
async def list_collaboration_graphs(
    collaboration_id: CollaborationIdPath, clients: ClientsDependency, page: PageDependency
) -> schemas.CollaborationGraphPage:
    """The charts of every prepared dataset of a group, newest dataset first; 500 a page unless `page_size` says so."""
    return await clients.report.collaboration_graphs(collaboration_id, page)


@router.get("/datasets/cleaned", summary="List a group's prepared datasets", responses=problems())
async def list_cleaned_datasets(
    collaboration_id: CollaborationIdPath, clients: ClientsDependency, page: PageDependency
) -> schemas.CleanedDatasetPage:
    """The prepared datasets of a group, newest first; 50 a page unless `page_size` says otherwise, 500 at most."""
    return await clients.report.cleaned_datasets(collaboration_id, page)
