"""Reading a column by a spec, with the cells that it changes."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.parsing.attached_marks import without_marks
from worker_service.core.parsing.changed_cells import find_changed_cells
from worker_service.core.parsing.missing import replace_with_null
from worker_service.core.parsing.parse import cast, parse
from worker_service.core.parsing.spec import AnyReadAs, NumberFormat, ReadText
from worker_service.core.table.canonical_text import render
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column, Mask


@dataclass(frozen=True, eq=False)
class Reading:
    """A column read as a type."""

    column: Column
    changed: Mask
    """The cells whose canonical text differs from the text in the file."""
    invalid: int
    """The number of cells whose value does not fit the type; they became missing."""
    examples: tuple[str, ...]
    """Up to five different values that do not fit."""
    rewritten: int = 0
    """The number of changed cells that still have a value."""
    example: tuple[str, str] | None = None
    """One of them: its text in the file, and its canonical text now."""
    unfit: Mask | None = None
    """The cells whose value does not fit; None where all do."""


def read(column: Column, spec: AnyReadAs) -> Reading:
    """Return a text column read by a spec, or a numeric column with the finite numbers only."""
    if not column.is_text:
        return _keep_finite(column)
    if isinstance(spec, ReadText) and not spec.missing and not spec.trim:
        return Reading(column, np.zeros(len(column), dtype=bool), 0, ())
    text = replace_with_null(column.array, spec.missing)
    if isinstance(spec, ReadText):
        return _reading(column.array, text, pc.utf8_trim_whitespace(text) if spec.trim else text, plain=True)
    typed = column.derive(cast_column, spec)
    if typed is None:
        distinct_values = column.derive(distinct)
        values = replace_with_null(distinct_values.values, spec.missing)
        typed = distinct_values.spread(_parse_without_marks(spec, values, parse(spec, values)))
    return _reading(column.array, text, typed, plain=not isinstance(spec, NumberFormat) or spec.is_plain)


def _parse_without_marks(spec: AnyReadAs, values: pa.Array, typed: pa.Array) -> pa.Array:
    """Return the typed values, with those that can only be read without what is attached to them."""
    lost = pc.and_(values.is_valid(), typed.is_null())
    if not spec.marks or not pc.any(lost).as_py():
        return typed
    return pc.replace_with_mask(typed, lost, parse(spec, without_marks(values.filter(lost))))


def cast_column(column: Column, spec: AnyReadAs) -> pa.Array | None:
    """Return a text column read by one fast cast, or None where its cells must be parsed."""
    return cast(spec, replace_with_null(column.array, spec.missing))


def _reading(original: pa.Array, text: pa.Array, typed: pa.Array, *, plain: bool) -> Reading:
    invalid = typed.null_count - text.null_count
    examples: list[str] = []
    unfit = None
    if invalid:
        is_lost = pc.and_(text.is_valid(), typed.is_null())
        unfit = np.asarray(is_lost.to_numpy(zero_copy_only=False))
        examples = text.filter(is_lost)[:1000].unique().to_pylist()[:5]
    changed = find_changed_cells(original, typed, plain=plain)
    indices = np.flatnonzero(changed & np.asarray(typed.is_valid().to_numpy(zero_copy_only=False)))
    example = _example(original, typed, int(indices[0])) if len(indices) else None
    return Reading(Column(typed), changed, invalid, tuple(examples), len(indices), example, unfit)


def _example(original: pa.Array, typed: pa.Array, index: int) -> tuple[str, str]:
    return original[index].as_py(), render(typed.slice(index, 1))[0].as_py()


def _keep_finite(column: Column) -> Reading:
    keep = pc.is_finite(column.array).fill_null(True)
    lost = np.asarray(pc.invert(keep).to_numpy(zero_copy_only=False))
    finite = pc.if_else(keep, column.array, pa.scalar(None, column.type))
    examples = render(column.array.filter(pa.array(lost))).unique().to_pylist()[:5]
    return Reading(Column(finite), lost, int(lost.sum()), tuple(examples), unfit=lost if lost.any() else None)
