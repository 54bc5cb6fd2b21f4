"""Benchmark of drift: false alarms between halves of curated tables, and changes planted in one half."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa

from tests.bench.curated import CuratedTable, curated_tables
from worker_service.core.drift.baseline import measure_baseline
from worker_service.core.drift.drift import ColumnDrift, compare_column
from worker_service.core.parsing import infer, read
from worker_service.core.table.frame import Column, Frame

LEAST_ROWS = 200
SAMPLED_TABLES = 300
Change = Callable[[pd.Series, np.random.Generator], pd.Series]


def _scaled(column: pd.Series, random: np.random.Generator) -> pd.Series:
    return column * 2.2046


def _shifted(column: pd.Series, random: np.random.Generator) -> pd.Series:
    return column + column.std()


def _emptied(column: pd.Series, random: np.random.Generator) -> pd.Series:
    return column.mask(random.random(len(column)) < 0.2)


def _recoded(column: pd.Series, random: np.random.Generator) -> pd.Series:
    common = column.value_counts().index[0]
    return column.replace(common, f"{common} (new)")


def _garbled(column: pd.Series, random: np.random.Generator) -> pd.Series:
    return column.astype(object).where(random.random(len(column)) > 0.2, "see notes")


CHANGES: Mapping[str, tuple[str, Change]] = {
    "unit (times 2.2)": ("number", _scaled),
    "shift by one standard deviation": ("number", _shifted),
    "20 % emptied": ("any", _emptied),
    "most frequent level renamed": ("level", _recoded),
    "20 % of numbers are words": ("number", _garbled),
}
"""What is planted, with the kind of column that it is planted in."""


@dataclass
class Tally:
    """What was flagged of how many columns."""

    columns: int = 0
    alarms: Counter[str] = field(default_factory=Counter)
    planted: Counter[str] = field(default_factory=Counter)
    flagged: Counter[str] = field(default_factory=Counter)


def print_drift() -> None:
    """Print false alarms per 200 columns, and the share of each planted change that is flagged."""
    tally = Tally()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for frame in _sample():
            _measure(frame, tally, np.random.default_rng(7))
    alarms = sum(tally.alarms.values())
    print(
        f"drift: {alarms} false alarms in {tally.columns:,} columns = {200 * alarms / tally.columns:.2f} in 200 (aim 1)"
    )
    print(f"    by what moved: {dict(tally.alarms)}")
    for name, planted in tally.planted.items():
        print(f"    {name}: {tally.flagged[name]:,} of {planted:,} flagged = {tally.flagged[name] / planted:.3f}")


def _sample() -> Iterator[pd.DataFrame]:
    tables = curated_tables()
    chosen = np.random.default_rng(0).permutation(len(tables))
    count = 0
    for index in chosen:
        frame = _read(tables[index])
        if frame is not None and count < SAMPLED_TABLES:
            count += 1
            yield frame


def _read(table: CuratedTable) -> pd.DataFrame | None:
    frame = table.read()
    return frame if frame is not None and len(frame) >= LEAST_ROWS else None


def _measure(frame: pd.DataFrame, tally: Tally, random: np.random.Generator) -> None:
    order = random.permutation(len(frame))
    half = len(frame) // 2
    before, now = frame.iloc[order[:half]], frame.iloc[order[half:]]
    for name in frame.columns:
        column, other = _as_text(before[name]), now[name]
        result = _compare(str(name), column, _as_text(other))
        tally.columns += 1
        if result.verdict != "stable":
            tally.alarms.update(result.aspects)
        for label, (kind, change) in CHANGES.items():
            if not _fits(other, kind):
                continue
            tally.planted[label] += 1
            tally.flagged[label] += _compare(str(name), column, _as_text(change(other, random))).verdict != "stable"


def _fits(column: pd.Series, kind: str) -> bool:
    if kind == "number":
        return bool(pd.api.types.is_numeric_dtype(column) and column.nunique() > 10 and not column.is_unique)
    if kind == "level":
        return bool(pd.api.types.is_string_dtype(column) and 1 < column.nunique() <= 50)
    return True


def _as_text(column: pd.Series) -> Column:
    texts = [None if missing else str(value) for value, missing in zip(column, column.isna(), strict=True)]
    return Frame.from_table(pa.table({"column": pa.array(texts, pa.string())}))["column"]


def _compare(name: str, before: Column, now: Column) -> ColumnDrift:
    """Return the drift of a column that is read as the earlier one is."""
    spec = infer(before).read_as
    if spec is None:
        return compare_column(name, measure_baseline(before), now)
    earlier, later = read(before, spec), read(now, spec)
    return compare_column(
        name, measure_baseline(earlier.column, unfit=earlier.invalid), later.column, unfit=later.invalid
    )
