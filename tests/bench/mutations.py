"""Benchmark of rules by mutation: dirt of one kind at a time, and whether what a rule makes of a cell is right."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.preparation import Preparation, prepare_csv
from tests.planted.pairs import ALL_KINDS, ErrorKind, Pair, dirty_pair
from tests.planted.truth import is_right

RATES = (0.001, 0.01, 0.05, 0.20)
SEEDS = (11, 12)
_UNKNOWN: tuple[ErrorKind, ...] = ("missing", "sentinel", "word")
"""Kinds of dirt behind which the value is unknown; an empty cell is right for these."""


@dataclass
class Outcome:
    """Cells of mutated tables, counted."""

    dirty: int = 0
    right: Counter[str] = field(default_factory=Counter)
    """Changed cells that are right now, by rule."""
    wrong: Counter[str] = field(default_factory=Counter)
    """Changed cells that are wrong now, by rule; clean ones among them."""
    repaired: int = 0

    def add(self, other: "Outcome") -> None:
        """Add the counts of other tables."""
        self.dirty += other.dirty
        self.right += other.right
        self.wrong += other.wrong
        self.repaired += other.repaired


def judge(pair: Pair, preparation: Preparation) -> Outcome:
    """Compare every cell that a rule changed, apart from restyled and filled ones, with the truth."""
    outcome = Outcome(dirty=len(pair.errors))
    positions = {row: position for position, row in enumerate(preparation.rows)}
    cells = {name: preparation.cleaned[name].to_pylist() for name in preparation.cleaned.column_names}
    emptied: set[tuple[int, str]] = set()
    for change in preparation.changes.to_pylist():
        row, name = change["row"] - 1, change["column"]
        if change["kind"] == "filled" or row not in positions:
            continue
        if change["after"] is None:
            emptied.add((row, name))
            is_right_now = (row, name) in pair.errors
        elif change["kind"] == "restyled":
            continue
        else:
            is_right_now = is_right(cells[name][positions[row]], pair.truth[name][row])
        (outcome.right if is_right_now else outcome.wrong)[change["rule"]] += 1
    for (row, name), kind in pair.errors.items():
        if kind in _UNKNOWN:
            outcome.repaired += (row, name) in emptied or not pair.written[name][row]
        else:
            outcome.repaired += row in positions and is_right(cells[name][positions[row]], pair.truth[name][row])
    return outcome


def print_mutations(folder: Path) -> None:
    """Print precision and recall by kind of dirt and rate, and the precision of each rule."""
    print("dirt          rate    dirty   changed  precision  recall (put right, or emptied where nothing is known)")
    rules = Outcome()
    for kind in ALL_KINDS:
        for rate in RATES:
            total = Outcome()
            for seed in SEEDS:
                pair = dirty_pair(seed, rate, kinds=[kind])
                total.add(judge(pair, prepare_csv(pair.csv, folder, target="none")))
            rules.add(total)
            right, changed = total.right.total(), total.right.total() + total.wrong.total()
            precision = f"{right / changed:.3f}" if changed else "–"
            recall = f"{total.repaired / total.dirty:.2f}" if total.dirty else "–"
            print(f"{kind:13} {rate:5.1%} {total.dirty:7,} {changed:9,}  {precision:9}  {recall}")
    print("rule                      changed  precision (aim 0.95)")
    for rule in sorted({*rules.right, *rules.wrong}):
        right, wrong = rules.right[rule], rules.wrong[rule]
        print(f"{rule:25} {right + wrong:7,}  {right / (right + wrong):.3f}")
