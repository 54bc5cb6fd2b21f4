"""Benchmark of confidence: whether the ledger's `confidence` is the share of such changes that are right.

Curated tables without gaps are spoiled with one kind of dirt at a time; the clean cell is the truth of a changed one.
An emptied cell is right if it was spoiled. In curated tables with gaps, known cells are hidden in the pattern of the
gaps; a filled level is right if it is the hidden one, a filled number within one standard deviation of its column.
"""

import random as standard_random
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from tests.bench.curated import CuratedTable, curated_tables
from tests.bench.harm import PROCESSES, hide_in_pattern
from tests.bench.preparation import Preparation, prepare_csv

CLEAN_TABLES, GAPPY_TABLES = 250, 500
RATES = (0.005, 0.01, 0.05, 0.2)
FEWEST_ROWS, MOST_ROWS = 60, 3_000
BINS = 10
_SEED = 7
_WORDS = ("see note", "tba", "x")
_MISSING = ("n/a", "-", "")

Random = np.random.Generator
Counts = Counter[tuple[str, float, bool]]
"""(rule, confidence, whether it was right) → changed cells."""


@dataclass
class Dirt:
    """A kind of dirt: the cells that it applies to, and what it makes of one."""

    applies: Callable[[pd.Series], bool]
    spoil: Callable[[Random, str], str]


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column) and column.nunique() > 10


def _is_words(column: pd.Series) -> bool:
    return not pd.api.types.is_numeric_dtype(column) and column.astype(str).str.len().median() >= 4


def _typo(random: Random, text: str) -> str:
    position = int(random.integers(0, len(text)))
    return text[:position] + "abcdefghijklmnopqrstuvwxyz"[random.integers(0, 26)] + text[position + 1 :]


KINDS: Mapping[str, Dirt] = {
    "typo": Dirt(_is_words, _typo),
    "letter case": Dirt(_is_words, lambda random, text: (text.upper(), text.lower())[random.integers(0, 2)]),
    "space": Dirt(_is_words, lambda random, text: (f" {text}", text.replace(" ", "  "))[random.integers(0, 2)]),
    "separator": Dirt(_is_words, lambda random, text: text.replace(" ", "-").replace("_", " ")),
    "missing": Dirt(lambda column: True, lambda random, text: _MISSING[random.integers(0, 3)]),
    "sentinel": Dirt(_is_number, lambda random, text: "-999"),
    "word": Dirt(_is_number, lambda random, text: _WORDS[random.integers(0, 3)]),
    "shift": Dirt(_is_number, lambda random, text: f"{float(text) * 10 ** int(random.integers(1, 4)):.12g}"),
}


def spoil(frame: pd.DataFrame, kind: str, rate: float, random: Random) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the cells of a table as text with the share `rate` of the fitting ones spoiled, and the clean text."""
    clean = pd.DataFrame({name: [_text(value) for value in frame[name]] for name in frame}, dtype=object)
    dirty = clean.copy()
    for name in frame:
        if KINDS[kind].applies(frame[name]):
            chosen = np.flatnonzero(random.random(len(frame)) < rate)
            dirty.loc[chosen, name] = [KINDS[kind].spoil(random, text) for text in clean[name][chosen]]
    return dirty, clean


def _text(value: object) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def judge(dirty: pd.DataFrame, clean: pd.DataFrame, preparation: Preparation) -> Counts:
    """Count the changed cells of a spoiled table, apart from restyled and filled ones."""
    counts: Counts = Counter()
    written, truth = dirty.to_dict("list"), clean.to_dict("list")
    for change in preparation.changes.to_pylist():
        row, name = change["row"] - 1, change["column"]
        if change["kind"] in ("filled", "restyled", "removed") or name is None:
            continue
        was_spoiled = bool(written[name][row] != truth[name][row])
        is_right = was_spoiled if change["after"] is None else _is_same(change["after"], truth[name][row])
        counts[change["rule"], round(change["confidence"], 2), is_right] += 1
    return counts


def _is_same(value: str, truth: str) -> bool:
    try:
        return bool(np.isclose(float(value), float(truth), rtol=1e-9))
    except ValueError:
        return value == truth.strip()


def _measure_repairs(task: tuple[CuratedTable, int]) -> Counts:
    table, number = task
    frame = table.read()
    if frame is None or not FEWEST_ROWS <= len(frame) <= MOST_ROWS or frame.isna().any(axis=None):
        return Counter()
    counts: Counts = Counter()
    for kind in KINDS:
        for rate in RATES:
            dirty, clean = spoil(frame, kind, rate, np.random.default_rng((_SEED, number)))
            if not dirty.equals(clean):
                counts += judge(dirty, clean, _prepare(dirty))
    return counts


def _measure_fills(task: tuple[CuratedTable, int]) -> Counts:
    table, _ = task
    frame = table.read()
    if frame is None or len(frame) > MOST_ROWS or not frame.isna().any(axis=None):
        return Counter()
    filled = {change["column"] for change in _filled(_prepare(frame))}
    if not filled:
        return Counter()
    hidden, masks = hide_in_pattern(frame, sorted(filled))
    counts: Counts = Counter()
    for change in _filled(_prepare(hidden)):
        row, name = change["row"] - 1, change["column"]
        if name in masks and masks[name][row]:
            counts[change["rule"], round(change["confidence"], 2), _is_close(change["after"], frame[name], row)] += 1
    return counts


def _is_close(value: str, column: pd.Series, row: int) -> bool:
    truth = column.iloc[row]
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return bool(abs(float(value) - float(truth)) <= float(column.std()))
    return value.casefold() == str(truth).strip().casefold()


def _filled(preparation: Preparation) -> Iterator[dict[str, Any]]:
    return (change for change in preparation.changes.to_pylist() if change["kind"] == "filled")


def _prepare(frame: pd.DataFrame) -> Preparation:
    with TemporaryDirectory(prefix="neuralearn-calibration-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return prepare_csv(frame.to_csv(index=False).encode(), Path(folder), target="none")


def print_calibration() -> None:
    """Print for each rule the stated confidence and the share that was right, and the diagram over all changes."""
    started = time.perf_counter()
    tables = curated_tables()
    standard_random.Random(_SEED).shuffle(tables)
    tasks = [(table, number) for number, table in enumerate(tables)]
    with ProcessPoolExecutor(PROCESSES, initializer=threadpool_limits, initargs=(1,)) as pool:
        repairs: Counts = sum(pool.map(_measure_repairs, tasks[:CLEAN_TABLES], chunksize=2), Counter())
        fills: Counts = sum(pool.map(_measure_fills, tasks[:GAPPY_TABLES], chunksize=4), Counter())
    print_rules(repairs + fills)
    print_diagram(repairs, "repairs")
    print_diagram(fills, "fills")
    print(f"calibration: {time.perf_counter() - started:.0f} s")


def print_rules(counts: Counts) -> None:
    """Print the changed cells, the mean confidence and the share of right ones of each rule."""
    print(f"{'rule':26}{'cells':>9}{'confidence':>12}{'right':>8}")
    for rule in sorted({rule for rule, _, _ in counts}):
        part = Counter({key: cells for key, cells in counts.items() if key[0] == rule})
        stated = sum(confidence * cells for (_, confidence, _), cells in part.items()) / part.total()
        print(f"{rule:26}{part.total():>9,}{stated:>12.3f}{_share_right(part):>8.3f}")


def print_diagram(counts: Counts, title: str) -> None:
    """Print the reliability diagram, and the expected calibration error.

    Source:
        Naeini, Cooper & Hauskrecht (2015). Obtaining well calibrated probabilities using Bayesian binning.
    """
    bins: dict[int, Counts] = defaultdict(Counter)
    for (rule, confidence, is_right), cells in counts.items():
        bins[min(BINS - 1, int(confidence * BINS))][rule, confidence, is_right] += cells
    error = 0.0
    print(f"{title}: confidence, share right, cells")
    for _, part in sorted(bins.items()):
        stated = sum(confidence * cells for (_, confidence, _), cells in part.items()) / part.total()
        error += part.total() / counts.total() * abs(stated - _share_right(part))
        print(f"  {stated:5.3f}  {_share_right(part):5.3f}  {part.total():>9,}  {'█' * round(40 * _share_right(part))}")
    print(f"  expected calibration error {error:.3f} (aim ≤ 0.05)")


def _share_right(counts: Counts) -> float:
    return sum(cells for (_, _, is_right), cells in counts.items() if is_right) / max(1, counts.total())
