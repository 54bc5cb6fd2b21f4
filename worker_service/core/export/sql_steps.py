"""Steps of recipes as expressions of SQL."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from sqlglot import exp

from worker_service.core.export.sql_query import (
    Kind,
    Query,
    Untranslatable,
    any_of,
    call,
    case,
    cast,
    identifier,
    is_null,
    number,
    parenthesised,
    text,
    value_of,
)
from worker_service.core.export.sql_reading import UNFIT, read_column
from worker_service.core.export.standalone.cells import ROW
from worker_service.core.recipe.steps import AnyStep

COPY = f"{ROW}copy"
GAPS = "__was_missing__"
"""A column whose name begins so notes which cells were filled."""
_OTHER_ROWS = "it looks at other rows, or at their order"
_NO_MODEL = "a fitted model can't be written in SQL"
_NO_TEXT = "SQL takes texts apart differently in each database"


def add_step(step: AnyStep, query: Query, later: Sequence[AnyStep]) -> None:
    """Add a step to a query.

    Args:
        step: the step.
        query: the query up to it.
        later: the steps that follow, whose notes it takes.

    Raises:
        Untranslatable: it can't be written in SQL, or needs what was left out.
    """
    if step.kind not in _ADD:
        raise Untranslatable(WHY_NOT.get(step.kind, "nobody has written it in SQL"))
    _ADD[step.kind](step, query, later)


WHY_NOT = {
    "fill_by_model": _NO_MODEL,
    "fill_by_time": _OTHER_ROWS,
    "number_rows": _OTHER_ROWS,
    "repair_by_formula": "it tries each cell of a row in turn",
    "multi_hot": _NO_TEXT,
    "split_amounts": _NO_TEXT,
    "text_numbers": _NO_TEXT,
    "split_text": _NO_TEXT,
    "text_components": _NO_TEXT,
}
"""Why kinds of steps are left out, half a sentence each."""


def _hide(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    if step.method != "drop":
        raise Untranslatable("SQL has no way to hide it that is the same everywhere")
    query.drop(step.column)


def _drop(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    query.drop(step.column)


def _drop_duplicates(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    names = [name for name in query.names if not name.startswith((GAPS, UNFIT))]
    copy = exp.Window(this=call("ROW_NUMBER"), partition_by=[query.column(name) for name in names])
    query.put(COPY, copy, "integer")
    query.where(exp.EQ(this=identifier(COPY), expression=number(1)))
    query.drop(COPY)


def _mask_sentinel(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    column, kind = _numeric(step.column, query)
    representable = [value for value in step.values if kind == "decimal" or value.is_integer()]
    values = [number(int(value) if kind == "integer" else value) for value in representable]
    query.put(step.column, case([(any_of(column, values), exp.null())], column), kind)


def _merge_levels(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    column = query.column(step.column)
    pairs = [(exp.EQ(this=column, expression=text(pair.before)), text(pair.after)) for pair in step.spellings]
    query.put(step.column, case(pairs, column), query.kind(step.column))


def _repair_by_dependency(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    column, given = query.column(step.column), query.column(step.determinant)
    kind, given_kind = query.kind(step.column), query.kind(step.determinant)
    branches = []
    for repair in step.repairs:
        beside = exp.EQ(this=given, expression=_value(repair.given, given_kind))
        branches.append((exp.and_(beside, _is_written(step.column, repair.before, query)), _value(repair.after, kind)))
    query.put(step.column, case(branches, column), kind)


def _is_written(name: str, written: str, query: Query) -> exp.Expr:
    """Return true where a column holds a text, also one that does not fit its type."""
    try:
        return exp.EQ(this=identifier(name), expression=value_of(written, query.kind(name)))
    except ValueError:
        return exp.EQ(this=query.column(UNFIT + name), expression=text(written))


def _rescale(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    column, kind = _numeric(step.column, query)
    factor = number(step.factor) if step.factor >= 1 else number(round(1 / step.factor))
    operation: type[exp.Binary] = exp.Div if step.factor >= 1 else exp.Mul
    moved = operation(this=cast(column, "decimal"), expression=cast(factor, "decimal"))
    digits = exp.Cast(this=moved, to=exp.DataType.build("DECIMAL(38, 9)"))
    rounded = cast(digits, "decimal")
    within: exp.Expr = exp.Between(this=column, low=number(step.lower), high=number(step.upper))
    if kind == "integer":
        within = exp.and_(within, exp.EQ(this=rounded, expression=call("FLOOR", rounded)))
    query.put(step.column, case([(within, cast(rounded, kind))], column), kind)


def _treat_outliers(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    column, kind = _numeric(step.column, query)
    below = exp.LT(this=column, expression=number(step.lower))
    above = exp.GT(this=column, expression=number(step.upper))
    outside = exp.or_(below, above)
    if step.strategy == "remove":
        query.where(exp.or_(is_null(column), exp.not_(parenthesised(outside))))
        return
    lower, upper, middle = step.lower, step.upper, step.replacement
    if kind == "integer":
        lower, upper = math.ceil(lower), math.floor(upper)
        middle = None if middle is None else round(middle)
    if step.strategy == "cap":
        query.put(step.column, case([(below, number(lower)), (above, number(upper))], column), kind)
    else:
        other = exp.null() if step.strategy == "null" or middle is None else number(middle)
        query.put(step.column, case([(outside, other)], column), kind)


def _fill(name: str, filled: exp.Expr, step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    """Fill the gaps of a column, and note them where a later step asks for it."""
    column, kind = query.column(name), query.kind(name)
    is_gap = is_null(column)
    if step.phase == "cleaning" and UNFIT + name in query.names:
        is_gap = exp.and_(is_gap, is_null(query.column(UNFIT + name)))
    if any(each.kind == "was_missing" and each.columns[0] == name for each in later):
        known = [query.column(GAPS + name)] if GAPS + name in query.names else []
        query.put(GAPS + name, exp.or_(*known, is_gap), "boolean")
    query.put(name, case([(is_gap, filled)], column), kind)


def _fill_missing(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    if step.method == "forward_fill":
        raise Untranslatable(_OTHER_ROWS)
    kind = query.kind(step.column)
    if isinstance(step.value, bool):
        value: exp.Expr = exp.Boolean(this=step.value)
    elif isinstance(step.value, str):
        value = _value(step.value, kind)
    else:
        value = number(int(step.value) if kind == "integer" else step.value)
    _fill(step.column, value, step, query, later)


def _fill_by_group(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    kind = query.kind(step.column)

    def filled(value: float) -> exp.Expr:
        rounded = value if step.decimals is None else round(value, step.decimals)
        rounded = min(max(round(rounded) if kind == "integer" else rounded, step.low), step.high)
        return number(int(rounded) if kind == "integer" else rounded)

    by, by_kind = query.column(step.by), query.kind(step.by)
    pairs = [
        (exp.EQ(this=by, expression=_value(group, by_kind)), filled(median))
        for group, median in zip(step.groups, step.medians, strict=True)
    ]
    _fill(step.column, case(pairs, filled(step.fallback)), step, query, later)


def _fill_by_level(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    kind, by, by_kind = query.kind(step.column), query.column(step.by), query.kind(step.by)
    pairs = [
        (exp.EQ(this=by, expression=_value(group, by_kind)), _value(level, kind))
        for group, level in zip(step.groups, step.levels, strict=True)
    ]
    otherwise = exp.null() if step.fallback is None else _value(step.fallback, kind)
    _fill(step.column, case(pairs, otherwise), step, query, later)


def _was_missing(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    conditions = [is_null(query.column(step.column))]
    if GAPS + step.column in query.names:
        conditions.append(query.column(GAPS + step.column))
    query.put(step.name, _zero_or_one(exp.or_(*conditions)), "integer")


def _one_hot(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    column, kind = query.column(step.column), query.kind(step.column)
    values = [_value(level, kind) for level in step.levels]
    for name, value in zip(step.names, values, strict=True):
        query.put(name, _zero_or_one(exp.EQ(this=column, expression=value)), "integer")
    if step.other is not None:
        query.put(step.other, case([(any_of(column, values), number(0))], number(1)), "integer")
    if not step.keep:
        query.drop(step.column)


def _frequency_encode(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    column, kind = query.column(step.column), query.kind(step.column)
    pairs = zip(step.levels, step.shares, strict=True)
    branches = [(exp.EQ(this=column, expression=_value(level, kind)), number(share)) for level, share in pairs]
    query.put(step.column, cast(case(branches, number(0.0)), "decimal"), "decimal")


def _label_encode(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    column, kind = query.column(step.column), query.kind(step.column)
    branches = [
        (exp.EQ(this=column, expression=_value(level, kind)), number(index)) for index, level in enumerate(step.levels)
    ]
    query.put(step.column, case([(is_null(column), exp.null()), *branches], number(-1)), "integer")


def _scale(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    column, _ = _numeric(step.column, query)
    query.put(step.column, _over(_minus(column, step.center), step.divisor), "decimal")


def _power_transform(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    column, _ = _numeric(step.column, query)
    value, power = _over(column, step.unit), step.power
    above, below = exp.Add(this=value, expression=number(1)), exp.Sub(this=number(1), expression=value)
    positive = _box_cox(parenthesised(above), power)
    negative = exp.Neg(this=parenthesised(_box_cox(parenthesised(below), 2 - power)))
    chosen = case([(exp.GTE(this=column, expression=number(0)), positive)], negative)
    known = case([(is_null(column), exp.null())], chosen)
    query.put(step.name, _over(_minus(known, step.center), step.divisor), "decimal")


def _box_cox(value: exp.Expr, power: float) -> exp.Expr:
    if abs(power) < 1e-12:
        return call("LN", value)
    return _over(_minus(call("POWER", value, _double(power)), 1.0), power)


def _ratio(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    above, _ = _numeric(step.numerator, query)
    below, _ = _numeric(step.denominator, query)
    above = _numeric(step.numerator, query)[0]
    quotient = exp.Div(this=cast(above, "decimal"), expression=cast(below, "decimal"))
    query.put(step.name, case([(exp.EQ(this=below, expression=number(0)), exp.null())], quotient), "decimal")


def _bin(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    column, _ = _numeric(step.column, query)
    branches = [(exp.LT(this=column, expression=number(edge)), number(index)) for index, edge in enumerate(step.edges)]
    query.put(step.name, case([(is_null(column), exp.null()), *branches], number(len(step.edges))), "integer")


def _cycle(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    column, kind = _numeric(step.column, query)
    for name, wave in ((step.sine, "SIN"), (step.cosine, "COS")):
        query.put(name, _wave(_remainder(column, kind, step.period), step.period, wave), "decimal")


def _remainder(column: exp.Expr, kind: Kind, period: int) -> exp.Expr:
    """Return what is left of a number when it is divided; never below zero."""
    divisor = number(period)
    if kind == "integer":
        first = exp.Add(this=parenthesised(exp.Mod(this=column, expression=divisor)), expression=divisor)
        return exp.Mod(this=parenthesised(first), expression=divisor)
    whole = exp.Mul(this=divisor, expression=call("FLOOR", _over(column, float(period))))
    return parenthesised(exp.Sub(this=column, expression=parenthesised(whole)))


def _date_parts(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    column = _moments(step.column, query)
    if step.fill is not None:
        fill = cast(text(step.fill.replace(tzinfo=None).isoformat(sep=" ")), "timestamp")
        column = call("COALESCE", column, fill)
    for part, name in zip(step.parts, step.names, strict=True):
        unit, _, wave = part.partition("_")
        value = _date_part(column, unit)
        if wave:
            period = {"month": 12, "weekday": 7, "hour": 24}[unit]
            query.put(name, _wave(cast(value, "decimal"), period, wave.upper()), "decimal")
        else:
            query.put(name, value, "decimal" if unit == "days" else "integer")
    query.drop(step.column)


def _date_part(column: exp.Expr, unit: str) -> exp.Expr:
    if unit == "days":
        return _over(exp.Extract(this=exp.var("EPOCH"), expression=column), 86_400.0)
    if unit == "weekday":
        return exp.Sub(this=_part("ISODOW", column), expression=number(1))
    return _part(unit.upper(), column)


def _part(unit: str, column: exp.Expr) -> exp.Expr:
    return cast(exp.Extract(this=exp.var(unit), expression=column), "integer")


def _time_difference(step: Any, query: Query, later: Sequence[AnyStep]) -> None:
    start, end = _moments(step.start, query), _moments(step.end, query)
    start = _moments(step.start, query)
    epochs = [exp.Extract(this=exp.var("EPOCH"), expression=column) for column in (end, start)]
    days = _over(parenthesised(exp.Sub(this=epochs[0], expression=epochs[1])), 86_400.0)
    query.put(step.name, days if step.fill is None else call("COALESCE", days, _double(step.fill)), "decimal")


def _moments(name: str, query: Query) -> exp.Expr:
    if query.kind(name) != "timestamp":
        raise Untranslatable(f"{name} is not read as a moment")
    return query.column(name)


def _numeric(name: str, query: Query) -> tuple[exp.Expr, Kind]:
    kind = query.kind(name)
    if kind not in ("integer", "decimal"):
        raise Untranslatable(f"{name} is not read as a number")
    return query.column(name), kind


def _value(written: str, kind: Kind) -> exp.Expr:
    try:
        return value_of(written, kind)
    except ValueError:
        raise Untranslatable(f"{written!r} is no value of its column") from None


def _zero_or_one(condition: exp.Expr) -> exp.Expr:
    return case([(condition, number(1))], number(0))


def _double(value: float) -> exp.Expr:
    return cast(number(value), "decimal")


def _minus(expression: exp.Expr, value: float) -> exp.Expr:
    return parenthesised(exp.Sub(this=cast(expression, "decimal"), expression=_double(value)))


def _over(expression: exp.Expr, value: float) -> exp.Expr:
    return exp.Div(this=cast(expression, "decimal"), expression=_double(value))


def _wave(value: exp.Expr, period: int, wave: str) -> exp.Expr:
    angle = exp.Mul(this=_double(2 * math.pi), expression=parenthesised(_over(value, float(period))))
    return exp.Mul(this=_double(math.sqrt(2)), expression=call(wave, angle))


_ADD: dict[str, Callable[[Any, Query, Sequence[AnyStep]], None]] = {
    "read_column": read_column,
    "hide_personal_data": _hide,
    "drop_column": _drop,
    "drop_duplicates": _drop_duplicates,
    "mask_sentinel": _mask_sentinel,
    "merge_levels": _merge_levels,
    "repair_by_dependency": _repair_by_dependency,
    "rescale": _rescale,
    "treat_outliers": _treat_outliers,
    "fill_missing": _fill_missing,
    "fill_by_group": _fill_by_group,
    "fill_by_level": _fill_by_level,
    "was_missing": _was_missing,
    "one_hot": _one_hot,
    "frequency_encode": _frequency_encode,
    "label_encode": _label_encode,
    "scale": _scale,
    "power_transform": _power_transform,
    "ratio": _ratio,
    "bin": _bin,
    "cycle": _cycle,
    "date_parts": _date_parts,
    "time_difference": _time_difference,
}
