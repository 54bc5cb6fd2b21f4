"""Fixtures: the whole stack, a browser, and pages that may reach nothing but the gateway."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect, sync_playwright

from deploy.local.stack import Stack
from tests.e2e.user import User

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
expect.set_options(timeout=20_000)
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, clean_environment: None) -> Iterator[Stack]:
    """Run every process of the system on free ports."""
    with Stack(tmp_path_factory.mktemp("stack"), ports="free") as stack:
        yield stack


@pytest.fixture(scope="session")
def user(stack: Stack) -> Iterator[User]:
    """Return a user of the stack's REST API."""
    with httpx.Client(base_url=stack.gateway_url, timeout=60) as client:
        yield User(client)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a headless browser of this machine, for one module: no event loop can run beside that of Playwright."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_QUIET)
        yield browser
        browser.close()


class Visit:
    """A page at the gateway that goes nowhere else, and what went wrong on it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = f"{address}/app/"
        self.problems: list[str] = []
        page.set_default_timeout(20_000)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.route(re.compile(".*"), self._on_request)

    def open(self, fragment: str = "") -> Page:
        """Open a place of the page, such as `#/dataset/<id>/table`."""
        self.page.goto(self.address + fragment)
        return self.page

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def _on_request(self, route: Route) -> None:
        if route.request.url.startswith((self.address.removesuffix("app/"), "blob:")):
            route.fallback()
        else:
            self.problems.append(f"request to {route.request.url}")
            route.abort()


@pytest.fixture
def visit(browser: Browser, stack: Stack) -> Iterator[Visit]:
    """Return a new page; whatever a browser complains of fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    visit = Visit(context.new_page(), stack.gateway_url.rstrip("/"))
    yield visit
    context.close()
    assert visit.problems == []


@pytest.fixture(scope="session")
def sample() -> Path:
    """Return the sample dataset."""
    return Path(__file__).parents[2] / "sample_dataset.csv"


@pytest.fixture(scope="session")
def dataset_id(user: User, sample: Path) -> str:
    """Return a prepared sample dataset, which no test may change."""
    return user.prepare(sample.read_bytes(), sample.name)
