"""The Pollock benchmark: how much of a table is read from files that were polluted in ways found in the wild.

Source:
    Vitagliano et al. (2023). Pollock: a data loading benchmark. Proceedings of the VLDB Endowment 16(8).

Of each file ten measures between 0 and 1 are added up: whether it is read at all, and precision, recall and F1 of the
cells of the header, of the records, and of the cells below. The files are in the repository of its authors, below
`polluted_files`.
"""

import csv
import re
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from ingest_service.decoding import Limits, decode_file
from shared.errors import ServiceError

LIMITS = Limits(max_rows=100_000, max_columns=1_000)
PROCESSES = 2
Rows = Sequence[Sequence[str]]


def measure_file(path: Path) -> tuple[str, float]:
    """Return the name of a polluted file and the sum of its ten measures; its clean form is in `../clean`."""
    clean = path.parents[1] / "clean" / path.name
    with clean.open(encoding="utf-8", newline="") as file:
        expected = [list(map(_normalise, row)) for row in csv.reader(file)]
    has_header = "no_header" not in path.name
    header, records = (expected[:1], expected[1:]) if has_header else ([], expected)
    try:
        names, rows = _read(path, has_header=has_header)
    except ServiceError:
        return path.name, 0.0
    measures = [
        *_compare(Counter(cell for row in header for cell in row), Counter(names)),
        *_compare(Counter(map(tuple, records)), Counter(map(tuple, rows))),
        *_compare(Counter(cell for row in records for cell in row), Counter(cell for row in rows for cell in row)),
    ]
    return path.name, 1.0 + sum(measures)


def _read(path: Path, *, has_header: bool) -> tuple[list[str], Rows]:
    with TemporaryDirectory(prefix="neuralearn-pollock-") as folder:
        target = Path(folder) / "table.arrow"
        source = Path(folder) / "raw"
        source.write_bytes(path.read_bytes())
        decoded = decode_file(source, path.name, target, LIMITS)
        with pa.OSFile(str(target)) as file:
            columns = [column.to_pylist() for column in pa.ipc.open_file(file).read_all().columns]
    rows = [[_normalise("" if cell is None else str(cell)) for cell in row] for row in zip(*columns, strict=True)]
    return [_normalise(name) for name in decoded.columns] if has_header and decoded.header_row != 0 else [], rows


def _normalise(cell: str) -> str:
    return re.sub(r"\s+", " ", cell).strip()


def _compare(expected: Counter[object], actual: Counter[object]) -> tuple[float, float, float]:
    """Return precision, recall and F1 of a multiset; as in the source, all are 1 where nothing is expected."""
    if not expected:
        return 1.0, 1.0, 1.0
    shared = (expected & actual).total()
    if not shared:
        return 0.0, 0.0, 0.0
    precision, recall = shared / expected.total(), shared / actual.total()
    return precision, recall, 2 * precision * recall / (precision + recall)


def print_pollock(folder: Path) -> None:
    """Print the mean sum of each kind of pollution and of all files, of 10.

    Args:
        folder: `polluted_files` of the repository, with `csv` and `clean`.
    """
    started = time.perf_counter()
    paths = sorted((folder / "csv").glob("*.csv"))
    with ProcessPoolExecutor(PROCESSES) as pool:
        sums = dict(pool.map(measure_file, paths, chunksize=16))
    kinds: dict[str, list[float]] = {}
    for name, total in sums.items():
        kinds.setdefault(re.sub(r"_?(row)?\d+(_col\d+)?", "", name.removesuffix(".csv")), []).append(total)
    print(f"{'pollution':36}{'files':>7}{'of 10':>8}")
    for kind, totals in sorted(kinds.items()):
        print(f"{kind:36}{len(totals):>7}{sum(totals) / len(totals):>8.3f}")
    print(f"{'all':36}{len(sums):>7}{sum(sums.values()) / len(sums):>8.3f}  ({time.perf_counter() - started:.0f} s)")
