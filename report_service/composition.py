"""Composition of ReportService from its settings."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from report_service.renditions import Renditions
from report_service.service import Reports
from shared.db.session import Database
from shared.identity.access_control import AccessControl
from shared.identity.composition import build_access_control
from shared.isolation.isolation import Isolation
from shared.isolation.recycled_children import children_of_small_tasks
from shared.scratch import Scratch
from shared.settings.processes import ReportSettings
from shared.storage import open_store

PRELOAD = (
    "report_service.charts.drawing",
    "report_service.row_pages",
    "report_service.tables",
    # matplotlib imports these when it first saves a picture.
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "PIL.PngImagePlugin",
)


@asynccontextmanager
async def build(settings: ReportSettings, isolation: Isolation) -> AsyncIterator[tuple[Reports, AccessControl]]:
    """Build the use cases and the access control with everything they depend on, and close all of it at the end."""
    database = Database(settings.database_url, pool_size=settings.database_pool_size)
    try:
        await database.check()
        scratch, slots = Scratch(settings.scratch_dir), os.cpu_count() or 1
        async with (
            open_store(settings) as store,
            children_of_small_tasks(settings.isolation, isolation, scratch, count=slots) as artists,
        ):
            await store.check()
            renditions = Renditions(
                store=store, isolation=isolation, artists=artists, scratch=scratch, max_children=slots
            )
            reports = Reports(database, store=store, renditions=renditions, safe_csv=settings.safe_csv)
            yield reports, build_access_control(settings, database)
    finally:
        await database.close()
