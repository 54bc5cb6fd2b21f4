"""Benchmark of harm: the changes that the defaults make to tables that are clean or curated."""

import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from tests.bench.curated import CuratedTable, curated_tables
from tests.bench.families import FAMILIES
from tests.bench.preparation import Preparation, prepare_csv
from worker_service.core.table.canonical_text import render

SEEDS = range(3)
PROCESSES = 2
MOST_HIDDEN_ROWS = 20_000
"""Cells are hidden in tables up to this size only."""
HIDDEN_SHARE = 0.5
"""As many known cells as this share of the gaps are hidden, in the pattern of the gaps."""
CLOSE = (0.5, 1.0, 2.0)
"""A guess is close if it is off by at most so many standard deviations of its column."""


@dataclass(frozen=True)
class Guesses:
    """The guesses of a column's hidden cells."""

    levels: int = 0
    levels_right: int = 0
    numbers: int = 0
    numbers_close: tuple[int, ...] = (0, 0, 0)

    def __add__(self, other: "Guesses") -> "Guesses":
        close = tuple(left + right for left, right in zip(self.numbers_close, other.numbers_close, strict=True))
        return Guesses(
            self.levels + other.levels, self.levels_right + other.levels_right, self.numbers + other.numbers, close
        )


@dataclass(frozen=True)
class Harm:
    """What the preparation of a table did to it."""

    name: str
    rows: int
    columns: int
    gaps: int
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(kind, rule) → changed cells."""
    removed_rows: int = 0
    lost_columns: int = 0
    target: str | None = None
    guesses: Guesses = Guesses()
    error: str = ""


def measure_table(name: str, frame: pd.DataFrame, *, hide: bool) -> Harm:
    """Prepare a table with the defaults and count what changed; an error is a result too."""
    rows, columns = frame.shape
    harm = Harm(name, rows, columns, int(frame.isna().sum().sum()))
    try:
        with TemporaryDirectory(prefix="neuralearn-harm-") as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            preparation = prepare_csv(_csv(frame), Path(folder))
            filled = _filled_columns(preparation)
            guesses = Guesses()
            if hide and filled and rows <= MOST_HIDDEN_ROWS:
                guesses = _measure_guesses(frame, filled, Path(folder))
    except Exception:
        return Harm(name, rows, columns, harm.gaps, error=traceback.format_exc(limit=-1).strip().splitlines()[-1])
    return Harm(
        name,
        rows,
        columns,
        harm.gaps,
        changes=_count_changes(preparation),
        removed_rows=rows - preparation.cleaned.num_rows,
        lost_columns=columns - preparation.cleaned.num_columns,
        target=preparation.target,
        guesses=guesses,
    )


def print_harm() -> None:
    """Print the changes by kind and rule for the curated tables and for each family of clean tables."""
    started = time.perf_counter()
    # As in a worker's child process: two processes with two threads each would wait for each other.
    with ProcessPoolExecutor(PROCESSES, initializer=threadpool_limits, initargs=(1,)) as pool:
        families = [(family, seed) for family in FAMILIES for seed in SEEDS]
        print_families(pool.map(_measure_family, families))
        print_curated([harm for harm in pool.map(_measure_curated, curated_tables(), chunksize=8) if harm is not None])
    print(f"harm: {time.perf_counter() - started:.0f} s")


def print_families(harms: Iterable[Harm]) -> None:
    """Print one line for each family of clean tables; its tables are added up."""
    print(f"{'clean family':14}{'corrected (aim 0)':>18}{'emptied':>9}{'filled':>8}{'rows':>6}{'columns':>9}  by rule")
    by_family: dict[str, list[Harm]] = {}
    for harm in harms:
        by_family.setdefault(harm.name, []).append(harm)
    for name, parts in by_family.items():
        changes = _add_up(parts)
        counts = {kind: sum(cells for (of, _), cells in changes.items() if of == kind) for kind in _KINDS}
        rows, columns = sum(harm.removed_rows for harm in parts), sum(harm.lost_columns for harm in parts)
        rules = ", ".join(f"{rule} {cells}" for (kind, rule), cells in changes.most_common() if kind != "restyled")
        failed = "; ".join(harm.error for harm in parts if harm.error)
        print(
            f"{name:14}{counts['corrected']:>18,}{counts['emptied']:>9,}{counts['filled']:>8,}{rows:>6,}{columns:>9,}"
            f"  {rules}{failed}"
        )


def print_curated(harms: list[Harm]) -> None:
    """Print the changes to the curated tables by kind and rule, and how good the guesses of hidden cells are."""
    cells, gaps = sum(harm.rows * harm.columns for harm in harms), sum(harm.gaps for harm in harms)
    print(f"{len(harms):,} curated tables, {cells:,} cells, {gaps:,} gaps")
    for (kind, rule), changed in sorted(_add_up(harms).items(), key=lambda item: (_KINDS.index(item[0][0]), -item[1])):
        tables = sum(harm.changes[kind, rule] > 0 for harm in harms)
        print(f"{kind:12}{changed:>12,} cells in {tables:>5,} tables  {rule}")
    print(f"rows removed in {sum(harm.removed_rows > 0 for harm in harms)} tables (aim ≤ 5)")
    print(f"columns lost: {sum(harm.lost_columns for harm in harms)} (aim 0)")
    print(f"targets inferred: {sum(harm.target is not None for harm in harms):,}")
    _print_guesses(sum((harm.guesses for harm in harms), Guesses()))
    for harm in harms:
        if harm.error:
            print(f"not prepared (aim 0): {harm.name}: {harm.error}")


_KINDS = ("corrected", "emptied", "removed", "filled", "restyled")


def _print_guesses(guesses: Guesses) -> None:
    if guesses.levels:
        print(f"of {guesses.levels:,} hidden levels {guesses.levels_right / guesses.levels:.1%} were guessed right")
    if guesses.numbers:
        close = ", ".join(
            f"{count / guesses.numbers:.1%} within {limit:g}"
            for limit, count in zip(CLOSE, guesses.numbers_close, strict=True)
        )
        print(f"of {guesses.numbers:,} hidden numbers {close} standard deviations of the truth")


def _measure_family(task: tuple[str, int]) -> Harm:
    family, seed = task
    return measure_table(family, FAMILIES[family](np.random.default_rng(seed)), hide=False)


def _measure_curated(table: CuratedTable) -> Harm | None:
    frame = table.read()
    return None if frame is None else measure_table(table.name, frame, hide=True)


def _csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False).encode()


def _count_changes(preparation: Preparation) -> Counter[tuple[str, str]]:
    entries = preparation.changes.select(["kind", "rule"]).to_pandas()
    return Counter(zip(entries["kind"].astype(str), entries["rule"], strict=True))


def _add_up(harms: Iterable[Harm]) -> Counter[tuple[str, str]]:
    return sum((harm.changes for harm in harms), Counter[tuple[str, str]]())


def _filled_columns(preparation: Preparation) -> list[str]:
    entries = preparation.changes.select(["kind", "column"]).to_pandas()
    return sorted(set(entries["column"][entries["kind"] == "filled"].astype(str)))


def _measure_guesses(frame: pd.DataFrame, columns: list[str], folder: Path) -> Guesses:
    """Hide known cells in the pattern of the gaps, prepare the table again, and compare the guesses with the truth."""
    hidden, masks = hide_in_pattern(frame, columns)
    preparation = prepare_csv(_csv(hidden), folder)
    return sum((part for name in columns for part in _guesses_of(frame, name, masks[name], preparation)), Guesses())


def hide_in_pattern(frame: pd.DataFrame, columns: list[str]) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Return a table with known cells of some columns hidden, and the mask of the hidden cells of each.

    The pattern is that of the gaps moved by a number of rows, so that gaps which come in runs are hidden in runs.
    """
    hidden, masks = frame.copy(), {}
    for name in columns:
        gaps = frame[name].isna().to_numpy()
        masks[name] = np.roll(gaps, len(gaps) // 3 + 1) & ~gaps & (np.arange(len(gaps)) % 2 < 2 * HIDDEN_SHARE)
        hidden[name] = hidden[name].mask(masks[name])
    return hidden, masks


def _guesses_of(frame: pd.DataFrame, name: str, mask: np.ndarray, preparation: Preparation) -> Iterator[Guesses]:
    if preparation.cleaned.num_rows != len(frame) or name not in preparation.cleaned.column_names:
        return
    column = preparation.cleaned[name].combine_chunks()
    truth, guessed = frame[name][mask], render(column).to_pandas()[mask]
    was_filled = guessed.notna().to_numpy()
    truth, guessed = truth[was_filled], guessed[was_filled]
    if pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name]):
        errors = np.abs(truth.to_numpy(dtype=float) - pd.to_numeric(guessed, errors="coerce").to_numpy())
        spread = float(frame[name].std()) or 1.0
        close = tuple(int((errors <= limit * spread).sum()) for limit in CLOSE)
        yield Guesses(numbers=len(errors), numbers_close=close)
    else:
        right = truth.astype(str).str.strip().str.lower().to_numpy() == guessed.astype(str).str.lower().to_numpy()
        yield Guesses(levels=len(right), levels_right=int(right.sum()))
