"""What can be read about a prepared dataset."""

import hashlib
import json
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePath, PurePosixPath
from typing import Any
from uuid import UUID

from report_service.profile_document import Document, sendable
from report_service.published import Published, published
from report_service.renditions import Picture, Renditions, unknown_graph
from report_service.row_pages import Wanted
from shared.db.datasets import DatasetRecord, Datasets
from shared.db.paging import Page, PageSize, decode_token, encode_token, parse_row_number
from shared.db.results import GraphRecord, Results
from shared.errors import Conflict, FieldError, InvalidInput, NotFound, RangeNotSatisfiable, Unavailable
from shared.storage import ObjectInfo, ObjectStore

LINK_LIFETIME = timedelta(minutes=15)
MEDIA_TYPES = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
}
UNKNOWN_MEDIA_TYPE = "application/octet-stream"
ROW_PAGE = PageSize(default=100, most=1000)

Row = Mapping[Any, Any]
Rows = Page[Any]
"""A page of rows as the database names their columns."""


@dataclass(frozen=True, kw_only=True)
class TableFile:
    """A table as a file that can be downloaded."""

    info: ObjectInfo
    media_type: str
    filename: str


@dataclass(frozen=True, kw_only=True)
class ProfileFile:
    """A run's profile, and what changes whenever it does."""

    document: Document
    etag: str


@dataclass(frozen=True, kw_only=True)
class RecipeFile:
    """A run's recipe as it was stored."""

    content: bytes
    etag: str


@dataclass(frozen=True, kw_only=True)
class RowPage:
    """A page of a stored table."""

    rows: tuple[Row, ...]
    total: int
    """Rows on all pages."""
    next_token: str


MOST_READERS = 256
"""Downloads at once: fewer than the calls a server carries, so that slow readers leave room for others."""

NOTHING = RowPage(rows=(), total=0, next_token="")


class Reports:
    """The read side: rows from the database, files from the object store, renditions made where they are missing."""

    def __init__(self, *, datasets: Datasets, results: Results, store: ObjectStore, renditions: Renditions) -> None:
        self._datasets = datasets
        self._results = results
        self._store = store
        self._renditions = renditions
        self._readers = 0

    async def find_table(self, dataset_id: UUID, *, table: str, format: str) -> TableFile:
        """The `raw`, `cleaned` or `engineered` table as `csv` or `parquet`; the raw one has its own format."""
        dataset = await self._datasets.get(dataset_id)
        if table == "raw":
            return await self._raw(dataset, format=format)
        artifacts = published(dataset).artifacts
        if format == "csv":
            info = await self._renditions.table_as_csv(artifacts, table)
        else:
            info = await self._store.stat(f"{artifacts}/{table}.parquet")
        filename = f"{dataset.database_name}-{table}.{format}"
        return TableFile(info=info, media_type=MEDIA_TYPES[f".{format}"], filename=filename)

    async def link(self, file: TableFile) -> str | None:
        """An address that serves the file for a while, if the object store has such a thing."""
        return await self._store.presign(
            file.info.key, expires=LINK_LIFETIME, filename=file.filename, media_type=file.media_type
        )

    async def read_table(
        self, dataset_id: UUID, *, table: str, format: str, offset: int, length: int
    ) -> AsyncGenerator[bytes, None]:
        """The bytes of a table from `offset`, at most `length` of them; 0 means to the end.

        Raises:
            RangeNotSatisfiable: nothing lies there; carries the size.
            Unavailable: too many tables are being read.
        """
        with self._reading():
            info = (await self.find_table(dataset_id, table=table, format=format)).info
            if length < 0 or offset < 0 or offset >= max(info.size, 1):
                detail = f"The file has {info.size} bytes; offset {offset} and length {length} lie outside."
                raise RangeNotSatisfiable(detail, metadata={"size": str(info.size)})
            async with aclosing(self._store.read(info.key, offset=offset, length=length or None)) as chunks:
                async for chunk in chunks:
                    yield chunk

    @contextmanager
    def _reading(self) -> Iterator[None]:
        if self._readers >= MOST_READERS:
            raise Unavailable(
                "Too many downloads are under way; please try again.", reason="TOO_MANY_DOWNLOADS", retry_after=5
            )
        self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1

    async def list_graphs(self, dataset_id: UUID, *, page_size: int, page_token: str) -> Page[GraphRecord]:
        """A page of a dataset's charts."""
        run_id = (await self._published(dataset_id)).run_id
        return await self._results.list_graphs(run_id, page_size=page_size, page_token=page_token)

    async def get_graph(self, dataset_id: UUID, graph_id: str, *, format: str) -> Picture:
        """A chart as `png`, `svg` or `json`.

        Raises:
            NotFound: the dataset has no such chart (GRAPH_NOT_FOUND).
        """
        run = await self._published(dataset_id)
        # PostgreSQL takes no zero byte in a text.
        if "\0" in graph_id or await self._results.find_graph(run.run_id, graph_id) is None:
            raise unknown_graph(graph_id)
        if format == "json":
            return await self._renditions.chart_as_json(run.artifacts, graph_id)
        return await self._renditions.picture(run.artifacts, graph_id, format=format)

    async def get_features(self, dataset_id: UUID) -> Mapping[str, Any]:
        """The manifest of input features, output features and target."""
        return (await self._published(dataset_id)).features

    async def get_profile(self, dataset_id: UUID) -> ProfileFile:
        """What is known about the uploaded table."""
        key = f"{(await self._published(dataset_id)).artifacts}/profile.json"
        info = await self._store.stat(key)
        return ProfileFile(document=sendable(json.loads(await self._store.read_bytes(key))), etag=info.etag)

    async def get_recipe(self, dataset_id: UUID) -> RecipeFile:
        """The steps of the preparation."""
        key = f"{(await self._published(dataset_id)).artifacts}/recipe.json"
        info = await self._store.stat(key)
        return RecipeFile(content=await self._store.read_bytes(key), etag=info.etag)

    async def list_changes(
        self, dataset_id: UUID, *, column: str, step: int, page_size: int, page_token: str
    ) -> RowPage:
        """A page of the ledger, narrowed to a column and a step where they are given ("" and 0 are not)."""
        if step < 0:
            problem = "must be 0 or more"
            raise InvalidInput(f"step {problem}.", fields=[FieldError(field="step", detail=problem)])
        wanted: dict[str, str | int] = {**({"column": column} if column else {}), **({"step": step} if step else {})}
        key = f"{(await self._published(dataset_id)).artifacts}/changes.parquet"
        return await self._excerpt(key, wanted=wanted, page_size=page_size, page_token=page_token)

    async def list_rejects(self, dataset_id: UUID, *, page_size: int, page_token: str) -> RowPage:
        """A page of the lines that could not be read; they are kept only where there are any."""
        table = PurePosixPath((await self._datasets.get(dataset_id)).table_key)
        key = str(table.with_name("rejects.parquet"))
        try:
            return await self._excerpt(key, wanted={}, page_size=page_size, page_token=page_token)
        except NotFound:
            return NOTHING

    async def list_cleaning_logs(self, dataset_id: UUID, *, page_size: int, page_token: str) -> Rows:
        """A page of what was cleaned."""
        run_id = (await self._published(dataset_id)).run_id
        return await self._results.list_cleaning_logs(run_id, page_size=page_size, page_token=page_token)

    async def list_outlier_logs(self, dataset_id: UUID, *, page_size: int, page_token: str) -> Rows:
        """A page of what was done about outliers."""
        run_id = (await self._published(dataset_id)).run_id
        return await self._results.list_outlier_logs(run_id, page_size=page_size, page_token=page_token)

    async def list_feature_logs(self, dataset_id: UUID, *, page_size: int, page_token: str) -> Rows:
        """A page of how features were made."""
        run_id = (await self._published(dataset_id)).run_id
        return await self._results.list_feature_logs(run_id, page_size=page_size, page_token=page_token)

    async def get_cleaning_report(self, dataset_id: UUID) -> Row:
        """The written report.

        Raises:
            Conflict: the dataset was uploaded in another mode than deep (REPORT_NEEDS_DEEP_MODE).
        """
        dataset = await self._datasets.get(dataset_id)
        if dataset.mode != "deep":
            detail = f"Only the deep mode writes a report, and this dataset was uploaded with mode={dataset.mode}."
            raise Conflict(
                f"{detail} Upload it again with mode=deep.",
                reason="REPORT_NEEDS_DEEP_MODE",
                metadata={"dataset_id": str(dataset_id), "mode": dataset.mode},
            )
        report = await self._results.find_report(published(dataset).run_id)
        if report is None:
            raise NotFound("The preparation of this dataset wrote no report.", reason="REPORT_NOT_FOUND")
        return report

    async def list_collaboration_graphs(
        self, collaboration_id: str, *, page_size: int, page_token: str
    ) -> Page[GraphRecord]:
        """A page of the charts of a collaboration's prepared datasets."""
        return await self._results.list_collaboration_graphs(
            _named(collaboration_id), page_size=page_size, page_token=page_token
        )

    async def list_cleaned_datasets(
        self, collaboration_id: str, *, page_size: int, page_token: str
    ) -> Page[DatasetRecord]:
        """A page of a collaboration's prepared datasets."""
        return await self._datasets.list(
            collaboration_id=_named(collaboration_id), state="completed", page_size=page_size, page_token=page_token
        )

    async def _published(self, dataset_id: UUID) -> Published:
        return published(await self._datasets.get(dataset_id))

    async def _excerpt(self, key: str, *, wanted: Wanted, page_size: int, page_token: str) -> RowPage:
        size, list_name = ROW_PAGE.of(page_size), _digest(key, wanted)
        position = decode_token(page_token, parts=(_exactly(list_name), parse_row_number))
        start = position[1] if position else 0
        page = await self._renditions.rows(key, wanted=wanted, start=start, size=size)
        token = "" if page.next_row is None else encode_token([list_name, page.next_row])
        return RowPage(rows=page.rows, total=page.total, next_token=token)

    async def _raw(self, dataset: DatasetRecord, *, format: str) -> TableFile:
        if format == "parquet":
            problem = "the raw table has one format, its own"
            raise InvalidInput(
                "The raw table is the uploaded file, unchanged; it can't be had as Parquet.",
                fields=[FieldError(field="format", detail=problem)],
            )
        media_type = MEDIA_TYPES.get(PurePath(dataset.filename).suffix.lower(), UNKNOWN_MEDIA_TYPE)
        info = await self._store.stat(dataset.raw_key)
        return TableFile(info=info, media_type=media_type, filename=dataset.filename)


def _named(collaboration_id: str) -> str:
    """The id itself, which must say something: an empty one would mean everybody's datasets."""
    if not collaboration_id or not collaboration_id.isprintable():
        problem = "must name a collaboration in printable characters"
        raise InvalidInput(
            f"collaboration_id {problem}.", fields=[FieldError(field="collaboration_id", detail=problem)]
        )
    return collaboration_id


def _digest(key: str, wanted: Wanted) -> str:
    """A short name for a list, so that its tokens can be told from those of others."""
    return hashlib.sha256(json.dumps([key, sorted(wanted.items())]).encode()).hexdigest()[:16]


def _exactly(expected: str) -> Callable[[str], str]:
    """A parser for the part of a position that can only be this."""

    def parse(text: str) -> str:
        if text != expected:
            raise ValueError(text)
        return text

    return parse
