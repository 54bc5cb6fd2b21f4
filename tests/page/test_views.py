"""Every view in every size and both themes: accessible, nothing cut off, and text never markup."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Dialog, Page, Request, expect

from deploy.local.stack import Stack
from tests.e2e.user import User
from tests.page.conftest import Visit

VIEWS = ("", "overview", "table", "steps", "columns", "charts", "lineage", "versions", "comments", "drift", "report")
SCHEMES = ("light", "dark")
WIDTHS = (360, 820, 1920)
_SERIOUS = ("serious", "critical")
MARKUP = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(2)</script>",
    '"><svg onload=alert(3)>',
    "javascript:alert(4)",
    "{{7*7}}${7*7}",
    "__proto__",
    "constructor",
    "a:b&c=d#e/f?g%h",
    "\u202ereversed",
)


@pytest.fixture(scope="session")
def reviewed(user: User, sample: Any, dataset_id: str) -> str:
    """Return a dataset that has all views: replayed, in deep mode, with two versions."""
    lines = sample.read_bytes().splitlines(keepends=True)
    replayed = user.prepare(b"".join(lines[:200]), "replayed.csv", recipe_of=dataset_id)
    answer = user.client.patch(f"/dataset/{replayed}/recipe", json={"off": [14]})
    assert answer.status_code == 200, answer.text
    assert user.wait(replayed)["status"] == "completed"
    return replayed


@pytest.fixture(params=SCHEMES)
def themed(request: pytest.FixtureRequest, browser: Browser, stack: Stack) -> Iterator[Visit]:
    """Return a page in one of the themes, without motion."""
    context = browser.new_context(color_scheme=request.param, reduced_motion="reduce")
    visit = Visit(context.new_page(), stack.gateway_url.rstrip("/"))
    yield visit
    context.close()
    assert visit.problems == []


def _settle(page: Page) -> None:
    expect(page.locator("main > *").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator(".loading")).to_have_count(0)


def _fragment(dataset_id: str, view: str) -> str:
    return f"#/dataset/{dataset_id}/{view}" if view else ""


@pytest.mark.parametrize("view", [view for view in VIEWS if view != "report"])
def test_views_are_accessible_and_fit(themed: Visit, reviewed: str, view: str) -> None:
    page = themed.page
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    themed.open(_fragment(reviewed, view))
    _settle(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(100)  # what observes sizes draws once more
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{view} is {overflow} pixels too wide at {width}"
    if view == "steps":
        page.locator(".step button").first.click()
        _settle(page)
    audit = Axe().run(page)
    serious = [
        f"{entry['id']}: {entry['help']} {[node['target'] for node in entry['nodes']][:3]}"
        for entry in audit.response["violations"]
        if entry["impact"] in _SERIOUS
    ]
    assert serious == []


def test_nothing_moves_after_the_first_view(visit: Visit, dataset_id: str) -> None:
    page = visit.page
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver(list => { for (const entry of list.getEntries()) "
        "if (!entry.hadRecentInput) window.shift += entry.value; }).observe({type: 'layout-shift', buffered: true});"
    )
    visit.open(_fragment(dataset_id, "table"))
    _settle(page)
    assert page.evaluate("window.shift") < 0.1


def test_scripts_are_few(visit: Visit, dataset_id: str) -> None:
    requests: list[Request] = []
    visit.page.on("requestfinished", lambda request: requests.append(request))
    _settle(visit.open(_fragment(dataset_id, "table")))
    sizes = {request.url: request.sizes()["responseBodySize"] for request in requests if ".js" in request.url}
    assert len(sizes) > 10 and sum(sizes.values()) <= 150_000


def test_names_and_cells_are_never_markup(visit: Visit, user: User) -> None:
    table = [[f"{MARKUP[(row + column) % len(MARKUP)]} {row}" for column in range(len(MARKUP))] for row in range(60)]
    buffer = io.StringIO()
    csv.writer(buffer).writerows([MARKUP, *table])
    content = buffer.getvalue().encode()
    dataset_id = user.prepare(content, "<img src=x onerror=alert(5)>.csv")
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    visit.page.on("dialog", dismiss)
    columns = user.get(f"/dataset/{dataset_id}/rows")["columns"]
    for view in VIEWS[:8]:
        page = visit.open(_fragment(dataset_id, view))
        page.reload()
        _settle(page)
        assert page.locator("main img, main script, main iframe, main [onload], main [onerror]").count() == 0
    visit.open(_fragment(dataset_id, "columns"))
    for column in columns:
        page.locator(".columns nav a").filter(has_text=column["name"]).first.click()
        expect(page.locator("article h2").first).to_have_text(column["name"])
    assert dialogs == []


def test_addresses_that_nobody_made_break_nothing(visit: Visit, dataset_id: str) -> None:
    page = visit.page
    for fragment in ("#/dataset/%", f"#/dataset/{dataset_id}/__proto__", f"#/dataset/{dataset_id}/toString"):
        visit.open(fragment)
        page.reload()
        expect(page.locator("main")).to_contain_text("no such place" if dataset_id in fragment else "dataset")
    visit.problems = [problem for problem in visit.problems if "404" not in problem and "422" not in problem]
    visit.open(_fragment(dataset_id, "steps"))
    expect(page.locator(".step").first).to_be_visible()


def test_numbers_at_the_ends_of_what_there_is(visit: Visit, user: User) -> None:
    rows = [f"{row},{10**17 + 16 * (row % 5)},{(-1) ** row * 1e308},{row * 1e-320}" for row in range(200)]
    dataset_id = user.prepare("\n".join(["k,close,wide,tiny", *rows]).encode(), "ends.csv")
    page = visit.open(_fragment(dataset_id, "charts"))
    for figure in page.locator("figure").all():
        figure.scroll_into_view_if_needed()
        expect(figure.locator("svg")).to_be_visible()
    assert "NaN" not in page.locator(".gallery").inner_html()
