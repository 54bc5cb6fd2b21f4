"""Exported queries make of tables in DuckDB and PostgreSQL what the recipe makes of them."""

from typing import Any

import asyncpg
import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.conformance.frames import EDGE_CASES
from tests.conformance.steps import STEPS
from tests.conformance.test_exported_programs import FRAMES, SAMPLE, decoded, recipe_of
from tests.conformance.test_replay import carried_out, readings
from worker_service.core.export.calls import NotExportable
from worker_service.core.export.sql import sql_query
from worker_service.core.export.sql_steps import WHY_NOT
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.replay import replay
from worker_service.core.recipe.steps import AnyStep
from worker_service.core.table.frame import Frame


def in_duckdb(sql: str, frame: Frame) -> dict[str, list[Any]]:
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        connection.register("uploaded", frame.to_table())
        result = connection.sql(sql)
        return dict(zip(result.columns, map(list, zip(*result.fetchall(), strict=True)), strict=False))


def assert_rows(result: dict[str, list[Any]], frame: Frame, *, ordered: bool = True) -> None:
    """Compare the columns that a query has with those of a table."""
    for name, values in result.items():
        column = frame[name]
        if column.is_number:
            got = np.array([np.nan if value is None else float(value) for value in values])
            expected = column.numbers()
            if not ordered:
                got, expected = np.sort(got), np.sort(expected)
            np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9, err_msg=name)
            continue
        listed = column.array.to_pylist()
        assert values == listed if ordered else sorted(map(str, values)) == sorted(map(str, listed)), name


def assert_same_query(recipe: Recipe, frame: Frame, *, ordered: bool = True) -> bool:
    """Return True if the query has all steps."""
    try:
        query = sql_query(recipe, "duckdb")
    except NotExportable:
        return False
    outcome = replay(recipe, frame)
    results = {"engineered": query.text, "cleaned": query.text.replace('"engineered";', '"cleaned";')}
    for name, text in results.items():
        result = in_duckdb(text, frame)
        if not query.left_out:
            expected = getattr(outcome, name)
            assert not frame.rows or set(result) == set(expected.names)
            assert_rows(result, expected, ordered=ordered)
    return not query.left_out


# A query takes infinite numbers for missing, and gives up digits of numbers beyond 2 ** 53.
WITHIN_LIMITS = [name for name in EDGE_CASES if not name.startswith(("infinite", "huge"))]


IN_SQL = [step for step in STEPS if step.kind not in WHY_NOT]


@pytest.mark.parametrize("name", WITHIN_LIMITS)
@pytest.mark.parametrize("step", IN_SQL, ids=lambda step: step.kind)
def test_every_step_does_the_same_in_duckdb(step: AnyStep, name: str) -> None:
    frame = FRAMES[name]
    before = [] if step.kind == "read_column" else readings(frame)
    outcome = carried_out([*before, step], frame)
    if outcome.recipe.steps[-1].skipped is None:
        assert_same_query(outcome.recipe, frame, ordered=step.kind != "drop_duplicates")


def test_a_query_prepares_held_out_rows() -> None:
    rows = pd.read_csv(SAMPLE, dtype=str, keep_default_na=False)
    recipe = recipe_of(rows[:400], "churned")
    assert assert_same_query(recipe, decoded(rows[:400]))
    assert assert_same_query(recipe, decoded(rows[400:]))


async def test_postgres_makes_the_same_of_held_out_rows(database_url: str) -> None:
    rows = pd.read_csv(SAMPLE, dtype=str, keep_default_na=False)
    recipe = recipe_of(rows[:400], "churned")
    query = sql_query(recipe, "postgres")
    assert query.left_out == ()
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        names = ", ".join(f'"{name}" text' for name in rows)
        await connection.execute(f"CREATE TEMPORARY TABLE uploaded (row_number integer, {names})")
        records = [(row_number, *row) for row_number, row in enumerate(rows.itertuples(index=False))]
        await connection.copy_records_to_table("uploaded", records=records)
        for part in (slice(0, 400), slice(400, 600)):
            where = f"WHERE row_number >= {part.start} AND row_number < {part.stop} ORDER BY row_number"
            await connection.execute(f"CREATE TEMPORARY VIEW part AS SELECT * FROM uploaded {where}")
            result = await connection.fetch(query.text.replace('FROM "uploaded"', "FROM part"))
            await connection.execute("DROP VIEW part")
            columns = {name: [row[name] for row in result] for name in dict(result[0])}
            outcome = replay(recipe, decoded(rows[part]))
            assert list(columns) == list(outcome.engineered.names)
            assert_rows(columns, outcome.engineered)
    finally:
        await connection.close()


def test_a_query_says_what_it_lacks() -> None:
    steps: list[AnyStep] = [step for step in STEPS if step.kind == "number_rows"]
    recipe = carried_out(steps, FRAMES["amounts"]).recipe
    query = sql_query(recipe, "duckdb")
    assert [(each.step, each.kind) for each in query.left_out] == [(1, "number_rows")]
    assert "-- 1. number_rows: it looks at other rows" in query.text.replace("--   ", "-- ")
    assert "Columns that are missing: row." in query.text


def test_a_query_shows_no_hidden_data() -> None:
    steps: list[AnyStep] = [step for step in STEPS if step.kind == "hide_personal_data" and step.method == "mask"]
    recipe = carried_out(steps[:1], FRAMES["spellings"]).recipe
    with pytest.raises(NotExportable, match="personal data"):
        sql_query(recipe, "duckdb")


def test_names_that_a_database_confuses_are_refused() -> None:
    values = [str(n % 31) for n in range(60)]
    recipe = recipe_of(pd.DataFrame({"Total": values, "total": [f"{n}.25" for n in range(60)]}), None)
    with pytest.raises(NotExportable, match="letter case"):
        sql_query(recipe, "duckdb")
    assert sql_query(recipe, "postgres").left_out == ()
    longest = recipe_of(pd.DataFrame({"ä" * 32: values, "x": values}), None)
    with pytest.raises(NotExportable, match="63 bytes"):
        sql_query(longest, "postgres")
    gaps = pd.DataFrame({"n" * 60: [str(n % 31) if n % 5 else "" for n in range(60)], "x": values})
    with pytest.raises(NotExportable, match="63 bytes"):
        sql_query(recipe_of(gaps, None, fill="all"), "postgres")
    levels = pd.DataFrame({"v": ["u", "U", "w"] * 40, "x": [str(n) for n in range(120)]})
    assert [each.kind for each in sql_query(recipe_of(levels, None), "duckdb").left_out] == ["one_hot"]


def test_a_query_runs_without_the_columns_that_it_can_t_read() -> None:
    weights = [f"{n}.5 kg" if n % 3 else f"{n * 2} lb" for n in range(1, 80)]
    table = pd.DataFrame({"kg": weights, "x": [str(n % 9) for n in range(79)]})
    query = sql_query(recipe_of(table, None), "duckdb")
    assert query.left_out[0].kind == "read_column"
    assert "kg" not in in_duckdb(query.text, decoded(table))
    kept = recipe_of(table[["x"]], None, contract={"x": "freeze"})
    assert [each.kind for each in sql_query(kept, "duckdb").left_out] == ["contract"]


@pytest.mark.parametrize(
    ("usual", "odd"),
    [
        ("%d/%m/%Y", "1/2/24"),
        ("%d.%m.%y", "1.2.2"),
        ("%Y-%m-%d %H:%M:%S", "2024-01-01 24:00:00"),
        ("decimal", "1e400"),
        ("decimal", "\x0b5.5\x0b"),
        ("decimal", "\x855.5"),
    ],
)
def test_odd_cells_are_read_as_replays_read_them(usual: str, odd: str) -> None:
    days = pd.date_range("2021-01-13", periods=60, freq="31h")
    cells = [f"{n}.25" for n in range(60)] if usual == "decimal" else list(days.strftime(usual))
    table = pd.DataFrame({"a": [*cells, odd], "n": [str(n % 9) for n in range(61)]})
    assert assert_same_query(recipe_of(table, None), decoded(table))
