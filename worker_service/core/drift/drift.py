"""Drift: what has moved between the table that a recipe was made from and another that it is carried out on.

Sources: the population stability index as in Siddiqi, Credit Risk Scorecards (2006), with its usual limit of .1; the
Jensen-Shannon distance as in Lin, Divergence measures based on the Shannon entropy (1991); the mass of unseen levels
as in Good, The population frequencies of species (1953).
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import betabinom, chi2_contingency, fisher_exact

from worker_service.core.drift.baseline import (
    ColumnBaseline,
    bin_values,
    count_bins,
    count_distinct,
    count_levels,
    measure_baseline,
)
from worker_service.core.humanize import count, examples, number, percent, plural_verb
from worker_service.core.stats.summary import ValueCount
from worker_service.core.table.frame import Column
from worker_service.core.value import Value

Verdict = Literal["stable", "moved", "broken"]
Aspect = Literal["distribution", "missing", "unfit", "levels", "range", "unique"]
"""What of a column has moved."""

CHANCE = 1e-3
"""A difference that chance makes less often than this is one."""
LEAST_PSI = 0.1
"""The population stability index from which on a distribution has moved."""
LEAST_SHARE = 0.01
"""Shares of cells that differ by less are equal enough."""
BROKEN_SHARE = 0.05
"""A column with so many more cells that do not fit its type is not read rightly."""
BROKEN_LEVELS = 0.5
"""A column with so many cells in new levels holds something else."""
_LEAST_SCALE = 1.3
_SCALE_SPREAD, _SCALE_NOISE = 0.05, 4.0
"""Factors of quantiles differ by so much at most, and by so much more in a sample of one."""
_MOST_LISTED = 20
_SMOOTHING = 0.5


class ColumnDrift(Value):
    """How one column differs from its baseline."""

    column: str
    verdict: Verdict
    aspects: tuple[Aspect, ...]
    """What has moved."""
    findings: tuple[str, ...]
    """A sentence for each."""
    population_stability: float | None
    """The population stability index of the numbers, levels or lengths of texts; None where there are none."""
    jensen_shannon: float | None
    """Their Jensen-Shannon distance, 0 to 1."""
    scale: float | None
    """The factor by which all quantiles have moved, if it is the same: the unit may be another."""
    missing_share: tuple[float, float]
    """The share of cells without a value, before and now."""
    unfit_share: tuple[float, float]
    """The share of cells that do not fit the type, before and now."""
    new_levels: tuple[ValueCount, ...]
    """Levels that were not there before, the most frequent first; twenty at most."""
    lost_levels: tuple[str, ...]
    """Levels that are no longer there; twenty at most."""
    minimum: tuple[float | str | None, float | str | None]
    """The smallest number or first moment, before and now."""
    maximum: tuple[float | str | None, float | str | None]


def compare_column(name: str, before: ColumnBaseline, column: Column, *, unfit: int = 0) -> ColumnDrift:
    """Return how a column differs from its baseline.

    Args:
        name: its name.
        before: its baseline.
        column: the column, read as the recipe reads it and not changed otherwise.
        unfit: the number of cells that did not fit the type.
    """
    now = measure_baseline(column, unfit=unfit, is_hidden=not (before.counts or before.levels or before.minimum))
    new, lost = _level_changes(before, column)
    counts = _paired_counts(before, column)
    stability, distance = (None, None) if counts is None else (_stability(*counts), _distance(*counts))
    moved: dict[Aspect, str] = {}
    scale = None
    is_other = counts is not None and stability is not None and stability >= LEAST_PSI and _differ(*counts)
    if is_other:
        scale = _scale(before, column)
        moved["distribution"] = _distribution_finding(before, column, stability or 0.0, scale)
    moved |= _share_findings(before, now)
    if _is_beyond_chance(sum(level.count for level in new), before, now.known):
        cells = sum(level.count for level in new)
        levels = examples([level.value for level in new], of=len(new))
        moved["levels"] = f"{percent(cells / now.known)} of the values are new, {levels}."
    if beyond := _beyond_range(before, column):
        moved["range"] = beyond
    if repeated := _repeats(before, now, column):
        moved["unique"] = (
            f"{count(repeated, 'value')} {plural_verb(repeated, 'repeats', 'repeat')}, where none did before."
        )
    return ColumnDrift(
        column=name,
        verdict=_verdict(moved, before, now, new),
        aspects=tuple(moved),
        findings=tuple(moved.values()),
        population_stability=_rounded(stability),
        jensen_shannon=_rounded(distance),
        scale=_rounded(scale),
        missing_share=(_share(before.missing, before.rows), _share(now.missing, now.rows)),
        unfit_share=(_share(before.unfit, before.rows), _share(now.unfit, now.rows)),
        new_levels=new[:_MOST_LISTED],
        lost_levels=lost[:_MOST_LISTED],
        minimum=(before.minimum, now.minimum),
        maximum=(before.maximum, now.maximum),
    )


def _verdict(
    moved: Mapping[Aspect, str], before: ColumnBaseline, now: ColumnBaseline, new: Sequence[ValueCount]
) -> Verdict:
    more_unfit = _share(now.unfit, now.rows) - _share(before.unfit, before.rows)
    is_unread = "unfit" in moved and more_unfit >= BROKEN_SHARE
    is_gone = "missing" in moved and not now.known
    is_other = "levels" in moved and sum(level.count for level in new) >= BROKEN_LEVELS * now.known
    return "broken" if is_unread or is_gone or is_other else "moved" if moved else "stable"


def _share_findings(before: ColumnBaseline, now: ColumnBaseline) -> dict[Aspect, str]:
    """Return sentences about cells that are missing or unfit more or less often than before."""
    findings: dict[Aspect, str] = {}
    shares = {"missing": (before.missing, now.missing, "are missing"), "unfit": (before.unfit, now.unfit, "do not fit")}
    aspects: tuple[Aspect, Aspect] = ("missing", "unfit")
    for aspect in aspects:
        earlier, later, verb = shares[aspect]
        difference = abs(_share(later, now.rows) - _share(earlier, before.rows))
        # Fewer cells that do not fit are no trouble.
        if difference < LEAST_SHARE or (aspect == "unfit" and later * before.rows <= earlier * now.rows):
            continue
        table = np.array([[earlier, before.rows - earlier], [later, now.rows - later]])
        if fisher_exact(table).pvalue < CHANCE:
            earlier_share = percent(_share(earlier, before.rows)) if earlier else "none"
            later_share = percent(_share(later, now.rows)) if later else "None"
            cause = " the type of the column" if aspect == "unfit" else ""
            findings[aspect] = f"{later_share} of the cells {verb}{cause}, where {earlier_share} did before."
    if "missing" in findings:
        findings["missing"] = findings["missing"].replace(" did before", " were before")
    return findings


def _distribution_finding(before: ColumnBaseline, column: Column, stability: float, scale: float | None) -> str:
    index = f"population stability index {stability:.2f}"
    if before.levels is not None:
        return f"The levels are in other shares than before ({index})."
    if not column.is_number:
        return f"The texts are of other lengths than before ({index})."
    if scale is not None:
        times = f"about {number(float(f'{scale:.3g}'))} times what they were"
        return f"The numbers are {times}, all of them, so the unit may be another ({index})."
    return f"The numbers are distributed otherwise than before ({index})."


def _paired_counts(
    before: ColumnBaseline, column: Column
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
    """Return the cells of each bin or level before and now; None where one of both has none."""
    if not before.known or not column.known:
        return None
    if before.levels is not None:
        now = {level.value: level.count for level in count_levels(column)}
        earlier = {level.value: level.count for level in before.levels}
        shared = [(earlier[value], now.get(value, 0)) for value in earlier]
        others = sum(amount for value, amount in now.items() if value not in earlier)
        pairs = np.array([*shared, (0, others)] if others else shared, np.float64)
        return pairs[:, 0], pairs[:, 1]
    if not before.counts or not (column.is_number or column.is_text):
        return None
    later = count_bins(bin_values(column), before.edges)
    return np.array(before.counts, np.float64), np.array(later, np.float64)


def _stability(before: npt.NDArray[np.float64], now: npt.NDArray[np.float64]) -> float:
    earlier, later = (_smoothed(counts) for counts in (before, now))
    return float(((later - earlier) * np.log(later / earlier)).sum())


def _distance(before: npt.NDArray[np.float64], now: npt.NDArray[np.float64]) -> float:
    earlier, later = before / before.sum(), now / now.sum()
    middle = (earlier + later) / 2
    divergence = sum(
        float((shares[shares > 0] * np.log2(shares[shares > 0] / middle[shares > 0])).sum()) / 2
        for shares in (earlier, later)
    )
    return float(np.sqrt(max(0.0, divergence)))


def _smoothed(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    smoothed: npt.NDArray[np.float64] = counts + _SMOOTHING
    shares: npt.NDArray[np.float64] = smoothed / smoothed.sum()
    return shares


def _differ(before: npt.NDArray[np.float64], now: npt.NDArray[np.float64]) -> bool:
    """Return True if chance alone would hardly ever make two rows of counts so different."""
    table = np.array([before, now])
    table = table[:, table.sum(axis=0) > 0]
    return table.shape[1] > 1 and float(chi2_contingency(table, correction=False).pvalue) < CHANCE


def _scale(before: ColumnBaseline, column: Column) -> float | None:
    """Return the factor that all quantiles have moved by, if it is one and far from 1."""
    if not column.is_number or len(before.edges) < 3:
        return None
    values = bin_values(column)
    # The share of the cells below each edge gives the quantile that it is.
    below = np.cumsum(before.counts[:-1]) / before.known
    now = np.quantile(values, below)
    edges = np.asarray(before.edges)
    clear = (edges != 0) & (now != 0) & (np.sign(edges) == np.sign(now))
    if clear.sum() < 3 or clear.mean() < 0.7:
        return None
    factors, differences = now[clear] / edges[clear], now[clear] - edges[clear]
    middle = float(np.median(factors))
    spread = _SCALE_SPREAD + _SCALE_NOISE / np.sqrt(min(before.known, column.known))
    # Where the numbers were moved instead, their differences agree better than their factors.
    is_same = _spread(factors) <= min(spread, _spread(differences))
    return middle if is_same and not 1 / _LEAST_SCALE < middle < _LEAST_SCALE else None


def _spread(values: npt.NDArray[np.float64]) -> float:
    """Return how far values are from their median, as a share of it."""
    middle = np.median(values)
    return float(np.abs(values / middle - 1).max()) if middle else np.inf


def _level_changes(before: ColumnBaseline, column: Column) -> tuple[tuple[ValueCount, ...], tuple[str, ...]]:
    """Return the levels that are new, and those that are gone."""
    if before.levels is None or not (column.is_text or column.is_boolean):
        return (), ()
    now = count_levels(column)
    earlier, later = {level.value for level in before.levels}, {level.value for level in now}
    new = tuple(level for level in now if level.value not in earlier)
    return new, tuple(level.value for level in before.levels if level.value not in later)


def _is_beyond_chance(new_cells: int, before: ColumnBaseline, known: int) -> bool:
    """Return True if more cells hold new levels than rare levels that the baseline missed would explain."""
    if not new_cells or not before.known:
        return False
    return float(betabinom.sf(new_cells - 1, known, before.single_levels + 1, before.known)) < CHANCE


def _repeats(before: ColumnBaseline, now: ColumnBaseline, column: Column) -> int:
    """Return how many cells repeat a value, if none did before and chance does not explain it; else 0."""
    if not before.is_unique or now.is_unique:
        return 0
    repeated = column.known - count_distinct(column)
    pairs_before, pairs = (number * (number - 1) // 2 for number in (before.known, column.known))
    is_chance = float(betabinom.sf(repeated - 1, pairs, 1, pairs_before)) >= CHANCE
    return 0 if is_chance else repeated


def _beyond_range(before: ColumnBaseline, column: Column) -> str | None:
    """Return a sentence if more numbers lie beyond the earlier range than of a sample from the same source would."""
    low, high = before.minimum, before.maximum
    if not column.is_number or not isinstance(low, float) or not isinstance(high, float) or not column.known:
        return None
    values = bin_values(column)
    below, above = int(np.searchsorted(values, low)), len(values) - int(np.searchsorted(values, high, side="right"))
    # Of so many values each has the same chance to be the largest, so that the number beyond is beta-binomial.
    if float(betabinom.sf(max(below, above) - 1, len(values), 1, before.known)) >= CHANCE / 2:
        return None
    extreme = number(float(values[0] if below > above else values[-1]))
    beyond = count(below + above, "number")
    return (
        f"{beyond} of {len(values):,} are beyond the earlier range, {number(low)} to {number(high)}, up to {extreme}."
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
