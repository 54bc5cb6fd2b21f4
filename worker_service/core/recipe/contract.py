"""The contract of a settled recipe: which tables it can be repeated on, and what it makes of each."""

import re
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pyarrow as pa

from shared.contracts.column_names import match_name, similar_name
from worker_service.core.humanize import count, listing, quoted
from worker_service.core.parsing import infer_as, read
from worker_service.core.recipe.recipe import Contract, InputColumn, OutputColumn, Recipe
from worker_service.core.table.canonical_text import render
from worker_service.core.table.frame import Column, Frame

_ZONED = re.compile(r"timestamp\[us, tz=(.+)\]")
_NOUNS = {"string": "text", "int64": "whole numbers", "double": "decimal numbers", "bool": "true or false"}
_SAMPLE = 1_001
"""The middle of evenly spaced rows is near enough to that of all."""
_READ_AS = {"int64": "integer", "double": "decimal", "bool": "boolean"}


class ContractBroken(Exception):
    """A recipe can't be repeated on a table; the message is a sentence for people."""

    def __init__(self, message: str, *, reason: str) -> None:
        """Set the sentence and a stable name for programs."""
        super().__init__(message)
        self.reason = reason


def draw_up(decoded: Frame, cleaned: Frame, engineered: Frame, *, target: str | None) -> Contract:
    """Return the contract of a recipe that has made two tables of a decoded one."""
    return Contract(
        input=tuple(InputColumn(name=name, type=str(column.type)) for name, column in decoded.columns.items()),
        cleaned=tuple(OutputColumn(name=name, type=str(column.type)) for name, column in cleaned.columns.items()),
        engineered=tuple(
            OutputColumn(name=name, type=str(column.type), fill=None if name == target else _fill_of(column))
            for name, column in engineered.columns.items()
        ),
        code_version=_code_version(),
    )


def _fill_of(column: Column) -> float | None:
    """Return a value from the middle of a column without gaps, of some of its rows; None for one that may have gaps."""
    if not column.is_number or column.missing or not len(column):
        return None
    values = np.sort(column.numbers()[:: -(-len(column) // _SAMPLE)])
    middle = float(values[len(values) // 2])
    return middle if np.isfinite(middle) else None


def _code_version() -> str:
    try:
        return version("neuralearn")
    except PackageNotFoundError:
        return "unknown"


def require_contract(recipe: Recipe) -> Contract:
    """Return the contract of a recipe.

    Raises:
        ContractBroken: the recipe has none.
    """
    if recipe.contract is not None:
        return recipe.contract
    why = (
        "It is of version 1, which does not hold the models that it fitted; prepare its table again for a new one."
        if recipe.version == 1
        else "It was proposed, but never carried out."
    )
    raise ContractBroken(f"The recipe can't be repeated. {why}", reason="RECIPE_NOT_SETTLED")


def conform(frame: Frame, contract: Contract, *, target: str | None) -> Frame:
    """Return the columns of a decoded frame that a contract names, in its order and types.

    Columns are found by name, in any order; the target may be missing. Types are changed where nothing is lost.

    Raises:
        ContractBroken: a column is missing, or holds what its type can't hold.
    """
    names = {column.name: match_name(column.name, frame.names) for column in contract.input}
    missing = [name for name, found in names.items() if found is None and name != target]
    if missing:
        raise ContractBroken(_missing_columns(missing, frame), reason="COLUMN_MISSING")
    columns = {
        column.name: _convert(frame[found], column)
        for column in contract.input
        if (found := names[column.name]) is not None
    }
    return Frame(columns, frame.row_numbers)


def _missing_columns(missing: list[str], frame: Frame) -> str:
    similar = {name: similar_name(name, frame.names) for name in missing}
    guesses = [f"{quoted(other)} may be {quoted(name)}" for name, other in similar.items() if other is not None]
    hint = f" {listing(guesses[:3])[:500]}?" if guesses else ""
    columns = "the column" if len(missing) == 1 else f"{count(len(missing), 'column')}"
    return f"The recipe needs {columns} {listing(map(quoted, missing[:5]))}, which the table does not have.{hint}"


def _convert(column: Column, expected: InputColumn) -> Column:
    if str(column.type) == expected.type:
        return column
    if expected.type == "string":
        return Column(render(column.array))
    if not column.known:
        return Column(pa.nulls(len(column), arrow_type(expected.type)))
    if column.is_text:
        return _read_text(column, expected)
    try:
        return Column(column.array.cast(arrow_type(expected.type)))
    except pa.ArrowException:
        noun, held = _noun(expected.type), _noun(str(column.type))
        raise ContractBroken(
            f"{quoted(expected.name)} holds {held} where the recipe expects {noun}.", reason="TYPE_CHANGED"
        ) from None


def _read_text(column: Column, expected: InputColumn) -> Column:
    spec = infer_as(column, _READ_AS.get(expected.type, "timestamp")).read_as
    reading = None if spec is None else read(column, spec)
    if reading is None or reading.invalid or str(reading.column.type) != expected.type:
        unfit = "" if reading is None or reading.unfit is None else _example(column, reading.unfit)
        raise ContractBroken(
            f"{quoted(expected.name)} holds text{unfit} where the recipe expects {_noun(expected.type)}.",
            reason="TYPE_CHANGED",
        )
    return reading.column


def _example(column: Column, unfit: np.ndarray) -> str:
    rows = np.flatnonzero(unfit)
    return f" such as {quoted(column.array[int(rows[0])].as_py()[:100])}" if len(rows) else ""


def _noun(kind: str) -> str:
    return _NOUNS.get(kind, "moments")


def arrow_type(text: str) -> pa.DataType:
    """Return the Arrow type of a column of a contract."""
    zone = _ZONED.fullmatch(text)
    return pa.timestamp("us", zone[1]) if zone else pa.type_for_alias(text)


def complete(engineered: Frame, contract: Contract) -> tuple[Frame, dict[str, int]]:
    """Return an engineered table without gaps where the contract has none, and how many cells of each were filled."""
    filled: dict[str, int] = {}
    columns: dict[str, Column] = {}
    for expected in contract.engineered:
        column = engineered.columns.get(expected.name)
        if column is None or expected.fill is None or not column.missing:
            continue
        filled[expected.name] = column.missing
        fill = int(expected.fill) if column.is_integer else expected.fill
        columns[expected.name] = Column(column.array.fill_null(pa.scalar(fill, column.type)))
    return engineered.with_columns(columns), filled


def empty_frame(contract: Contract) -> Frame:
    """Return a frame without rows that keeps the contract."""
    columns = {column.name: Column(pa.nulls(0, arrow_type(column.type))) for column in contract.input}
    return Frame(columns, np.arange(0, dtype=np.int64))
