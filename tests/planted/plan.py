"""What was planted, and where."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from tests.planted.truth import Expected, Value


@dataclass(frozen=True)
class Fault:
    """One kind of fault and its places; rows count from 0 in the file, behind the header."""

    name: str
    columns: tuple[str, ...]
    cells: Mapping[tuple[int, str], Expected]
    """(row, column) → the value a repair gives it, or FLAG."""
    rows: frozenset[int]
    """Rows that should not be there."""
    wrong: bool
    """Whether the file's cells are wrong; else they are right and only easily misread."""


@dataclass(frozen=True, eq=False)
class Planted:
    """A file, what its cells truly say, and its faults."""

    seed: int
    csv: bytes
    decoded: pa.Table
    """Every cell as the file's text."""
    truth: Mapping[str, tuple[Value, ...]]
    """What each cell truly says; None where nobody can know."""
    repeated: frozenset[int]
    """Rows that repeat an earlier one."""
    faults: tuple[Fault, ...]
    target: str

    def fault(self, name: str) -> Fault:
        """The fault of that name."""
        return next(fault for fault in self.faults if fault.name == name)
