"""What an analyst does on the page: upload, watch, look, review, undo, compare, take the result."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from deploy.local.stack import Stack
from neuralearn import Client
from tests.e2e.user import User
from tests.page.conftest import Visit


def _id_of(page: Page) -> str:
    match = re.search(r"#/dataset/([0-9a-f-]+)", page.url)
    assert match, page.url
    return match[1]


def _open_tab(page: Page, name: str) -> None:
    page.locator(".tabs").get_by_role("link", name=name, exact=True).click()


def test_a_dropped_file_is_seen_cleaned_without_a_click(visit: Visit, sample: Path) -> None:
    page = visit.open()
    page.locator("input[type=file]").set_input_files(sample)
    expect(page.locator("td.changed").first).to_be_visible()
    expect(page.get_by_role("heading", name=sample.name)).to_be_visible()
    expect(page.locator(".sentences li")).to_have_count(5)
    expect(page.locator(".sentences")).to_contain_text("Read 600 rows of 16 columns")
    expect(page.locator(".alerts li").first).to_contain_text("“fax” have no value")
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".alerts li.done", has_text="“age” have no value")).to_contain_text("dealt with")
    expect(page).to_have_title(f"{sample.name} – NeuraLearn")


def test_a_file_is_dropped_with_the_mouse(visit: Visit) -> None:
    page = visit.open()
    transfer = page.evaluate_handle(
        "() => { const t = new DataTransfer(); t.items.add(new File(['a,b\\n1,x\\n2,y\\n'], 'two.csv')); return t; }"
    )
    page.locator(".drop").dispatch_event("dragover", {"dataTransfer": transfer})
    expect(page.locator(".drop.over")).to_be_visible()
    page.locator(".drop").dispatch_event("drop", {"dataTransfer": transfer})
    expect(page.get_by_role("heading", name="two.csv")).to_be_visible()


def test_what_would_be_refused_is_said_before_it_is_sent(visit: Visit) -> None:
    requests: list[str] = []
    visit.page.on("request", lambda request: requests.append(request.url))
    page = visit.open()
    page.locator("input[type=file]").set_input_files(
        [
            FilePayload(name="picture.png", mimeType="image/png", buffer=b"x"),
            FilePayload(name="empty.csv", mimeType="text/csv", buffer=b""),
        ]
    )
    expect(page.locator(".uploads")).to_contain_text("Files that end in “.png” are not read as tables.")
    expect(page.locator(".uploads")).to_contain_text("The file is empty.")
    assert not [url for url in requests if "/dataset/upload" in url]


def test_a_file_that_is_no_table_says_why(visit: Visit) -> None:
    page = visit.open()
    page.locator("input[type=file]").set_input_files(
        {"name": "broken.parquet", "mimeType": "application/octet-stream", "buffer": b"PAR1 is not enough"}
    )
    expect(page.locator(".uploads .error")).to_contain_text("no rows")
    assert [problem for problem in visit.problems if "422" in problem or "400" in problem]
    visit.problems.clear()  # the browser reports each refused request


def test_several_files_and_a_lost_connection(visit: Visit, user: User) -> None:
    lost: list[Route] = []

    def lose(route: Route) -> None:
        lost.append(route)
        route.abort() if len(lost) == 1 else route.fallback()

    visit.page.route(re.compile("/dataset/upload"), lose)
    page = visit.open()
    files = [FilePayload(name=f"part{n}.csv", mimeType="text/csv", buffer=b"a,b\n1,2\n3,%d\n" % n) for n in range(3)]
    page.locator("input[type=file]").set_input_files(files)
    expect(page.locator(".uploads")).to_contain_text("The connection was lost")
    page.get_by_role("button", name="Send again").click()
    expect(page.locator(".uploads").get_by_text("Completed")).to_have_count(3)
    expect(page.locator("table.list").get_by_role("link", name=re.compile(r"part\d\.csv"))).to_have_count(3)
    visit.problems.clear()


def test_options_are_sent(visit: Visit, user: User) -> None:
    page = visit.open()
    page.locator(".options summary").click()
    page.get_by_label("Separator").fill("semicolon")
    page.get_by_label("Let me review before it is done").check()
    page.locator("input[type=file]").set_input_files(
        {"name": "semicolons.csv", "mimeType": "text/csv", "buffer": b"a;b\n1,5;x\n2,5;y\n3,5; z\n"}
    )
    expect(page.get_by_text("This is a proposal")).to_be_visible()
    status = user.get(f"/dataset/{_id_of(page)}/status")
    assert (status["review"], status["parse_plan"]["delimiter"], status["columns"]) == (True, ";", 2)
    page.get_by_role("button", name="Accept the proposal").click()
    expect(page.locator("header.dataset .badge")).to_have_text("completed")


def test_an_address_is_fetched_or_the_reason_told(visit: Visit) -> None:
    page = visit.open()
    page.get_by_label("Address of a table").fill("http://127.0.0.1:1/table.csv")
    page.get_by_role("button", name="Fetch it").click()
    expect(page.locator(".uploads .error")).to_be_visible()
    visit.problems.clear()


def test_the_list_finds_sorts_deletes_and_undoes(visit: Visit, user: User) -> None:
    for name, rows in (("alpha.csv", 3), ("beta.csv", 40)):
        user.prepare(b"x\n" + b"".join(b"%d\n" % row for row in range(rows)), name)
    page = visit.open()
    table = page.locator("table.list")
    page.get_by_label("Search").fill("alph")
    expect(table.get_by_role("link", name=".csv")).to_have_text(["alpha.csv"])
    page.get_by_label("Search").fill("")
    page.get_by_label("Sort by").select_option("name")
    names = table.locator("tbody a").all_inner_texts()
    assert names == sorted(names, key=str.lower)
    page.get_by_role("button", name="Delete alpha.csv").click()
    expect(table.get_by_role("link", name="alpha.csv")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(table.get_by_role("link", name="alpha.csv")).to_have_count(1)
    page.get_by_role("button", name="Delete beta.csv").click()
    page.goto("about:blank")  # who leaves at once deletes all the same
    deadline = time.monotonic() + 10
    while any(entry["filename"] == "beta.csv" for entry in user.get("/datasets")["datasets"]):
        assert time.monotonic() < deadline, "it is still there"
        time.sleep(0.1)
    visit.problems.clear()


def test_a_change_is_explained_where_it_was_made(visit: Visit, dataset_id: str) -> None:
    page = visit.open(f"#/dataset/{dataset_id}/table")
    cell = page.locator(".grid td.changed.filled").first
    cell.hover()
    note = page.locator(".note")
    expect(note).to_contain_text("missing → ")
    expect(note).to_contain_text("% sure")
    cell.click()
    expect(page.locator(".note.pinned").get_by_role("button", name="Undo in this cell")).to_be_visible()
    page.keyboard.press("Escape")
    expect(note).to_have_count(0)
    expect(cell).to_be_focused()


def test_the_keyboard_reaches_every_cell(visit: Visit, dataset_id: str) -> None:
    page = visit.open(f"#/dataset/{dataset_id}/table")
    page.locator('[data-row="0"][data-column="0"]').focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    expect(page.locator('[data-row="1"][data-column="2"]')).to_be_focused()
    page.keyboard.press("Control+End")
    expect(page.locator('[data-row="599"][data-column="15"]')).to_be_focused()
    expect(page.locator('[data-row="599"][data-column="15"]')).to_be_in_viewport()
    page.keyboard.press("Control+Home")
    expect(page.locator('[data-row="0"][data-column="0"]')).to_be_focused()


def test_rows_are_filtered_and_sorted_by_the_server(visit: Visit, user: User, dataset_id: str) -> None:
    page = visit.open(f"#/dataset/{dataset_id}/table")
    page.get_by_label("Column", exact=True).select_option("city")
    page.get_by_label("Condition").select_option("eq")
    page.get_by_label("Value", exact=True).fill("Porto")
    page.get_by_role("button", name="Add").click()
    expected = user.get(f"/dataset/{dataset_id}/rows", filter="city:eq:Porto", sort="-age", limit=1)
    expect(page.get_by_text(f"{expected['total_rows']} rows")).to_be_visible()
    head = page.get_by_role("button", name="Sort by age")
    head.click()
    head.click()
    expect(page.locator('[data-row="0"][data-column="0"]')).to_have_text(str(expected["rows"][0][0]))
    page.get_by_role("button", name="Remove the filter city:eq:Porto").click()
    expect(page.get_by_text("600 rows")).to_be_visible()
    page.get_by_label("Only rows with changes").check()
    changed = user.get(f"/dataset/{dataset_id}/rows", filter="*:changed", limit=1)["total_rows"]
    expect(page.get_by_text(f"{changed} rows")).to_be_visible()


def test_the_next_change_is_one_key_away(visit: Visit, dataset_id: str) -> None:
    page = visit.open(f"#/dataset/{dataset_id}/table")
    page.locator(".table-tools select").select_option("raw")
    expect(page.locator(".grid td").first).to_be_visible()
    rows = []
    for _ in range(3):
        page.get_by_role("button", name="Next change").click()
        focused = page.locator("td.changed:focus")
        expect(focused).to_be_visible()
        rows.append(int(focused.get_attribute("data-row") or -1))
    assert rows == sorted(set(rows)) and rows[0] >= 0


def test_a_cell_is_undone(visit: Visit, user: User, sample: Path) -> None:
    dataset_id = user.prepare(sample.read_bytes(), sample.name)
    page = visit.open(f"#/dataset/{dataset_id}/table?filter=age:changed:fill_missing")
    page.locator(".chips button").click()
    page.locator(".grid td.changed.filled").first.click()
    page.get_by_role("button", name="Undo in this cell").click()
    expect(page.locator("header.dataset select")).to_be_visible()
    versions = user.get(f"/dataset/{dataset_id}/versions")["versions"]
    assert [version["cells_undone"] for version in versions] == [1, 0]
    _open_tab(page, "Versions")
    expect(page.locator("h2 ~ .scroll td").first).to_be_visible()
    expect(page.get_by_text("1 cell differs.")).to_be_visible()


def test_steps_are_switched_tried_and_applied(visit: Visit, user: User, sample: Path) -> None:
    dataset_id = user.prepare(sample.read_bytes(), sample.name)
    page = visit.open(f"#/dataset/{dataset_id}/steps")
    step = page.locator(".step", has_text="missing cells of “age”").first
    step.get_by_role("button").click()
    expect(step.locator(".details table tbody tr")).to_have_count(10)
    expect(step.locator(".details svg")).to_be_visible()
    step.get_by_role("checkbox").first.click()
    effect = page.locator(".effect")
    expect(effect).to_contain_text("1 change not applied yet")
    expect(effect).to_contain_text(re.compile(r"Cells changed: 974 now, 932 after it"))
    effect.get_by_role("button", name="Discard").click()
    expect(effect).to_have_count(0)
    step.get_by_role("checkbox").first.click()
    page.get_by_role("button", name="Apply as a new version").click()
    expect(page.locator("header.dataset select")).to_be_visible()
    expect(page.locator(".step.off")).to_have_count(1)
    versions: list[dict[str, Any]] = user.get(f"/dataset/{dataset_id}/versions")["versions"]
    assert len(versions) == 2 and len(versions[0]["switched_off"]) == 1
    _open_tab(page, "Versions")
    row = page.get_by_role("region", name="Steps that differ").locator("tbody tr", has_text="42 cells")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(re.compile(r"missing cells of “age”.*42 cells\s*off"))
    expect(page.get_by_text("42 cells differ.")).to_be_visible()


def test_a_column_is_explained_and_its_type_overridden(visit: Visit, user: User, sample: Path) -> None:
    dataset_id = user.prepare(sample.read_bytes(), sample.name)
    page = visit.open(f"#/dataset/{dataset_id}/columns?column=age")
    expect(page.locator("article")).to_contain_text("All 558 known cells are whole numbers.")
    expect(page.locator("article .gallery svg")).to_have_count(2)
    page.get_by_label(re.compile("^Type")).select_option("text")
    expect(page.locator(".effect")).to_contain_text("Cells changed")
    page.get_by_role("button", name="Apply as a new version").click()
    expect(page.locator("header.dataset select")).to_be_visible()
    expect(page.locator("article")).to_contain_text("text")
    assert user.get(f"/dataset/{dataset_id}/versions")["versions"][0]["types"] == {"age": "text"}


def test_every_chart_is_drawn(visit: Visit, user: User, dataset_id: str) -> None:
    page = visit.open(f"#/dataset/{dataset_id}/charts")
    graphs = user.get(f"/dataset/{dataset_id}/eda/graphs")["graphs"]
    expect(page.locator("figure")).to_have_count(len(graphs))
    for figure in page.locator("figure").all():
        figure.scroll_into_view_if_needed()
        expect(figure.locator("svg")).to_be_visible()
    labels = [svg.get_attribute("aria-label") or "" for svg in page.locator("figure svg").all()]
    assert all(len(label) > 40 and "undefined" not in label and "NaN" not in label for label in labels), labels
    with page.expect_download() as download:
        page.get_by_role("link", name=f"{graphs[0]['title']}, JSON").click()
    assert json.loads(Path(download.value.path()).read_text())["graph_id"] == graphs[0]["graph_id"]


def test_results_are_downloaded(visit: Visit, user: User, dataset_id: str) -> None:
    page = visit.open(f"#/dataset/{dataset_id}")
    with page.expect_download() as download:
        page.get_by_role("button", name="Cleaned table CSV").click()
    assert download.value.suggested_filename == "sample_dataset-cleaned.csv"
    expected = user.client.get(f"/dataset/{dataset_id}/cleaned?format=csv").content
    assert Path(download.value.path()).read_bytes() == expected


def test_lineage_leads_from_columns_to_features(visit: Visit, dataset_id: str) -> None:
    page = visit.open(f"#/dataset/{dataset_id}/lineage")
    row = page.locator("tr", has=page.get_by_role("link", name="plan", exact=True))
    expect(row).to_contain_text("Numbered the values of “plan”")
    row.get_by_role("link", name="plan", exact=True).click()
    expect(page.get_by_role("heading", name="plan", level=2)).to_be_visible()


def test_drift_of_a_replay(visit: Visit, user: User, sample: Path, dataset_id: str) -> None:
    lines = sample.read_bytes().splitlines(keepends=True)
    replayed = user.prepare(b"".join(lines[:300]).replace(b"Lisbon", b"Evora"), "next.csv", recipe_of=dataset_id)
    page = visit.open(f"#/dataset/{replayed}/drift")
    expect(page.locator("tr", has=page.get_by_role("rowheader", name="city"))).to_contain_text("Evora")


def test_a_report_is_read(visit: Visit, user: User, sample: Path) -> None:
    dataset_id = user.prepare(sample.read_bytes(), sample.name, mode="deep", user_id="reader")
    page = visit.open(f"#/dataset/{dataset_id}/report")
    expect(page.get_by_role("heading", name="What to do next")).to_be_visible()
    assert "**" not in page.locator("article.report").inner_text()


@pytest.mark.parametrize("fragment", ["#/nowhere", "#/dataset/0b6f7c2e-3a51-4c58-9d0e-7f0c1f6f3a11"])
def test_what_is_not_there_is_said(visit: Visit, fragment: str) -> None:
    page = visit.open(fragment)
    expect(page.locator("main")).to_contain_text(re.compile("no such place|no dataset|not found|No dataset", re.I))
    visit.problems.clear()


def test_a_report_opens_from_the_disk(visit: Visit, user: User, sample: Path, dataset_id: str, tmp_path: Path) -> None:
    other = user.prepare(sample.read_bytes(), sample.name)
    answers = [user.client.get(f"/dataset/{name}/report.html") for name in (dataset_id, other)]
    assert answers[0].content == answers[1].content and len(answers[0].content) < 2_000_000
    assert "sandbox" in answers[0].headers["content-security-policy"]
    file = tmp_path / "report.html"
    file.write_bytes(answers[0].content)
    page = visit.page
    page.unroute_all()
    page.context.set_offline(True)
    page.goto(file.as_uri())
    expect(page.get_by_role("heading", name=sample.name)).to_be_visible()
    graphs = user.get(f"/dataset/{dataset_id}/eda/graphs")["graphs"]
    expect(page.locator("svg.chart")).to_have_count(len(graphs))
    expect(page.locator(".sentences li")).to_have_count(5)


def test_a_notebook_shows_the_report(visit: Visit, stack: Stack, dataset_id: str) -> None:
    with Client(stack.gateway_url) as client:
        markup = client.status(dataset_id)._repr_html_()
    page = visit.page
    page.set_content(f"<!doctype html><body>{markup}</body>")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="sample_dataset.csv")).to_be_visible()
    expect(frame.locator("svg.chart").first).to_be_attached()


def test_a_table_is_reviewed_together(visit: Visit, user: User, sample: Path) -> None:
    dataset_id = user.prepare(sample.read_bytes(), sample.name)
    page = visit.open(f"#/dataset/{dataset_id}/table")
    page.locator('.grid td[data-row="11"][data-column="2"]').click()
    note = page.get_by_role("dialog", name="age")
    note.get_by_label("Comment on this cell").fill("Is this a real age?")
    note.get_by_role("button", name="Comment", exact=True).click()
    expect(note.locator(".said")).to_have_text("Is this a real age?")
    page.keyboard.press("Escape")
    expect(page.locator("td.commented")).to_have_count(1)
    page.goto(page.url.split("#")[0] + f"#/dataset/{dataset_id}/steps?step=3")
    page.get_by_label("Comment on step 3").fill("<b>Keep</b> these\nempty")
    page.locator(".details").get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator("#step-3 .facts")).to_contain_text("1 comment")
    expect(page.locator(".said")).to_have_text("<b>Keep</b> these\nempty")
    page.locator(".tabs").get_by_role("link", name="Comments 2").click()
    page.locator(".comments li", has_text="Keep").get_by_role("button", name="Settle").click()
    expect(page.locator(".comments li.settled")).to_contain_text("Settled by anonymous")
    expect(page.locator(".tabs")).to_contain_text("Comments 1")
    page.get_by_role("link", name="age, row 12").click()
    expect(page.locator("td.commented:focus")).to_have_attribute("data-row", "11")
    open_comments = user.get(f"/dataset/{dataset_id}/comments")["comments"]
    assert [(comment["step"], comment["row"]) for comment in open_comments] == [(None, 12), (3, None)]
    page.locator(".tabs").get_by_role("link", name="Comments 1").click()
    page.locator(".comments li.settled").get_by_role("button", name="Delete").click()
    expect(page.locator(".comments li")).to_have_count(1)
