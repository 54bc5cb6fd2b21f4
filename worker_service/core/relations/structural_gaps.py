"""Gaps that follow from something: another column, the gaps of another column, or the order of the rows.

Such a cell is empty because there is nothing to say, as the year of a garage where there is none, or a question that
was skipped because of an earlier answer. A guess would invent it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from worker_service.core.table.canonical_text import render
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import TIMESTAMP, Column
from worker_service.core.value import Value

MOST_ROWS = 10_000
"""More rows are sampled evenly."""
FEWEST_GAPS = 2
"""Fewer gaps say nothing about their reason."""
FEWEST_ROWS = 3
"""A smaller group of rows may miss all its values by chance."""
NEARLY_ALL = 0.9
"""A group that misses this share of its values misses them for a reason; so does a column if one side of a bound holds
this share of its gaps,"""
MOST_IN_LEVELS = 0.6
"""or levels that miss nearly all their values hold this share, because other gaps may lie among such ones."""
MOST_LEVELS = 1000
FEWEST_EMPTY_COLUMNS = 3
"""A row is empty if it misses nearly all of at least so many other columns that have gaps,"""
MOST_ELSEWHERE = 0.5
"""which the other rows miss at most to this share."""
MOST_IN_BLOCKS = 0.6
"""Gaps are in blocks, too, if this share of them is in long runs,"""
MOST_SCATTERED = 0.2
"""and so few of the cells are missing that long runs are no chance."""
LONG_RUN = 5.0
"""Gaps that come in runs of at least this mean length are blocks."""
CHANCE = 1e-6
"""The largest probability with which gaps that are spread at random may look structural,"""
CHANCE_OF_FEW = 1e-4
"""and the same for few gaps that are all in the same rows as another column's, or in successive ones."""

Pattern = Literal["level", "below", "above", "together", "blocks"]


class StructuralGap(Value):
    """A column whose gaps follow from something."""

    column: str
    pattern: Pattern
    """`level`: where `by` has the value `level`; `below` or `above`: where it is at most or more than `bound`;
    `together`: where it is missing too; `blocks`: in long runs of rows."""
    by: str | None = None
    level: str | None = None
    bound: float | None = None


class Described(Protocol):
    """The facts about a column that are read here."""

    @property
    def name(self) -> str:
        """The column's name."""
        ...

    @property
    def type(self) -> str:
        """The type of the column."""
        ...


@dataclass(frozen=True, eq=False)
class _Gaps:
    """The gap masks of all columns with gaps, one column of the matrix each."""

    names: tuple[str, ...]
    masks: npt.NDArray[np.float32]
    totals: npt.NDArray[np.float32]

    @property
    def rows(self) -> int:
        return len(self.masks)


def find_structural_gaps(columns: Sequence[Described], values: Mapping[str, Column]) -> tuple[StructuralGap, ...]:
    """Return for each column with structural gaps the first explanation that holds.

    Args:
        columns: the facts about the columns.
        values: the values of each column, by name, in the order of the rows.
    """
    names = tuple(column.name for column in columns if values[column.name].missing >= FEWEST_GAPS)
    if not names:
        return ()
    rows = len(values[names[0]])
    sample = np.arange(0, rows, max(1, -(-rows // MOST_ROWS)))
    masks = np.stack([~values[name].present()[sample] for name in names], axis=1)
    gaps = _Gaps(names, masks.astype(np.float32), masks.sum(axis=0).astype(np.float32))
    explained: dict[str, StructuralGap] = {}
    for column in columns:
        if len(explained) == len(names):
            break
        sampled = Column(values[column.name].array.take(pa.array(sample)))
        if sampled.known:
            for gap in (*_by_bound(column.name, sampled, gaps), *_by_level(column.name, sampled, gaps)):
                explained.setdefault(gap.column, gap)
    for gap in (*_together(gaps), *_in_empty_rows(gaps), *_in_blocks(gaps)):
        explained.setdefault(gap.column, gap)
    return tuple(explained[name] for name in names if name in explained)


def _in_blocks(gaps: _Gaps) -> Iterator[StructuralGap]:
    for index, (name, total) in enumerate(zip(gaps.names, gaps.totals, strict=True)):
        lengths, share = _run_lengths(gaps.masks[:, index]), total / gaps.rows
        if len(lengths) == 1 and gaps.rows * share**total <= CHANCE_OF_FEW:
            yield StructuralGap(column=name, pattern="blocks")
        if total < 2 * LONG_RUN:
            continue
        # Where gaps are spread at random, a run has 1 / (1 - share) cells on average, and hardly any is long.
        has_long_mean = total / len(lengths) >= LONG_RUN / max(1 - share, 0.1)
        in_long_runs = lengths[lengths >= LONG_RUN].sum()
        if has_long_mean or (share <= MOST_SCATTERED and in_long_runs >= MOST_IN_BLOCKS * total):
            yield StructuralGap(column=name, pattern="blocks")


def _run_lengths(mask: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """Return the lengths of the runs of gaps of a column that has some."""
    edges = np.flatnonzero(np.diff(mask, prepend=0, append=0))
    return edges[1::2] - edges[::2]


def _in_empty_rows(gaps: _Gaps) -> Iterator[StructuralGap]:
    """Yield the columns that are missing where nearly all columns with gaps are: nothing is known of these rows."""
    others = len(gaps.names) - 1
    if others < FEWEST_EMPTY_COLUMNS:
        return
    elsewhere = gaps.masks.sum(axis=1)[:, None] - gaps.masks
    in_gaps = (elsewhere * gaps.masks).sum(axis=0) / (others * gaps.totals.clip(1))
    in_others = (elsewhere * (1 - gaps.masks)).sum(axis=0) / (others * (gaps.rows - gaps.totals).clip(1))
    common = gaps.masks.T @ gaps.masks
    np.fill_diagonal(common, -1)
    for index in np.flatnonzero((in_gaps >= NEARLY_ALL) & (in_others <= MOST_ELSEWHERE)):
        yield StructuralGap(column=gaps.names[index], pattern="together", by=gaps.names[int(common[index].argmax())])


def _together(gaps: _Gaps) -> Iterator[StructuralGap]:
    common = gaps.masks.T @ gaps.masks
    np.fill_diagonal(common, 0)
    shares = common / np.maximum(gaps.totals[:, None], gaps.totals[None, :]).clip(1)
    # Two columns that miss half of their cells each share many gaps by chance.
    by_chance = gaps.totals[:, None] * gaps.totals[None, :] / gaps.rows
    chance = (gaps.totals.clip(1)[None, :] / gaps.rows) ** common
    is_common = (shares >= NEARLY_ALL) & (common > 2 * by_chance) & (common >= FEWEST_GAPS) & (chance <= CHANCE_OF_FEW)
    for index in np.flatnonzero(is_common.any(axis=1)):
        other = int(np.where(is_common[index], common[index], -1).argmax())
        yield StructuralGap(column=gaps.names[index], pattern="together", by=gaps.names[other])


def _by_level(name: str, column: Column, gaps: _Gaps) -> Iterator[StructuralGap]:
    levels = column.derive(distinct)
    size = len(levels.values)
    if not 2 <= size <= MOST_LEVELS:
        return
    known = levels.codes >= 0
    codes, masks = levels.codes[known], gaps.masks[known]
    sizes = np.bincount(codes, minlength=size).astype(np.float32)
    missing, present = np.zeros((size, len(gaps.names)), np.float32), np.flatnonzero(sizes)
    order = np.argsort(codes, kind="stable")
    missing[present] = np.add.reduceat(masks[order], np.searchsorted(codes[order], present), axis=0)
    shares = missing / sizes.clip(1)[:, None]
    is_empty = (shares >= NEARLY_ALL) & (sizes >= FEWEST_ROWS)[:, None]
    covered = np.where(is_empty, missing, 0).sum(axis=0)
    overall = (gaps.totals / gaps.rows).clip(1e-9, 1 - 1e-9)
    is_structural = (covered >= MOST_IN_LEVELS * gaps.totals) & (covered * np.log(overall) <= np.log(CHANCE))
    for index in np.flatnonzero(is_structural):
        if gaps.names[index] != name:
            largest = int(np.where(is_empty[:, index], missing[:, index], -1).argmax())
            level = render(levels.values.take(pa.array([largest])))[0].as_py()
            yield StructuralGap(column=gaps.names[index], pattern="level", by=name, level=level)


def _by_bound(name: str, column: Column, gaps: _Gaps) -> Iterator[StructuralGap]:
    """Yield the gaps that lie on one side of a bound of a column of numbers or moments."""
    if not (column.is_number or column.is_timestamp):
        return
    known = column.present()
    numbers = _as_numbers(column)[known]
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    ends = np.flatnonzero(ordered[1:] > ordered[:-1])
    if not len(ends):
        return
    masks = gaps.masks[known][order]
    indices = _one_sided(masks)
    below = np.cumsum(masks[:, indices], axis=0)[ends]
    sizes = (ends + 1).astype(np.float32)[:, None]
    totals, all_gaps = masks[:, indices].sum(axis=0), gaps.totals[indices]
    overall = (all_gaps / gaps.rows).clip(1e-9, 1 - 1e-9)
    sides: tuple[tuple[Pattern, npt.NDArray[np.float32], npt.NDArray[np.float32]], ...] = (
        ("below", below, sizes),
        ("above", totals - below, len(ordered) - sizes),
    )
    for pattern, inside, rows in sides:
        is_side = (inside >= NEARLY_ALL * rows) & (inside >= NEARLY_ALL * all_gaps) & (rows >= FEWEST_ROWS)
        is_side &= inside * np.log(overall) <= np.log(CHANCE)
        for position in np.flatnonzero(is_side.any(axis=0)):
            gap_name = gaps.names[int(indices[position])]
            if gap_name != name:
                split = ends[int(np.where(is_side[:, position], inside[:, position], -1).argmax())]
                bound = None if column.is_timestamp else float(ordered[split])
                yield StructuralGap(column=gap_name, pattern=pattern, by=name, bound=bound)


def _one_sided(masks: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """Return the columns whose gaps have so low or high a mean rank that a bound may separate them."""
    rows, totals = len(masks), masks.sum(axis=0).clip(1)
    mean_rank = (np.arange(rows, dtype=np.float32) / rows) @ masks / totals
    # Where nine in ten of the gaps fill one end, they reach this far on average; the others lie anywhere.
    reach = totals / rows / 2 + (1 - NEARLY_ALL) + 0.05
    return np.flatnonzero((mean_rank <= reach) | (mean_rank >= 1 - reach))


def _as_numbers(column: Column) -> npt.NDArray[np.float64]:
    if column.is_number:
        return column.numbers()
    ticks = column.array.cast(TIMESTAMP).cast(pa.int64()).fill_null(0)
    return np.asarray(ticks.to_numpy(zero_copy_only=False), dtype=np.float64)
