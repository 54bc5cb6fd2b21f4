"""Composition of ReportService from its settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from report_service.renditions import Renditions
from report_service.service import Reports
from shared.db.session import Database
from shared.identity.access_control import AccessControl
from shared.identity.composition import build_access_control
from shared.isolation.isolation import Isolation
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
        async with open_store(settings) as store:
            await store.check()
            renditions = Renditions(store=store, isolation=isolation, scratch=Scratch(settings.scratch_dir))
            reports = Reports(database, store=store, renditions=renditions, safe_csv=settings.safe_csv)
            yield reports, build_access_control(settings, database)
    finally:
        await database.close()
