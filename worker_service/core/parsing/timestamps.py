"""Dates and moments: the format is voted on by the different values of a column."""

import re
from collections import Counter

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.humanize import count, examples
from worker_service.core.parsing.missing import NO_MEASURES, null_words, sample, spellings
from worker_service.core.parsing.parse import cast, parse
from worker_service.core.parsing.read import cast_column
from worker_service.core.parsing.spec import ISO, ISO_ZONED, AnyReadAs, ReadTimestamp, Refused, enough
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column, Mask

_DATES = {
    "Y-9-9": ("%Y-%m-%d",),
    "Y/9/9": ("%Y/%m/%d",),
    "9/9/Y": ("%d/%m/%Y", "%m/%d/%Y"),
    "9-9-Y": ("%d-%m-%Y", "%m-%d-%Y"),
    "9.9.Y": ("%d.%m.%Y",),
}
_TIMES = {"": "", " 9:9": " %H:%M", " 9:9:9": " %H:%M:%S"}
_FORMATS = {
    date + time: tuple(order + suffix for order in orders)
    for date, orders in _DATES.items()
    for time, suffix in _TIMES.items()
}
_FIRST_TICK, _LAST_TICK = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The microseconds since 1970 at which the calendar's year 1 begins and its year 9999 ends."""
_FEWEST_DECIDING = 0.005
"""A smaller share of the cells may be slips and decides nothing for the others."""
_ISO_DATE = r"\d{4}-\d{2}-\d{2}"
_ISO_TIME = r"[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?"
_ZONE = r"(Z|[+-]\d{2}(:?\d{2})?)"
_ISO_SHAPES = {ISO: rf"^{_ISO_DATE}({_ISO_TIME})?$", ISO_ZONED: rf"^{_ISO_DATE}{_ISO_TIME}{_ZONE}$"}


def recognise(column: Column) -> AnyReadAs | Refused:
    """The format the values share; refused with a doubt where day and month can't be told apart."""
    formats = _candidates(column.derive(sample, NO_MEASURES))
    if not formats:
        return Refused()
    if len(formats) == 1:
        return _only(column, formats[0])
    ranked = sorted((_misfits(column, name), name) for name in formats)
    (misfits, best), (others, _) = ranked
    known = int(column.derive(distinct).counts[~column.derive(null_words, NO_MEASURES)].sum())
    if not enough(known - misfits, known):
        return Refused()
    if not _decided(column, ranked):
        return Refused(_doubt(column, known, others + misfits), doubtful=True)
    return _spec(column, best)


def recognise_anyway(column: Column) -> AnyReadAs:
    """The format that most cells fit; the day before the month where nothing tells."""
    formats = _candidates(column.derive(sample, NO_MEASURES)) or (ISO,)
    return _spec(column, min(formats, key=lambda name: _misfits(column, name)))


def _spec(column: Column, name: str) -> ReadTimestamp:
    missing = column.derive(spellings, NO_MEASURES)
    return ReadTimestamp(kind="timestamp", missing=missing, format=name, or_iso=_has_iso(column, name))


def _has_iso(column: Column, name: str) -> bool:
    values = column.derive(distinct).values
    shaped = pc.match_substring_regex(pc.utf8_trim_whitespace(values), _ISO_SHAPES[ISO])
    return name not in _ISO_SHAPES and bool(pc.any(shaped).as_py())


def _only(column: Column, name: str) -> AnyReadAs:
    """The format nothing competes with; whether enough cells fit is for the caller to see."""
    plain = ReadTimestamp(kind="timestamp", format=name)
    if column.derive(cast_column, plain) is not None:
        return plain
    return _spec(column, name)


def _candidates(cells: tuple[str, ...]) -> tuple[str, ...]:
    for name, pattern in _ISO_SHAPES.items():
        if cells and sum(bool(re.match(pattern, cell)) for cell in cells) >= 0.9 * len(cells):
            return (name,)
    if not cells or len(max(cells, key=len)) > 40:
        return ()
    shapes = Counter(re.sub(r"\d{1,2}", "9", re.sub(r"(?<!\d)\d{4}(?!\d)", "Y", cell)) for cell in cells)
    shape, votes = shapes.most_common(1)[0]
    return _FORMATS.get(shape, ()) if votes >= 0.5 * len(cells) else ()


def _parsed(column: Column, name: str) -> pa.Array:
    values = column.derive(distinct).values
    known = pc.if_else(pa.array(column.derive(null_words, NO_MEASURES)), pa.scalar(None, values.type), values)
    return parse(ReadTimestamp(kind="timestamp", format=name, or_iso=True), known)


def _misfits(column: Column, name: str) -> int:
    found, known = column.derive(distinct), ~column.derive(null_words, NO_MEASURES)
    return int(found.counts[known & ~_valid(column.derive(_parsed, name))].sum())


def _valid(array: pa.Array) -> Mask:
    valid: Mask = array.is_valid().to_numpy(zero_copy_only=False)
    return valid


def _decided(column: Column, ranked: list[tuple[int, str]]) -> bool:
    """Whether the values speak for one order of day and month ten times as often as for the other."""
    (fewest, best), (most, other) = ranked[:2]
    if most == fewest == 0:
        return bool(column.derive(_parsed, best).equals(column.derive(_parsed, other)))
    known = int(column.derive(distinct).counts[~column.derive(null_words, NO_MEASURES)].sum())
    return most >= 10 * max(1, fewest) or (fewest == 0 and most > _FEWEST_DECIDING * known)


def _doubt(column: Column, known: int, deciding: int) -> str:
    seen = column.derive(sample, NO_MEASURES)
    contradiction = f"the {count(deciding, 'cell')} that would tell contradict each other"
    why = contradiction if deciding else "none of them shows which"
    return (
        f"the {count(known, 'known cell')} look like dates, {examples(seen, limit=2)}, "
        f"but could be day/month or month/day, and {why}"
    )


@cast.register
def _cast_moments(spec: ReadTimestamp, text: pa.Array) -> pa.Array | None:
    if spec.format not in _ISO_SHAPES:
        return None
    try:
        timestamps = text.cast(_type(spec.format))
    except pa.ArrowInvalid:
        return None
    ends = pc.min_max(timestamps.cast(pa.int64())).as_py()
    if ends["min"] is not None and not _FIRST_TICK <= ends["min"] <= ends["max"] <= _LAST_TICK:
        return None
    return timestamps


@parse.register
def _parse_moments(spec: ReadTimestamp, values: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(values)
    timestamps = _moments(spec.format, trimmed)
    if spec.or_iso and spec.format not in _ISO_SHAPES:
        timestamps = pc.coalesce(timestamps, _moments(ISO, trimmed))
    return timestamps


def _moments(name: str, texts: pa.Array) -> pa.Array:
    if name in _ISO_SHAPES:
        texts = pc.if_else(pc.match_substring_regex(texts, _ISO_SHAPES[name]), texts, pa.scalar(None, texts.type))
    strptime = "ISO8601" if name in _ISO_SHAPES else name
    found = pd.to_datetime(texts.to_pandas(), format=strptime, errors="coerce", utc=name == ISO_ZONED).dt.as_unit("us")
    array = pa.Array.from_pandas(found, type=_type(name))
    return pc.if_else(_in_calendar(array), array, pa.scalar(None, array.type))


def _in_calendar(timestamps: pa.Array) -> pa.BooleanArray:
    """Which moments have a year from 1 to 9999, in UTC where there is a zone."""
    ticks = timestamps.cast(pa.int64())
    return pc.and_(pc.greater_equal(ticks, _FIRST_TICK), pc.less_equal(ticks, _LAST_TICK))


def _type(name: str) -> pa.DataType:
    return pa.timestamp("us", tz="UTC" if name == ISO_ZONED else None)
