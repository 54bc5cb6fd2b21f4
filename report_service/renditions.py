"""Renditions of stored results, made at the first request and stored beside the results."""

import asyncio
import hashlib
import json
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from report_service.byte_ranges import PartialCopy
from report_service.charts import draw
from report_service.row_changes import count_changes
from report_service.row_pages import RowFilter, RowPage, plan_row_page, read_row_page
from report_service.row_query import QueriedRows, RowQuery, query_rows
from report_service.single_flight import SingleFlight
from report_service.table_form import LoggedStep, TableForm
from shared.contracts.artifacts import StoredTable
from shared.errors import NotFound, TooLarge, Unavailable
from shared.failpoints import failpoint
from shared.isolation.child_task import ChildTask
from shared.isolation.children import Children
from shared.isolation.isolation import Isolation
from shared.isolation.outcomes import ChildDied, DeadlineExceeded, OutOfMemory, TaskFailed
from shared.logs import get_logger
from shared.scratch import Scratch
from shared.storage import ObjectInfo, ObjectStore

T = TypeVar("T")

_write_table: Callable[..., None] = ChildTask("report_service.tables", "write_table")
_write_diff: Callable[..., None] = ChildTask("report_service.ledger_diff", "write_diff")
CHART_SECONDS = 30.0
CHART_BYTES = 512 * 1024**2
TABLE_SECONDS = 100.0
ROWS_SECONDS = 30.0
TABLE_BYTES = 1024**3
CACHED_RUNS = 8
"""Number of runs whose chart data is cached, because a client usually requests all charts of a run."""
DRAWN_AHEAD = 8
"""Number of charts of an archive that are drawn, or wait to be sent, at a time."""

_TOO_LARGE = ".too-large"
"""Behind the key of a rendition that can't be made."""

_log = get_logger(__name__)


@dataclass(frozen=True)
class Picture:
    """A rendered chart."""

    content: bytes
    etag: str


@dataclass(frozen=True)
class _ChartData:
    by_id: Mapping[str, Mapping[str, Any]]
    etag: str


class Renditions:
    """The renditions in the object store; missing ones are made in child processes."""

    def __init__(
        self, *, store: ObjectStore, isolation: Isolation, artists: Children, scratch: Scratch, max_children: int
    ) -> None:
        """Create the renditions.

        Args:
            store: The object store with results and renditions.
            isolation: Starts the child processes.
            artists: The children that draw charts, whose data are small.
            scratch: The folder for working copies.
            max_children: Number of child processes at the same time.
        """
        self._store = store
        self._isolation = isolation
        self._artists = artists
        self._scratch = scratch
        self._slots = asyncio.Semaphore(max_children)
        self._tables: SingleFlight[ObjectInfo] = SingleFlight()
        self._pictures: SingleFlight[Picture] = SingleFlight()
        self._loading: SingleFlight[_ChartData] = SingleFlight()
        self._chart_cache: OrderedDict[str, _ChartData] = OrderedDict()

    async def get_table(
        self,
        artifacts: str,
        table: StoredTable,
        form: TableForm,
        list_steps: Callable[[], Awaitable[Sequence[LoggedStep]]],
    ) -> ObjectInfo:
        """Return the object that has a table in another form than the stored one.

        Args:
            artifacts: The folder of the run.
            table: The table.
            form: How it is written.
            list_steps: Reads what was done, which a workbook says.

        Raises:
            TooLarge: it needs more memory than is allowed, which is known from the first try, or a workbook can't hold
                it.
            InvalidInput: the encoding lacks a character of the table.
        """
        key = _rendition_key(artifacts, f"{table}{form.suffix()}")

        async def make() -> ObjectInfo:
            steps = await list_steps() if form.format == "xlsx" else ()
            return await self._write_table(artifacts, table, form, key, steps)

        return await self._tables.join(key, lambda: self._find_or_make(key, self._store.stat, make))

    async def get_row_page(self, key: str, *, row_filter: RowFilter, start: int, size: int) -> RowPage:
        """Return a page of the rows of a stored Parquet table that match a filter.

        Args:
            key: The key of the table in the object store.
            row_filter: The value that each of some columns has to have.
            start: The row of the table, from 0, at which the page begins.
            size: The largest number of rows on the page.
        """
        limits: dict[str, Any] = {"deadline": ROWS_SECONDS, "memory_bytes": TABLE_BYTES}
        selection: dict[str, Any] = {"row_filter": row_filter, "start": start, "size": size}
        async with self._render_slot(key, kind="row page"), self._scratch.folder() as folder:
            copy = PartialCopy(self._store, key, folder / "rows.parquet")
            await copy.fetch_footer()
            await copy.fetch(await self._isolation.run(plan_row_page, copy.path, **selection, **limits))
            return await self._isolation.run(read_row_page, copy.path, **selection, **limits)

    async def get_diff(self, before: str, after: str) -> str:
        """Return the key of the cells in which two versions of a cleaned table differ.

        Args:
            before: The artifacts of the version before.
            after: The artifacts of the version after.
        """
        key = _rendition_key(after, f"diff-{hashlib.sha256(before.encode()).hexdigest()[:32]}.parquet")

        async def make() -> ObjectInfo:
            async with self._scratch.folder() as folder, AsyncExitStack() as copies:
                paths = []
                for artifacts, name in ((before, "before"), (after, "after")):
                    (folder / name).mkdir()
                    copy = self._copy(artifacts, "changes", folder / name)
                    paths.append(await copies.enter_async_context(copy))
                target = folder / "diff.parquet"
                await self._isolation.run(_write_diff, *paths, target, deadline=TABLE_SECONDS, memory_bytes=TABLE_BYTES)
                return await self._store.put_file(key, target, move=True)

        await self._tables.join(key, lambda: self._find_or_make(key, self._store.stat, make))
        return key

    async def query_rows(self, key: str, query: RowQuery, artifacts: str | None = None) -> QueriedRows:
        """Return rows of a stored Parquet or Arrow table as values.

        Args:
            key: the table.
            query: what is asked for.
            artifacts: the artifacts of the run whose changes the query needs; None if it needs none.

        Raises:
            InvalidInput: there is no such column or operator, or a value does not fit its column.
        """
        async with (
            self._render_slot(key, kind="row query"),
            self._scratch.folder() as folder,
            self._store.local_copy(key, scratch=folder) as copy,
            AsyncExitStack() as copies,
        ):
            # The name of a copy says nothing of its format.
            source = folder / f"rows{PurePosixPath(key).suffix}"
            source.symlink_to(copy)
            ledger = None
            if artifacts is not None:
                (folder / "ledger").mkdir()
                ledger = await copies.enter_async_context(self._copy(artifacts, "changes", folder / "ledger"))
            return await self._isolation.run(
                query_rows, source, query, ledger, deadline=ROWS_SECONDS, memory_bytes=TABLE_BYTES
            )

    async def count_changes(self, artifacts: str) -> Mapping[str, int]:
        """Return how many changes of each kind the ledger of a run has."""
        async with (
            self._render_slot(artifacts, kind="change counts"),
            self._scratch.folder() as folder,
            self._copy(artifacts, "changes", folder) as ledger,
        ):
            return await self._isolation.run(count_changes, ledger, deadline=ROWS_SECONDS, memory_bytes=TABLE_BYTES)

    async def list_charts(self, artifacts: str) -> Sequence[Mapping[str, Any]]:
        """Return the charts of a run with their data, in their order."""
        return list((await self._load_charts(artifacts)).by_id.values())

    async def get_picture(self, artifacts: str, graph_id: str, *, format: str) -> Picture:
        """Return a chart as a `png` or `svg` picture."""
        key = _rendition_key(artifacts, f"{graph_id}.{format}")

        async def make() -> Picture:
            return await self._draw(artifacts, graph_id, key=key, format=format)

        return await self._pictures.join(key, lambda: self._find_or_make(key, self._read_picture, make))

    async def get_pictures(self, artifacts: str, *, format: str) -> AsyncGenerator[tuple[str, bytes], None]:
        """Yield the file name and the content of every chart of a run as `png`, `svg` or `json`, in their order.

        Some are drawn ahead of the one that is asked for.
        """
        graph_ids = iter((await self._load_charts(artifacts)).by_id)
        ahead: deque[tuple[str, asyncio.Task[Picture]]] = deque()
        try:
            while True:
                for graph_id in islice(graph_ids, DRAWN_AHEAD - len(ahead)):
                    picture = self._get_chart(artifacts, graph_id, format=format)
                    ahead.append((f"{graph_id}.{format}", asyncio.create_task(picture)))
                if not ahead:
                    return
                yield ahead[0][0], (await ahead[0][1]).content
                ahead.popleft()
        finally:
            for _, task in ahead:
                task.cancel()
            await asyncio.gather(*(task for _, task in ahead), return_exceptions=True)

    async def _get_chart(self, artifacts: str, graph_id: str, *, format: str) -> Picture:
        if format == "json":
            return await self.get_chart_json(artifacts, graph_id)
        return await self.get_picture(artifacts, graph_id, format=format)

    async def get_chart_json(self, artifacts: str, graph_id: str) -> Picture:
        """Return the data of a chart as JSON."""
        charts = await self._load_charts(artifacts)
        return Picture(json.dumps(_get_chart(charts, graph_id), ensure_ascii=False).encode(), charts.etag)

    async def _find_or_make(self, key: str, find: Callable[[str], Awaitable[T]], make: Callable[[], Awaitable[T]]) -> T:
        with suppress(NotFound):
            return await find(key)
        await self._require_makeable(key)
        async with self._render_slot(key):
            return await make()

    async def _require_makeable(self, key: str) -> None:
        """Return unless it is known that a rendition can't be made.

        Raises:
            TooLarge: it needs more memory than is allowed.
        """
        with suppress(NotFound):
            await self._store.stat(key + _TOO_LARGE)
            raise _too_large(key)

    async def _read_picture(self, key: str) -> Picture:
        info = await self._store.stat(key)
        return Picture(await self._store.read_bytes(key), info.etag)

    async def _draw(self, artifacts: str, graph_id: str, *, key: str, format: str) -> Picture:
        chart = _get_chart(await self._load_charts(artifacts), graph_id)
        content = await self._artists.run(draw, chart, format=format, deadline=CHART_SECONDS, memory_bytes=CHART_BYTES)
        info = await self._store.put_bytes(key, content)
        return Picture(content, info.etag)

    async def _write_table(
        self, artifacts: str, table: StoredTable, form: TableForm, key: str, steps: Sequence[LoggedStep]
    ) -> ObjectInfo:
        limits: dict[str, Any] = {"deadline": TABLE_SECONDS, "memory_bytes": TABLE_BYTES}
        async with self._scratch.folder() as folder, AsyncExitStack() as copies:
            target, changes = folder / f"table.{form.format}", None
            if form.style == "as_written" or form.has_row_ids or (form.format == "xlsx" and table == "cleaned"):
                changes = await copies.enter_async_context(self._copy(artifacts, "changes", folder))
            source = await copies.enter_async_context(self._copy(artifacts, table, folder))
            try:
                await self._isolation.run(
                    _write_table, source, target, form, name=table, changes=changes, steps=tuple(steps), **limits
                )
            except OutOfMemory:
                # Another try would end the same way, and cost as much.
                await self._store.put_bytes(key + _TOO_LARGE, b"")
                raise _too_large(key) from None
            return await self._store.put_file(key, target, move=True)

    def _copy(self, artifacts: str, table: str, folder: Path) -> AbstractAsyncContextManager[Path]:
        return self._store.local_copy(f"{artifacts}/{table}.parquet", scratch=folder)

    async def _load_charts(self, artifacts: str) -> _ChartData:
        if charts := self._chart_cache.get(artifacts):
            self._chart_cache.move_to_end(artifacts)
            return charts
        charts = await self._loading.join(artifacts, lambda: self._read_charts(f"{artifacts}/charts.json"))
        self._chart_cache[artifacts] = charts
        if len(self._chart_cache) > CACHED_RUNS:
            self._chart_cache.popitem(last=False)
        return charts

    async def _read_charts(self, key: str) -> _ChartData:
        info = await self._store.stat(key)
        charts = json.loads(await self._store.read_bytes(key))["charts"]
        return _ChartData({chart["graph_id"]: chart for chart in charts}, info.etag)

    @asynccontextmanager
    async def _render_slot(self, key: str, *, kind: str = "rendition") -> AsyncIterator[None]:
        """Wait for a free child process, log the result, and translate the failures of the child.

        Raises:
            Unavailable: the child exceeded a limit or died.
            TaskFailed: the task raised an unexpected error.
        """
        async with self._slots:
            started = time.perf_counter()
            await failpoint("rendering")
            try:
                yield
            except (DeadlineExceeded, OutOfMemory, ChildDied) as error:
                _log.warning(f"{kind} failed", rendition=key, cause=str(error))
                raise _rendering_error(error) from error
            except TaskFailed as error:
                _log.error(f"{kind} failed", rendition=key, cause=str(error), frames=error.frames)
                raise
        _log.info(f"{kind} made", rendition=key, ms=round((time.perf_counter() - started) * 1000, 1))


def unknown_graph(graph_id: str) -> NotFound:
    """Return the error for a chart that the dataset does not have."""
    return NotFound(
        f"The dataset has no chart {graph_id[:100]}.", reason="GRAPH_NOT_FOUND", metadata={"graph_id": graph_id[:100]}
    )


def _get_chart(charts: _ChartData, graph_id: str) -> Mapping[str, Any]:
    if graph_id not in charts.by_id:
        raise unknown_graph(graph_id)
    return charts.by_id[graph_id]


def _rendition_key(artifacts: str, name: str) -> str:
    return f"{artifacts}/renditions/{name}"


def _too_large(key: str) -> TooLarge:
    form = PurePosixPath(key).suffix.lstrip(".").upper()
    return TooLarge(
        f"Written as {form}, this table needs more memory than is allowed; fetch it as Parquet.",
        reason=f"{form}_TOO_LARGE",
    )


def _rendering_error(error: Exception) -> Unavailable:
    return Unavailable(f"This could not be rendered: {error}.", reason="RENDERING_FAILED", retry_after=5)
