"""Renditions: presentations of stored results, made when first asked for and kept beside what they present."""

import asyncio
import json
import os
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from report_service.byte_ranges import PartialCopy
from report_service.charts import draw
from report_service.row_pages import RowPage, Wanted, plan_row_page, read_row_page
from report_service.single_flight import SingleFlight
from report_service.tables import write_csv
from shared.errors import NotFound, Unavailable
from shared.failpoints import failpoint
from shared.isolation import ChildDied, DeadlineExceeded, Isolation, OutOfMemory, TaskFailed
from shared.logs import get_logger
from shared.scratch import Scratch
from shared.storage import ObjectInfo, ObjectStore

T = TypeVar("T")

CHART_SECONDS = 30.0
CHART_BYTES = 512 * 1024**2
TABLE_SECONDS = 100.0
ROWS_SECONDS = 30.0
TABLE_BYTES = 1024**3
REMEMBERED_RUNS = 8
"""Runs whose chart data stays in memory: whoever asks for one chart asks for the others too."""

log = get_logger(__name__)


@dataclass(frozen=True)
class Picture:
    """A chart as it is delivered."""

    content: bytes
    etag: str


@dataclass(frozen=True)
class _Charts:
    by_id: Mapping[str, Mapping[str, Any]]
    etag: str


class Renditions:
    """Finds renditions in the object store or makes them in child processes."""

    def __init__(
        self, *, store: ObjectStore, isolation: Isolation, scratch: Scratch, children: int = os.cpu_count() or 1
    ) -> None:
        """`children` is how many are made at once; `scratch` is where they work."""
        self._store = store
        self._isolation = isolation
        self._scratch = scratch
        self._slots = asyncio.Semaphore(children)
        self._tables: SingleFlight[ObjectInfo] = SingleFlight()
        self._pictures: SingleFlight[Picture] = SingleFlight()
        self._loading: SingleFlight[_Charts] = SingleFlight()
        self._charts: OrderedDict[str, _Charts] = OrderedDict()

    async def table_as_csv(self, artifacts: str, table: str) -> ObjectInfo:
        """The object with a table as CSV."""
        key = _key(artifacts, f"{table}.csv")

        async def make() -> ObjectInfo:
            return await self._write_csv(f"{artifacts}/{table}.parquet", key)

        return await self._tables.join(key, lambda: self._find_or(key, self._store.stat, make))

    async def rows(self, key: str, *, wanted: Wanted, start: int, size: int) -> RowPage:
        """At most `size` rows of a stored Parquet table from row `start` on that have the wanted values."""
        limits: dict[str, Any] = {"deadline": ROWS_SECONDS, "memory_bytes": TABLE_BYTES}
        which: dict[str, Any] = {"wanted": wanted, "start": start, "size": size}
        async with self._making(key, what="page"), self._scratch.folder() as folder:
            copy = PartialCopy(self._store, key, folder / "rows.parquet")
            await copy.fetch_footer()
            await copy.fetch(await self._isolation.run(plan_row_page, copy.path, **which, **limits))
            return await self._isolation.run(read_row_page, copy.path, **which, **limits)

    async def picture(self, artifacts: str, graph_id: str, *, format: str) -> Picture:
        """A chart as `png` or `svg`."""
        key = _key(artifacts, f"{graph_id}.{format}")

        async def make() -> Picture:
            return await self._draw(artifacts, graph_id, key=key, format=format)

        return await self._pictures.join(key, lambda: self._find_or(key, self._read_picture, make))

    async def chart_as_json(self, artifacts: str, graph_id: str) -> Picture:
        """A chart's data."""
        charts = await self._load_charts(artifacts)
        return Picture(json.dumps(_chart(charts, graph_id), ensure_ascii=False).encode(), charts.etag)

    async def _find_or(self, key: str, find: Callable[[str], Awaitable[T]], make: Callable[[], Awaitable[T]]) -> T:
        with suppress(NotFound):
            return await find(key)
        async with self._making(key):
            return await make()

    async def _read_picture(self, key: str) -> Picture:
        info = await self._store.stat(key)
        return Picture(await self._store.read_bytes(key), info.etag)

    async def _draw(self, artifacts: str, graph_id: str, *, key: str, format: str) -> Picture:
        chart = _chart(await self._load_charts(artifacts), graph_id)
        content = await self._isolation.run(
            draw, chart, format=format, deadline=CHART_SECONDS, memory_bytes=CHART_BYTES
        )
        info = await self._store.put_bytes(key, content)
        return Picture(content, info.etag)

    async def _write_csv(self, source_key: str, key: str) -> ObjectInfo:
        async with self._scratch.folder() as folder:
            target = folder / "table.csv"
            async with self._store.local_copy(source_key, scratch=folder) as source:
                await self._isolation.run(write_csv, source, target, deadline=TABLE_SECONDS, memory_bytes=TABLE_BYTES)
            return await self._store.put_file(key, target, move=True)

    async def _load_charts(self, artifacts: str) -> _Charts:
        if charts := self._charts.get(artifacts):
            self._charts.move_to_end(artifacts)
            return charts
        charts = await self._loading.join(artifacts, lambda: self._read_charts(f"{artifacts}/charts.json"))
        self._charts[artifacts] = charts
        if len(self._charts) > REMEMBERED_RUNS:
            self._charts.popitem(last=False)
        return charts

    async def _read_charts(self, key: str) -> _Charts:
        info = await self._store.stat(key)
        charts = json.loads(await self._store.read_bytes(key))["charts"]
        return _Charts({chart["graph_id"]: chart for chart in charts}, info.etag)

    @asynccontextmanager
    async def _making(self, key: str, *, what: str = "rendition") -> AsyncIterator[None]:
        """A slot for a child, one log line, and the child's failures in our words."""
        async with self._slots:
            started = time.perf_counter()
            await failpoint("rendering")
            try:
                yield
            except (DeadlineExceeded, OutOfMemory, ChildDied) as error:
                log.warning(f"{what} failed", rendition=key, cause=str(error))
                raise _failed(error) from error
            except TaskFailed as error:
                log.error(f"{what} failed", rendition=key, cause=str(error), frames=error.frames)
                raise
        log.info(f"{what} made", rendition=key, ms=round((time.perf_counter() - started) * 1000, 1))


def unknown_graph(graph_id: str) -> NotFound:
    """The error for a name no chart of the dataset has."""
    return NotFound(
        f"The dataset has no chart {graph_id[:100]}.", reason="GRAPH_NOT_FOUND", metadata={"graph_id": graph_id[:100]}
    )


def _chart(charts: _Charts, graph_id: str) -> Mapping[str, Any]:
    if graph_id not in charts.by_id:
        raise unknown_graph(graph_id)
    return charts.by_id[graph_id]


def _key(artifacts: str, name: str) -> str:
    return f"{artifacts}/renditions/{name}"


def _failed(error: Exception) -> Unavailable:
    return Unavailable(f"This could not be rendered: {error}.", reason="RENDERING_FAILED", retry_after=5)
