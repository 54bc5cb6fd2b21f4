"""Charts of a preparation."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from gateway.clients.report import GraphFormat
from gateway.dependencies import ClientsDependency, DatasetIdPath, PageDependency, problems
from gateway.http.download import archive_response, graph_response
from gateway.routes.results import BINARY, CONDITIONAL, VALIDATORS, VersionQuery
from gateway.schemas import results as schemas
from shared.contracts.charts import Chart

router = APIRouter(prefix="/dataset/{dataset_id}", tags=["results"])


@router.get("/eda/graphs", summary="List the charts", responses=problems(404, 409))
async def list_graphs(
    dataset_id: DatasetIdPath, clients: ClientsDependency, page: PageDependency, version: VersionQuery = 0
) -> schemas.GraphPage:
    """The charts of a dataset in the order of its columns; 500 a page unless `page_size` says so, 1000 at most."""
    return await clients.report.graphs(dataset_id, version, page)


@router.head("/graph/{graph_id}", include_in_schema=False)
@router.get(
    "/graph/{graph_id}",
    summary="Draw a chart",
    response_class=Response,
    dependencies=VALIDATORS,
    responses={
        200: {
            "description": "The chart.",
            "model": Chart,
            "content": {"image/png": BINARY, "image/svg+xml": {"schema": {"type": "string"}}},
        },
        **CONDITIONAL,
        **problems(404, 409),
    },
)
async def get_graph(
    request: Request,
    dataset_id: DatasetIdPath,
    graph_id: Annotated[str, Path(max_length=1000, description="The chart's name within its dataset.")],
    clients: ClientsDependency,
    format: Annotated[GraphFormat, Query(description="A picture, or the chart's data as JSON.")] = "png",
    version: VersionQuery = 0,
) -> Response:
    """One chart, drawn when first asked for and kept."""
    return graph_response(request, await clients.report.graph(dataset_id, graph_id, version, format))


@router.get(
    "/graphs.zip",
    summary="Fetch all charts",
    response_class=Response,
    responses={200: {"description": "The archive.", "content": {"application/zip": BINARY}}, **problems(404, 409)},
)
async def get_graphs_zip(
    dataset_id: DatasetIdPath,
    clients: ClientsDependency,
    format: Annotated[GraphFormat, Query(description="Pictures, or the data of the charts as JSON.")] = "png",
    version: VersionQuery = 0,
) -> Response:
    """All charts in one ZIP archive, each named after its `graph_id`. It begins when the first one is drawn."""
    return await archive_response(clients.report.graphs_zip(dataset_id, version, format), f"graphs-{format}.zip")
