"""Recipes that are carried out in this process."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from neuralearn import LocalRecipe, RecipeError, load_recipe
from shared.contracts.run_options import RunOptions
from worker_service.core.recipe.apply import Outcome
from worker_service.core.table.frame import Frame
from worker_service.planner.privacy import hide_personal_data
from worker_service.planner.propose import propose

SAMPLE = Path(__file__).parents[3] / "sample_dataset.csv"


def texts(rows: slice = slice(None)) -> pd.DataFrame:
    """Return rows of the sample as decoding reads them: all text, empty cells missing."""
    table = pd.read_csv(SAMPLE, dtype=str, keep_default_na=False)
    return table.where(table != "", None)[rows].reset_index(drop=True)


def prepared(**options: Any) -> Outcome:
    frame = Frame.from_table(pa.Table.from_pandas(texts(), preserve_index=False))
    private = hide_personal_data(frame, RunOptions(target="monthly_spend", **options), hash_key=b"secret")
    return private.apply(propose(private.profile(), private.options, hidden=private.steps))


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return prepared()


@pytest.fixture(scope="module")
def recipe(outcome: Outcome) -> LocalRecipe:
    return load_recipe(json.loads(outcome.recipe.model_dump_json()))


def test_the_own_table_gives_the_same(recipe: LocalRecipe, outcome: Outcome) -> None:
    repetition = recipe.repeat(pa.Table.from_pandas(texts(), preserve_index=False))
    assert repetition.engineered.equals(outcome.engineered.to_table())
    assert repetition.cleaned.equals(outcome.cleaned.to_table())
    assert repetition.changes.equals(outcome.changes)


def test_a_row_alone_gives_what_it_gives_among_others(recipe: LocalRecipe, outcome: Outcome) -> None:
    whole = recipe.transform(texts())
    removed = {result.rows_removed for result in outcome.results}
    assert removed == {0}
    for row in (0, 17, 421):
        alone = recipe.transform(texts(slice(row, row + 1)))
        pd.testing.assert_frame_equal(alone, whole[row : row + 1].reset_index(drop=True))


def test_other_rows_get_the_same_columns(recipe: LocalRecipe) -> None:
    table = texts(slice(300, 420)).drop(columns="monthly_spend")[::-1]
    table["new"] = "more"
    features = recipe.transform(table.sample(frac=1, axis=1, random_state=1))
    assert list(features.columns) == [name for name in recipe.output_columns if name != recipe.target]
    assert np.isfinite(features.to_numpy(dtype=float)).all()


def test_empty_texts_of_pandas_are_missing(recipe: LocalRecipe) -> None:
    table = pd.read_csv(SAMPLE, dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(recipe.transform(table), recipe.transform(texts()))


def test_a_table_that_pandas_has_typed_gives_the_same(recipe: LocalRecipe) -> None:
    table = pd.read_csv(SAMPLE, dtype={"zip": str})
    pd.testing.assert_frame_equal(recipe.transform(table), recipe.transform(texts()))


def test_codes_that_pandas_has_taken_for_numbers_are_refused(recipe: LocalRecipe) -> None:
    with pytest.raises(RecipeError, match=r"“zip” holds whole numbers, such as .* expects text\. Read the file with"):
        recipe.transform(pd.read_csv(SAMPLE))


def test_the_log_is_of_the_new_table(recipe: LocalRecipe) -> None:
    log = recipe.repeat(texts(slice(0, 5))).log
    assert any(sentence.startswith("Read “months” as whole numbers. In the recipe's own table:") for sentence in log)
    assert any(sentence.startswith("Skipped: nothing to do in “") for sentence in log)


def test_an_unforeseen_gap_is_filled_and_told(recipe: LocalRecipe) -> None:
    table = texts(slice(0, 5))
    table["months"] = None
    repetition = recipe.repeat(table)
    assert repetition.cleaned["months"].isna().all()
    assert np.isfinite(repetition.engineered.drop(columns="monthly_spend").to_numpy(dtype=float)).all()
    assert "filled 5 cells of “months”" in repetition.log[-1]


def test_the_recipe_says_what_it_needs(recipe: LocalRecipe) -> None:
    assert recipe.target == "monthly_spend"
    assert set(recipe.input_columns) == set(texts().columns) - {"monthly_spend"}


def test_a_missing_column_is_named(recipe: LocalRecipe) -> None:
    name = recipe.input_columns[0]
    with pytest.raises(RecipeError, match=f"needs the column “{name}”"):
        recipe.transform(texts().drop(columns=name))


def test_a_file_is_read(tmp_path: Path, outcome: Outcome) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(outcome.recipe.model_dump_json())
    assert load_recipe(path).clean(texts()).shape == outcome.cleaned.shape
    assert load_recipe(str(path)).target == "monthly_spend"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("no/such/file.json", "can't be read"),
        ({}, "This is no recipe: version: Field required"),
        ({"version": 3}, "This is no recipe: version"),
        ({"version": 1, "target": {"column": None, "confidence": 0, "why": ""}, "steps": []}, "version 1"),
        ({"version": 2, "target": {"column": None, "confidence": 0, "why": ""}, "steps": []}, "never carried out"),
    ],
)
def test_what_is_no_recipe_is_refused(source: Any, sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        load_recipe(source)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ([1, 2], "A table is a pandas DataFrame or an Arrow table, not list"),
        (pa.Table.from_arrays([pa.array([1])] * 2, names=["a", "a"]), "Two columns have the same name"),
        (pd.DataFrame({"a": [1, "x"]}), "The table can't be read"),
        (pa.table({"a": [[1]]}), "The table can't be read"),
    ],
)
def test_what_is_no_table_is_refused(recipe: LocalRecipe, table: Any, sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        recipe.transform(table)


def test_what_only_the_service_can_do_is_refused() -> None:
    first = texts().columns[0]
    hashing = load_recipe(json.loads(prepared(column_privacy={first: "hash"}).recipe.model_dump_json()))
    with pytest.raises(RecipeError, match="needs the key of its owner"):
        hashing.transform(texts())


def test_a_recipe_is_written_as_a_program(recipe: LocalRecipe) -> None:
    for file_format, part in (("pandas", "def prepare("), ("sklearn", "Pipeline("), ("pandera", "pa.DataFrameSchema(")):
        assert part in recipe.export(file_format)
    assert "TRY_CAST" in recipe.export("sql")
    assert "TRY_CAST" not in recipe.export("sql", dialect="postgres")
    with pytest.raises(RecipeError, match="exported as pandas"):
        recipe.export("odcs")
    hashed = load_recipe(json.loads(prepared(column_privacy={"customer_id": "hash"}).recipe.model_dump_json()))
    with pytest.raises(RecipeError, match="never leaves the service"):
        hashed.export("pandas")
