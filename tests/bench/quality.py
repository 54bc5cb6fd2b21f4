"""How right a preparation is: planted faults, dirty tables beside their clean ones."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.bench.preparation import Preparation, prepare_csv
from tests.planted.evaluation import damage_by_column
from tests.planted.faults import Verdict, judge, plant
from tests.planted.pairs import KINDS, Pair, dirty_pair
from tests.planted.truth import Value, is_right, says_the_same

SEEDS = (1, 2, 3)
RATES = (0.01, 0.05, 0.10)


@dataclass(frozen=True)
class Repairs:
    """Cells of a dirty table, by what became of them."""

    errors: int
    repaired: int
    abstained: int
    """Dirty cells as they were, or recognised as missing."""
    filled: int
    """Missing cells that got a value that is not the true one."""
    miscorrected: int
    """Other dirty cells that are wrong in another way now."""
    damaged: int
    """Correct cells that are wrong now."""
    correct: int
    by_kind: dict[str, int]
    """Repaired cells of each kind of error."""

    @property
    def precision(self) -> float | None:
        """The share of right values among the changed ones, imputations of missing cells left out; None for none."""
        filled_right = self.by_kind.get("missing", 0)
        right = self.repaired - filled_right
        changed = right + self.miscorrected + self.damaged
        return right / changed if changed else None


def judge_seed(seed: int, folder: Path) -> tuple[list[Verdict], Counter[str]]:
    """The verdicts on the planted table of a seed, and the damaged cells of each column that has any."""
    planted = plant(seed)
    done = prepare_csv(planted.csv, folder)
    verdicts = judge(planted, done.cleaned, done.engineered, done.changes, done.logs, done.profile)
    return verdicts, damage_by_column(planted, done.cleaned, done.changes)


def measure_pair(pair: Pair, done: Preparation) -> Repairs:
    """Compare a cleaned table cell by cell with the clean one; cells of a row or column that is gone count as empty."""
    tally: Counter[str] = Counter()
    by_kind: Counter[str] = Counter()
    places = {row: place for place, row in enumerate(done.rows)}
    for name, truth in pair.truth.items():
        cells = done.cleaned[name].to_pylist() if name in done.cleaned.column_names else [None] * len(places)
        for row, true in enumerate(truth):
            value, written = cells[places[row]] if row in places else None, pair.written[name][row]
            if (kind := pair.errors.get((row, name))) is None:
                tally["correct"] += 1
                tally["damaged"] += not says_the_same(value, true, written)
            else:
                outcome = _outcome(value, true, written, missing=kind == "missing")
                tally[outcome] += 1
                by_kind[kind] += outcome == "repaired"
    counts = {name: tally[name] for name in ("repaired", "abstained", "filled", "miscorrected", "damaged", "correct")}
    return Repairs(errors=len(pair.errors), by_kind=dict(by_kind), **counts)


def _outcome(value: object, truth: Value, written: str, *, missing: bool) -> str:
    if is_right(value, truth):
        return "repaired"
    if value is None or says_the_same(value, written, written) or _reads_as(value, written):
        return "abstained"
    return "filled" if missing else "miscorrected"


def _reads_as(value: object, written: str) -> bool:
    try:
        return float(str(value)) == float(written.replace(",", ""))
    except ValueError:
        return False


def print_faults(folder: Path) -> None:
    """One line for each fault, one column for each seed."""
    results = [judge_seed(seed, folder) for seed in SEEDS]
    print(f"{'fault':32}" + "".join(f"seed {seed:<8}" for seed in SEEDS) + "detail of the first seed")
    for verdicts in zip(*(verdicts for verdicts, _ in results), strict=True):
        states = "".join(f"{verdict.status:13}" for verdict in verdicts)
        print(f"{verdicts[0].fault:32}{states}{verdicts[0].detail}")
    handled = [sum(verdict.status in ("fixed", "flagged") for verdict in verdicts) for verdicts, _ in results]
    print(f"{'fixed or flagged (aim 14)':32}" + "".join(f"{number:<13}" for number in handled))
    damage = "".join(f"{sum(columns.values()):<13,}" for _, columns in results)
    print(f"{'damaged cells (aim 0)':32}{damage}{dict(results[0][1])}")


def print_pairs(folder: Path) -> None:
    """One line for each rate of errors and each seed."""
    print("errors   seed dirty  repaired  abstained  filled  miscorrected  damaged (aim ≤ 0.2 %)  precision (aim 0.95)")
    for rate in RATES:
        for seed in SEEDS:
            pair = dirty_pair(seed, rate)
            got = measure_pair(pair, prepare_csv(pair.csv, folder))
            precision = "–" if got.precision is None else f"{got.precision:.2f}"
            share = f"{got.damaged:,} ({got.damaged / got.correct:.2%})"
            kinds = ", ".join(f"{kind} {got.by_kind.get(kind, 0)}" for kind in KINDS)
            print(
                f"{rate:6.0%}   {seed:<4} {got.errors:<6,} {got.repaired:<9,} {got.abstained:<10,} {got.filled:<7,} "
                f"{got.miscorrected:<13,} {share:22} {precision:19} ({kinds})"
            )
