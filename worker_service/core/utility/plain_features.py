"""The features that a table gives with the least effort, by which the effort of a preparation is judged."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.table.canonical_text import render
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import TIMESTAMP, Column, Frame
from worker_service.core.utility.evaluation import Matrix

MAX_LEVELS = 20
"""The most frequent levels of a column of text get a column each."""
FEWEST_CELLS = 5
"""A rarer level gets none."""
MAX_DEVIATIONS = 10.0
"""Numbers further from the mean, in standard deviations, are taken for no further."""
_Pair = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
_MICROSECONDS_PER_DAY = 86_400_000_000.0


def read_plain_numbers(frame: Frame) -> Frame:
    """Return a decoded frame whose columns of nothing but plain numbers are numbers, as any reader makes them."""
    read = {}
    for name in frame.names:
        column = frame[name]
        if column.is_text:
            text = pc.utf8_trim_whitespace(column.array)
            known = pc.if_else(pc.equal(text, ""), pa.scalar(None, text.type), text)
            try:
                read[name] = Column(known.cast(pa.float64()))
            except ValueError:  # Arrow's own errors are kinds of it
                continue
    return frame.with_columns(read)


def plain_features(train: Frame, test: Frame, target: str) -> tuple[Matrix, Matrix]:
    """Return the features of two frames of one table, without gaps, as anybody would make them.

    Numbers and dates are standardised, with the median for a gap; texts become one column of 0 and 1 for each frequent
    value. All that is measured is measured on the first frame.
    """
    return _matrices(train, test, target, is_ready=False)


def ready_features(train: Frame, test: Frame, target: str) -> tuple[Matrix, Matrix]:
    """Return the features of two engineered frames as they are; columns that are no numbers yet as plain ones."""
    return _matrices(train, test, target, is_ready=True)


def _matrices(train: Frame, test: Frame, target: str, *, is_ready: bool) -> tuple[Matrix, Matrix]:
    pairs = [
        pair
        for name in train.names
        if name != target
        for pair in _features(train[name], test.columns.get(name), test.rows, is_ready=is_ready)
    ]
    if not pairs:
        return np.zeros((train.rows, 1)), np.zeros((test.rows, 1))
    first, second = (np.column_stack(columns) for columns in zip(*pairs, strict=True))
    return first, second


def _features(train: Column, test: Column | None, rows: int, *, is_ready: bool) -> Iterator[_Pair]:
    if train.is_text:
        yield from _indicators(train, test, rows)
        return
    numbers = _numbers(train)
    known = numbers[np.isfinite(numbers)]
    if not len(known) or known.min() == known.max():
        return
    median = float(np.median(known))
    others = np.full(rows, median) if test is None or test.is_text else _numbers(test)
    pair = tuple(np.where(np.isfinite(part), part, median) for part in (numbers, others))
    if not (is_ready and train.is_number):
        center, spread = float(pair[0].mean()), float(pair[0].std())
        pair = tuple(np.clip((part - center) / spread, -MAX_DEVIATIONS, MAX_DEVIATIONS) for part in pair)
    yield pair[0], pair[1]


def _numbers(column: Column) -> npt.NDArray[np.float64]:
    if column.is_timestamp:
        ticks = column.array.cast(TIMESTAMP).cast(pa.int64()).cast(pa.float64(), safe=False)
        return np.asarray(ticks.fill_null(np.nan).to_numpy(zero_copy_only=False)) / _MICROSECONDS_PER_DAY
    if column.is_boolean:
        return np.asarray(column.array.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False))
    return column.numbers()


def _indicators(train: Column, test: Column | None, rows: int) -> Iterator[_Pair]:
    cells = train.derive(distinct)
    frequent = [code for code in cells.by_frequency()[:MAX_LEVELS] if cells.counts[code] >= FEWEST_CELLS]
    texts = None if test is None else render(test.array)
    for code in frequent:
        level = cells.values[int(code)]
        indicator = np.zeros(rows) if texts is None else _equal(texts, level.as_py())
        yield (cells.codes == code).astype(np.float64), indicator


def _equal(texts: pa.Array, level: str) -> npt.NDArray[np.float64]:
    return np.asarray(pc.equal(texts, level).fill_null(False).to_numpy(zero_copy_only=False), np.float64)
