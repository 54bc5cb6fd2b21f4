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
    score_of = scores(
        city=[*["Oslo", "Rome"] * 47, "oslo", "OSLO", "ROME", "Rome", "Rome", "Rome"],
        amount=[None, "n/a", "", "12x", *NUMBERS[4:99], "9000"],
        date=["03/04/2024", "05/06/2024", "07/08/2024", "01/02/2024"] * 25,
    )
    assert score_of["completeness"] == 99.0
    assert score_of["validity"] == 99.6
    assert score_of["consistency"] < 100
    assert score_of["plausibility"] == 98.9
    assert score_of["clarity"] == 66.6
    assert 0 < score_of["overall"] < score_of["clarity"]


def test_repeated_rows_lower_uniqueness() -> None:
    score_of = scores(key=["AB-1", "AB-2", "AB-1", "AB-2"], b=["1", "2", "1", "2"])
    assert score_of["uniqueness"] == score_of["overall"] == 50.0


def test_equal_rows_of_few_values_are_no_fault() -> None:
    assert scores(sex=["m", "f"] * 50, answer=["yes", "no"] * 50)["uniqueness"] == 100.0


def test_a_single_fault_keeps_a_score_from_a_hundred() -> None:
    cells: list[str | None] = [str(value % 97) for value in range(20_000)]
    cells[7] = None
    assert scores(a=cells, b=[str(row) for row in range(20_000)])["completeness"] == 99.9


@pytest.mark.parametrize("columns", [{}, {"a": []}, {"a": [None, None]}, {"a": ["1"]}])
def test_tables_with_hardly_anything_in_them(columns: dict[str, Any]) -> None:
    assessment = assess(facts(**columns))
    assert 0 <= assessment.quality.score <= 100
    assert Assessment.model_validate_json(assessment.model_dump_json()) == assessment


def test_kinds_of_missing_values_are_distinguished() -> None:
    ages = [*NUMBERS[:90], *["999"] * 4, "many", *[None] * 5]
    alert_of = alerts(age=ages, nothing=[None] * 100)
    assert alert_of["missing_values"].affected == 5
    assert alert_of["missing_values"].severity == "warning"
    assert alert_of["sentinel"].affected == 4
    assert "999 (4 cells)" in alert_of["sentinel"].why
    assert alert_of["unfit_cells"].affected == 1
    assert "“many”" in alert_of["unfit_cells"].why
    assert (alert_of["empty_column"].column, alert_of["empty_column"].severity) == ("nothing", "error")


def test_the_most_costly_come_first() -> None:
    alerts = assess(
        facts(gone=[None] * 100, same=["a"] * 100, a=NUMBERS, b=NUMBERS, few=[None, *["x", "y"] * 49, None])
    )
    kinds = [alert.kind for alert in alerts.alerts]
    assert kinds.index("empty_column") < kinds.index("duplicate_column") < kinds.index("missing_values")
    assert kinds[-1] in ("constant", "missing_values")


def test_columns_that_a_model_can_not_use() -> None:
    alert_of = alerts(
        key=[f"AB-{row}" for row in range(100)],
        same=["a"] * 100,
        first=NUMBERS,
        second=NUMBERS,
        many=[f"group {row % 50}" for row in range(100)],
    )
    assert alert_of["identifier"].column == "key"
    assert alert_of["constant"].column == "same"
    assert "“first”" in alert_of["duplicate_column"].why
    assert "high_cardinality" not in alert_of


def test_a_category_of_many_values() -> None:
    alert_of = alerts(level=[f"level {row % 60}" for row in range(300)])
    assert "60 categories" in alert_of["high_cardinality"].why


def test_shapes() -> None:
    long_tail = [str(round(1.12**power, 2)) for power in range(100)]
    alert_of = alerts(gain=["0"] * 80 + NUMBERS[:20], income=long_tail)
    assert alert_of["zero_inflated"].column == "gain"
    assert alert_of["zero_inflated"].affected == 80
    assert alert_of["skewed"].column == "income"


def test_a_column_that_gives_the_target_away() -> None:
    doubled = [str(int(value) * 2 + 1) for value in NUMBERS]
    alert_of = alerts(target="price", price=NUMBERS, price_with_tax=doubled)
    assert alert_of["leakage"].column == "price_with_tax"
    assert "highly_correlated" not in alert_of
    assert "sampled rows" in alert_of["leakage"].why
    assert alerts(target="none", a=NUMBERS, b=doubled)["highly_correlated"].column == "b"


def test_a_target_of_nearly_one_value() -> None:
    alert_of = alerts(target="churned", churned=["no"] * 95 + ["yes"] * 5, a=NUMBERS)
    assert "95 of 100 known cells (95 %)" in alert_of["imbalanced_target"].why
    assert "no_target" not in alert_of


def test_doubtful_dates_and_spellings() -> None:
    dates = ["03/04/2024", "05/06/2024", "07/08/2024", "01/02/2024"] * 25
    alert_of = alerts(when=dates, city=["Oslo", "Rome"] * 48 + ["OSLO", "oslo", "rome", "Rome"])
    assert alert_of["ambiguous_format"].column == "when"
    assert "day/month or month/day" in alert_of["ambiguous_format"].why
    assert alert_of["spelling_variants"].affected == 3
    assert "“OSLO” for “Oslo”" in alert_of["spelling_variants"].why


def test_slipped_decimal_points() -> None:
    prices = [f"{20 + row % 37 + row / 100:.2f}" for row in range(300)]
    prices[5], prices[50], prices[150] = "2512.00", "3150.00", "4400.00"
    profiled = facts(price=prices)
    assert sum(shift.count for shift in profiled.columns[0].possible_shifts) == 3
    (alert,) = (alert for alert in assess(profiled).alerts if alert.kind == "slips")
    assert alert.affected == 3
    assert "3 of 300 known cells (1 %) of “price” may have a slipped decimal point" in alert.why
    plausibility = next(part for part in assess(profiled).quality.parts if part.name == "plausibility")
    assert plausibility.faults == 3


def test_gaps_that_depend_on_another_column() -> None:
    group = ["young" if row % 2 else "old" for row in range(600)]
    income = [None if row % 2 and row % 3 else str(1000 + row * 7 % 911) for row in range(600)]
    alert_of = alerts(target="group", group=group, income=income)
    assert alert_of["telling_missingness"].column == "income"
    assert "“group”" in alert_of["telling_missingness"].why
