"""Use cases of reading the results of prepared datasets."""

import hashlib
import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import PurePath
from typing import Any
from uuid import UUID

from report_service.chart_archive import zip_pictures
from report_service.html_reports import HtmlReports, read_features
from report_service.profile_document import Document, trim_profile
from report_service.renditions import Picture, Renditions, unknown_graph
from report_service.row_lists import EMPTY_PAGE, ROW_PAGE, RowLists, RowPage
from report_service.row_pages import RowFilter
from report_service.row_query import QueriedRows, RowQuery
from report_service.table_files import MEDIA_TYPES, TableChoice, TableFile, list_steps, media_type_of
from report_service.table_form import TableForm
from shared.contracts.artifacts import DRIFT, RECIPE, REJECTS, DatasetKeys, table_key
from shared.contracts.vocabulary import TableStyle
from shared.db.datasets import DatasetRecord, Datasets
from shared.db.members import Members
from shared.db.paging import Page
from shared.db.published import Published, find_published, require_published
from shared.db.results import GraphRecord, Results
from shared.db.session import Database
from shared.db.versions import VersionRecord, Versions
from shared.errors import Conflict, FieldError, InvalidInput, NotFound, RangeNotSatisfiable, Unavailable
from shared.identity.caller import Caller
from shared.storage import ObjectStore

LINK_LIFETIME = timedelta(minutes=15)
UNKNOWN_MEDIA_TYPE = "application/octet-stream"

Row = Mapping[Any, Any]
Rows = Page[Any]
"""A page of rows as the database names their columns."""


@dataclass(frozen=True, kw_only=True)
class ProfileFile:
    """The profile of a run, and its entity tag."""

    document: Document
    etag: str


@dataclass(frozen=True, kw_only=True)
class DocumentFile:
    """A document of a run as a file, and its entity tag."""

    content: bytes
    etag: str


@dataclass(frozen=True, kw_only=True)
class ComparedVersion:
    """A version of a dataset that is compared with another."""

    dataset_id: UUID
    version: int
    """Its number; 0 for the newest."""


MAX_READERS = 256
"""Downloads at the same time: fewer than the calls of a server, so that slow readers leave room for others."""


class Reports:
    """The use cases that read results from the database and the object store."""

    def __init__(
        self, database: Database, *, store: ObjectStore, renditions: Renditions, safe_csv: bool = False
    ) -> None:
        """`safe_csv` is True if CSV holds nothing that spreadsheets take for a formula, unless a client asks for it."""
        self._safe_csv = safe_csv
        self._datasets = Datasets(database)
        self._members = Members(database)
        self._versions = Versions(database)
        self._results = Results(database)
        self._store = store
        self._renditions = renditions
        self._row_lists = RowLists(renditions)
        self._html_reports = HtmlReports(
            results=self._results, versions=self._versions, store=store, renditions=renditions
        )
        self._readers = 0

    async def find_table(self, dataset_id: UUID, choice: TableChoice) -> TableFile:
        """Return a table as a file.

        The raw table is the uploaded file in its own format. Only the cleaned table as CSV has styles.

        Raises:
            TooLarge: as CSV the table needs more memory than is allowed.
        """
        dataset = await self._datasets.get(dataset_id)
        if choice.table == "raw":
            return await self._find_raw_table(dataset, format=choice.format)
        published = await find_published(dataset, self._versions, choice.version)
        artifacts = published.artifacts
        form = self._form(choice)
        if form.format == "parquet" and not form.has_row_ids:
            info = await self._store.stat(table_key(artifacts, choice.table))
        else:
            info = await self._renditions.get_table(
                artifacts, choice.table, form, lambda: list_steps(self._results, published.run_id, published.version)
            )
        filename = f"{dataset.database_name}-{choice.table}.{choice.format}"
        return TableFile(info=info, media_type=media_type_of(choice), filename=filename)

    def _form(self, choice: TableChoice) -> TableForm:
        has_row_ids = choice.row_id and choice.table != "changes"
        if choice.format != "csv":
            return TableForm(format=choice.format, has_row_ids=has_row_ids)
        style: TableStyle = choice.style if choice.table == "cleaned" else "typed"
        is_safe = self._safe_csv if choice.safe_csv is None else choice.safe_csv
        return TableForm(format="csv", style=style, charset=choice.charset, is_safe=is_safe, has_row_ids=has_row_ids)

    async def create_link(self, file: TableFile) -> str | None:
        """Return a temporary download address; None if the object store has none."""
        return await self._store.presign(
            file.info.key, expires=LINK_LIFETIME, filename=file.filename, media_type=file.media_type
        )

    async def read_table(
        self, dataset_id: UUID, choice: TableChoice, *, offset: int, length: int
    ) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a table from `offset` on, at most `length` of them.

        Length 0 means all bytes to the end.

        Raises:
            RangeNotSatisfiable: the range is outside the file; the metadata has the size.
            Unavailable: too many tables are being read.
        """
        with self._reader_slot():
            info = (await self.find_table(dataset_id, choice)).info
            if length < 0 or offset < 0 or offset >= max(info.size, 1):
                detail = f"The file has {info.size} bytes; offset {offset} and length {length} lie outside."
                raise RangeNotSatisfiable(detail, metadata={"size": str(info.size)})
            async with aclosing(self._store.read(info.key, offset=offset, length=length or None)) as chunks:
                async for chunk in chunks:
                    yield chunk

    @contextmanager
    def _reader_slot(self) -> Iterator[None]:
        if self._readers >= MAX_READERS:
            raise Unavailable(
                "Too many downloads are under way; please try again.", reason="TOO_MANY_DOWNLOADS", retry_after=5
            )
        self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1

    async def list_graphs(
        self, dataset_id: UUID, version: int = 0, *, page_size: int, page_token: str
    ) -> Page[GraphRecord]:
        """Return a page of the charts of a dataset."""
        run = await self._require_published(dataset_id, version)
        return await self._results.list_graphs(run.run_id, run.version, page_size=page_size, page_token=page_token)

    async def get_graph(self, dataset_id: UUID, graph_id: str, version: int = 0, *, format: str) -> Picture:
        """Return a chart as `png`, `svg` or `json`.

        Raises:
            NotFound: the dataset has no such chart (GRAPH_NOT_FOUND).
        """
        run = await self._require_published(dataset_id, version)
        # PostgreSQL accepts no zero byte in text.
        if "\0" in graph_id or await self._results.find_graph(run.run_id, graph_id, run.version) is None:
            raise unknown_graph(graph_id)
        if format == "json":
            return await self._renditions.get_chart_json(run.artifacts, graph_id)
        return await self._renditions.get_picture(run.artifacts, graph_id, format=format)

    async def zip_graphs(self, dataset_id: UUID, version: int = 0, *, format: str) -> AsyncGenerator[bytes, None]:
        """Yield the chunks of a ZIP archive of all charts as `png`, `svg` or `json`."""
        run = await self._require_published(dataset_id, version)
        with self._reader_slot():
            async with aclosing(self._renditions.get_pictures(run.artifacts, format=format)) as pictures:
                async for chunk in zip_pictures(pictures):
                    yield chunk

    async def list_versions(self, dataset_id: UUID, *, page_size: int, page_token: str) -> Page[VersionRecord]:
        """Return a page of the published results, newest first."""
        await self._datasets.get(dataset_id)
        return await self._versions.list(dataset_id, page_size=page_size, page_token=page_token)

    async def get_features(self, dataset_id: UUID, version: int = 0) -> Mapping[str, Any]:
        """Return the manifest of input features, output features and target."""
        run = await self._require_published(dataset_id, version)
        return await read_features(dataset_id, run, results=self._results, versions=self._versions)

    async def get_profile(self, dataset_id: UUID, version: int = 0) -> ProfileFile:
        """Return the profile of the uploaded table."""
        key = f"{(await self._require_published(dataset_id, version)).artifacts}/profile.json"
        info = await self._store.stat(key)
        return ProfileFile(document=trim_profile(json.loads(await self._store.read_bytes(key))), etag=info.etag)

    async def get_recipe(self, dataset_id: UUID, version: int = 0) -> DocumentFile:
        """Return the recipe, which lists the steps of the preparation."""
        return await self._read_json(f"{(await self._require_published(dataset_id, version)).artifacts}/{RECIPE}")

    async def get_drift(self, dataset_id: UUID, version: int = 0) -> DocumentFile:
        """Return how the table differs from that of the recipe that was repeated on it.

        Raises:
            Conflict: the recipe is the dataset's own (NO_DRIFT).
        """
        try:
            return await self._read_json(f"{(await self._require_published(dataset_id, version)).artifacts}/{DRIFT}")
        except NotFound:
            raise Conflict(
                "The dataset has a recipe of its own, so there is nothing to compare it with; upload it with "
                "recipe_of= or recipe=, or hold rows out with split=.",
                reason="NO_DRIFT",
            ) from None

    async def _read_json(self, key: str) -> DocumentFile:
        info = await self._store.stat(key)
        return DocumentFile(content=await self._store.read_bytes(key), etag=info.etag)

    async def list_changes(
        self, dataset_id: UUID, row_filter: RowFilter, *, page_size: int, page_token: str, version: int = 0
    ) -> RowPage:
        """Return a page of the ledger, filtered by the columns of the filter.

        Raises:
            InvalidInput: the step is negative.
        """
        if int(row_filter.get("step", 0)) < 0:
            problem = "must be 0 or more"
            raise InvalidInput(f"step {problem}.", fields=[FieldError(field="step", detail=problem)])
        key = f"{(await self._require_published(dataset_id, version)).artifacts}/changes.parquet"
        return await self._row_lists.read(key, row_filter=row_filter, page_size=page_size, page_token=page_token)

    async def require_access(self, dataset_id: UUID, caller: Caller) -> None:
        """Return if a caller may read a dataset that its request names beside the one that it is about.

        Raises:
            NotFound, PermissionDenied: it may not.
        """
        await self._members.require_access(caller, dataset_id)

    async def list_differences(
        self, before: ComparedVersion, after: ComparedVersion, *, column: str, page_size: int, page_token: str
    ) -> RowPage:
        """Return a page of the cells in which two versions of one dataset, or of two of the same file, differ.

        Raises:
            NotFound: there is no such version.
            Conflict: the datasets are of different files, or were read in different ways (NOT_COMPARABLE).
        """
        datasets = [await self._datasets.get(compared.dataset_id) for compared in (before, after)]
        if len({(dataset.sha256, json.dumps(dataset.parse_plan, sort_keys=True)) for dataset in datasets}) > 1:
            raise Conflict(
                "Only datasets of the same file, read in the same way, can be compared cell by cell; /drift compares "
                "what a replay and its recipe were made from.",
                reason="NOT_COMPARABLE",
            )
        artifacts = [
            (await find_published(dataset, self._versions, compared.version)).artifacts
            for dataset, compared in zip(datasets, (before, after), strict=True)
        ]
        key = await self._renditions.get_diff(*artifacts)
        row_filter = {"column": column} if column else {}
        return await self._row_lists.read(key, row_filter=row_filter, page_size=page_size, page_token=page_token)

    async def query_rows(self, dataset_id: UUID, table: str, query: RowQuery, version: int = 0) -> QueriedRows:
        """Return rows of the decoded, the cleaned or the engineered table as values; `raw` is the decoded one.

        Raises:
            InvalidInput: the offset or limit is negative, there is no such column or operator, or a value does not fit.
            Conflict: the changes are asked for before there are any.
        """
        for field, value in (("offset", query.offset), ("limit", query.limit)):
            if value < 0:
                problem = "must be 0 or more"
                raise InvalidInput(f"{field} {problem}.", fields=[FieldError(field=field, detail=problem)])
        dataset = await self._datasets.get(dataset_id)
        query = replace(query, limit=ROW_PAGE.of(query.limit))
        if table == "raw" and not query.needs_ledger:
            return await self._renditions.query_rows(dataset.table_key, query)
        artifacts = (await find_published(dataset, self._versions, version)).artifacts
        key = dataset.table_key if table == "raw" else table_key(artifacts, table)
        return await self._renditions.query_rows(key, query, artifacts if query.needs_ledger else None)

    async def list_rejects(self, dataset_id: UUID, *, page_size: int, page_token: str) -> RowPage:
        """Return a page of the rejected rows, with those that a contract discarded; an empty page if there are none."""
        dataset = await self._datasets.get(dataset_id)
        keys = [DatasetKeys(dataset.id).rejects]
        if dataset.run.options.is_replay and dataset.run.artifacts is not None:
            keys.insert(0, f"{dataset.run.artifacts}/{REJECTS}")
        for key in keys:
            with suppress(NotFound):
                return await self._row_lists.read(key, row_filter={}, page_size=page_size, page_token=page_token)
        return EMPTY_PAGE

    async def list_cleaning_logs(self, dataset_id: UUID, version: int = 0, *, page_size: int, page_token: str) -> Rows:
        """Return a page of the cleaning steps."""
        run = await self._require_published(dataset_id, version)
        return await self._results.list_cleaning_logs(
            run.run_id, run.version, page_size=page_size, page_token=page_token
        )

    async def list_outlier_logs(self, dataset_id: UUID, version: int = 0, *, page_size: int, page_token: str) -> Rows:
        """Return a page of the outlier steps."""
        run = await self._require_published(dataset_id, version)
        return await self._results.list_outlier_logs(
            run.run_id, run.version, page_size=page_size, page_token=page_token
        )

    async def list_feature_logs(self, dataset_id: UUID, version: int = 0, *, page_size: int, page_token: str) -> Rows:
        """Return a page of the feature steps."""
        run = await self._require_published(dataset_id, version)
        return await self._results.list_feature_logs(
            run.run_id, run.version, page_size=page_size, page_token=page_token
        )

    async def get_cleaning_report(self, dataset_id: UUID) -> Row:
        """Return the written report.

        Raises:
            Conflict: the dataset was uploaded in another mode than deep (REPORT_NEEDS_DEEP_MODE).
            NotFound: the preparation wrote no report (REPORT_NOT_FOUND).
        """
        dataset = await self._datasets.get(dataset_id)
        if dataset.mode != "deep":
            detail = f"Only the deep mode writes a report, and this dataset was uploaded with mode={dataset.mode}."
            raise Conflict(
                f"{detail} Prepare it again with mode=deep.",
                reason="REPORT_NEEDS_DEEP_MODE",
                metadata={"dataset_id": str(dataset_id), "mode": dataset.mode},
            )
        report = await self._results.find_report(require_published(dataset).run_id)
        if report is None:
            raise NotFound("The preparation of this dataset wrote no report.", reason="REPORT_NOT_FOUND")
        return report

    async def get_html_report(self, dataset_id: UUID, version: int = 0) -> DocumentFile:
        """Return a report in one HTML file."""
        dataset = await self._datasets.get(dataset_id)
        run = await find_published(dataset, self._versions, version)
        content = await self._html_reports.compose(dataset, run)
        return DocumentFile(content=content, etag=hashlib.sha256(content).hexdigest())

    async def list_collaboration_graphs(
        self, collaboration_id: str, *, page_size: int, page_token: str
    ) -> Page[GraphRecord]:
        """Return a page of the charts of the prepared datasets of a collaboration."""
        return await self._results.list_collaboration_graphs(
            _require_collaboration_id(collaboration_id), page_size=page_size, page_token=page_token
        )

    async def list_cleaned_datasets(
        self, collaboration_id: str, *, page_size: int, page_token: str
    ) -> Page[DatasetRecord]:
        """Return a page of the prepared datasets of a collaboration."""
        return await self._datasets.list(
            collaboration_id=_require_collaboration_id(collaboration_id),
            state="completed",
            page_size=page_size,
            page_token=page_token,
        )

    async def _require_published(self, dataset_id: UUID, version: int = 0) -> Published:
        return await find_published(await self._datasets.get(dataset_id), self._versions, version)

    async def _find_raw_table(self, dataset: DatasetRecord, *, format: str) -> TableFile:
        if format == "parquet":
            problem = "the raw table has one format, its own"
            raise InvalidInput(
                "The raw table is the uploaded file, unchanged; it can't be had as Parquet.",
                fields=[FieldError(field="format", detail=problem)],
            )
        media_type = MEDIA_TYPES.get(PurePath(dataset.filename).suffix.lower(), UNKNOWN_MEDIA_TYPE)
        info = await self._store.stat(dataset.raw_key)
        return TableFile(info=info, media_type=media_type, filename=dataset.filename)


def _require_collaboration_id(collaboration_id: str) -> str:
    """Return the id of a collaboration after checking it.

    An empty id would select the datasets of everybody.

    Raises:
        InvalidInput: the id is empty or not printable.
    """
    if not collaboration_id or not collaboration_id.isprintable():
        problem = "must name a collaboration in printable characters"
        raise InvalidInput(
            f"collaboration_id {problem}.", fields=[FieldError(field="collaboration_id", detail=problem)]
        )
    return collaboration_id
