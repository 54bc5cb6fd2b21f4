"""Amounts as people write them: with a unit, with local number marks, or with the minus of accounting."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.humanize import count, listing, quoted
from worker_service.core.parsing.spec import NumberFormat, ReadDecimal, ReadInteger, Refused, is_enough
from worker_service.core.parsing.units import (
    COUNT,
    COUNTING,
    LARGE_NUMBERS,
    conversion_factor,
    is_currency,
    is_known,
    is_space_required,
    is_unit,
    unit_name,
)
from worker_service.core.table.distinct import Distinct, distinct
from worker_service.core.table.frame import Column, Mask

RAREST_UNIT = 0.01
"""A unit in a smaller share of cells, among numbers without one, is taken for a typing error and not for a unit."""
FEWEST_LARGE = 0.2
"""Numbers such as 1.2k are read beside numbers without a unit if they have at least this share."""
_SPACES = "\u00a0\u202f\u2009"
_MARKS = {",": ",", ".": r"\.", " ": f"[ {_SPACES}]", "'": "['’]"}
_MINUS = "\u2212"
_MARK_PAIRS = ((".", ","), (",", "."), (",", " "), (".", " "), (".", "'"), (",", "'"))
"""Pairs of decimal mark and thousands mark; if several match equally many cells, the first is taken."""
_UNITS_AROUND = (
    rf"^[\s(+{_MINUS}-]*(?P<before>[^\d\s(+{_MINUS}.,-][^\d\s(+{_MINUS}-]{{0,3}})?[^\d]*"
    rf"\d[\d.,'’\s{_SPACES}]*?[\s{_SPACES}]*(?P<behind>(?:[kcdm]?m|ft)\^?[23]|[^\d\s.,'’)+{_MINUS}-][^\d()+{_MINUS}-]*)?"
    rf"[\s).'’,+{_MINUS}-]*$"
)
"""The currency before a number and the unit behind it."""
_NOT_UNIT = rf"[\d\s.,'’()+{_MINUS}{_SPACES}-]+"
_DIGITS = rf"\d[\d.,'’\s{_SPACES}]*"
_POSSIBLE_AMOUNT = re.compile(
    rf"[(+{_MINUS}-]*[^\W\d_]{{0,3}}\W{{0,3}}{_DIGITS}\W{{0,3}}[^\W\d_]{{0,12}}(?:\W{{1,2}}[^\W\d_]{{1,4}})?\S{{0,4}}"
)


@dataclass(frozen=True)
class _UnitCounts:
    """The units of a column of amounts."""

    by_spelling: dict[str, int]
    """The number of cells with each spelling of a unit."""
    without_unit: int
    """The number of cells with a number only."""

    @property
    def by_name(self) -> dict[str, int]:
        """The number of cells with each unit in any spelling, the most frequent first."""
        total: dict[str, int] = {}
        for spelling, cells in self.by_spelling.items():
            total[unit_name(spelling)] = total.get(unit_name(spelling), 0) + cells
        return dict(sorted(total.items(), key=lambda item: -item[1]))

    def label(self, name: str) -> str:
        """Return the most frequent spelling of a unit."""
        spellings = {text: cells for text, cells in self.by_spelling.items() if unit_name(text) == name}
        return max(spellings, key=spellings.__getitem__)

    def without(self, names: Iterable[str]) -> "_UnitCounts":
        """Return the units apart from some."""
        left_out = set(names)
        kept = {text: cells for text, cells in self.by_spelling.items() if unit_name(text) not in left_out}
        return _UnitCounts(kept, self.without_unit)


def has_amounts(cells: tuple[str, ...]) -> bool:
    """Return True if at least half of the cells may be amounts."""
    return 2 * sum(bool(_POSSIBLE_AMOUNT.fullmatch(cell)) for cell in cells) >= len(cells)


def recognise_amounts(
    distinct_values: Distinct, known: Mask, missing: tuple[str, ...]
) -> ReadInteger | ReadDecimal | Refused:
    """Return the number format and the unit that most cells share; refused if the cells contradict each other.

    Args:
        distinct_values: the distinct values of a text column.
        known: a mask of the distinct values that do not stand for missing.
        missing: the exact spellings that stand for missing, which the spec takes over.
    """
    values = distinct_values.values.filter(pa.array(known))
    counts = distinct_values.counts[known]
    total = int(counts.sum())
    units = _drop_rare_units(_count_units(values, counts), total)
    conflict = _find_unit_conflict(units, total)
    if conflict is not None:
        spellings = {text: 1.0 for text in units.by_spelling if is_known(unit_name(text))}
        return replace(conflict, amounts=_best_of(_specs_with(spellings), distinct_values, known, missing))
    return _choose_format(values, counts, _specs(units), missing)


def _drop_rare_units(units: _UnitCounts, total: int) -> _UnitCounts:
    """Return the units without those of so few cells that these can count as unfit.

    A stray letter behind a number makes no unit, and a word that is no known unit makes one only in most cells.
    """
    units = units.without(name for name, cells in units.by_name.items() if not is_known(name) and 2 * cells < total)
    measures = {name: cells for name, cells in units.by_name.items() if is_known(name) and name != COUNT}
    typos = [
        name
        for name, cells in measures.items()
        if not is_currency(name) and (len(units.label(name)) == 1 or cells <= max(1, RAREST_UNIT * total))
    ]
    return units.without(typos) if is_enough(units.without_unit, total) else units


def _conversion_factors(units: _UnitCounts) -> dict[str, float] | None:
    """Return the factor of each spelling into the most frequent unit, or None if the units have none."""
    names = list(units.by_name)
    large = [name for name in names if name in LARGE_NUMBERS]
    if large and (len(names) > 1 or units.without_unit):
        others = [name for name in names if name not in COUNTING]
        large_cells = sum(units.by_name[name] for name in large)
        if len(others) > 1 or not all(map(is_currency, others)):
            return None
        # Beside 50, 60 and 70, a single 55k leaves it open whether the others are thousands, too.
        if large_cells < FEWEST_LARGE * (large_cells + units.without_unit):
            return None
        return {spelling: LARGE_NUMBERS.get(unit_name(spelling), 1.0) for spelling in units.by_spelling}
    factors = {spelling: conversion_factor(unit_name(spelling), names[0]) for spelling in units.by_spelling}
    if len(names) > 1 and units.without_unit:
        return None
    known = {spelling: factor for spelling, factor in factors.items() if factor is not None}
    return known if len(known) == len(factors) else None


def _specs(units: _UnitCounts) -> list[ReadDecimal]:
    """Return a spec for each pair of marks, with all units that have a factor, or else the most frequent one."""
    factors = _conversion_factors(units)
    if factors is None:
        main = next(iter(units.by_name))
        factors = {spelling: 1.0 for spelling in units.by_spelling if unit_name(spelling) == main}
    return _specs_with(factors)


def _specs_with(factors: Mapping[str, float]) -> list[ReadDecimal]:
    """Return a spec for each pair of marks, with the spellings of units and their factors."""
    spellings = tuple(sorted(factors))
    has_one_unit = all(factor == 1.0 for factor in factors.values())
    values = () if has_one_unit else tuple(factors[spelling] for spelling in spellings)
    return [
        ReadDecimal(kind="decimal", decimal_mark=d, thousands_mark=t, units=spellings, factors=values)
        for d, t in _MARK_PAIRS
    ]


def best_format(distinct_values: Distinct, known: Mask, missing: tuple[str, ...]) -> ReadDecimal:
    """Return the number format that most cells share, however few; with the most frequent unit, if there is one.

    The arguments are those of `recognise_amounts`.
    """
    units = _count_units(distinct_values.values.filter(pa.array(known)), distinct_values.counts[known])
    return _best_of(_specs(units), distinct_values, known, missing)


def format_of_units(
    distinct_values: Distinct, known: Mask, missing: tuple[str, ...], factors: Mapping[str, float]
) -> ReadDecimal:
    """Return the number format that most cells share with the given units, however few.

    The other arguments are those of `recognise_amounts`.
    """
    return _best_of(_specs_with(factors), distinct_values, known, missing)


def _best_of(specs: list[ReadDecimal], distinct_values: Distinct, known: Mask, missing: tuple[str, ...]) -> ReadDecimal:
    values = distinct_values.values.filter(pa.array(known))
    counts = distinct_values.counts[known]
    text = _normalise_sign_and_unit(values, specs[0].units)
    sizes = [int(counts[_matches(text, number_pattern(spec, whole=False))].sum()) for spec in specs]
    return specs[sizes.index(max(sizes))].model_copy(update={"missing": missing})


def unit_factors(column: Column, into: str) -> tuple[tuple[str, float], ...]:
    """Return each unit in a text column that can be converted into another, with its factor.

    Args:
        column: the text column.
        into: the spelling of the unit that bare numbers are in.
    """
    distinct_values = column.derive(distinct)
    units = _count_units(distinct_values.values, distinct_values.counts)
    factors = {spelling: conversion_factor(unit_name(spelling), unit_name(into)) for spelling in units.by_spelling}
    known = {spelling: factor for spelling, factor in factors.items() if factor is not None}
    return tuple(sorted({**known, into: 1.0}.items()))


def normalise_numbers(spec: NumberFormat, values: pa.Array, *, whole: bool) -> pa.Array:
    """Return each string as a number that Arrow can cast, null where it does not match the format.

    Args:
        spec: the number format.
        values: the strings.
        whole: True if only whole numbers match.
    """
    text = _normalise_sign_and_unit(values, spec.units)
    matches = pc.match_substring_regex(text, number_pattern(spec, whole=whole))
    text = pc.if_else(matches, text, pa.scalar(None, text.type))
    text = pc.replace_substring_regex(text, thousands_pattern(spec), "")
    return pc.utf8_ltrim(pc.replace_substring(text, ",", "."), "+")


def _normalise_sign_and_unit(values: pa.Array, units: tuple[str, ...]) -> pa.Array:
    """Return the strings without their unit and with their minus first."""
    text = _move_minus_first(_remove_units(_trim(values), units))
    return _move_minus_first(_remove_units(text, units)) if units else text


def number_pattern(spec: NumberFormat, *, whole: bool) -> str:
    """Return a pattern of the numbers of a format, without their units."""
    thousands, decimal = _MARKS[spec.thousands_mark], _MARKS[spec.decimal_mark]
    grouped = rf"[1-9]\d{{0,2}}({thousands}\d{{3}})+"
    if whole:
        return rf"^[+-]?(\d{{1,18}}|{grouped})$"
    exponent = "" if spec.units else r"([eE][+-]?\d{1,4})?"
    return rf"^[+-]?(({grouped}|\d+)({decimal}\d*)?|{decimal}\d+){exponent}$"


def thousands_pattern(spec: NumberFormat) -> str:
    """Return a pattern of what may stand between groups of three digits."""
    return _MARKS[spec.thousands_mark]


def _trim(values: pa.Array) -> pa.Array:
    return pc.utf8_trim_whitespace(pc.replace_substring(values, _MINUS, "-"))


def _move_minus_first(values: pa.Array) -> pa.Array:
    """Return the strings with the minus of accounting moved to the start: `(5)` and `5-` become `-5`."""
    return pc.replace_substring_regex(
        pc.replace_substring_regex(values, r"^\(([^()+-]*)\)$", r"-\1"), r"^([^+-]*[\d.,])\s*-$", r"-\1"
    )


def _remove_units(values: pa.Array, units: tuple[str, ...]) -> pa.Array:
    for pattern in unit_patterns(units):
        values = pc.replace_substring_regex(values, pattern, r"\1")
    return values


def unit_patterns(units: tuple[str, ...]) -> list[str]:
    """Return the patterns of units before and behind a number, of which the first group stays; none without units."""
    return [pattern for pattern in (_prefix_pattern(units), _suffix_pattern(units)) if pattern]


def _prefix_pattern(units: tuple[str, ...]) -> str:
    """Return a pattern of units before the number; only currencies stand there, as `K12` is a name."""
    words = "|".join(re.escape(unit) for unit in units if is_currency(unit))
    return rf"^([(+-]?)(?:{words})[\s{_SPACES}]*" if words else ""


def _suffix_pattern(units: tuple[str, ...]) -> str:
    """Return a pattern of units after the number; unknown ones need a space before them, as `12A` is a name."""
    adjacent = "|".join(re.escape(unit) for unit in units if not is_space_required(unit))
    separate = "|".join(re.escape(unit) for unit in units if is_space_required(unit))
    gap = rf"[\s{_SPACES}]"
    alternatives = [f"{gap}*(?:{adjacent})"] if adjacent else []
    alternatives += [f"{gap}+(?:{separate})"] if separate else []
    return rf"(?:{'|'.join(alternatives)})([)-]?)$" if alternatives else ""


def _count_units(values: pa.Array, counts: npt.NDArray[np.int64]) -> _UnitCounts:
    """Count the texts before and behind the numbers; only currencies stand before one."""
    numeric = pc.match_substring_regex(values, r"\d")
    amounts, weights = values.filter(numeric), counts[np.asarray(numeric.to_numpy(zero_copy_only=False))]
    parts = pc.extract_regex(amounts, _UNITS_AROUND)
    by_spelling: dict[str, int] = {}
    has_unit = np.zeros(len(amounts), dtype=np.bool_)
    for field in ("before", "behind"):
        texts = pc.utf8_trim_whitespace(pc.struct_field(parts, field)).fill_null("").dictionary_encode()
        indices = texts.indices.to_numpy()
        cells = np.bincount(indices, weights, minlength=len(texts.dictionary)).astype(np.int64)
        names = texts.dictionary.to_pylist()
        is_spelling = np.array(
            [(is_unit if field == "behind" else is_currency)(name) for name in names], dtype=np.bool_
        )
        has_unit |= is_spelling[indices] if len(names) else False
        for name, number in zip(names, cells.tolist(), strict=True):
            if (is_unit if field == "behind" else is_currency)(name):
                by_spelling[name] = by_spelling.get(name, 0) + number
    is_bare = pc.match_substring_regex(amounts, rf"^{_NOT_UNIT}$").to_numpy(zero_copy_only=False) & ~has_unit
    return _UnitCounts(by_spelling, int(weights[is_bare].sum()))


def _find_unit_conflict(units: _UnitCounts, total: int) -> Refused | None:
    known = {name: cells for name, cells in units.by_name.items() if is_known(name)}
    if not is_enough(min(total, sum(known.values()) + units.without_unit), total):
        return None
    has_factors = _conversion_factors(units) is not None
    if len(known) > 1 and not has_factors:
        listed = listing(f"{quoted(units.label(name))} ({count(cells, 'cell')})" for name, cells in known.items())
        return Refused(f"the amounts are in different units, {listed}", ambiguous=True)
    may_be_bare = COUNTING if has_factors else {COUNT}
    mixed = [name for name in known if units.without_unit and not is_currency(name) and name not in may_be_bare]
    if mixed:
        numbers = count(units.without_unit, "number has", "numbers have")
        return Refused(f"{numbers} no unit and the others have {quoted(units.label(mixed[0]))}", ambiguous=True)
    return None


def _choose_format(
    values: pa.Array, counts: npt.NDArray[np.int64], specs: list[ReadDecimal], missing: tuple[str, ...]
) -> ReadInteger | ReadDecimal | Refused:
    total = int(counts.sum())
    text = _normalise_sign_and_unit(values, specs[0].units)
    masks = [_matches(text, number_pattern(spec, whole=False)) for spec in specs]
    sizes = [int(counts[mask].sum()) for mask in masks]
    best = sizes.index(max(sizes))
    if not is_enough(sizes[best], total):
        return _refuse(specs, masks, counts, total)
    if _is_code_like(values.filter(pa.array(masks[best])), specs[best]):
        return Refused()
    chosen = specs[best].model_copy(update={"missing": missing})
    if not chosen.factors and bool((_matches(text, number_pattern(chosen, whole=True)) | ~masks[best]).all()):
        return ReadInteger.model_validate({**chosen.model_dump(), "kind": "integer"})
    return chosen


def _matches(text: pa.Array, pattern: str) -> Mask:
    return np.asarray(pc.match_substring_regex(text, pattern).to_numpy(zero_copy_only=False))


def _refuse(specs: list[ReadDecimal], masks: list[Mask], counts: npt.NDArray[np.int64], total: int) -> Refused:
    any_fits = reduce(np.logical_or, masks)
    if not is_enough(int(counts[any_fits].sum()), total):
        return Refused()
    point, comma = (int(counts[masks[index] & ~masks[1 - index]].sum()) for index in (0, 1))
    return Refused(
        f"{count(point, 'number is', 'numbers are')} written like 1,234.50 and {comma:,} like 1.234,50", ambiguous=True
    )


def _is_code_like(values: pa.Array, spec: ReadDecimal) -> bool:
    """Return True if the marks divide a code: an address, a telephone number, a postal code or a list."""
    if spec.units or not len(values):
        return False
    if pc.all(pc.starts_with(values, "(")).as_py():
        return True
    if spec.thousands_mark == "," or pc.any(pc.match_substring_regex(values, _MARKS[spec.decimal_mark])).as_py():
        return False
    marks = pc.count_substring_regex(values, _MARKS[spec.thousands_mark])
    fewest, most = pc.min(marks).as_py(), pc.max(marks).as_py()
    return bool(fewest == most and (most >= 2 or pc.any(pc.match_substring(values, " ")).as_py()))
