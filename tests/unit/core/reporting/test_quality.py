"""The quality score and the alerts of tables of known content."""

from typing import Any

import pyarrow as pa
import pytest

from worker_service.core.profile import Profile, profile
from worker_service.core.reporting.alerts import Alert
from worker_service.core.reporting.quality import Assessment, assess
from worker_service.core.table.frame import Frame

CITIES = ["Oslo", "Rome", "Bern", "Lima"] * 25
NUMBERS = [str(value % 37 + 10) for value in range(100)]


def facts(*, target: str | None = None, **columns: Any) -> Profile:
    table = pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})
    return profile(Frame.from_table(table), target=target)


def alerts(*, target: str | None = None, **columns: Any) -> dict[str, Alert]:
    return {alert.kind: alert for alert in assess(facts(target=target, **columns)).alerts}


def scores(**columns: Any) -> dict[str, float]:
    quality = assess(facts(**columns)).quality
    return {"overall": quality.score, **{part.name: part.score for part in quality.parts}}


def test_a_table_without_faults_scores_a_hundred() -> None:
    assert set(scores(city=CITIES, amount=NUMBERS, row=[str(row) for row in range(100)]).values()) == {100.0}


def test_each_part_counts_its_own_faults() -> None:
    found = scores(
        city=[*["Oslo", "Rome"] * 47, "oslo", "OSLO", "ROME", "Rome", "Rome", "Rome"],
        amount=[None, "n/a", "", "12x", *NUMBERS[4:99], "9000"],
        date=["03/04/2024", "05/06/2024", "07/08/2024", "01/02/2024"] * 25,
    )
    assert found["completeness"] == 99.0
    assert found["validity"] == 99.6
    assert found["consistency"] < 100
    assert found["plausibility"] == 98.9
    assert found["clarity"] == 66.6
    assert found["clarity"] < found["overall"] < 100


def test_repeated_rows_lower_uniqueness() -> None:
    found = scores(a=["x", "y", "x", "y"], b=["1", "2", "1", "2"])
    assert found["uniqueness"] == 50.0


def test_a_single_fault_keeps_a_score_from_a_hundred() -> None:
    cells: list[str | None] = [str(value % 97) for value in range(20_000)]
    cells[7] = None
    assert scores(a=cells, b=[str(row) for row in range(20_000)])["completeness"] == 99.9


@pytest.mark.parametrize("columns", [{}, {"a": []}, {"a": [None, None]}, {"a": ["1"]}])
def test_tables_with_hardly_anything_in_them(columns: dict[str, Any]) -> None:
    assessment = assess(facts(**columns))
    assert 0 <= assessment.quality.score <= 100
    assert Assessment.model_validate_json(assessment.model_dump_json()) == assessment


def test_missing_values_are_told_apart() -> None:
    ages = [*NUMBERS[:90], *["999"] * 4, "many", *[None] * 5]
    found = alerts(age=ages, nothing=[None] * 100)
    assert found["missing_values"].affected == 5
    assert found["missing_values"].severity == "warning"
    assert found["sentinel"].affected == 4
    assert "999 (4 cells)" in found["sentinel"].why
    assert found["unfit_cells"].affected == 1
    assert "“many”" in found["unfit_cells"].why
    assert (found["empty_column"].column, found["empty_column"].severity) == ("nothing", "error")


def test_the_most_severe_come_first() -> None:
    severities = [
        alert.severity for alert in assess(facts(gone=[None] * 100, same=["a"] * 100, a=NUMBERS, b=NUMBERS)).alerts
    ]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)
    assert set(severities) == {"error", "warning", "info"}


def test_what_a_model_can_not_use() -> None:
    found = alerts(
        key=[f"AB-{row}" for row in range(100)],
        same=["a"] * 100,
        first=NUMBERS,
        second=NUMBERS,
        many=[f"group {row % 50}" for row in range(100)],
    )
    assert found["identifier"].column == "key"
    assert found["constant"].column == "same"
    assert "“first”" in found["duplicate_column"].why
    assert "high_cardinality" not in found


def test_a_category_of_many_values() -> None:
    found = alerts(level=[f"level {row % 60}" for row in range(300)])
    assert "60 categories" in found["high_cardinality"].why


def test_shapes() -> None:
    long_tail = [str(round(1.12**power, 2)) for power in range(100)]
    found = alerts(gain=["0"] * 80 + NUMBERS[:20], income=long_tail)
    assert found["zero_inflated"].column == "gain"
    assert found["zero_inflated"].affected == 80
    assert found["skewed"].column == "income"


def test_a_column_that_gives_the_target_away() -> None:
    doubled = [str(int(value) * 2 + 1) for value in NUMBERS]
    found = alerts(target="price", price=NUMBERS, price_with_tax=doubled)
    assert found["leakage"].column == "price_with_tax"
    assert "highly_correlated" not in found
    assert "sampled rows" in found["leakage"].why
    assert alerts(a=NUMBERS, b=doubled)["highly_correlated"].column == "b"


def test_a_target_of_nearly_one_value() -> None:
    found = alerts(target="churned", churned=["no"] * 95 + ["yes"] * 5, a=NUMBERS)
    assert "95 of 100 known cells (95 %)" in found["imbalanced_target"].why
    assert "no_target" not in found


def test_doubtful_dates_and_spellings() -> None:
    dates = ["03/04/2024", "05/06/2024", "07/08/2024", "01/02/2024"] * 25
    found = alerts(when=dates, city=["Oslo", "Rome"] * 48 + ["OSLO", "oslo", "rome", "Rome"])
    assert found["ambiguous_format"].column == "when"
    assert "day/month or month/day" in found["ambiguous_format"].why
    assert found["spelling_variants"].affected == 3
    assert "“OSLO” for “Oslo”" in found["spelling_variants"].why


def test_slipped_decimal_points() -> None:
    prices = [f"{20 + place % 37 + place / 100:.2f}" for place in range(300)]
    prices[5], prices[50], prices[150] = "2512.00", "3150.00", "4400.00"
    found = facts(price=prices)
    assert sum(shift.count for shift in found.columns[0].decimal_shifts) == 3
    (alert,) = (alert for alert in assess(found).alerts if alert.kind == "slips")
    assert alert.affected == 3
    assert "3 of 300 known cells (1 %) of “price” may have a slipped decimal point" in alert.why
    plausibility = next(part for part in assess(found).quality.parts if part.name == "plausibility")
    assert plausibility.faults == 3


def test_gaps_that_depend_on_another_column() -> None:
    group = ["young" if place % 2 else "old" for place in range(600)]
    income = [None if place % 2 and place % 3 else str(1000 + place * 7 % 911) for place in range(600)]
    found = alerts(target="group", group=group, income=income)
    assert found["telling_missingness"].column == "income"
    assert "“group”" in found["telling_missingness"].why
