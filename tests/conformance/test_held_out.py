"""What is held out is never read in fitting, and prepared by the same steps."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.contracts.run_options import RunOptions
from shared.contracts.split import SPLIT_COLUMN, Split, parse_split
from shared.errors import InvalidInput
from tests.conformance.test_changed_files import decoded, sales
from worker_service.core.recipe.ledger import undo
from worker_service.core.table.canonical_text import render_table
from worker_service.planner.held_out import split_frame
from worker_service.worker.preparation import prepare
from worker_service.worker.preparation_task import PreparationTask

SPLITS = ["0.25", "0.25@7", "city=Rome", "day>=2026-01-20", "pieces>=6"]


class Prepared:
    """The artifacts of a preparation."""

    def __init__(self, folder: Path, table: pd.DataFrame, split: str) -> None:
        folder.mkdir()
        with pa.OSFile(str(folder / "table.arrow"), "wb") as sink:
            arrow = decoded(table).to_table()
            with pa.ipc.new_file(sink, arrow.schema) as writer:
                writer.write_table(arrow)
        options = RunOptions(split=split, target="paid")
        task = PreparationTask(table=folder / "table.arrow", target=folder, options=options, profile=folder / "none")
        self.result = prepare(lambda stage, percent: None, task)
        self.cleaned, self.engineered, self.changes = (
            pq.read_table(folder / f"{name}.parquet") for name in ("cleaned", "engineered", "changes")
        )
        self.documents = {name: (folder / f"{name}.json").read_text() for name in ("recipe", "profile", "charts")}
        self.drift = json.loads((folder / "drift.json").read_text())

    @property
    def is_test(self) -> np.ndarray:
        """The rows of the engineered table that were held out."""
        parts = np.array(self.engineered.column(SPLIT_COLUMN).to_pylist())
        return np.asarray(parts == "test")


def poisoned(table: pd.DataFrame, held_out: np.ndarray, split: str) -> pd.DataFrame:
    """Return a table with other values in the rows that are held out, which stay those that are."""
    random = np.random.default_rng(9)
    kept = parse_split(split).column
    others = {
        "city": np.array(["Atlantis", None], object)[random.integers(0, 2, len(table))],
        "price": random.normal(-1e6, 1e5, len(table)),
        "pieces": np.array(["many", "few"], object)[random.integers(0, 2, len(table))],
        "day": np.full(len(table), "31/12/1999", object),
        "paid": np.full(len(table), "perhaps", object),
    }
    table = table.astype(object)
    for name, values in others.items():
        if name != kept:
            table.loc[held_out, name] = values[held_out]
    return table


@pytest.mark.parametrize("split", SPLITS)
def test_what_is_held_out_is_never_read_in_fitting(split: str, tmp_path: Path) -> None:
    table = sales(1)
    table["day"] = table["day"].sort_values().to_numpy()
    prepared = Prepared(tmp_path / "a", table, split)
    held_out = prepared.is_test
    assert 0 < held_out.sum() < len(table)
    again = Prepared(tmp_path / "b", poisoned(table, held_out, split), split)
    assert again.documents == prepared.documents
    assert (again.is_test == held_out).all()
    train = pa.array(~held_out)
    assert again.engineered.filter(train).equals(prepared.engineered.filter(train))
    assert again.cleaned.filter(train).equals(prepared.cleaned.filter(train))
    assert again.engineered.schema == prepared.engineered.schema
    assert again.drift["verdict"] == "broken"


@pytest.mark.parametrize("split", SPLITS)
def test_the_tables_have_all_rows_in_order(split: str, tmp_path: Path) -> None:
    table = sales(1)
    prepared = Prepared(tmp_path / "a", table, split)
    assert prepared.cleaned.num_rows == prepared.engineered.num_rows == len(table)
    assert prepared.engineered.column_names[-1] == SPLIT_COLUMN
    assert prepared.result.summary["engineered"]["rows"] == len(table)
    assert undo(prepared.changes, prepared.cleaned).equals(render_table(decoded(table).to_table()))
    names = {feature["name"] for feature in prepared.result.features["output_features"]}
    assert names == set(prepared.engineered.column_names) - {SPLIT_COLUMN}
    (note,) = (row for row in prepared.result.logs["cleaning"] if row["rule"] == "split")
    train, test = int((~prepared.is_test).sum()), int(prepared.is_test.sum())
    assert note["why"].startswith(f"Held {test} rows out: everything was measured on the other {train}, and")
    assert prepared.drift["rows"] == [train, test]


def test_a_share_is_drawn_by_its_seed() -> None:
    frame = decoded(sales(1))
    first, again, other = (split_frame(frame, parse_split(text)).test for text in ("0.25", ".25", "0.25@7"))
    assert first.rows == again.rows == other.rows == 100
    assert (first.row_numbers == again.row_numbers).all()
    assert (first.row_numbers != other.row_numbers).any()


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("0.2", Split(share=0.2)),
        (".5@12", Split(share=0.5, seed=12)),
        (" fold = test ", Split(column="fold", value="test")),
        ("day>=2026-02-01", Split(column="day", operator=">=", value="2026-02-01")),
        ("a=b=c", Split(column="a", value="b=c")),
    ],
)
def test_what_a_split_says(text: str, split: Split) -> None:
    assert parse_split(text) == split


@pytest.mark.parametrize("text", ["", "0", "1", "1.5", "20 %", "day", "=x", "a=", "0.0"])
def test_what_is_no_split(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as 0\.2|between 0 and 1"):
        parse_split(text)


@pytest.mark.parametrize(
    ("split", "reason"),
    [
        ("city=Atlantis", "SPLIT_EMPTY"),
        ("pieces>=0", "SPLIT_EMPTY"),
        ("0.000001", "SPLIT_EMPTY"),
        ("city>=Oslo", "SPLIT_UNORDERED"),
        ("day>=five", "SPLIT_UNORDERED"),
        ("pieces>=2026-01-01", "SPLIT_UNORDERED"),
    ],
)
def test_a_split_that_does_not_fit(split: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as error:
        split_frame(decoded(sales(1)), parse_split(split))
    assert error.value.reason == reason
