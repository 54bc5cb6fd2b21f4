"""The published results of a dataset, from the first preparation on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.run_options import RunOptions
from shared.db.paging import Page, PageSize, decode_token, encode_token, parse_row_number
from shared.db.session import Database
from shared.db.tables import (
    cleaning_logs,
    cleaning_reports,
    datasets,
    feature_logs,
    graph_metadata,
    outlier_logs,
    runs,
    versions,
)
from shared.errors import NotFound

MAX_VERSIONS = 20
"""Results that a dataset keeps; the oldest go first."""
PAGE_SIZE = PageSize(default=50, most=500)


@dataclass(frozen=True, kw_only=True)
class VersionRecord:
    """A published result."""

    dataset_id: UUID
    version: int
    """Its number, from 1."""
    artifacts: str
    options: RunOptions
    summary: dict[str, Any] | None
    author: str
    """The user who asked for it."""
    created_at: datetime


class Versions:
    """Versions in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, dataset_id: UUID, version: int) -> VersionRecord:
        """Return a version.

        Raises:
            NotFound: the dataset has no such version, or no longer.
        """
        statement = _select_versions().where(versions.c.dataset_id == dataset_id, versions.c.version == version)
        async with self._database.reading() as connection:
            row = (await connection.execute(statement)).one_or_none()
        if row is None:
            raise NotFound(
                f"The dataset has no version {version}.",
                reason="VERSION_NOT_FOUND",
                metadata={"dataset_id": str(dataset_id), "version": str(version)},
            )
        return _record(row)

    async def features(self, dataset_id: UUID, version: int) -> Mapping[str, Any]:
        """Return the manifest of features of a version; empty if there is no such version."""
        statement = select(versions.c.features).where(
            versions.c.dataset_id == dataset_id, versions.c.version == version
        )
        async with self._database.reading() as connection:
            manifest = await connection.scalar(statement)
        return manifest or {}

    async def list(self, dataset_id: UUID, *, page_size: int, page_token: str) -> Page[VersionRecord]:
        """Return a page of the versions of a dataset, newest first."""
        size = PAGE_SIZE.of(page_size)
        statement = _select_versions().where(versions.c.dataset_id == dataset_id)
        if position := decode_token(page_token, parts=(parse_row_number,)):
            statement = statement.where(versions.c.version < position[0])
        statement = statement.order_by(versions.c.version.desc()).limit(size + 1)
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).all()
        records = [_record(row) for row in rows[:size]]
        return Page(rows=records, next_token=encode_token([records[-1].version]) if len(rows) > size else "")


async def keep_logs(connection: AsyncConnection, run_id: UUID) -> None:
    """Give the logs and charts of a run the number of their version, because it is about to publish another one.

    Those of versions that are no longer kept go, and so does the written report.
    """
    latest = await connection.scalar(
        select(func.max(versions.c.version))
        .join(runs, runs.c.dataset_id == versions.c.dataset_id)
        .where(runs.c.id == run_id)
    )
    if latest is None:
        return
    kept = select(versions.c.version).join(runs, runs.c.dataset_id == versions.c.dataset_id).where(runs.c.id == run_id)
    for table in (cleaning_logs, outlier_logs, feature_logs, graph_metadata):
        of_run = table.c.run_id == run_id
        await connection.execute(update(table).where(of_run, table.c.version == 0).values(version=latest))
        await connection.execute(delete(table).where(of_run, table.c.version.not_in(kept)))
    await connection.execute(delete(cleaning_reports).where(cleaning_reports.c.run_id == run_id))


async def add_version(connection: AsyncConnection, run_id: UUID) -> None:
    """Add what a run has just published as the next version of its dataset; the oldest beyond the limit go.

    That of which the recipe is revised stays: the steps that are switched off are in it.
    """
    author = func.coalesce(runs.c.options["author"].astext, datasets.c.user_id)
    latest = select(func.coalesce(func.max(versions.c.version), 0)).where(versions.c.dataset_id == runs.c.dataset_id)
    published = select(
        runs.c.dataset_id,
        latest.scalar_subquery() + 1,
        runs.c.artifacts,
        runs.c.options,
        runs.c.summary,
        runs.c.features,
        author,
    )
    published = published.join(datasets, datasets.c.id == runs.c.dataset_id).where(runs.c.id == run_id)
    names = ["dataset_id", "version", "artifacts", "options", "summary", "features", "author"]
    row = (
        await connection.execute(
            insert(versions)
            .from_select(names, published)
            .returning(versions.c.dataset_id, versions.c.version, versions.c.options)
        )
    ).one()
    base = (row.options.get("revision") or {}).get("base", "")
    is_old = (versions.c.dataset_id == row.dataset_id) & (versions.c.version <= row.version - MAX_VERSIONS)
    await connection.execute(delete(versions).where(is_old, versions.c.artifacts != base))


def _select_versions() -> Select[Any]:
    return select(*(versions.c[name] for name in VersionRecord.__dataclass_fields__))


def _record(row: Any) -> VersionRecord:
    values = {name: row._mapping[name] for name in VersionRecord.__dataclass_fields__}
    return VersionRecord(**{**values, "options": RunOptions.model_validate(values["options"])})
