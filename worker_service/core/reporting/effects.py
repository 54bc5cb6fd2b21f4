"""What each step of a recipe does to its table: counts, real cells before and after, and distributions."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from shared.contracts.run_result import StepResult
from worker_service.core.recipe.apply import Outcome, is_engineered_only
from worker_service.core.recipe.steps import AnyStep, HidePersonalData
from worker_service.core.stats.summary import ValueCount
from worker_service.core.table.canonical_text import render
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column, Frame
from worker_service.core.value import Value

EXAMPLES = 10
_BINS = 20
_MOST_LEVELS = 10


class Example(Value):
    """A cell before and after a step, as canonical text; None where it has no value."""

    row: int
    """Its row in the uploaded table, from 1."""
    column: str
    before: str | None
    after: str | None


class Distribution(Value):
    """What a column holds: counts between edges for numbers, the most frequent values for all others."""

    known: int
    missing: int
    edges: tuple[float, ...] = ()
    """Ascending, one more than counts; the last bin holds its upper edge."""
    counts: tuple[int, ...] = ()
    levels: tuple[ValueCount, ...] = ()


class StepEffect(Value):
    """What a step does."""

    step: int
    """Its place in the recipe, from 1."""
    state: str
    what: str
    """What it does, a sentence; empty where it does nothing."""
    why: str
    cells_changed: int
    rows_removed: int
    examples: tuple[Example, ...] = ()
    before: Distribution | None = None
    """The column that it changes or reads; None where it changes no cell and adds none, and for personal data."""
    after: Distribution | None = None
    """The same column, or the first that it makes."""


Frames = Mapping[int, tuple[Frame, Frame]]
"""By the place of a step its table before and after."""


def describe_effects(outcome: Outcome, frames: Frames) -> tuple[StepEffect, ...]:
    """Return what each step did, in the order of the recipe.

    Args:
        outcome: what a recipe made of a frame.
        frames: what `apply` or `replay` told of its steps.
    """
    changed, steps = _changed_cells(outcome.changes), outcome.recipe.steps
    return tuple(
        _effect(result, steps[result.step - 1], frames.get(result.step), changed)
        for result in outcome.results
        if result.step <= len(steps)
    )


def _effect(
    result: StepResult, step: AnyStep, frames: tuple[Frame, Frame] | None, changed: Mapping[int, tuple[Example, ...]]
) -> StepEffect:
    effect = StepEffect(
        step=result.step,
        state=result.state,
        what=result.what,
        why=step.why if result.state == "applied" else result.why,
        cells_changed=result.cells_changed,
        rows_removed=result.rows_removed,
    )
    if frames is None or result.state != "applied" or isinstance(step, HidePersonalData):
        return effect
    before, after = frames
    source = next(iter(step.columns), None)
    made = next(iter(step.outputs), source)
    is_feature = is_engineered_only(step)
    examples = _made_cells(source, made, before, after) if is_feature else changed.get(result.step, ())
    old: Distribution | None = None
    new: Distribution | None = None
    if source is not None and source in before and (result.cells_changed or result.outputs):
        old, new = _distributions(before[source], after[made] if made is not None and made in after else None)
    return effect.model_copy(update={"examples": examples, "before": old, "after": new})


def _changed_cells(changes: pa.Table) -> dict[int, tuple[Example, ...]]:
    """Return the first cells of the ledger of each step."""
    if not changes.num_rows:
        return {}
    steps = changes.column("step").to_numpy()
    order = np.argsort(steps, kind="stable")
    numbers, starts = np.unique(steps[order], return_index=True)
    ends = np.append(starts[1:], len(order))
    examples = {}
    for number, start, end in zip(numbers.tolist(), starts.tolist(), ends.tolist(), strict=True):
        rows = changes.take(pa.array(order[start : min(end, start + EXAMPLES)])).to_pylist()
        examples[number] = tuple(
            Example(row=row["row"], column=row["column"], before=row["before"], after=row["after"]) for row in rows
        )
    return examples


def _made_cells(source: str | None, made: str | None, before: Frame, after: Frame) -> tuple[Example, ...]:
    """Return some cells of what a feature is computed from, with what it is."""
    if source is None or made is None or source not in before or made not in after or before.rows != after.rows:
        return ()
    if source == made:
        rows = pa.array(_differing_rows(before[source], after[made])[:EXAMPLES])
    else:
        rows = pa.array(np.arange(0, before.rows, max(1, before.rows // EXAMPLES))[:EXAMPLES])
    numbers = before.row_numbers[rows.to_numpy()] + 1
    texts = [render(column.array.take(rows)).to_pylist() for column in (before[source], after[made])]
    return tuple(
        Example(row=int(row), column=made, before=old, after=new) for row, old, new in zip(numbers, *texts, strict=True)
    )


def _differing_rows(before: Column, after: Column) -> npt.NDArray[np.intp]:
    """Return the rows in which a column holds another value than before; all where its type is another."""
    if before.type != after.type:
        return np.arange(len(before))
    is_same = pc.or_kleene(pc.equal(before.array, after.array), pc.and_(before.array.is_null(), after.array.is_null()))
    return np.flatnonzero(~np.asarray(is_same.fill_null(False).to_numpy(zero_copy_only=False)))


def _distributions(before: Column, after: Column | None) -> tuple[Distribution, Distribution | None]:
    """Return what a column held and holds; numbers between the same edges where both are numbers in one unit."""
    edges = _edges([column for column in (before, after) if column is not None and column.is_number])
    if after is None:
        return _distribution(before, edges), None
    if before.is_number and after.is_number and not _overlap(before, after):
        return _distribution(before, _edges([before])), _distribution(after, _edges([after]))
    return _distribution(before, edges), _distribution(after, edges)


def _range(column: Column) -> tuple[float, float] | None:
    finite = column.numbers()[np.isfinite(column.numbers())]
    return (float(finite.min()), float(finite.max())) if len(finite) else None


def _overlap(left: Column, right: Column) -> bool:
    """Return True if one column's range covers at least a tenth of the other's, as after a scaling it does not."""
    ranges = [_range(left), _range(right)]
    if ranges[0] is None or ranges[1] is None:
        return True
    low, high = max(ranges[0][0], ranges[1][0]), min(ranges[0][1], ranges[1][1])
    widest = max(end - start for start, end in (ranges[0], ranges[1]))
    return high >= low and high - low >= 0.1 * widest


def _edges(columns: list[Column]) -> tuple[float, ...]:
    ranges = [ends for column in columns if (ends := _range(column)) is not None]
    if not ranges:
        return ()
    low, high = min(start for start, _ in ranges), max(end for _, end in ranges)
    with np.errstate(over="ignore", invalid="ignore"):
        edges = np.linspace(low, high, _BINS + 1)
    return tuple(edges.tolist()) if low < high and np.isfinite(edges).all() else ()


def _distribution(column: Column, edges: tuple[float, ...]) -> Distribution:
    if column.is_number and edges:
        numbers = column.numbers()
        counts, _ = np.histogram(numbers[np.isfinite(numbers)], np.asarray(edges))
        return Distribution(known=column.known, missing=column.missing, edges=edges, counts=tuple(counts.tolist()))
    values = column.derive(distinct)
    top = values.by_frequency()[:_MOST_LEVELS]
    texts = pc.utf8_slice_codeunits(render(values.values.take(pa.array(top))), 0, 100).to_pylist()
    levels = tuple(
        ValueCount(value=text, count=int(count)) for text, count in zip(texts, values.counts[top], strict=True)
    )
    return Distribution(known=column.known, missing=column.missing, levels=levels)
