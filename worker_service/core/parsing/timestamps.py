"""Recognition and parsing of dates and times in the format that most distinct values share."""

import re
from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.humanize import count, examples
from worker_service.core.parsing.missing import QUANTITY_NULL_WORDS, null_spellings, null_word_mask, sample_cells
from worker_service.core.parsing.parse import cast, parse
from worker_service.core.parsing.read import cast_column
from worker_service.core.parsing.spec import ISO, ISO_ZONED, AnyReadAs, ReadTimestamp, Refused, is_enough
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column, Mask

_DATES = {
    "Y-9-9": ("%Y-%m-%d",),
    "Y/9/9": ("%Y/%m/%d",),
    "9/9/Y": ("%d/%m/%Y", "%m/%d/%Y"),
    "9-9-Y": ("%d-%m-%Y", "%m-%d-%Y"),
    "9.9.Y": ("%d.%m.%Y",),
    "9/9/9": ("%d/%m/%y", "%m/%d/%y"),
    "9.9.9": ("%d.%m.%y",),
    "b 9 Y": ("%b %d %Y",),
    "b 9, Y": ("%b %d, %Y",),
    "9 b Y": ("%d %b %Y",),
    "9-b-Y": ("%d-%b-%Y",),
    "9-b-9": ("%d-%b-%y",),
    "b Y": ("%b %Y",),
    "b-Y": ("%b-%Y",),
    "b-9": ("%b-%y",),
}
"""The formats of a shape, in which `9` stands for digits, `Y` for a year of four digits and `b` for a month's name."""
_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    "sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_MONTH_NAME = rf"(?i)\b(?:{_MONTHS})\b\.?"
_MONTH_START = r"(?i)\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
"""What is left of a month's name, which is known to be one, to be read as `%b`."""
_LAST_SHORT_YEAR = "2030-01-01"
"""If years of two digits would be later than this, they may be those of the century before, so nobody can tell."""
_TIMES = {"": "", " 9:9": " %H:%M", " 9:9:9": " %H:%M:%S"}
_FORMATS = {
    date + time: tuple(order + suffix for order in orders)
    for date, orders in _DATES.items()
    for time, suffix in _TIMES.items()
}
_FIRST_TICK, _LAST_TICK = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The microseconds since 1970 at which year 1 of the calendar begins and year 9999 ends."""
_SMALLEST_DECIDING_SHARE = 0.005
"""A smaller share of the cells may be typing errors, so it does not decide the order of day and month."""
_FEWEST_DECIDING = 3
"""So many texts that only one order of day and month can read decide among the few in another format."""
_FEWEST_DATES = 0.9
"""A column is one of dates if at least this share of its cells has the shape of some date."""
_MOST_IMPOSSIBLE = 0.05
"""From more cells than this share on that name no day, the cells are something else than dates."""
_SAMPLED_TEXTS, _LONGEST = 2000, 40
"""So many texts show the formats of a column; longer ones are no dates."""
_YEAR_LENGTH, _CENTURY = timedelta(days=366), timedelta(days=36_525)
_FEWEST_STEPS = 6
"""So many equal steps from one date to the next are no chance;"""
_STEP_TOLERANCE = 0.15
"""steps are equal if they differ by at most this share, as February and March do."""
_ISO_DATE = r"\d{4}-\d{2}-\d{2}"
_ISO_TIME = r"[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?"
_DATE_LENGTH, _COLON = 10, 13
"""The characters of a date in ISO 8601, and where the colon of its time is."""
_ZONE = r"(Z|[+-]\d{2}(:?\d{2})?)"
_ISO_SHAPES = {ISO: rf"^{_ISO_DATE}({_ISO_TIME})?$", ISO_ZONED: rf"^{_ISO_DATE}{_ISO_TIME}{_ZONE}$"}
_ISO_PATTERNS = {name: re.compile(pattern) for name, pattern in _ISO_SHAPES.items()}
_NAMED_MONTH = re.compile(_MONTH_NAME)
_YEAR, _DIGITS = re.compile(r"(?<!\d)\d{4}(?!\d)"), re.compile(r"\d{1,2}")
_LIKE_DATE = re.compile(r"[\d/., :-]*([A-Za-z]+[\d/., :-]*)?")
"""What has any of the shapes has this one, too."""


def recognise(column: Column) -> AnyReadAs | Refused:
    """Return a timestamp spec with the format that the values share; refused if day and month can't be told apart."""
    formats = _candidate_formats(column.derive(sample_cells, QUANTITY_NULL_WORDS))
    if not formats:
        return Refused()
    if any("%y" in name and _can_be_last_century(column, name) for name in formats):
        why = "the dates have years of two digits, which may be of this century or of the one before"
        return Refused(why, ambiguous=True)
    known = _known(column)
    if len(formats) == 1:
        plain = ReadTimestamp(kind="timestamp", format=formats[0])
        if column.derive(cast_column, plain) is not None:
            return plain
        enough = is_enough(known - _misfits(column, formats[0]), known)
        return _spec(column, formats[0]) if enough else _refuse_mixture(column)
    ranked = sorted((_misfits(column, name), name) for name in formats)
    (misfits, best), (others, _) = ranked
    if not is_enough(known - misfits, known):
        return _refuse_mixture(column)
    if not _is_decided(column, ranked):
        regular = [name for _, name in ranked if not misfits and _is_regular(column, name)]
        if len(regular) == 1:
            return _spec(column, regular[0])
        return Refused(_describe_ambiguity(column, known, others + misfits), ambiguous=True)
    return _spec(column, best)


def recognise_best_fit(column: Column) -> AnyReadAs:
    """Return a timestamp spec with the format that most cells match; day before month if nothing decides."""
    cells = column.derive(sample_cells, QUANTITY_NULL_WORDS)
    formats = _candidate_formats(cells) or tuple(name for cell in cells for name in _FORMATS.get(_shape(cell), ()))
    return _spec(column, min(dict.fromkeys(formats), key=lambda name: _misfits(column, name), default=ISO))


def _spec(column: Column, name: str) -> ReadTimestamp:
    missing = column.derive(null_spellings, QUANTITY_NULL_WORDS)
    return ReadTimestamp(
        kind="timestamp", missing=missing, format=name, or_iso=_has_iso(column, name), also=column.derive(_also, name)
    )


def _also(column: Column, name: str) -> tuple[str, ...]:
    """Return the other formats that some cells have which the main format does not read.

    Day and month are in the order of the main format or, where that has none, in the order that the other cells show.
    Years of two digits are read where the dates fall among the others.
    """
    if name == ISO_ZONED:
        return ()
    values = pc.utf8_trim_whitespace(column.derive(distinct).values)
    moments = parse(ReadTimestamp(kind="timestamp", format=name, or_iso=True), values)
    rest = values.filter(pc.is_null(moments))
    range_of_main = pc.min_max(moments).as_py()
    also = list[str]()
    for shape in _shapes_of(rest):
        if not len(rest):
            break
        parsed = {order: _parse_format(order, rest) for order in _FORMATS[shape] if name not in _FORMATS[shape]}
        order = _decided_order(rest, shape, parsed, like=name)
        if order is not None and _is_among(parsed[order], range_of_main, is_short="%y" in order):
            also.append(order)
            rest = rest.filter(pc.is_null(parsed[order]))
    return tuple(also)


def _shapes_of(texts: pa.Array) -> list[str]:
    """Return the shapes of dates that some texts have, the most frequent first."""
    shapes = Counter(_shape(text) for text in texts[:_SAMPLED_TEXTS].to_pylist() if len(text) <= _LONGEST)
    return [shape for shape, _ in shapes.most_common() if shape in _FORMATS]


def _decided_order(texts: pa.Array, shape: str, parsed: dict[str, pa.Array], *, like: str) -> str | None:
    """Return the format or, of two orders of day and month, the one that the texts show, or that of another format."""
    if len(parsed) < 2:
        return next(iter(parsed), None)
    of_shape = np.array([_shape(text) == shape for text in texts.to_pylist()], np.bool_)
    misfits = {order: int((of_shape & ~_validity(moments)).sum()) for order, moments in parsed.items()}
    (fewest, best), (most, _) = sorted((count, order) for order, count in misfits.items())
    same = next((order for order in parsed if order[:2] == like[:2]), None)
    if same is not None and not misfits[same]:
        return same
    return best if most >= max(_FEWEST_DECIDING, 10 * fewest) else None


def _is_among(moments: pa.Array, range_of_main: dict[str, datetime | None], *, is_short: bool) -> bool:
    """Return True if there are moments, and if none is more than a year outside of a range.

    With years of two digits, none may be in the range a century earlier as well.
    """
    extremes, earliest, latest = pc.min_max(moments).as_py(), range_of_main["min"], range_of_main["max"]
    if extremes["min"] is None or earliest is None or latest is None:
        return False
    if is_short and extremes["max"] - _CENTURY >= earliest - _YEAR_LENGTH:
        return False
    return bool(earliest - extremes["min"] <= _YEAR_LENGTH and extremes["max"] - latest <= _YEAR_LENGTH)


def _refuse_mixture(column: Column) -> Refused:
    """Return a refusal that says so if nearly all cells look like dates."""
    cells = column.derive(sample_cells, QUANTITY_NULL_WORDS)
    shapes = {_shape(cell): cell for cell in reversed(cells)}
    dates = [cell for cell in cells if _shape(cell) in _FORMATS or _ISO_PATTERNS[ISO].match(cell)]
    if len(dates) < _FEWEST_DATES * len(cells):
        return Refused()
    impossible = _name_no_day(dates)
    if len(impossible) > _MOST_IMPOSSIBLE * len(dates):
        some = examples(tuple(dict.fromkeys(impossible)), limit=2)
        return Refused(f"{count(len(impossible), 'cell')} of {len(dates):,} look like dates and name no day, {some}")
    different = [shapes[shape] for shape in dict.fromkeys(map(_shape, dates))]
    all_cells = f"the {count(_known(column), 'known cell')} look like dates"
    if len(different) == 1:
        doubt = "some are day/month and others month/day, and not all show which"
        return Refused(f"{all_cells}, {examples(tuple(dict.fromkeys(dates)), limit=2)}, but {doubt}", ambiguous=True)
    some, doubt = examples(tuple(different), limit=3), "not all show which is the day and which the month"
    return Refused(f"{all_cells} in several formats, {some}, but {doubt}", ambiguous=True)


def _has_iso(column: Column, name: str) -> bool:
    values = column.derive(distinct).values
    matches = pc.match_substring_regex(pc.utf8_trim_whitespace(values), _ISO_SHAPES[ISO])
    return name not in _ISO_SHAPES and bool(pc.any(matches).as_py())


def _candidate_formats(cells: tuple[str, ...]) -> tuple[str, ...]:
    for name, pattern in _ISO_PATTERNS.items():
        if cells and sum([pattern.match(cell) is not None for cell in cells]) >= 0.9 * len(cells):
            return (name,)
    if not cells or len(max(cells, key=len)) > _LONGEST:
        return ()
    if 2 * sum([_LIKE_DATE.fullmatch(cell) is not None for cell in cells]) < len(cells):
        return ()
    shapes = Counter(_shape(cell) for cell in cells)
    (shape, votes), dates = shapes.most_common(1)[0], sum(shapes[shape] for shape in _FORMATS)
    return _FORMATS.get(shape, ()) if votes >= 0.5 * len(cells) or dates >= _FEWEST_DATES * len(cells) else ()


def _shape(cell: str) -> str:
    return _DIGITS.sub("9", _YEAR.sub("Y", _NAMED_MONTH.sub("b", cell)))


def _name_no_day(cells: list[str]) -> list[str]:
    """Return the cells that look like dates and can't be read in any format of their shape, such as 30 February."""
    texts = pa.array(cells, pa.string())
    is_read = np.zeros(len(cells), np.bool_)
    for shape in dict.fromkeys(map(_shape, cells)):
        for name in _FORMATS.get(shape, (ISO,)):
            is_read |= _validity(_parse_format(name, texts))
    return [cell for cell, is_date in zip(cells, is_read.tolist(), strict=True) if not is_date]


def _known(column: Column) -> int:
    return int(column.derive(distinct).counts[~column.derive(null_word_mask, QUANTITY_NULL_WORDS)].sum())


def _parse_as(column: Column, name: str) -> pa.Array:
    values = column.derive(distinct).values
    known = pc.if_else(
        pa.array(column.derive(null_word_mask, QUANTITY_NULL_WORDS)), pa.scalar(None, values.type), values
    )
    return parse(ReadTimestamp(kind="timestamp", format=name, or_iso=True, also=column.derive(_also, name)), known)


def _misfits(column: Column, name: str) -> int:
    distinct_values, known = column.derive(distinct), ~column.derive(null_word_mask, QUANTITY_NULL_WORDS)
    return int(distinct_values.counts[known & ~_validity(column.derive(_parse_as, name))].sum())


def _validity(array: pa.Array) -> Mask:
    mask: Mask = array.is_valid().to_numpy(zero_copy_only=False)
    return mask


def _is_decided(column: Column, ranked: list[tuple[int, str]]) -> bool:
    """Return True if ten times as many cells decide for one order of day and month as for the other."""
    (fewest, best), (most, other) = ranked[:2]
    if most == fewest == 0:
        return bool(column.derive(_parse_as, best).equals(column.derive(_parse_as, other)))
    return most >= 10 * max(1, fewest) or (fewest == 0 and most > _SMALLEST_DECIDING_SHARE * _known(column))


def _is_regular(column: Column, name: str) -> bool:
    """Return True if the moments are in order and equally far apart, as months are within a few days."""
    distinct_values = column.derive(distinct)
    moments = distinct_values.spread(column.derive(_parse_as, name)).drop_null().cast(pa.int64()).to_numpy()
    steps = np.diff(moments)
    if len(steps) < _FEWEST_STEPS:
        return False
    usual = float(np.median(steps))
    return bool(usual > 0 and (np.abs(steps - usual) <= _STEP_TOLERANCE * usual).all())


def _can_be_last_century(column: Column, name: str) -> bool:
    latest = pc.max(column.derive(_parse_as, name))
    return latest.as_py() is not None and latest.as_py() >= datetime.fromisoformat(_LAST_SHORT_YEAR)


def _describe_ambiguity(column: Column, known: int, deciding: int) -> str:
    cells = column.derive(sample_cells, QUANTITY_NULL_WORDS)
    contradiction = f"the {count(deciding, 'cell')} that would tell contradict each other"
    why = contradiction if deciding else "none of them shows which"
    return (
        f"the {count(known, 'known cell')} look like dates, {examples(cells, limit=2)}, "
        f"but could be day/month or month/day, and {why}"
    )


@cast.register
def _cast_timestamps(spec: ReadTimestamp, text: pa.Array) -> pa.Array | None:
    if spec.format not in _ISO_SHAPES:
        return None
    try:
        timestamps = text.cast(_type(spec.format))
    except pa.ArrowInvalid:
        return None
    # Arrow takes an hour alone for a time, which is no time where the cells are parsed one by one.
    has_colon = pc.equal(pc.utf8_slice_codeunits(text, _COLON, _COLON + 1), ":")
    if not pc.all(pc.or_(has_colon, pc.equal(pc.utf8_length(text), _DATE_LENGTH))).as_py():
        return None
    extremes = pc.min_max(timestamps.cast(pa.int64())).as_py()
    if extremes["min"] is not None and not _FIRST_TICK <= extremes["min"] <= extremes["max"] <= _LAST_TICK:
        return None
    return timestamps


@parse.register
def _parse_timestamps(spec: ReadTimestamp, values: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(values)
    timestamps = _parse_format(spec.format, trimmed)
    if spec.or_iso and spec.format not in _ISO_SHAPES:
        timestamps = pc.coalesce(timestamps, _parse_format(ISO, trimmed))
    for name in spec.also:
        rest = pc.and_(pc.is_null(timestamps), pc.is_valid(trimmed))
        if not pc.any(rest).as_py():
            break
        unread = pc.if_else(rest, trimmed, pa.scalar(None, trimmed.type))
        timestamps = pc.coalesce(timestamps, _parse_format(name, unread))
    return timestamps


def _parse_format(name: str, texts: pa.Array) -> pa.Array:
    if name in _ISO_SHAPES:
        texts = pc.if_else(pc.match_substring_regex(texts, _ISO_SHAPES[name]), texts, pa.scalar(None, texts.type))
    if "%b" in name:
        texts = pc.if_else(pc.match_substring_regex(texts, _MONTH_NAME), texts, pa.scalar(None, texts.type))
        texts = pc.replace_substring_regex(texts, _MONTH_START, r"\1")
    strptime_format = "ISO8601" if name in _ISO_SHAPES else name
    timestamps = pd.to_datetime(
        texts.to_pandas(), format=strptime_format, errors="coerce", utc=name == ISO_ZONED
    ).dt.as_unit("us")
    array = pa.Array.from_pandas(timestamps, type=_type(name))
    return pc.if_else(_in_calendar(array), array, pa.scalar(None, array.type))


def _in_calendar(timestamps: pa.Array) -> pa.BooleanArray:
    """Return a mask of the timestamps in the years 1 to 9999, in UTC where there is a time zone."""
    ticks = timestamps.cast(pa.int64())
    return pc.and_(pc.greater_equal(ticks, _FIRST_TICK), pc.less_equal(ticks, _LAST_TICK))


def _type(name: str) -> pa.DataType:
    return pa.timestamp("us", tz="UTC" if name == ISO_ZONED else None)
