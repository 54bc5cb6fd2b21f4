"""Queries for the results of published runs: logs, charts and reports."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Table, bindparam, select, tuple_

from shared.db.paging import Page, PageSize, decode_token, encode_token, parse_row_number, parse_timestamp
from shared.db.session import Database
from shared.db.tables import (
    cleaning_logs,
    cleaning_reports,
    datasets,
    feature_logs,
    graph_metadata,
    outlier_logs,
    runs,
)

PAGE_SIZE = PageSize(default=500, most=1000)
_SELECT_GRAPHS = (
    select(graph_metadata, runs.c.dataset_id, runs.c.finished_at, datasets.c.database_name)
    .join(runs, runs.c.id == graph_metadata.c.run_id)
    .join(datasets, datasets.c.id == runs.c.dataset_id)
)
_SELECT_GRAPH = _SELECT_GRAPHS.where(
    *(graph_metadata.c[name] == bindparam(name) for name in ("run_id", "version", "graph_id"))
)


@dataclass(frozen=True, kw_only=True)
class GraphRecord:
    """A chart that can be rendered."""

    graph_id: str
    dataset_id: UUID
    database_name: str
    kind: str
    title: str
    columns: list[str]
    created_at: datetime


class Results:
    """The logs, charts and reports of published runs; those of the newest version have the number 0."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_cleaning_logs(
        self, run_id: UUID, version: int = 0, *, page_size: int, page_token: str
    ) -> Page[RowMapping]:
        """Return a page of the cleaning log; rows carry the columns of `cleaning_logs`."""
        return await self._page(cleaning_logs, (run_id, version), page_size, page_token)

    async def list_outlier_logs(
        self, run_id: UUID, version: int = 0, *, page_size: int, page_token: str
    ) -> Page[RowMapping]:
        """Return a page of the outlier log; rows carry the columns of `outlier_logs`."""
        return await self._page(outlier_logs, (run_id, version), page_size, page_token)

    async def list_feature_logs(
        self, run_id: UUID, version: int = 0, *, page_size: int, page_token: str
    ) -> Page[RowMapping]:
        """Return a page of the feature log; rows carry the columns of `feature_logs`."""
        return await self._page(feature_logs, (run_id, version), page_size, page_token)

    async def list_graphs(
        self, run_id: UUID, version: int = 0, *, page_size: int, page_token: str
    ) -> Page[GraphRecord]:
        """Return a page of a run's charts, in the order of the table's columns."""
        size = PAGE_SIZE.of(page_size)
        is_of_run = (graph_metadata.c.run_id == run_id) & (graph_metadata.c.version == version)
        statement = _SELECT_GRAPHS.where(is_of_run).order_by(graph_metadata.c.id).limit(size + 1)
        if position := decode_token(page_token, parts=(parse_row_number,)):
            statement = statement.where(graph_metadata.c.id > position[0])
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        token = encode_token([rows[size - 1]["id"]]) if len(rows) > size else ""
        return Page(rows=[_graph_record(row) for row in rows[:size]], next_token=token)

    async def find_graph(self, run_id: UUID, graph_id: str, version: int = 0) -> GraphRecord | None:
        """Return a chart of a run; None if it has none of this id."""
        parameters = {"run_id": run_id, "version": version, "graph_id": graph_id}
        async with self._database.reading() as connection:
            row = (await connection.execute(_SELECT_GRAPH, parameters)).mappings().one_or_none()
        return _graph_record(row) if row else None

    async def list_collaboration_graphs(
        self, collaboration_id: str, *, page_size: int, page_token: str
    ) -> Page[GraphRecord]:
        """Return a page of the charts of every published dataset of a collaboration, newest result first."""
        size = PAGE_SIZE.of(page_size)
        statement = (
            _SELECT_GRAPHS.where(
                datasets.c.collaboration_id == collaboration_id,
                runs.c.state == "completed",
                graph_metadata.c.version == 0,
            )
            .order_by(runs.c.finished_at.desc(), runs.c.id.desc(), graph_metadata.c.id)
            .limit(size + 1)
        )
        if position := decode_token(page_token, parts=(parse_timestamp, UUID, parse_row_number)):
            finished, run_id, graph = position
            same_run = (runs.c.id == run_id) & (graph_metadata.c.id > graph)
            statement = statement.where(same_run | (tuple_(runs.c.finished_at, runs.c.id) < (finished, run_id)))
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        if len(rows) <= size:
            return Page(rows=[_graph_record(row) for row in rows], next_token="")
        last = rows[size - 1]
        token = encode_token([last["finished_at"].isoformat(), str(last["run_id"]), last["id"]])
        return Page(rows=[_graph_record(row) for row in rows[:size]], next_token=token)

    async def features(self, run_id: UUID) -> Mapping[str, Any]:
        """Return the manifest of features of what a run published last; empty if it published nothing."""
        async with self._database.reading() as connection:
            manifest = await connection.scalar(select(runs.c.features).where(runs.c.id == run_id))
        return manifest or {}

    async def find_report(self, run_id: UUID) -> RowMapping | None:
        """Return the written report of a run, with the columns of `cleaning_reports`; None if there is none."""
        statement = select(cleaning_reports).where(cleaning_reports.c.run_id == run_id)
        async with self._database.reading() as connection:
            return (await connection.execute(statement)).mappings().one_or_none()

    async def _page(self, table: Table, result: tuple[UUID, int], page_size: int, page_token: str) -> Page[RowMapping]:
        size = PAGE_SIZE.of(page_size)
        run_id, version = result
        is_of_run = (table.c.run_id == run_id) & (table.c.version == version)
        statement = select(table).where(is_of_run).order_by(table.c.id).limit(size + 1)
        if position := decode_token(page_token, parts=(parse_row_number,)):
            statement = statement.where(table.c.id > position[0])
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        token = encode_token([rows[size - 1]["id"]]) if len(rows) > size else ""
        return Page(rows=rows[:size], next_token=token)


def _graph_record(row: RowMapping) -> GraphRecord:
    return GraphRecord(**{name: row[name] for name in GraphRecord.__dataclass_fields__})
