"""The page where every call needs a token or a key: it asks for one, keeps it in the tab, and sends it along."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from deploy.local.stack import Stack
from tests.page.conftest import Visit
from tests.security.callers import TOKEN_MODE, token


@pytest.fixture(scope="module")
def token_stack(tmp_path_factory: pytest.TempPathFactory, clean_environment: None) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("tokens"), ports="free", env_overrides=TOKEN_MODE) as stack:
        yield stack


@pytest.fixture
def guarded(browser: Browser, token_stack: Stack) -> Iterator[Visit]:
    context = browser.new_context(accept_downloads=True)
    visit = Visit(context.new_page(), token_stack.gateway_url.rstrip("/"))
    yield visit
    context.close()
    assert [problem for problem in visit.problems if "401" not in problem] == []


def test_a_token_opens_everything(guarded: Visit, sample: Path) -> None:
    page = guarded.open()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Token or API key").fill("nonsense")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Token or API key").fill(token("ada"))
    page.get_by_role("button", name="Sign in").click()
    page.locator("input[type=file]").set_input_files(sample)
    expect(page.locator("td.changed").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Cleaned table CSV").click()
    assert Path(download.value.path()).read_bytes().startswith(b'"customer_id",')
    page.reload()
    expect(page.get_by_role("heading", name=sample.name)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate("[sessionStorage.length, localStorage.length, document.cookie]") == [0, 0, ""]


def test_a_key_that_is_refused_later_is_asked_for_again(guarded: Visit) -> None:
    page = guarded.open()
    page.evaluate("sessionStorage.setItem('neuralearn.key', 'expired')")
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
