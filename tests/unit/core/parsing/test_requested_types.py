"""A requested type is read cell by cell, keeps what does not fit, and is refused where most does not."""

from typing import Any

import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose


def described(cells: list[str], requested: Any = None) -> ColumnProfile:
    table = pa.table({"x": cells, "n": range(len(cells))})
    return profile(Frame.from_table(table), types={} if requested is None else {"X": requested}).columns[0]


def prepared(columns: dict[str, Any], **options: Any) -> Outcome:
    frame, run = Frame.from_table(pa.table(columns)), RunOptions(**options)
    return apply(propose(profile(frame, target=run.target, types=run.types), run), frame)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["Jan 1 2000", "Feb 12 2001", "Sept 3 2004", "May 30 2010"], "2000-01-01"),
        (["January 1, 2000", "February 12, 2001"], "2000-01-01"),
        (["07-Jan-18", "12-Dec-19"], "2018-01-07"),
        (["8/31/12", "12/1/13", "7/4/11"], "2012-08-31"),
        (["31.12.2019", "1.2.2020"], "2019-12-31"),
    ],
)
def test_dates_as_people_write_them(cells: list[str], expected: str) -> None:
    column = described(cells * 10)
    assert (column.type, column.invalid) == ("timestamp", 0)
    outcome = prepared({"x": cells * 10, "n": range(len(cells) * 10)})
    assert str(outcome.cleaned["x"].array[0].as_py()).startswith(expected)


def test_another_clear_format_is_read_as_well() -> None:
    column = described([*["31.12.2019", "1.2.2020"] * 47, *["3 Mar 2020"] * 3, *["2020-04-05"] * 2])
    assert (column.type, column.invalid) == ("timestamp", 0)


@pytest.mark.parametrize("cells", [["may", "june", "april"], ["Sep-63", "Oct-63"], ["may 1", "june 5"]])
def test_what_may_be_another_date_or_none_stays_text(cells: list[str]) -> None:
    assert described(cells * 10).storage == "text"


def test_years_of_two_digits_may_be_of_the_last_century() -> None:
    assert "this century or of the one before" in (described(["Sep-63", "Oct-63"] * 10).ambiguity or "")


def test_a_requested_type_keeps_what_does_not_fit_and_fills_nothing() -> None:
    cells = ["$1,200", "$15.50", "€3", "$7"] * 20
    outcome = prepared({"x": cells, "n": range(80)}, types={"x": "decimal"})
    assert outcome.cleaned["x"].array.to_pylist()[:4] == [1200.0, 15.5, None, 7.0]
    assert any("20 cells of “x”, such as “€3”" in result.why for result in outcome.results)


@pytest.mark.parametrize("requested", ["timestamp", "decimal", "integer", "boolean"])
def test_a_requested_type_that_hardly_fits_is_refused_with_a_count(requested: str) -> None:
    column = described(["red", "green", "blue", "17"] * 20, requested)
    assert column.storage == "text"
    assert "but only " in (column.ambiguity or "")
    assert " of 80 known cells fit it" in (column.ambiguity or "")


def test_names_are_matched_without_letter_case_or_suggested() -> None:
    columns = {"Survived": ["1", "0"] * 30, "zip": ["123", "456"] * 30}
    outcome = prepared(columns, target="survived", types={"Zip": "text", "zpi": "text"})
    assert outcome.recipe.target.column == "Survived"
    assert outcome.cleaned["zip"].is_text
    assert any("no such column. Did you mean “zip”?" in result.why for result in outcome.results)
    misspelt = prepared(columns, target="Survivd").recipe.target
    assert (misspelt.column, misspelt.why.endswith("Did you mean “Survived”?")) == (None, True)
    assert prepared(columns, target="none").recipe.target.column is None
