"""Changing the recipe of a prepared dataset, and the versions that this makes."""

from typing import Annotated

from fastapi import APIRouter, Body, Header, Query

from gateway.dependencies import ClientsDependency, DatasetIdPath, PageDependency, problems
from gateway.schemas.datasets import DatasetStatus
from gateway.schemas.versions import DifferencePage, DryRun, RecipeChange, Undo, VersionPage

router = APIRouter(prefix="/dataset/{dataset_id}", tags=["results"])
IfMatch = Annotated[
    str,
    Header(
        max_length=200,
        description="The `ETag` of the recipe that was read; 409 where it is another by now. Empty for any.",
    ),
]


@router.patch("/recipe", summary="Switch steps off or on, or add some", responses=problems(404, 409, 429))
async def change_recipe(
    dataset_id: DatasetIdPath,
    clients: ClientsDependency,
    change: Annotated[RecipeChange, Body(description="The steps.")],
    if_match: IfMatch = "",
) -> DatasetStatus:
    """The recipe is carried out once more, which makes a new version of the results; no number is fitted again.

    A step that needs what a switched-off one made is skipped, and says so. Steps that hide personal data stay on.
    """
    etag = if_match.strip().removeprefix("W/").strip('"')
    return await clients.ingest.change_recipe(dataset_id, change, etag=etag)


@router.post("/recipe/dry-run", summary="See what a recipe would do", responses=problems(404, 409))
async def try_recipe(
    dataset_id: DatasetIdPath,
    clients: ClientsDependency,
    change: Annotated[RecipeChange, Body(description="The changes that are tried; none for the recipe as it is.")],
) -> DryRun:
    """What each step does: counts, ten cells before and after, the distribution of its column. Nothing is stored."""
    return await clients.pipeline.try_recipe(dataset_id, change)


@router.post("/undo", summary="Undo steps, columns, rules, cells or everything", responses=problems(404, 409, 429))
async def undo_steps(
    dataset_id: DatasetIdPath,
    clients: ClientsDependency,
    undone: Annotated[Undo, Body(description="What is undone.")],
) -> DatasetStatus:
    """A new version of the results, without these steps; `PATCH` of the recipe switches them on again.

    Without all of them the cleaned table is the uploaded one, cell by cell, apart from hidden personal data.
    """
    return await clients.ingest.undo(dataset_id, undone)


@router.post("/apply", summary="Complete a proposed preparation", responses=problems(404, 409))
async def apply_proposal(dataset_id: DatasetIdPath, clients: ClientsDependency) -> DatasetStatus:
    """Its results stay as they are; 409 with the reason `NOT_PROPOSED` where nothing is proposed."""
    return await clients.ingest.apply(dataset_id)


@router.get("/versions", summary="List the versions of the results", responses=problems(404))
async def list_versions(dataset_id: DatasetIdPath, clients: ClientsDependency, page: PageDependency) -> VersionPage:
    """Each preparation and each change of the recipe makes one; the newest 20 are kept.

    Tables, rows, changes, profile, recipe, drift, features, charts and logs take `?version=`.
    """
    return await clients.report.versions(dataset_id, page)


@router.get("/diff", summary="List the cells in which two versions differ", responses=problems(404, 409))
async def list_differences(
    dataset_id: DatasetIdPath,
    clients: ClientsDependency,
    page: PageDependency,
    before: Annotated[int, Query(alias="from", ge=1, le=2**31 - 1, description="The version before.")],
    after: Annotated[
        int, Query(alias="to", ge=0, le=2**31 - 1, description="The version after; 0 for the newest.")
    ] = 0,
    of: Annotated[
        str,
        Query(
            max_length=200,
            description="The dataset of the version before, made from the same file, read in the same way; empty for "
            "the same dataset.",
        ),
    ] = "",
    column: Annotated[str, Query(max_length=10_000, description="Only the cells of this column; empty for all.")] = "",
) -> DifferencePage:
    """By the ledgers of the cleaned tables; 100 cells a page unless `page_size` says otherwise, 1000 at most."""
    versions = (before, after)
    return await clients.report.differences(dataset_id, versions=versions, of=of, column=column, page=page)
