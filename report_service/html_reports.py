"""Reading what a report in one file is about, and composing it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from report_service.html_report import Log, ReportFacts, compose_report
from report_service.profile_document import trim_profile
from report_service.renditions import Renditions
from shared.db.datasets import DatasetRecord
from shared.db.paging import Page
from shared.db.published import Published
from shared.db.results import Results
from shared.db.versions import Versions
from shared.storage import ObjectStore

_PAGE_SIZE = 1000


async def read_features(dataset_id: UUID, run: Published, *, results: Results, versions: Versions) -> Mapping[str, Any]:
    """Return the manifest of features of one version of the results."""
    return await versions.features(dataset_id, run.version) if run.version else await results.features(run.run_id)


class HtmlReports:
    """Reports made of the results of datasets in the database and the object store."""

    def __init__(self, *, results: Results, versions: Versions, store: ObjectStore, renditions: Renditions) -> None:
        self._results = results
        self._versions = versions
        self._store = store
        self._renditions = renditions

    async def compose(self, dataset: DatasetRecord, run: Published) -> bytes:
        """Return the report on one version of the results."""
        return await asyncio.to_thread(compose_report, await self._read(dataset, run))

    async def _read(self, dataset: DatasetRecord, run: Published) -> ReportFacts:
        profile = json.loads(await self._store.read_bytes(f"{run.artifacts}/profile.json"))
        # A written report is that of the newest version.
        written = None if run.version else await self._results.find_report(run.run_id)
        return ReportFacts(
            filename=dataset.filename,
            mode=dataset.mode,
            rows=dataset.rows,
            columns=dataset.columns,
            parse_plan=dataset.parse_plan,
            profile=trim_profile(profile),
            features=await read_features(dataset.id, run, results=self._results, versions=self._versions),
            cleaning=await self._read_logs(self._results.list_cleaning_logs, run),
            outliers=await self._read_logs(self._results.list_outlier_logs, run),
            engineering=await self._read_logs(self._results.list_feature_logs, run),
            change_counts=await self._renditions.count_changes(run.artifacts),
            charts=await self._renditions.list_charts(run.artifacts),
            written=written,
        )

    async def _read_logs(self, list_logs: Callable[..., Awaitable[Page[Any]]], run: Published) -> list[Log]:
        logs: list[Log] = []
        token = ""
        while True:
            page = await list_logs(run.run_id, run.version, page_size=_PAGE_SIZE, page_token=token)
            logs += page.rows
            token = page.next_token
            if not token:
                return logs
