"""Exported programs make of any table what the recipe makes of it, without this project."""

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import skops.io
from hypothesis import given
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline

from shared.contracts.run_options import RunOptions
from tests.conformance.frames import EDGE_CASES
from tests.conformance.steps import STEPS, read
from tests.conformance.test_laws import LAWS, OPTIONS, TARGETS, tables
from tests.conformance.test_replay import carried_out, readings
from worker_service.core.export.bundle import bundle
from worker_service.core.export.calls import NotExportable
from worker_service.core.export.script import pandas_script, sklearn_script
from worker_service.core.export.standalone import functions
from worker_service.core.parsing import ReadText
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import apply
from worker_service.core.recipe.contract import ContractBroken
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.replay import replay
from worker_service.core.recipe.settle import settle
from worker_service.core.recipe.steps import AnyStep
from worker_service.core.table.frame import Column, Frame
from worker_service.planner.propose import propose


def without_empty(table: pa.Table) -> Frame:
    """Return the frame of a table as one of a text file is decoded: empty cells are missing."""
    columns = dict(zip(table.column_names, table.columns, strict=True))
    for name, cells in columns.items():
        if pa.types.is_string(cells.type):
            columns[name] = pc.if_else(pc.equal(cells, ""), pa.scalar(None, cells.type), cells)
    return Frame.from_table(pa.table(columns))


FRAMES = {name: without_empty(table) for name, table in EDGE_CASES.items()}


def program(source: str, name: str = "exported") -> ModuleType:
    """Return an exported program as a module."""
    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile(source, f"{name}.py", "exec"), module.__dict__)
    return module


def as_pandas(frame: Frame) -> pd.DataFrame:
    """Return a decoded table as `read_table` does."""
    columns: dict[str, Any] = {}
    for name, column in frame.columns.items():
        if column.is_text:
            columns[name] = pd.Series(column.array.to_pylist(), dtype=object)
        elif column.is_integer and column.missing:
            columns[name] = pd.Series(column.array.to_pylist(), dtype="Int64")
        elif column.is_boolean:
            columns[name] = pd.Series(column.array.to_pylist(), dtype="boolean")
        else:
            columns[name] = column.array.to_pandas()
    return pd.DataFrame(columns, index=range(frame.rows))


def assert_equal(table: pd.DataFrame, frame: Frame) -> None:
    assert list(table.columns) == list(frame.names)
    assert len(table) == frame.rows
    for name, column in frame.columns.items():
        assert_equal_cells(table[name], column, name)


def assert_equal_cells(cells: Any, column: Column, name: str) -> None:
    assert (~cells.isna().to_numpy() == column.present()).all(), name
    if column.is_number:
        if column.is_integer:
            assert pd.api.types.is_integer_dtype(cells), name
            assert cells.dropna().tolist() == column.array.drop_null().to_pylist(), name
        values = cells.to_numpy(dtype=np.float64, na_value=np.nan)
        np.testing.assert_allclose(values, column.numbers(), rtol=1e-9, atol=1e-9, err_msg=name)
    elif column.is_timestamp:
        expected = column.array.cast(pa.timestamp("us")).cast(pa.int64()).drop_null().to_pylist()
        assert cells.dropna().dt.as_unit("us").astype("int64").tolist() == expected, name
    else:
        assert cells.dropna().tolist() == column.array.drop_null().to_pylist(), name


def assert_same_program(recipe: Recipe, frame: Frame) -> None:
    try:
        exported = program(pandas_script(recipe))
    except NotExportable:
        return
    assert_same_tables(exported, recipe, frame)


def assert_same_tables(exported: ModuleType, recipe: Recipe, frame: Frame) -> None:
    try:
        outcome = replay(recipe, frame)
    except ContractBroken:
        return
    cleaned, engineered = exported.prepare(as_pandas(frame))
    assert_equal(cleaned, outcome.cleaned)
    assert_equal(engineered, outcome.engineered)


@pytest.mark.parametrize("name", EDGE_CASES)
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.kind)
def test_every_step_does_the_same_in_a_program(step: AnyStep, name: str) -> None:
    frame = FRAMES[name]
    before = [] if step.kind in ("read_column", "hide_personal_data") else readings(frame)
    outcome = carried_out([*before, step], frame)
    if outcome.recipe.steps[-1].skipped is None:
        assert_same_program(outcome.recipe, frame)


@LAWS
@given(tables(), TARGETS, OPTIONS)
def test_prepared_tables_are_prepared_the_same(table: pa.Table, target: str | None, options: RunOptions) -> None:
    frame = without_empty(table)
    recipe = settle(apply(propose(profile(frame, target=target), options), frame), frame).recipe
    try:
        exported = program(pandas_script(recipe))
    except NotExportable:
        return
    assert_same_tables(exported, recipe, frame)
    order = np.random.default_rng(table.num_rows).permutation(frame.rows)
    assert_same_tables(exported, recipe, without_empty(table.take(pa.array(order)).select(table.column_names[::-1])))


def test_all_functions_together_have_different_names() -> None:
    collected = bundle(functions, functions.__all__)
    source = "\n\n\n".join(["from __future__ import annotations", *collected.imports, *collected.definitions])
    module = program(source, "all_functions")
    assert "worker_service" not in source and "pyarrow" not in source and "pydantic" not in source
    assert all(callable(getattr(module, name)) for name in functions.__all__)


SAMPLE = Path(__file__).parents[2] / "sample_dataset.csv"


def recipe_of(table: pd.DataFrame, target: str | None, **choices: Any) -> Recipe:
    frame, options = decoded(table), RunOptions(**choices)
    return settle(apply(propose(profile(frame, target=target), options), frame), frame, options).recipe


def decoded(table: pd.DataFrame) -> Frame:
    return without_empty(pa.table({name: pa.array(table[name].tolist(), pa.string()) for name in table}))


@pytest.mark.parametrize("target", ["churned", None])
def test_a_program_prepares_held_out_rows_of_a_file_in_a_process_of_its_own(target: str | None, tmp_path: Path) -> None:
    rows = pd.read_csv(SAMPLE, dtype=str, keep_default_na=False)
    recipe = recipe_of(rows[:400], target)
    (tmp_path / "prepare.py").write_text(pandas_script(recipe), encoding="utf-8")
    for part in (rows[:400], rows[400:]):
        part.to_csv(tmp_path / "uploaded.csv", index=False)
        names = ("uploaded.csv", "cleaned.csv", "engineered.csv")
        run = [sys.executable, "-I", "prepare.py", *names]
        subprocess.run(run, cwd=tmp_path, check=True, capture_output=True, text=True)
        outcome = replay(recipe, decoded(part))
        engineered = pd.read_csv(tmp_path / "engineered.csv")
        assert list(engineered.columns) == list(outcome.engineered.names)
        for name, column in outcome.engineered.columns.items():
            if column.is_number:
                np.testing.assert_allclose(engineered[name], column.numbers(), rtol=1e-9, atol=1e-9)
        assert len(pd.read_csv(tmp_path / "cleaned.csv")) == outcome.cleaned.rows


def test_a_pipeline_prepares_held_out_rows_trains_a_model_and_is_kept_without_pickle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = pd.read_csv(SAMPLE, dtype=str, keep_default_na=False)
    recipe = recipe_of(rows[:400], "churned")
    (tmp_path / "preparation.py").write_text(sklearn_script(recipe), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    preparation = importlib.import_module("preparation").preparation
    outcome = replay(recipe, decoded(rows[400:]))
    assert_equal(preparation.transform(rows[400:]), outcome.engineered)
    features = rows.drop(columns="churned")
    without_target = preparation.transform(features[400:])
    assert list(without_target.columns) == [name for name in outcome.engineered.names if name != "churned"]
    model = Pipeline([*preparation.steps, ("model", HistGradientBoostingClassifier(random_state=0))])
    model.fit(features[:400], rows["churned"][:400])
    assert model.score(features[400:], rows["churned"][400:]) > 0.5
    assert list(model[:-1].get_feature_names_out()) == list(without_target.columns)
    skops.io.dump(preparation, tmp_path / "preparation.skops")
    trusted = skops.io.get_untrusted_types(file=tmp_path / "preparation.skops")
    assert trusted and all(name.startswith("preparation.") for name in trusted)
    kept = skops.io.load(tmp_path / "preparation.skops", trusted=trusted)
    assert_equal(kept.transform(rows[400:]), outcome.engineered)


def test_what_a_recipe_says_is_no_code() -> None:
    step = read('a"\nimport os #', ReadText(kind="text", missing=("\\", "'\"", "\u2028")))
    evil = step.model_copy(update={"why": "It ends.\r\nraise SystemExit\x0c\u2028raise SystemExit \x00 \\"})
    table = pd.DataFrame({'a"\nimport os #': ["\u2028", "x"]})
    frame = decoded(table)
    recipe = carried_out([evil], frame).recipe
    assert_same_program(recipe, frame)
    program(sklearn_script(recipe))


def texts(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({name: list(cells) for name, cells in columns.items()})


def test_programs_keep_the_contract() -> None:
    rows = pd.read_csv(SAMPLE, dtype=str, keep_default_na=False)
    contract: Any = {"plan": "freeze", "age": "discard_row", "months": "discard_value", "city": "discard_value"}
    recipe = recipe_of(rows[:400], "churned", contract=contract)
    exported = program(pandas_script(recipe))
    later = rows[400:].reset_index(drop=True)
    later.loc[0, ["age", "months", "city"]] = ["999", "99999", "Lisboa"]
    later.loc[1, ["age", "months"]] = ["many", "few"]
    assert_same_tables(exported, recipe, decoded(later))
    assert len(exported.prepare(later)[0]) < len(later)
    with pytest.raises(ValueError, match="'plan' are not as expected, such as 'gold'"):
        exported.prepare(later.assign(plan="gold"))
    frozen = program(pandas_script(recipe_of(rows[:400], "churned", contract={"*": "freeze"})))
    with pytest.raises(ValueError, match="'more' is not known"):
        frozen.prepare(rows[:400].assign(more="1"))


def test_columns_are_found_as_replays_find_them() -> None:
    table = texts(Ab=[str(n) for n in range(40)], AB=[str(n % 7) for n in range(40)])
    exported = program(pandas_script(recipe_of(table, None)))
    with pytest.raises(ValueError, match="has no column"):
        exported.prepare(table[["AB"]].rename(columns={"AB": "ab"}))
    assert len(exported.prepare(table[["AB", "Ab"]])[0]) == 40


def test_columns_have_names_of_parameters_of_keywords_and_of_notes() -> None:
    values = [str(n % 50) for n in range(60)]
    table = texts(**{"self": values, "class": values[::-1], "table": [f"{n}.5" for n in range(60)], "None": values})
    assert_same_program(recipe_of(table, None), decoded(table))
    for name in ("__row__", "__unfit__x", "__was_missing__"):
        with pytest.raises(NotExportable, match="a use of their own"):
            pandas_script(recipe_of(table.rename(columns={"self": name}), None))


def test_zero_and_minus_zero_are_different_rows() -> None:
    frame = decoded(texts(x=[*(f"{n}.5" for n in range(40)), "-0.0", "0.0", "-0.0"]))
    step = next(step for step in STEPS if step.kind == "drop_duplicates")
    recipe = carried_out([*readings(frame), step], frame).recipe
    assert replay(recipe, frame).cleaned.rows == 42
    assert_same_program(recipe, frame)


def test_a_file_without_a_header_is_read_like_the_recipe_s(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("1,a\n2,b\n", encoding="utf-8")
    read = functions.read_table(str(tmp_path / "rows.csv"), header_row=0)
    assert read.to_dict("list") == {"column_1": ["1", "2"], "column_2": ["a", "b"]}
