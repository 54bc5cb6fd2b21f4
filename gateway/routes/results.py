"""Results of a preparation."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from gateway.clients.report import RowsRequest, TableRef
from gateway.convert.answers import report_document
from gateway.dependencies import ClientsDependency, DatasetIdPath, GatewayDependency, PageDependency, problems
from gateway.http.download import document_response, report_response
from gateway.schemas import results as schemas
from gateway.schemas.drift import Drift
from gateway.schemas.profile import Profile
from gateway.schemas.utility import Utility
from shared.contracts.vocabulary import DEFAULT_CHARSET, DEFAULT_STYLE, ChangeKind, Charset, TableFormat, TableStyle

router = APIRouter(prefix="/dataset/{dataset_id}", tags=["results"])

FormatQuery = Annotated[
    TableFormat,
    Query(
        description="How the table is written. An Excel workbook has at most 3 million cells, what was done on a sheet "
        "of its own, and the changed cells of the cleaned table in colour; Arrow is an IPC file, jsonl an object a row."
    ),
]
CharsetQuery = Annotated[
    Charset,
    Query(
        description="The encoding of CSV; Excel recognises utf8_bom. A table with a character that it lacks is refused."
    ),
]
StyleQuery = Annotated[
    TableStyle,
    Query(
        description="How CSV is written: what was not changed as the uploaded file has it, everything as its type is "
        "written, or that with every moment in full ISO 8601. The other formats are typed."
    ),
]
RedirectQuery = Annotated[
    bool, Query(description="Answer 307 to the object store where it can serve the bytes itself; else they are sent.")
]
SafeQuery = Annotated[
    bool | None,
    Query(
        description="Put an apostrophe before text in CSV that spreadsheets take for a formula; without it the "
        "deployment decides."
    ),
]
RowIdQuery = Annotated[
    bool,
    Query(
        description="Put a first column `__row__` into the table: the row in the uploaded table, from 1, to join by. "
        "It is no feature of a model."
    ),
]
VersionQuery = Annotated[
    int,
    Query(ge=0, le=2**31 - 1, description="A version of the results, as `/versions` has them; 0 for the newest."),
]
ColumnQuery = Annotated[str, Query(max_length=10_000, description="Only the changes of this column; empty for all.")]
NamesQuery = Annotated[tuple[Annotated[str, Field(max_length=10_000)], ...], Field(max_length=1_000)]
StepQuery = Annotated[
    int, Query(ge=0, le=2**31 - 1, description="Only the changes of this step of the recipe, from 1; 0 for all.")
]
BINARY = {"schema": {"type": "string", "format": "binary"}}
CONDITIONAL: dict[int | str, dict[str, Any]] = {304: {"description": "What the client has still holds."}}


def _validators(
    if_none_match: Annotated[str, Header(description="An `ETag` the client has; answers 304 if it still holds.")] = "",
) -> None:
    """Describes a header that `gateway.http.download` reads itself."""


def _ranges(
    range: Annotated[str, Header(description="One range of bytes, such as `bytes=0-99` or `bytes=-100`.")] = "",
    if_range: Annotated[str, Header(description="Send the range only if this `ETag` still holds, else all.")] = "",
) -> None:
    """Describes headers that `gateway.http.download` reads itself."""


VALIDATORS = [Depends(_validators)]
_RANGES = [Depends(_ranges), *VALIDATORS]


def _table_responses(*media_types: str) -> dict[int | str, dict[str, Any]]:
    content = dict.fromkeys(media_types, BINARY)
    return {
        200: {"description": "The table.", "content": content},
        206: {"description": "The range.", "content": content},
        307: {"description": "The object store has it."},
        **CONDITIONAL,
        **problems(404, 409, 413, 416),
    }


_TABLE = _table_responses(
    "text/csv",
    "application/vnd.apache.parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.apache.arrow.file",
    "application/x-ndjson",
)
_CHANGES = {**_TABLE, 200: {"description": "A page, or the table.", "content": _TABLE[200]["content"]}}
_RAW = _table_responses("text/csv", "application/json", "application/octet-stream")


@router.head("/raw", include_in_schema=False)
@router.get(
    "/raw", summary="Download the uploaded bytes", responses=_RAW, response_class=Response, dependencies=_RANGES
)
async def get_raw_file(
    request: Request,
    dataset_id: DatasetIdPath,
    gateway: GatewayDependency,
    redirect: RedirectQuery = False,
) -> Response:
    """The file as it was uploaded, unchanged."""
    return await gateway.downloads.respond(request, TableRef(dataset_id, "raw", None), redirect=redirect)


@router.head("/cleaned", include_in_schema=False)
@router.get(
    "/cleaned", summary="Download the cleaned table", responses=_TABLE, response_class=Response, dependencies=_RANGES
)
async def get_cleaned_table(
    request: Request,
    dataset_id: DatasetIdPath,
    gateway: GatewayDependency,
    format: FormatQuery = "csv",
    style: StyleQuery = DEFAULT_STYLE,
    safe_csv: SafeQuery = None,
    charset: CharsetQuery = DEFAULT_CHARSET,
    row_id: RowIdQuery = False,
    version: VersionQuery = 0,
    redirect: RedirectQuery = False,
) -> Response:
    """The cleaned table, with values a person recognises."""
    table = TableRef(dataset_id, "cleaned", format, style, safe_csv, charset, row_id, version)
    return await gateway.downloads.respond(request, table, redirect=redirect)


@router.head("/engineered", include_in_schema=False)
@router.get(
    "/engineered",
    summary="Download the table for models",
    responses=_TABLE,
    response_class=Response,
    dependencies=_RANGES,
)
async def get_engineered_table(
    request: Request,
    dataset_id: DatasetIdPath,
    gateway: GatewayDependency,
    format: FormatQuery = "csv",
    safe_csv: SafeQuery = None,
    charset: CharsetQuery = DEFAULT_CHARSET,
    row_id: RowIdQuery = False,
    version: VersionQuery = 0,
    redirect: RedirectQuery = False,
) -> Response:
    """The table a model can be trained on: encoded, scaled, with derived features."""
    table = TableRef(
        dataset_id, "engineered", format, safe_csv=safe_csv, charset=charset, row_id=row_id, version=version
    )
    return await gateway.downloads.respond(request, table, redirect=redirect)


@router.head("/changes", include_in_schema=False, response_model=schemas.ChangePage)
@router.get(
    "/changes",
    summary="List or download every change",
    responses=_CHANGES,
    response_model=schemas.ChangePage,
    dependencies=_RANGES,
)
async def list_changes(
    request: Request,
    dataset_id: DatasetIdPath,
    gateway: GatewayDependency,
    page: PageDependency,
    column: ColumnQuery = "",
    step: StepQuery = 0,
    kind: Annotated[ChangeKind | None, Query(description="Only the changes of this kind.")] = None,
    format: Annotated[
        TableFormat | None, Query(description="All changes as a file; without it, a page of them as JSON.")
    ] = None,
    safe_csv: SafeQuery = None,
    charset: CharsetQuery = DEFAULT_CHARSET,
    version: VersionQuery = 0,
    redirect: RedirectQuery = False,
) -> schemas.ChangePage | Response:
    """Every cell that differs from the upload: row (from 1), column, before, after, step, rule, confidence, kind.

    100 changes a page unless `page_size` says otherwise, 1000 at most, and fewer where cells are very long. With
    `format` all changes come as a file, in which `column`, `step`, `kind` and the page do not count.
    """
    if format is not None:
        table = TableRef(dataset_id, "changes", format, safe_csv=safe_csv, charset=charset, version=version)
        return await gateway.downloads.respond(request, table, redirect=redirect)
    return await gateway.clients.report.changes(
        dataset_id, column=column, step=step, kind=kind, version=version, page=page
    )


@router.get("/rejects", summary="List the lines that could not be read, or only mended", responses=problems(404))
async def list_rejects(
    dataset_id: DatasetIdPath, clients: ClientsDependency, page: PageDependency
) -> schemas.RejectPage:
    """The lines of the upload that are no rows of its table, and why; there as soon as the upload is.

    100 lines a page unless `page_size` says otherwise, 1000 at most, and fewer where lines are very long.
    """
    return await clients.report.rejects(dataset_id, page)


@router.get("/rows", summary="Read rows of a table", responses=problems(404, 409))
async def query_rows(
    dataset_id: DatasetIdPath,
    clients: ClientsDependency,
    table: Annotated[
        schemas.RowsTable, Query(description="Which table; the raw one is the uploaded file as it was read.")
    ] = "cleaned",
    offset: Annotated[int, Query(ge=0, le=2**63 - 1, description="How many matching rows to skip.")] = 0,
    limit: Annotated[int, Query(ge=0, le=1000, description="Most rows; 0 for 100.")] = 0,
    columns: Annotated[NamesQuery, Query(description="The columns, in this order; repeat it, none for all.")] = (),
    sort: Annotated[
        NamesQuery,
        Query(
            description="Columns to sort by, `-` in front for the largest first; repeat it. Missing values come last."
        ),
    ] = (),
    filter: Annotated[
        NamesQuery,
        Query(
            description="Conditions that all have to hold, as `column:operator:value`; repeat it. The operators are "
            "eq, ne, lt, le, gt, ge, contains; missing and known, which take no value; and changed, which takes the "
            "step or rule that changed the cell, or none, and as column also * for any.",
            examples=[["price:ge:10", "city:contains:berlin", "*:changed"]],
        ),
    ] = (),
    changes: Annotated[
        bool,
        Query(
            description="Answer the changes in the cells of the page, too; fewer rows fit on it then. Of the "
            "engineered table, they are those of the columns of the cleaned one."
        ),
    ] = False,
    version: VersionQuery = 0,
) -> schemas.RowsPage:
    """Rows as values: filtered, sorted, and only some columns; fewer than `limit` where rows are very long."""
    return await clients.report.rows(
        RowsRequest(dataset_id, table, offset, limit, columns, sort, filter, changes, version)
    )


@router.head("/profile", include_in_schema=False)
@router.get(
    "/profile",
    summary="Read the profile",
    responses={**CONDITIONAL, **problems(404, 409)},
    response_model=Profile,
    dependencies=VALIDATORS,
)
async def get_profile(
    request: Request, dataset_id: DatasetIdPath, clients: ClientsDependency, version: VersionQuery = 0
) -> Response:
    """The uploaded table: types with evidence, statistics, alerts, and a quality score."""
    return document_response(request, await clients.report.profile(dataset_id, version))


@router.head("/recipe", include_in_schema=False)
@router.get(
    "/recipe",
    summary="Read the recipe",
    responses={**CONDITIONAL, **problems(404, 409)},
    response_class=JSONResponse,
    dependencies=VALIDATORS,
)
async def get_recipe(
    request: Request, dataset_id: DatasetIdPath, clients: ClientsDependency, version: VersionQuery = 0
) -> Response:
    """The steps of the preparation as they were carried out, with every parameter; numbers are written in full."""
    return document_response(request, await clients.report.recipe(dataset_id, version))


@router.head("/drift", include_in_schema=False)
@router.get(
    "/drift",
    summary="Read the drift",
    responses={**CONDITIONAL, **problems(404, 409)},
    response_model=Drift,
    dependencies=VALIDATORS,
)
async def get_drift(
    request: Request, dataset_id: DatasetIdPath, clients: ClientsDependency, version: VersionQuery = 0
) -> Response:
    """How a dataset that a recipe was repeated on differs from the recipe's own: columns, and steps that fail.

    Answers 409 for a dataset with a recipe of its own.
    """
    return document_response(request, await clients.report.drift(dataset_id, version))


@router.get("/features", summary="List the features", responses=problems(404, 409))
async def get_features(
    dataset_id: DatasetIdPath, clients: ClientsDependency, version: VersionQuery = 0
) -> schemas.Features:
    """The features a model gets, the columns they come from, and what it would predict."""
    return await clients.report.features(dataset_id, version)


@router.get("/utility", summary="See what the preparation gains", responses=problems(404, 409))
async def get_utility(dataset_id: DatasetIdPath, clients: ClientsDependency) -> Utility:
    """How well three small models predict the target from the table as it was read, cleaned and engineered.

    By cross-validation on a sample, with the preparation planned and fitted on the training rows alone; the first
    request takes seconds. 409 with the reason `NO_TARGET` where there is no target that can be predicted.
    """
    return await clients.pipeline.utility(dataset_id)


@router.get("/logs/cleaning", summary="Read the cleaning log", responses=problems(404, 409))
async def list_cleaning_logs(
    dataset_id: DatasetIdPath, clients: ClientsDependency, page: PageDependency, version: VersionQuery = 0
) -> schemas.CleaningLogPage:
    """Everything that was cleaned or left; 500 lines a page unless `page_size` says otherwise, 1000 at most."""
    return await clients.report.cleaning_log(dataset_id, version, page)


@router.get("/logs/outliers", summary="Read the outlier log", responses=problems(404, 409))
async def list_outlier_logs(
    dataset_id: DatasetIdPath, clients: ClientsDependency, page: PageDependency, version: VersionQuery = 0
) -> schemas.OutlierLogPage:
    """The treatment of outliers; 500 lines a page unless `page_size` says otherwise, 1000 at most."""
    return await clients.report.outlier_log(dataset_id, version, page)


@router.get("/logs/features", summary="Read the feature log", responses=problems(404, 409))
async def list_feature_logs(
    dataset_id: DatasetIdPath, clients: ClientsDependency, page: PageDependency, version: VersionQuery = 0
) -> schemas.FeatureLogPage:
    """How the features were made; 500 lines a page unless `page_size` says otherwise, 1000 at most."""
    return await clients.report.feature_log(dataset_id, version, page)


@router.head("/report.html", include_in_schema=False)
@router.get(
    "/report.html",
    summary="Fetch the report as one file",
    response_class=Response,
    dependencies=VALIDATORS,
    responses={
        200: {"description": "The report.", "content": {"text/html": {"schema": {"type": "string"}}}},
        **CONDITIONAL,
        **problems(404, 409),
    },
)
async def get_html_report(
    request: Request, dataset_id: DatasetIdPath, clients: ClientsDependency, version: VersionQuery = 0
) -> Response:
    """What was done and why, every column and chart, and in `deep` mode the written report, for every mode.

    One file that opens from the disk, without network. Equal results make equal bytes.
    """
    return report_response(request, await clients.report.html_report(dataset_id, version))


@router.get(
    "/report",
    summary="Read the written report",
    response_model=schemas.CleaningReport,
    responses={
        **problems(404, 409),
        200: {"model": schemas.CleaningReport, "content": {"text/markdown": {}}, "description": "The report."},
    },
)
async def get_report(
    dataset_id: DatasetIdPath,
    clients: ClientsDependency,
    format: Annotated[Literal["json", "md"], Query(description="`md` for one Markdown document.")] = "json",
) -> Response | schemas.CleaningReport:
    """The findings and steps, written for people; only datasets prepared in `deep` mode have one."""
    report = await clients.report.report(dataset_id)
    if format == "json":
        return report
    return Response(report_document(report), media_type="text/markdown; charset=utf-8")
