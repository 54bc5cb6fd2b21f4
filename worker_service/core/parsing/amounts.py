"""Numbers as people write them: with a unit, with local marks, with the minus of accountants."""

import re
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.humanize import count, listing, quoted
from worker_service.core.parsing.spec import NumberFormat, ReadDecimal, ReadInteger, Refused, enough
from worker_service.core.parsing.units import UNITS, is_currency, is_unit, spaced, unit_name
from worker_service.core.table.distinct import Distinct
from worker_service.core.table.frame import Mask

_SPACES = "\u00a0\u202f\u2009"
_MARKS = {",": ",", ".": r"\.", " ": f"[ {_SPACES}]", "'": "['’]"}
_MINUS = "\u2212"
_NOTATIONS = ((".", ","), (",", "."), (",", " "), (".", " "), (".", "'"), (",", "'"))
"""Decimal and thousands mark; of several that fit equally many cells the first is taken."""
_BESIDE_UNITS = rf"[\d\s.,'’()+{_MINUS}{_SPACES}-]+"
_DIGITS = rf"\d[\d.,'’\s{_SPACES}]*"
_PROMISING = re.compile(rf"[(+{_MINUS}-]*[^\W\d_]{{0,3}}\W{{0,3}}{_DIGITS}\W{{0,3}}[^\W\d_]{{0,12}}\S{{0,4}}")


@dataclass(frozen=True)
class _Units:
    """The units of a column's amounts: each spelling, and how many cells have it."""

    cells: dict[str, int]
    bare: int

    @property
    def names(self) -> dict[str, int]:
        """The cells of each unit, whatever its spelling; the most frequent first."""
        total: dict[str, int] = {}
        for spelling, cells in self.cells.items():
            total[unit_name(spelling)] = total.get(unit_name(spelling), 0) + cells
        return dict(sorted(total.items(), key=lambda pair: -pair[1]))


def promising(cells: tuple[str, ...]) -> bool:
    """Whether half of some cells may be amounts."""
    return 2 * sum(bool(_PROMISING.fullmatch(cell)) for cell in cells) >= len(cells)


def recognise_amounts(found: Distinct, known: Mask, missing: tuple[str, ...]) -> ReadInteger | ReadDecimal | Refused:
    """The notation and the unit that most cells share; refused where they contradict each other."""
    values = found.values.filter(pa.array(known))
    counts = found.counts[known]
    units = _units(values, counts)
    ambiguity = _doubtful_units(units, int(counts.sum()))
    if ambiguity is not None:
        return ambiguity
    main = next(iter(units.names), None)
    spellings = tuple(sorted(spelling for spelling in units.cells if unit_name(spelling) == main))
    specs = [ReadDecimal(kind="decimal", decimal_mark=d, thousands_mark=t, units=spellings) for d, t in _NOTATIONS]
    return _choose(values, counts, specs, missing)


def plain_text(spec: NumberFormat, values: pa.Array, *, whole: bool) -> pa.Array:
    """Each string as Arrow reads numbers, null where it does not fit the notation."""
    text = _bare(values, spec.units)
    shaped = pc.match_substring_regex(text, _pattern(spec, whole=whole))
    text = pc.if_else(shaped, text, pa.scalar(None, text.type))
    text = pc.replace_substring_regex(text, _MARKS[spec.thousands_mark], "")
    return pc.utf8_ltrim(pc.replace_substring(text, ",", "."), "+")


def _bare(values: pa.Array, units: tuple[str, ...]) -> pa.Array:
    """The strings without their unit and with their minus in front."""
    text = _signed(_without_units(_trimmed(values), units))
    return _signed(_without_units(text, units)) if units else text


def _pattern(spec: NumberFormat, *, whole: bool) -> str:
    thousands, decimal = _MARKS[spec.thousands_mark], _MARKS[spec.decimal_mark]
    grouped = rf"[1-9]\d{{0,2}}({thousands}\d{{3}})+"
    if whole:
        return rf"^[+-]?(\d{{1,18}}|{grouped})$"
    exponent = "" if spec.units else r"([eE][+-]?\d{1,4})?"
    return rf"^[+-]?(({grouped}|\d+)({decimal}\d*)?|{decimal}\d+){exponent}$"


def _trimmed(values: pa.Array) -> pa.Array:
    return pc.utf8_trim_whitespace(pc.replace_substring(values, _MINUS, "-"))


def _signed(values: pa.Array) -> pa.Array:
    """The minus of accountants, in front: `(5)` and `5-` are -5."""
    return pc.replace_substring_regex(
        pc.replace_substring_regex(values, r"^\(([^()+-]*)\)$", r"-\1"), r"^([^+-]*[\d.,])\s*-$", r"-\1"
    )


def _without_units(values: pa.Array, units: tuple[str, ...]) -> pa.Array:
    for pattern in (_prefixes(units), _suffixes(units)):
        if pattern:
            values = pc.replace_substring_regex(values, pattern, r"\1")
    return values


def _prefixes(units: tuple[str, ...]) -> str:
    """Only currencies stand before their number: `K12` is a name."""
    words = "|".join(re.escape(unit) for unit in units if is_currency(unit))
    return rf"^([(+-]?)(?:{words})[\s{_SPACES}]*" if words else ""


def _suffixes(units: tuple[str, ...]) -> str:
    """Units that nobody knows have a space before them: `12A` is a name."""
    near = "|".join(re.escape(unit) for unit in units if not spaced(unit))
    far = "|".join(re.escape(unit) for unit in units if spaced(unit))
    gap = rf"[\s{_SPACES}]"
    both = "|".join(part for part in (f"{gap}*(?:{near})" if near else "", f"{gap}+(?:{far})" if far else "") if part)
    return rf"(?:{both})([)-]?)$" if both else ""


def _units(values: pa.Array, counts: npt.NDArray[np.int64]) -> _Units:
    numeric = pc.match_substring_regex(values, r"\d")
    around = pc.replace_substring_regex(values.filter(numeric), _BESIDE_UNITS, "").dictionary_encode()
    weights = counts[np.asarray(numeric.to_numpy(zero_copy_only=False))]
    cells = np.bincount(around.indices.to_numpy(), weights, minlength=len(around.dictionary)).astype(np.int64)
    found = dict(zip(around.dictionary.to_pylist(), cells.tolist(), strict=True))
    return _Units({unit: size for unit, size in found.items() if is_unit(unit)}, found.get("", 0))


def _doubtful_units(units: _Units, total: int) -> Refused | None:
    known = {name: cells for name, cells in units.names.items() if name in UNITS or is_currency(name)}
    if not enough(sum(known.values()) + units.bare, total):
        return None
    if len(known) > 1:
        told = listing(f"{quoted(name)} ({count(cells, 'cell')})" for name, cells in known.items())
        return Refused(f"the amounts are in different units, {told}", doubtful=True)
    mixed = [name for name in known if units.bare and not is_currency(name)]
    if mixed:
        told = f"{count(units.bare, 'number has', 'numbers have')} no unit and the others have {quoted(mixed[0])}"
        return Refused(told, doubtful=True)
    return None


def _choose(
    values: pa.Array, counts: npt.NDArray[np.int64], specs: list[ReadDecimal], missing: tuple[str, ...]
) -> ReadInteger | ReadDecimal | Refused:
    total = int(counts.sum())
    text = _bare(values, specs[0].units)
    masks = [_matches(text, _pattern(spec, whole=False)) for spec in specs]
    sizes = [int(counts[mask].sum()) for mask in masks]
    best = sizes.index(max(sizes))
    if not enough(sizes[best], total):
        return _contradiction(specs, masks, counts, total)
    if _coded(values.filter(pa.array(masks[best])), specs[best]):
        return Refused()
    chosen = specs[best].model_copy(update={"missing": missing})
    if bool((_matches(text, _pattern(chosen, whole=True)) | ~masks[best]).all()):
        return ReadInteger.model_validate({**chosen.model_dump(), "kind": "integer"})
    return chosen


def _matches(text: pa.Array, pattern: str) -> Mask:
    return np.asarray(pc.match_substring_regex(text, pattern).to_numpy(zero_copy_only=False))


def _contradiction(specs: list[ReadDecimal], masks: list[Mask], counts: npt.NDArray[np.int64], total: int) -> Refused:
    any_fits = reduce(np.logical_or, masks)
    if not enough(int(counts[any_fits].sum()), total):
        return Refused()
    point, comma = (int(counts[masks[place] & ~masks[1 - place]].sum()) for place in (0, 1))
    return Refused(
        f"{count(point, 'number is', 'numbers are')} written like 1,234.50 and {comma:,} like 1.234,50", doubtful=True
    )


def _coded(values: pa.Array, spec: ReadDecimal) -> bool:
    """Whether the marks divide a name rather than a number: addresses, telephone numbers, postal codes, lists."""
    if spec.units or not len(values):
        return False
    if pc.all(pc.starts_with(values, "(")).as_py():
        return True
    if spec.thousands_mark == "," or pc.any(pc.match_substring_regex(values, _MARKS[spec.decimal_mark])).as_py():
        return False
    marks = pc.count_substring_regex(values, _MARKS[spec.thousands_mark])
    fewest, most = pc.min(marks).as_py(), pc.max(marks).as_py()
    return bool(fewest == most and (most >= 2 or pc.any(pc.match_substring(values, " ")).as_py()))
