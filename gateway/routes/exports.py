"""The recipe of a dataset in the form of other tools."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from gateway.dependencies import ClientsDependency, DatasetIdPath, problems
from gateway.http.download import disposition
from gateway.routes.results import VersionQuery
from shared.contracts.vocabulary import ExportFormat, SqlDialect

router = APIRouter(prefix="/dataset/{dataset_id}", tags=["results"])
_STRING = {"schema": {"type": "string"}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {
            "text/x-python": _STRING,
            "application/sql": _STRING,
            "application/json": {"schema": {"type": "object"}},
        },
        "headers": {
            "X-Steps-Left-Out": {
                "description": "The places of the steps that the file does not have, such as `17, 20`; it says why.",
                "schema": {"type": "string"},
            }
        },
    },
    **problems(404, 409),
}


@router.get("/export", summary="Take the recipe to another tool", responses=_RESPONSES, response_class=Response)
async def export_recipe(
    dataset_id: DatasetIdPath,
    clients: ClientsDependency,
    format: Annotated[
        ExportFormat,
        Query(
            description="pandas: a program; sklearn: a module with a Pipeline; sql: a query; pandera: checks of both "
            "tables; table-schema: the cleaned table's columns (Frictionless); odcs: a data contract (Open Data "
            "Contract Standard 3); croissant: metadata of the dataset; openlineage: a run event with column lineage."
        ),
    ],
    dialect: Annotated[SqlDialect, Query(description="The database of a query.")] = "duckdb",
    version: VersionQuery = 0,
) -> Response:
    """A program or query makes the same tables as this service, without it; tests hold them to it.

    A query has the steps that look at one row at a time; what it lacks is said in it and in `X-Steps-Left-Out`. 409
    with the reason `NOT_EXPORTABLE` where personal data is hidden in a way that needs the service.
    """
    file = await clients.pipeline.export(dataset_id, format, dialect, version)
    headers = {
        "Content-Disposition": disposition(file.filename),
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    if file.left_out:
        headers["X-Steps-Left-Out"] = ", ".join(map(str, file.left_out))
    return Response(file.content, media_type=file.media_type, headers=headers)
