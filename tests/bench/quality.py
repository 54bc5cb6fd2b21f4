"""Benchmark of repairs: planted faults, and dirty tables compared with their clean versions."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.bench.preparation import Preparation, evaluate_faults, prepare_csv
from tests.bench.repair_families import FAMILIES
from tests.planted.evaluation import FaultResult, damage_by_column
from tests.planted.faults import plant
from tests.planted.pairs import KINDS, Pair, dirty_pair
from tests.planted.truth import Value, is_equivalent, is_right

SEEDS = (1, 2, 3)
RATES = (0.01, 0.05, 0.10)
FAMILY_SEEDS = range(10)
FAMILY_RATES = (0.01, 0.05, 0.10, 0.30)


@dataclass(frozen=True)
class Repairs:
    """The cells of a dirty table, counted by the outcome of its preparation."""

    errors: int
    repaired: int
    abstained: int
    """Dirty cells that were left unchanged or recognised as missing."""
    filled: int
    """Missing cells that were filled with a wrong value."""
    miscorrected: int
    """Other dirty cells that were changed to another wrong value."""
    damaged: int
    """Correct cells that were changed to a wrong value."""
    correct: int
    by_kind: dict[str, int]
    """Repaired cells of each kind of error."""

    @property
    def precision(self) -> float | None:
        """The share of changed cells that are right now, without filled missing cells; None if there are none."""
        filled_right = self.by_kind.get("missing", 0)
        right = self.repaired - filled_right
        changed = right + self.miscorrected + self.damaged
        return right / changed if changed else None


def evaluate_seed(seed: int, folder: Path) -> tuple[list[FaultResult], Counter[str]]:
    """Return the result of each planted fault of a seed, and the damaged cells by column."""
    planted = plant(seed)
    preparation = prepare_csv(planted.csv, folder)
    damage = damage_by_column(planted, preparation.cleaned, preparation.changes)
    return evaluate_faults(planted, preparation), damage


def measure_pair(pair: Pair, preparation: Preparation) -> Repairs:
    """Compare a cleaned table with the clean one by cell; cells of removed rows and columns count as empty."""
    totals: Counter[str] = Counter()
    by_kind: Counter[str] = Counter()
    cleaned = preparation.cleaned
    positions = {row: position for position, row in enumerate(preparation.rows)}
    for name, truth in pair.truth.items():
        cells = cleaned[name].to_pylist() if name in cleaned.column_names else [None] * len(positions)
        for row, true in enumerate(truth):
            value, written = cells[positions[row]] if row in positions else None, pair.written[name][row]
            if (kind := pair.errors.get((row, name))) is None:
                totals["correct"] += 1
                totals["damaged"] += not is_equivalent(value, true, written)
            else:
                outcome = _outcome(value, true, written, missing=kind == "missing")
                totals[outcome] += 1
                by_kind[kind] += outcome == "repaired"
    counts = {name: totals[name] for name in ("repaired", "abstained", "filled", "miscorrected", "damaged", "correct")}
    return Repairs(errors=len(pair.errors), by_kind=dict(by_kind), **counts)


def _outcome(value: object, truth: Value, written: str, *, missing: bool) -> str:
    # A column of codes may be kept as text, and its right cells with it.
    is_changed = isinstance(truth, int | float) and str(value) != written
    if is_right(value, truth) or (is_changed and _reads_as(value, str(truth))):
        return "repaired"
    if value is None or is_equivalent(value, written, written) or _reads_as(value, written):
        return "abstained"
    return "filled" if missing else "miscorrected"


def _reads_as(value: object, written: str) -> bool:
    try:
        return float(str(value)) == float(written.replace(",", ""))
    except ValueError:
        return False


def measure_family(name: str, rate: float, seed: int, folder: Path) -> Repairs:
    """Prepare a generated dirty table of a family and compare it with the clean one."""
    pair = FAMILIES[name](np.random.default_rng(seed), rate)
    return measure_pair(pair, prepare_csv(pair.csv, folder))


def print_families(folder: Path) -> None:
    """Print the repairs of each family of dirty tables, all seeds of a rate together."""
    print(f"{'family':14}{'errors':>7}{'dirty':>9}{'repaired':>10}{'wrong':>7}{'precision':>11}{'recall':>8}{'F1':>7}")
    for name in FAMILIES:
        for rate in FAMILY_RATES:
            parts = [measure_family(name, rate, seed, folder) for seed in FAMILY_SEEDS]
            errors, right = sum(part.errors for part in parts), sum(part.repaired for part in parts)
            wrong = sum(part.miscorrected + part.damaged for part in parts)
            precision, recall = right / max(1, right + wrong), right / max(1, errors)
            score = 2 * right / max(1, right + wrong + errors)
            print(
                f"{name:14}{rate:7.0%}{errors:>9,}{right:>10,}{wrong:>7,}{precision:>11.3f}{recall:>8.3f}{score:>7.3f}"
            )


def print_faults(folder: Path) -> None:
    """Print one line for each fault, with one column for each seed."""
    evaluations = [evaluate_seed(seed, folder) for seed in SEEDS]
    print(f"{'fault':32}" + "".join(f"seed {seed:<8}" for seed in SEEDS) + "detail of the first seed")
    for results in zip(*(results for results, _ in evaluations), strict=True):
        states = "".join(f"{result.status:13}" for result in results)
        print(f"{results[0].fault:32}{states}{results[0].detail}")
    handled = [sum(result.status in ("fixed", "flagged") for result in results) for results, _ in evaluations]
    print(f"{'fixed or flagged (aim 14)':32}" + "".join(f"{number:<13}" for number in handled))
    damage = "".join(f"{sum(columns.values()):<13,}" for _, columns in evaluations)
    print(f"{'damaged cells (aim 0)':32}{damage}{dict(evaluations[0][1])}")


def print_pairs(folder: Path) -> None:
    """Print one line for each rate of errors and each seed."""
    print("errors   seed dirty  repaired  abstained  filled  miscorrected  damaged (aim ≤ 0.2 %)  precision (aim 0.95)")
    for rate in RATES:
        for seed in SEEDS:
            pair = dirty_pair(seed, rate)
            repairs = measure_pair(pair, prepare_csv(pair.csv, folder))
            precision = "–" if repairs.precision is None else f"{repairs.precision:.2f}"
            share = f"{repairs.damaged:,} ({repairs.damaged / repairs.correct:.2%})"
            kinds = ", ".join(f"{kind} {repairs.by_kind.get(kind, 0)}" for kind in KINDS)
            print(
                f"{rate:6.0%}   {seed:<4} {repairs.errors:<6,} {repairs.repaired:<9,} {repairs.abstained:<10,} "
                f"{repairs.filled:<7,} {repairs.miscorrected:<13,} {share:22} {precision:19} ({kinds})"
            )
