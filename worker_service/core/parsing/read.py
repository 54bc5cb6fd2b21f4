"""Carrying a spec out on a column, and saying which cells it changes."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.parsing.changed_cells import differs
from worker_service.core.parsing.missing import blank
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
    """Cells whose canonical text is not what the file says."""
    invalid: int
    """Cells that have a value which does not fit; they became missing."""
    examples: tuple[str, ...]
    """Up to five different unfit values."""
    rewritten: int = 0
    """Changed cells that still have a value."""
    example: tuple[str, str] | None = None
    """One of them: what the file says, and what it is now."""


def read(column: Column, spec: AnyReadAs) -> Reading:
    """Read a text column as a spec says; of a column of numbers, keep the finite ones."""
    if not column.is_text:
        return _keep_finite(column)
    if isinstance(spec, ReadText) and not spec.missing and not spec.trim:
        return Reading(column, np.zeros(len(column), dtype=bool), 0, ())
    text = blank(column.array, spec.missing)
    if isinstance(spec, ReadText):
        return _reading(column.array, text, pc.utf8_trim_whitespace(text) if spec.trim else text, plain=True)
    typed = column.derive(cast_column, spec)
    if typed is None:
        found = column.derive(distinct)
        typed = found.spread(parse(spec, blank(found.values, spec.missing)))
    return _reading(column.array, text, typed, plain=not isinstance(spec, NumberFormat) or spec.is_plain)


def cast_column(column: Column, spec: AnyReadAs) -> pa.Array | None:
    """All cells of a text column read in one sweep, or None where they need a closer look."""
    return cast(spec, blank(column.array, spec.missing))


def _reading(original: pa.Array, text: pa.Array, typed: pa.Array, *, plain: bool) -> Reading:
    invalid = typed.null_count - text.null_count
    examples: list[str] = []
    if invalid:
        lost = text.filter(pc.and_(text.is_valid(), typed.is_null()))
        examples = lost[:1000].unique().to_pylist()[:5]
    changed = differs(original, typed, plain=plain)
    places = np.flatnonzero(changed & np.asarray(typed.is_valid().to_numpy(zero_copy_only=False)))
    example = _example(original, typed, int(places[0])) if len(places) else None
    return Reading(Column(typed), changed, invalid, tuple(examples), len(places), example)


def _example(original: pa.Array, typed: pa.Array, place: int) -> tuple[str, str]:
    return original[place].as_py(), render(typed.slice(place, 1))[0].as_py()


def _keep_finite(column: Column) -> Reading:
    keep = pc.is_finite(column.array).fill_null(True)
    lost = np.asarray(pc.invert(keep).to_numpy(zero_copy_only=False))
    finite = pc.if_else(keep, column.array, pa.scalar(None, column.type))
    examples = render(column.array.filter(pa.array(lost))).unique().to_pylist()[:5]
    return Reading(Column(finite), lost, int(lost.sum()), tuple(examples))
