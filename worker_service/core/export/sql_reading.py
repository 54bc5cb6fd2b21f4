"""Reading text as types in SQL."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlglot import exp

from worker_service.core.export.calls import FILLS
from worker_service.core.export.sql_query import (
    Kind,
    Query,
    Untranslatable,
    any_of,
    call,
    case,
    cast,
    is_finite,
    is_null,
    matches,
    moment,
    read_as,
    replace_pattern,
    text,
    trimmed,
)
from worker_service.core.parsing.amounts import number_pattern, thousands_pattern, unit_patterns
from worker_service.core.parsing.spec import AnyReadAs, ReadBoolean, ReadDecimal, ReadInteger, ReadTimestamp
from worker_service.core.recipe.steps import AnyStep, ReadColumn

UNFIT = "__unfit__"
"""A column whose name begins so notes texts that do not fit the type of the column."""


def notes_unfit(name: str, later: Iterable[AnyStep]) -> bool:
    """Return True if a later step asks which cells of a column do not fit its type."""
    fills = (step for step in later if step.kind in (*FILLS, "repair_by_dependency"))
    return any(step.columns[0] == name and step.phase == "cleaning" for step in fills)


def begin_reading(steps: Sequence[AnyStep], query: Query) -> None:
    """Take units and marks off the texts of all columns that are read as numbers, and what stands for missing.

    Empty texts are missing, as they are in a text file, and infinite numbers of columns that are numbers already.
    """
    for name in query.names:
        if query.kind(name) == "text":
            query.put(name, call("NULLIF", query.column(name), text("")), "text")
        elif query.kind(name) == "decimal":
            query.put(name, case([(is_finite(query.column(name)), query.column(name))], exp.null()), "decimal")
    for position, step in enumerate(steps):
        if not isinstance(step, ReadColumn) or _why_unread(step.read_as) is not None:
            continue
        spec = step.read_as
        if not isinstance(spec, ReadInteger | ReadDecimal) or query.kind(step.column) != "text":
            continue
        column, missing = query.column(step.column), [text(word) for word in spec.missing]
        if notes_unfit(step.column, steps[position + 1 :]):
            query.put(UNFIT + step.column, _unless(missing, column, column), "text")
        query.put(step.column, _unless(missing, column, _bare_number(spec, column)), "text")


def _why_unread(spec: Any) -> str | None:
    """Return why SQL can't read by a spec; None if it can."""
    if spec.marks:
        return "it reads values that something is attached to"
    return "it converts units" if getattr(spec, "factors", ()) else None


def _unless(missing: Sequence[exp.Expr], column: exp.Expr, value: exp.Expr) -> exp.Expr:
    """Return a value; missing where a column has one of some texts."""
    return case([(any_of(column, missing), exp.null())], value) if missing else value


def read_column(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    """Add a step that reads a column of text as a type.

    Raises:
        Untranslatable: it reads as no database does.
    """
    name, spec = step.column, step.read_as
    if query.kind(name) != "text":
        return
    why = _why_unread(spec)
    if why is not None:
        raise Untranslatable(why)
    missing, column = [text(word) for word in spec.missing], query.column(name)
    if spec.kind == "text":
        query.put(name, _unless(missing, column, trimmed(column) if spec.trim else column), "text")
        return
    kind, parsed = _parsed(spec, column, query)
    if UNFIT + name in query.names:
        query.put(UNFIT + name, case([(is_null(parsed), query.column(UNFIT + name))], exp.null()), "text")
    elif notes_unfit(name, later):
        query.put(UNFIT + name, case([(is_null(parsed), _unless(missing, column, column))], exp.null()), "text")
    query.put(name, parsed, kind)


def _parsed(spec: AnyReadAs, column: exp.Expr, query: Query) -> tuple[Kind, exp.Expr]:
    """Return what a text is read as; of a number the text is bare already."""
    if isinstance(spec, ReadInteger | ReadDecimal):
        digits = replace_pattern(column, thousands_pattern(spec), "")
        plain = call("LTRIM", call("REPLACE", digits, text(","), text(".")), text("+"))
        pattern = number_pattern(spec, whole=isinstance(spec, ReadInteger))
        value = read_as(plain, spec.kind)
        if query.dialect == "duckdb" and spec.kind == "decimal":
            # What is too large for a number is read as infinity, where PostgreSQL ends with an error.
            for infinity in ("inf", "-inf"):
                value = call("NULLIF", value, cast(text(infinity), "decimal"))
        return spec.kind, case([(matches(column, pattern), value)], exp.null())
    missing = [text(word) for word in spec.missing]
    if isinstance(spec, ReadBoolean):
        words = {True: spec.true, False: spec.false}
        sides = [(any_of(column, [text(each) for each in words[side]]), exp.Boolean(this=side)) for side in words]
        return "boolean", _unless(missing, column, case(sides, exp.null()))
    assert isinstance(spec, ReadTimestamp)
    formats = [spec.format, *(["ISO 8601"] if spec.or_iso and not spec.format.startswith("ISO") else []), *spec.also]
    moments = [moment(trimmed(column), form, query.dialect) for form in formats]
    return "timestamp", _unless(missing, column, moments[0] if len(moments) == 1 else call("COALESCE", *moments))


def _bare_number(spec: ReadInteger | ReadDecimal, column: exp.Expr) -> exp.Expr:
    """Return the text of a number without its unit, and with the minus of accounting at the start."""
    bare = trimmed(call("REPLACE", column, text("\u2212"), text("-")))
    if isinstance(spec, ReadInteger):
        bare = replace_pattern(bare, rf"^(.*[0-9])\{spec.decimal_mark}0{{1,2}}$", r"\1")
    for _ in range(2 if spec.units else 1):
        for pattern in unit_patterns(spec.units):
            bare = replace_pattern(bare, pattern, r"\1")
        bare = replace_pattern(replace_pattern(bare, r"^\(([^()+-]*)\)$", r"-\1"), r"^([^+-]*[\d.,])\s*-$", r"-\1")
    return bare
