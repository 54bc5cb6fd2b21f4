"""Tests of the planted tables and of their evaluation."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.bench.preparation import Preparation
from tests.bench.quality import measure_pair
from tests.planted.faults import FaultResult, Planted, count_damaged_cells, evaluate, plant
from tests.planted.pairs import dirty_pair
from tests.planted.truth import Unknown, is_equivalent, is_right

USELESS = ["closing_fee", "branch_copy", "source_system", "customer_id", "email"]
INTACT = {"currency", "percent", "boolean_words", "day_month_dates", "iso_timestamps"}


@pytest.fixture(scope="module")
def planted() -> Planted:
    return plant(11, rows=600)


def ledger(removed: frozenset[int] = frozenset()) -> pa.Table:
    decoded = json.dumps({"removed": sorted(removed)}).encode()
    return pa.table({}).replace_schema_metadata({b"neuralearn.decoded": decoded})


def true_table(planted: Planted) -> pa.Table:
    kept = [row for row in range(planted.decoded.num_rows) if row not in planted.repeated]
    repaired = {name: list(values) for name, values in planted.truth.items()}
    for fault in planted.faults:
        for (row, name), expected in fault.cells.items():
            if fault.wrong and expected != "flag" and not isinstance(expected, Unknown):
                repaired[name][row] = expected
    return pa.table({name: pa.array(values) for name, values in repaired.items()}).take(kept)


def true_profile() -> dict[str, Any]:
    return {
        "columns": [
            {"name": "zip", "type": "identifier", "missing": 0},
            {"name": "country", "type": "category", "missing": 0},
        ]
    }


def untouched(planted: Planted, *, logs: tuple[dict[str, Any], ...] = ()) -> dict[str, FaultResult]:
    results = evaluate(planted, planted.decoded, planted.decoded, ledger(), logs, {})
    return {result.fault: result for result in results}


def repaired(planted: Planted, cleaned: pa.Table) -> dict[str, FaultResult]:
    engineered = true_table(planted).drop_columns(USELESS).append_column("income_was_missing", pa.nulls(600))
    results = evaluate(planted, cleaned, engineered, ledger(planted.repeated), [], true_profile())
    return {result.fault: result for result in results}


def test_equal_seeds_give_equal_tables(planted: Planted) -> None:
    again, other = plant(11, rows=600), plant(12, rows=600)
    assert (again.csv, again.truth, again.faults) == (planted.csv, planted.truth, planted.faults)
    assert other.csv != planted.csv


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_bytes_hold_what_the_truth_is_about(seed: int) -> None:
    planted = plant(seed)
    header, *rows = csv.reader(io.StringIO(planted.csv.decode()))
    assert header == list(planted.truth) == planted.decoded.column_names
    assert [[cell or None for cell in row] for row in rows] == [
        list(row.values()) for row in planted.decoded.to_pylist()
    ]
    assert len(rows) == 2040
    assert len(planted.repeated) == 40


def test_repeated_rows_come_after_the_rows_they_repeat(planted: Planted) -> None:
    rows = [tuple(row.values()) for row in planted.decoded.to_pylist()]
    later = {index for index, row in enumerate(rows) if rows.index(row) < index}
    assert later == planted.repeated


def test_there_are_fourteen_faults_and_each_has_places(planted: Planted) -> None:
    assert len({fault.name for fault in planted.faults}) == 14
    assert all(fault.cells or fault.rows for fault in planted.faults)
    assert len(set(plant(1).decoded["state"].to_pylist())) == 40


def test_cells_without_fault_say_the_truth(planted: Planted) -> None:
    wrong = {cell for fault in planted.faults if fault.wrong for cell in fault.cells}
    plain = ("zip", "country", "state", "age", "weight_kg", "income", "closing_fee", "churned", "customer_id")
    for name in plain:
        for row, written in enumerate(planted.decoded[name].to_pylist()):
            true = planted.truth[name][row]
            assert (row, name) in wrong or str(true) == written


def test_cells_of_a_wrong_value_differ_from_the_truth(planted: Planted) -> None:
    for fault in planted.faults:
        if fault.wrong and fault.cells:
            assert not any(
                is_right(planted.decoded[name][row].as_py(), expected) for (row, name), expected in fault.cells.items()
            )


def test_the_untouched_table_misses_every_fault_and_damages_nothing(planted: Planted) -> None:
    assert {name: result.status for name, result in untouched(planted).items()} == {
        fault.name: "missed" for fault in planted.faults
    }
    assert count_damaged_cells(planted, planted.decoded) == 0


def test_the_true_table_has_every_fault_fixed_and_damages_nothing(planted: Planted) -> None:
    results = repaired(planted, true_table(planted))
    assert {result.status for result in results.values()} == {"fixed"}, results
    assert count_damaged_cells(planted, true_table(planted), ledger(planted.repeated)) == 0


@pytest.mark.parametrize(
    ("fault", "column", "sentence"),
    [
        ("hundredfold_slips", "weight_kg", "6 values look 100 times too large."),
        ("sentinel_ages", "age", "999 stands for unknown."),
        ("day_month_dates", "signup", "Day and month can be read either way in 12 cells."),
        ("duplicate_rows", None, "12 rows repeat an earlier row exactly."),
    ],
)
def test_an_alert_about_the_fault_makes_it_flagged(
    planted: Planted, fault: str, column: str | None, sentence: str
) -> None:
    log = {"state": "flagged", "column": column, "why": sentence, "rule": "x"}
    results = untouched(planted, logs=(log,))
    assert {name for name, result in results.items() if result.status == "flagged"} == {fault}


@pytest.mark.parametrize(
    ("fault", "column", "spoil"),
    [
        ("leading_zeros", "zip", lambda cells: pc.cast(cells, pa.int64())),
        ("na_country", "country", lambda cells: pc.if_else(pc.equal(cells, "NA"), None, cells)),
        ("currency", "price", lambda cells: pc.multiply(cells, 100)),
        ("boolean_words", "member", lambda cells: pc.invert(cells)),
        ("day_month_dates", "signup", lambda cells: pc.add(cells, pa.scalar(86_400_000_000, pa.duration("us")))),
    ],
)
def test_a_value_lost_is_damage(
    planted: Planted, fault: str, column: str, spoil: Callable[[pa.Array], pa.Array]
) -> None:
    table = true_table(planted)
    spoilt = table.set_column(table.column_names.index(column), column, spoil(table[column].combine_chunks()))
    assert repaired(planted, spoilt)[fault].status == "damaged"
    assert count_damaged_cells(planted, spoilt, ledger(planted.repeated)) > 0


def test_a_column_or_a_row_that_is_gone_is_damage(planted: Planted) -> None:
    table = true_table(planted)
    assert count_damaged_cells(planted, table.drop_columns(["zip"]), ledger(planted.repeated)) == 600
    first = frozenset({0})
    assert count_damaged_cells(planted, table.slice(1), ledger(planted.repeated | first)) > 10
    assert repaired(planted, table.drop_columns(["closing_fee"]))["leak_duplicate_constant"].status == "damaged"


def test_another_notation_says_the_same(planted: Planted) -> None:
    table = true_table(planted)
    as_text = pa.table(
        {name: [None if v is None else str(v) for v in table[name].to_pylist()] for name in planted.truth}
    )
    assert count_damaged_cells(planted, as_text, ledger(planted.repeated)) == 0
    assert is_equivalent("1,540.50", 1540.5, "$1,540.50")
    assert not is_equivalent(2139, "02139", "02139")


@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_a_dirty_table_differs_exactly_in_its_errors(rate: float) -> None:
    pair = dirty_pair(4, rate)
    again = dirty_pair(4, rate)
    assert (pair.csv, pair.errors) == (again.csv, again.errors)
    cells = {(row, name) for name, values in pair.truth.items() for row in range(len(values))}
    differing = {(row, name) for row, name in cells if str(pair.truth[name][row]) != pair.written[name][row]}
    assert differing == pair.errors.keys()
    assert 0.7 * rate < len(differing) / len(cells) <= rate


def prepared(columns: dict[str, Any]) -> Preparation:
    cleaned = pa.table({name: pa.array(values) for name, values in columns.items()})
    rows = tuple(range(cleaned.num_rows))
    return Preparation(cleaned, cleaned, ledger(), logs=(), profile={}, target=None, rows=rows)


def test_the_clean_table_counts_as_repaired_and_the_dirty_one_as_abstained() -> None:
    pair = dirty_pair(4, 0.05)
    clean, dirty = measure_pair(pair, prepared(dict(pair.truth))), measure_pair(pair, prepared(dict(pair.written)))
    assert (clean.repaired, clean.damaged, clean.precision) == (len(pair.errors), 0, 1.0)
    assert (dirty.repaired, dirty.miscorrected, dirty.damaged, dirty.precision) == (0, 0, 0, None)
    assert dirty.abstained + dirty.filled == len(pair.errors)


def test_a_leak_that_stays_a_feature_is_flagged_by_an_alert(planted: Planted) -> None:
    engineered = true_table(planted).drop_columns(["branch_copy", "source_system"])
    log = {"state": "flagged", "columns": ["closing_fee"], "why": "It alone predicts the target.", "rule": "leak"}
    results = evaluate(planted, true_table(planted), engineered, ledger(planted.repeated), [log], true_profile())
    assert [result.status for result in results if result.fault == "leak_duplicate_constant"] == ["flagged"]
