"""The difference of two versions by their ledgers is that of their tables."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from report_service.ledger_diff import write_diff
from shared.contracts.run_options import Revision, RunOptions
from tests.conformance.test_changed_files import decoded, sales
from tests.conformance.test_revise import off, prepared
from worker_service.core.recipe.apply import Outcome
from worker_service.core.recipe.ledger import count_differing
from worker_service.core.recipe.replay import revise
from worker_service.core.table.canonical_text import render

Cells = dict[tuple[int, str], str | None]


def cells(outcome: Outcome) -> Cells:
    """Return the text of every cell of a cleaned table, by the row of the upload and the column."""
    return {
        (int(row) + 1, name): text
        for name, column in outcome.cleaned.columns.items()
        for row, text in zip(outcome.cleaned.row_numbers, render(column.array).to_pylist(), strict=True)
    }


def expected(before: Cells, after: Cells) -> list[tuple[int, str, str | None, str | None, str]]:
    rows = []
    for key in sorted({*before, *after}):
        if key in before and key in after and before[key] == after[key]:
            continue
        kind = "removed" if key not in after else "restored" if key not in before else "changed"
        rows.append((*key, before.get(key), after.get(key), kind))
    return rows


@pytest.fixture(scope="module")
def versions() -> list[Outcome]:
    table = sales(1)
    table = table.iloc[[*range(400), *range(20)]].reset_index(drop=True)
    table.loc[::40, "city"] = "oslo "
    table["constant"] = "x"
    frame = decoded(table)
    first = prepared(frame, "paid", RunOptions(fill="all", roles={"constant": "drop"}, outlier_strategy="remove"))
    steps = range(1, len(first.recipe.steps) + 1)
    random = np.random.default_rng(0)
    some = [sorted(random.choice(steps, 4, replace=False).tolist()) for _ in range(6)]
    return [first, *(revise(first.recipe, off(*each), frame, RunOptions()) for each in ([], *some, list(steps)))]


def test_every_pair_of_versions(versions: list[Outcome], tmp_path: Path) -> None:
    for index, outcome in enumerate(versions):
        pq.write_table(outcome.changes, tmp_path / f"{index}.parquet")
    kinds = set()
    for before in range(len(versions)):
        for after in range(len(versions)):
            target = tmp_path / "diff.parquet"
            write_diff(tmp_path / f"{before}.parquet", tmp_path / f"{after}.parquet", target)
            rows = [tuple(row.values()) for row in pq.read_table(target).to_pylist()]
            assert rows == expected(cells(versions[before]), cells(versions[after])), (before, after)
            kinds |= {row[-1] for row in rows}
    assert kinds == {"changed", "removed", "restored"}


def test_the_cells_that_differ_are_counted_once_by_the_ledger(versions: list[Outcome]) -> None:
    table = sales(1)
    table = table.iloc[[*range(400), *range(20)]].reset_index(drop=True)
    table.loc[::40, "city"] = "oslo "
    uploaded = {
        (row + 1, name): text
        for name, column in decoded(table).columns.items()
        for row, text in enumerate(render(column.array).to_pylist())
    }
    counts = []
    for outcome in versions:
        differing = sum(uploaded[cell] != text for cell, text in cells(outcome).items() if cell in uploaded)
        assert count_differing(outcome.changes) == differing
        counts.append(differing)
    assert len(set(counts)) > 2 and counts[-1] == 0
    first = cells(versions[0])
    cell = next(cell for cell, text in uploaded.items() if text is None and first.get(cell) is not None)
    frame = decoded(table.assign(constant="x"))
    again = revise(versions[0].recipe, Revision(base="", cells=(cell,)), frame, RunOptions())
    assert count_differing(again.changes) == counts[0] - 1
