"""The planted faults, with the cells and rows they are in."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from tests.planted.truth import Expected, Value


@dataclass(frozen=True)
class Fault:
    """One kind of fault and its cells; rows count from 0, after the header."""

    name: str
    columns: tuple[str, ...]
    cells: Mapping[tuple[int, str], Expected]
    """(row, column) → the expected value of the repaired cell, or FLAG."""
    rows: frozenset[int]
    """Rows that have to be removed."""
    wrong: bool
    """True if the file's cells are wrong; else they are right, but easily misread."""


@dataclass(frozen=True, eq=False)
class Planted:
    """A file, the true values of its cells, and its faults."""

    seed: int
    csv: bytes
    decoded: pa.Table
    """Every cell as the text in the file."""
    truth: Mapping[str, tuple[Value, ...]]
    """The true value of each cell; None if it can't be known."""
    repeated: frozenset[int]
    """Rows that repeat an earlier one."""
    faults: tuple[Fault, ...]
    target: str

    def fault(self, name: str) -> Fault:
        """Return the fault with this name."""
        return next(fault for fault in self.faults if fault.name == name)
