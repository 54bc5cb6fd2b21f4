"""The contract of a settled recipe: which tables it can be repeated on, and what it makes of each."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.contracts.column_names import match_names, similar_name
from shared.contracts.vocabulary import HidingMethod
from worker_service.core.humanize import count, list_names, listing, quoted
from worker_service.core.parsing import ReadBoolean, ReadDecimal, ReadInteger, ReadTimestamp, read
from worker_service.core.parsing.spec import ISO, ISO_ZONED, AnyReadAs
from worker_service.core.recipe.recipe import Contract, InputColumn, Recipe
from worker_service.core.recipe.steps import HidePersonalData, ReadColumn
from worker_service.core.table.canonical_text import render
from worker_service.core.table.frame import TIMESTAMP, Column, Frame

_ZONED = re.compile(r"timestamp\[us, tz=(.+)\]")
_NOUNS = {"string": "text", "int64": "whole numbers", "double": "decimal numbers", "bool": "true or false"}
_SPEC_TYPES = {"text": pa.string(), "integer": pa.int64(), "decimal": pa.float64(), "boolean": pa.bool_()}
_NULL_WORDS = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None")
_TRUE, _FALSE = ("true", "True", "TRUE", "1"), ("false", "False", "FALSE", "0")
_MOST_NAMED = 3


class ContractBroken(Exception):
    """A recipe can't be repeated on a table; the message is a sentence for people."""

    def __init__(self, message: str, *, reason: str) -> None:
        """Set the sentence and a stable name for programs."""
        super().__init__(message)
        self.reason = reason


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


def conform(frame: Frame, recipe: Recipe) -> Frame:
    """Return the columns of a decoded frame that the contract of a recipe names, in its order and types.

    Columns are found by name, in any order; the target and what is dropped as personal data may be missing. Types are
    changed where that can mean one thing only: the notation that a recipe reads is that of its own file, so a column
    that has the type already is not read again.

    Raises:
        ContractBroken: a column is missing, or holds what its type can't hold.
    """
    contract, target = require_contract(recipe), recipe.target.column
    steps = [step for step in recipe.steps if step.is_active]
    hidden = {step.column: step.method for step in steps if isinstance(step, HidePersonalData)}
    read_as = {step.column: step.read_as for step in steps if isinstance(step, ReadColumn)}
    names = match_names([column.name for column in contract.input], frame.names)
    missing = [name for name, match in names.items() if match is None and name != target and hidden.get(name) != "drop"]
    if missing:
        raise ContractBroken(_missing_columns(missing, frame), reason="COLUMN_MISSING")
    columns: dict[str, Column] = {}
    for expected in contract.input:
        name, match = expected.name, names[expected.name]
        if match is None and name == target and hidden.get(name) != "drop":
            continue
        cells = None if match is None else frame[match]
        columns[name] = _conform_column(cells, frame.rows, expected, hidden.get(name), read_as.get(name))
    return Frame(columns, frame.row_numbers)


def unknown_columns(frame: Frame, contract: Contract) -> tuple[str, ...]:
    """Return the columns of a decoded frame that a contract does not name.

    Raises:
        ContractBroken: there are some, and the contract allows none.
    """
    matches = match_names([column.name for column in contract.input], frame.names).values()
    unknown = tuple(name for name in frame.names if name not in matches)
    if unknown and contract.unknown_columns == "freeze":
        raise ContractBroken(
            f"The table has {count(len(unknown), 'column')} that the recipe does not know, and its contract allows "
            f"none: {list_names(unknown)}.",
            reason="CONTRACT_BROKEN",
        )
    return unknown


def _missing_columns(missing: list[str], frame: Frame) -> str:
    similar = {name: similar_name(name, frame.names) for name in missing[:_MOST_NAMED]}
    guesses = [f"{quoted(other)} may be {quoted(name)}" for name, other in similar.items() if other is not None]
    hint = f" {listing(guesses)}?" if guesses else ""
    if len(missing) == 1:
        return f"The recipe needs the column {quoted(missing[0])}, which the table does not have.{hint}"
    such_as = "such as " if len(missing) > _MOST_NAMED else ""
    names = listing(map(quoted, missing[:_MOST_NAMED]))
    return f"The recipe needs {count(len(missing), 'column')} that the table does not have: {such_as}{names}.{hint}"


def _conform_column(
    column: Column | None, rows: int, expected: InputColumn, method: HidingMethod | None, spec: AnyReadAs | None
) -> Column:
    kind = arrow_type(expected.type)
    if column is not None and column.type == kind:
        return column
    if column is None or method == "drop" or not column.known:
        return Column(pa.nulls(rows, kind))
    if method == "mask":
        return column  # any type is masked as text
    converted = None
    if not column.is_text:
        converted = _cast(column, kind if spec is None or expected.type != "string" else spec_type(spec), spec)
    elif expected.type != "string" and method is None:
        converted = _read_text(column, kind)
    if converted is None or method is not None:
        raise _type_changed(column, expected, spec, shows_cells=method is None)
    return converted


def spec_type(spec: AnyReadAs) -> pa.DataType:
    """Return the type of the cells that a spec reads."""
    if isinstance(spec, ReadTimestamp):
        return pa.timestamp("us", "UTC") if spec.format == ISO_ZONED else TIMESTAMP
    return _SPEC_TYPES[spec.kind]


def _cast(column: Column, kind: pa.DataType, spec: AnyReadAs | None) -> Column | None:
    """Return typed cells in another type; None unless every cell keeps its meaning."""
    source = column.type
    is_same_kind = source == kind or (column.is_number and pa.types.is_floating(kind))
    is_same_kind |= column.is_number and pa.types.is_integer(kind)
    is_same_kind |= column.is_boolean and (pa.types.is_integer(kind) or pa.types.is_floating(kind))
    is_same_kind |= column.is_timestamp and getattr(kind, "tz", None) is not None and source.tz is not None
    if not is_same_kind:
        return None
    try:
        array = (column.array.cast(pa.int8()) if column.is_boolean else column.array).cast(kind)
    except pa.ArrowInvalid:
        return None
    if spec is not None and spec.missing:
        is_missing = pc.is_in(render(column.array), pa.array(spec.missing, pa.string()))
        array = pc.if_else(is_missing, pa.scalar(None, kind), array)
    return Column(array)


def _read_text(column: Column, kind: pa.DataType) -> Column | None:
    """Return text in the canonical notation of a type, read; None if a cell does not fit."""
    if pa.types.is_timestamp(kind):
        spec: AnyReadAs = ReadTimestamp(kind="timestamp", format=ISO_ZONED if kind.tz else ISO, missing=_NULL_WORDS)
    elif pa.types.is_boolean(kind):
        spec = ReadBoolean(kind="boolean", true=_TRUE, false=_FALSE, missing=_NULL_WORDS)
    else:
        whole = ReadInteger(kind="integer", missing=_NULL_WORDS)
        is_whole = pa.types.is_integer(kind) and not read(column, whole).invalid
        spec = whole if is_whole else ReadDecimal(kind="decimal", missing=_NULL_WORDS)
    reading = read(column, spec)
    return None if reading.invalid else _cast(reading.column, kind, None)


def _type_changed(
    column: Column, expected: InputColumn, spec: AnyReadAs | None, *, shows_cells: bool
) -> ContractBroken:
    held = _noun(str(column.type))
    needed = _noun(expected.type)
    example = f", such as {quoted(render(column.array.drop_null()[:1])[0].as_py()[:100])}," if shows_cells else ""
    if not column.is_text and expected.type == "string":
        needed = "text" if spec is None or spec.kind == "text" else f"text or {_noun(str(spec_type(spec)))}"
        hint = " Read the file with that column as text."
    else:
        hint = " One of them can't be kept exactly." if column.is_number and needed.endswith("numbers") else ""
    return ContractBroken(
        f"{quoted(expected.name)} holds {held}{example} where the recipe expects {needed}.{hint}", reason="TYPE_CHANGED"
    )


def _noun(kind: str) -> str:
    return _NOUNS.get(kind, "moments with a time zone" if "tz=" in kind else "moments")


def arrow_type(text: str) -> pa.DataType:
    """Return the Arrow type of a column of a contract."""
    zone = _ZONED.fullmatch(text)
    return pa.timestamp("us", zone[1]) if zone else pa.type_for_alias(text)


def complete(engineered: Frame, contract: Contract) -> tuple[Frame, dict[str, int]]:
    """Return an engineered table without gaps where the contract has none, and how many cells of each were filled.

    What is not finite is a gap as well.
    """
    filled: dict[str, int] = {}
    columns: dict[str, Column] = {}
    for expected in contract.engineered:
        column = engineered.columns.get(expected.name)
        if column is None or expected.fill is None or not column.is_number:
            continue
        is_gap = ~np.isfinite(column.numbers()) if pa.types.is_floating(column.type) else ~column.present()
        if is_gap.any():
            filled[expected.name] = int(is_gap.sum())
            fill = pa.scalar(expected.fill, column.type)
            columns[expected.name] = Column(pc.if_else(pa.array(is_gap), fill, column.array))
    return engineered.with_columns(columns), filled


def empty_frame(contract: Contract) -> Frame:
    """Return a frame without rows that keeps the contract."""
    columns = {column.name: Column(pa.nulls(0, arrow_type(column.type))) for column in contract.input}
    return Frame(columns, np.arange(0, dtype=np.int64))
