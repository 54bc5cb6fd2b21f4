"""A generated table with faults that only knowledge of the world reveals: codes, impossible values, synonyms."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa


@dataclass(frozen=True, eq=False)
class Knowledge:
    """A file, and its cells that are false to readers who lack knowledge of the world."""

    csv: bytes
    written: Mapping[str, tuple[str, ...]]
    false: Mapping[tuple[int, str], str]
    """(row, column) → the false value, which must not remain in the cleaned table."""


def plant_knowledge(seed: int, rows: int = 1200) -> Knowledge:
    """Return a table of patients and their answers to questions."""
    random = np.random.default_rng(seed)
    columns: dict[str, np.ndarray[Any, Any]] = {
        "blood_pressure": random.normal(76, 9, rows).round().astype(int),
        "insulin": (random.lognormal(4.8, 0.6, rows) + 14).round().astype(int),
        "age": random.normal(46, 13, rows).round().clip(18, 95).astype(int),
        "q1": random.choice([1, 2, 3, 4, 5], rows, p=[0.1, 0.2, 0.3, 0.3, 0.1]),
        "q2": random.choice([1, 2, 3, 4, 5, 6, 7], rows),
        "country": random.choice(["United States", "United Kingdom", "Canada"], rows, p=[0.5, 0.3, 0.2]),
        "smoker": random.choice(["yes, daily", "sometimes", "not at all"], rows, p=[0.2, 0.2, 0.6]),
        "weight": random.normal(75, 9, rows).round(1),
        "visits": random.poisson(1.2, rows),
        "income": random.normal(3000, 600, rows).round().astype(int),
    }
    written = {name: [str(value) for value in values] for name, values in columns.items()}
    false: dict[tuple[int, str], str] = {}
    codes = (("blood_pressure", "0", 0.04), ("insulin", "0", 0.4), ("q1", "9", 0.05), ("q2", "99", 0.05))
    others = (("age", "199", 0.002), ("smoker", "not stated", 0.08))
    for name, code, share in (*codes, *others):
        for row in np.flatnonzero(random.random(rows) < share):
            written[name][row], false[int(row), name] = code, code
    for row in np.flatnonzero((columns["country"] == "United States") & (random.random(rows) < 0.15)):
        written["country"][row], false[int(row), "country"] = "USA", "USA"
    for row in np.flatnonzero(random.random(rows) < 0.25):
        written["income"][row] = ""
    for patient in range(rows):
        kilograms = float(written["weight"][patient])
        in_pounds = random.random() < 0.25
        written["weight"][patient] = f"{kilograms / 0.45359237:.1f} lb" if in_pounds else f"{kilograms:.1f} kg"
        if in_pounds:
            false[patient, "weight"] = written["weight"][patient]
    frozen = {name: tuple(cells) for name, cells in written.items()}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(frozen)
    writer.writerows(zip(*frozen.values(), strict=True))
    return Knowledge(csv=text.getvalue().encode(), written=frozen, false=false)


def evaluate_knowledge(planted: Knowledge, cleaned: pa.Table, rows: tuple[int, ...]) -> tuple[int, int]:
    """Return how many false cells are repaired, and how many true ones are changed or gone."""
    positions = {row: position for position, row in enumerate(rows)}
    repaired = damaged = 0
    for name, cells in planted.written.items():
        values = cleaned[name].to_pylist() if name in cleaned.column_names else [None] * cleaned.num_rows
        for row, text in enumerate(cells):
            value = values[positions[row]] if row in positions else None
            if (row, name) in planted.false:
                repaired += not _is_same(value, text)
            elif text:
                damaged += not _is_same(value, text)
    return repaired, damaged


def _is_same(value: object, text: str) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) == float(text.removesuffix(" kg").removesuffix(" lb"))
    return value == text
