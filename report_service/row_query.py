"""Rows of a stored table as values: some columns, filtered and sorted; runs in a child process."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from report_service.row_changes import RowChanges
from report_service.row_pages import BUFFER_BYTES
from shared.contracts.row_values import RowValue, plain_column, row_values
from shared.errors import FieldError, InvalidInput

MAX_CELLS = 100_000
"""Most cells of a page: a page of many columns ends early, because it has to fit into a message."""
MAX_CELLS_WITH_CHANGES = 20_000
Operator = Literal["eq", "ne", "lt", "le", "gt", "ge", "contains", "missing", "known", "changed"]
_BOOLEANS = {"yes": "true", "y": "true", "1": "true", "no": "false", "n": "false", "0": "false"}
"""Words by which people ask for true and false."""
_OPERATOR = re.compile(rf":({'|'.join(get_args(Operator))})(?=:|\Z)")
_ANY_COLUMN = "*"

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RowQuery:
    """Which rows and columns are asked for."""

    offset: int
    limit: int
    columns: tuple[str, ...] = ()
    """Empty for all."""
    sort: tuple[str, ...] = ()
    """Columns to sort by, the first most important; `-` in front for the largest first. Missing values come last."""
    filter: tuple[str, ...] = ()
    """Conditions that all have to hold, as `column:operator:value`."""
    changes: bool = False
    """True if the changes in the cells of the page are asked for, too."""

    @property
    def needs_ledger(self) -> bool:
        """True if the changes are to be looked at."""
        return self.changes or any(_is_about_changes(condition) for condition in self.filter)


@dataclass(frozen=True)
class QueriedRows:
    """The rows of a query."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    """The storage type of each column, such as `double`."""
    rows: tuple[tuple[RowValue, ...], ...]
    total: int
    """The number of rows that match."""
    row_numbers: tuple[int, ...] = ()
    """The row of the uploaded table, from 1, of each row; empty unless changes are asked for."""
    changes: tuple[Mapping[str, Any], ...] = ()
    """The changes in the cells of the page, as the ledger has them."""
    next_change: int | None = None
    """The offset of the first matching row behind the page that has a change in these columns."""


def query_rows(source: Path, query: RowQuery, ledger: Path | None = None) -> QueriedRows:
    """Return rows of a Parquet or Arrow file; fewer than asked for if more do not fit into a message.

    The columns of the filter and the order are read as a whole, of the others only the row groups of the page.

    Args:
        source: the table; its name tells which one it is.
        query: what is asked for.
        ledger: the changes as a Parquet file, if the query needs them.

    Raises:
        InvalidInput: there is no such column or operator, or a value does not fit its column.
    """
    with _open(source) as table:
        names = query.columns or tuple(table.schema.names)
        for name in names:
            _require_column("columns", name, table)
        changes = None if ledger is None else RowChanges(ledger, rows=table.rows, is_raw=source.suffix != ".parquet")
        indices = _sort(table, query.sort, _find_matches(table, query.filter, changes))
        most = min(query.limit, max(1, (MAX_CELLS_WITH_CHANGES if query.changes else MAX_CELLS) // max(1, len(names))))
        on_page = indices[query.offset : query.offset + most]
        rows = row_values(table.take(names, on_page))
        result = QueriedRows(
            names=names,
            types=tuple(str(table.schema.field(name).type) for name in names),
            rows=rows,
            total=len(indices),
        )
        if changes is None or not query.changes:
            return result
        return _with_changes(result, changes, on_page[: len(rows)], indices[query.offset + len(rows) :])


def _with_changes(result: QueriedRows, changes: RowChanges, on_page: Indices, behind: Indices) -> QueriedRows:
    """Add the changes on a page, and the place of the next one among the matching rows behind it."""
    next_changed = np.flatnonzero(changes.find_changed(result.names)[behind])[:1]
    first_behind = result.total - len(behind)
    return replace(
        result,
        row_numbers=changes.row_numbers(on_page),
        changes=changes.list_changes(on_page, result.names),
        next_change=first_behind + int(next_changed[0]) if len(next_changed) else None,
    )


class _Table(Protocol):
    """A table in a file."""

    @property
    def schema(self) -> pa.Schema:
        """Its columns."""
        ...

    @property
    def rows(self) -> int:
        """The number of its rows."""
        ...

    def read(self, name: str) -> pa.ChunkedArray:
        """Return a whole column."""
        ...

    def take(self, names: Sequence[str], indices: Indices) -> pa.Table:
        """Return some rows of some columns, in the order of the indices."""
        ...


@contextmanager
def _open(source: Path) -> Iterator[_Table]:
    if source.suffix == ".parquet":
        with pq.ParquetFile(source, buffer_size=BUFFER_BYTES, pre_buffer=False) as file:
            yield _ParquetTable(file)
    else:
        with pa.memory_map(str(source)) as memory:
            yield _ArrowTable(pa.ipc.open_file(memory).read_all())


class _ParquetTable:
    def __init__(self, file: pq.ParquetFile) -> None:
        self._file = file
        self.schema: pa.Schema = file.schema_arrow
        self.rows: int = file.metadata.num_rows

    def read(self, name: str) -> pa.ChunkedArray:
        return self._file.read([name], use_threads=False).column(name)

    def take(self, names: Sequence[str], indices: Indices) -> pa.Table:
        sizes = [self._file.metadata.row_group(group).num_rows for group in range(self._file.num_row_groups)]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        groups = np.unique(np.searchsorted(starts, indices, side="right") - 1)
        table = self._file.read_row_groups(groups.tolist(), columns=list(names), use_threads=False)
        # The row groups that were read follow one another.
        shifts = np.concatenate([[0], np.cumsum(np.array(sizes, dtype=np.int64)[groups])])
        of_group = np.searchsorted(starts, indices, side="right") - 1
        positions = indices - starts[of_group] + shifts[np.searchsorted(groups, of_group)]
        return table.select(names).take(pa.array(positions, pa.int64()))


class _ArrowTable:
    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.schema: pa.Schema = table.schema
        self.rows: int = table.num_rows

    def read(self, name: str) -> pa.ChunkedArray:
        return self._table.column(name)

    def take(self, names: Sequence[str], indices: Indices) -> pa.Table:
        return self._table.select(names).take(pa.array(indices, pa.int64()))


def _require_column(field: str, name: str, table: _Table) -> None:
    if name not in table.schema.names:
        raise _invalid(field, f"names “{name[:100]}”, which the table does not have")


def _invalid(field: str, problem: str) -> InvalidInput:
    return InvalidInput(f"{field} {problem}.", fields=[FieldError(field=field, detail=problem)])


def _find_matches(table: _Table, conditions: Sequence[str], changes: RowChanges | None) -> Indices:
    mask = np.ones(table.rows, dtype=bool)
    for condition in conditions:
        name, operator, text = _split_condition(condition, table.schema.names)
        is_any = operator == "changed" and name == _ANY_COLUMN and name not in table.schema.names
        if not is_any:
            _require_column("filter", name, table)
        if operator == "changed":
            mask &= changes is not None and changes.find_changed(None if is_any else [name], text or "")
        else:
            mask &= _match(table, name, operator, text).to_numpy()
    return np.flatnonzero(mask)


def _split_condition(condition: str, names: Sequence[str]) -> tuple[str, str, str | None]:
    """Return column, operator and value of a condition; of columns `a` and `a:eq`, the longer name counts."""
    parts = [
        (condition[: match.start()], match[1], condition[match.end() + 1 :] if match.end() < len(condition) else None)
        for match in _OPERATOR.finditer(condition)
        if match.start()
    ]
    if not parts:
        raise _invalid("filter", f"must be column:operator:value with one of {', '.join(get_args(Operator))}")
    name, operator, text = next((part for part in reversed(parts) if part[0] in names), parts[0])
    if operator in ("missing", "known") and text is not None:
        raise _invalid("filter", f"takes no value after {operator}")
    return name, operator, text


def _is_about_changes(condition: str) -> bool:
    return any(match[1] == "changed" for match in _OPERATOR.finditer(condition))


def _match(table: _Table, name: str, operator: str, text: str | None) -> pa.ChunkedArray:
    """Return a mask of the rows for which a condition holds; a missing value meets none but `missing`."""
    values = plain_column(table.read(name))
    if operator in ("missing", "known"):
        return values.is_null() if operator == "missing" else values.is_valid()
    if text is None:
        raise _invalid("filter", f"needs a value after {operator}")
    if operator == "contains":
        texts = values.cast(pa.large_string())
        return pc.match_substring(texts, text, ignore_case=True).fill_null(False)
    compare = {
        "eq": pc.equal,
        "ne": pc.not_equal,
        "lt": pc.less,
        "le": pc.less_equal,
        "gt": pc.greater,
        "ge": pc.greater_equal,
    }[operator]
    value = _parse(text, name, values.type)
    if pa.types.is_integer(values.type) and pa.types.is_floating(value.type):
        values = values.cast(pa.float64(), safe=False)
    return compare(values, value).fill_null(False)


def _parse(text: str, name: str, kind: pa.DataType) -> pa.Scalar:
    """Return the value of a condition in the type of its column; decimals may be compared with whole numbers."""
    try:
        if pa.types.is_integer(kind):
            return pa.scalar(int(text), pa.int64()) if text.lstrip("+-").isdigit() else pa.scalar(float(text))
        if pa.types.is_boolean(kind):
            text = _BOOLEANS.get(text.strip().lower(), text)
        return pa.scalar(text).cast(kind)
    except (ValueError, OverflowError, NotImplementedError):  # Arrow's own errors are kinds of these
        compared = f"compares “{name[:100]}” with “{text[:100]}”, which is {_describe_form(kind)}"
        raise _invalid("filter", compared) from None


def _describe_form(kind: pa.DataType) -> str:
    """Return what a value is not that can't be read as a type, and how it is written."""
    if pa.types.is_boolean(kind):
        return "neither true nor false"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "no date: write it as 2024-03-09 or 2024-03-09 14:30"
    return "no number: write it as 1234.5" if _is_numeric(kind) else f"no {kind}"


def _is_numeric(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _sort(table: _Table, sort: Sequence[str], indices: Indices) -> Indices:
    """Return row indices in the order of some columns, and of the table where these are equal."""
    if not sort:
        return indices
    columns, keys = {}, []
    for position, text in enumerate(sort):
        # A column may be called "-x" itself.
        is_falling = text.startswith("-") and text not in table.schema.names
        name = text[1:] if is_falling else text
        _require_column("sort", name, table)
        columns[str(position)] = plain_column(table.read(name)).take(pa.array(indices, pa.int64()))
        keys.append((str(position), "descending" if is_falling else "ascending", "at_end"))
    keyed = pa.table({**columns, "row": pa.array(indices, pa.int64())})
    order = pc.sort_indices(keyed, sort_keys=[*keys, ("row", "ascending", "at_end")])
    return np.asarray(indices[order.to_numpy()], dtype=np.int64)
