"""The steps of recipes as calls of the functions in `standalone`."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from worker_service.core.export.standalone.cells import NOTES
from worker_service.core.parsing.amounts import number_pattern, thousands_pattern, unit_patterns
from worker_service.core.parsing.numbers import CONVERTED_DECIMALS
from worker_service.core.parsing.spec import AnyReadAs, ReadDecimal, ReadInteger
from worker_service.core.parsing.units import unit_name
from worker_service.core.recipe.apply import execution_rank, in_order
from worker_service.core.recipe.contract import require_contract
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.steps import AnyStep, HidePersonalData, ReadColumn

_COMMON = {"kind", "phase", "why", "confidence", "rule", "skipped", "is_off", "user_set"}
FILLS = ("fill_missing", "fill_by_group", "fill_by_level", "fill_by_time", "fill_by_model")


class NotExportable(Exception):
    """A recipe can't be written in a form; the message is a sentence for people."""


class Call(NamedTuple):
    """A call of a function with a table."""

    number: int
    """The place of the step in the recipe, from 1; 0 for what no step does."""
    function: str
    arguments: Mapping[str, Any]
    why: str
    """The evidence for the step."""
    is_cleaning: bool
    """True if it makes the cleaned table, False if it changes the engineered one alone."""


def calls(recipe: Recipe) -> list[Call]:
    """Return the calls that prepare a table as a settled recipe does, in the order of execution.

    Raises:
        NotExportable: the recipe hashes personal data with the key of its owner, or was never carried out.
    """
    contract = recipe.contract
    if contract is None:
        raise NotExportable("The recipe was never carried out, so that its numbers are not known.")
    hiding = [step for step in recipe.steps if isinstance(step, HidePersonalData) and step.is_active]
    dropped = [step.column for step in hiding if step.method == "drop"]
    optional = [*dropped, *([recipe.target.column] if recipe.target.column else [])]
    arguments: dict[str, Any] = {"columns": {column.name: column.type for column in contract.input}}
    if optional:
        arguments["optional"] = optional
    if contract.unknown_columns == "freeze":
        arguments["allows_others"] = False
    require_plain_names(recipe)
    taken = Call(0, "take_columns", arguments, "", True)
    given = {column.name: (column.type, column.fill) for column in contract.engineered}
    steps = [_call(number, step, recipe) for number, step in in_order(recipe) if changes_tables(step)]
    expected = dict(_expectations(recipe))
    reads = {call.number for call in steps if call.function.startswith(("read_", "hide_"))}
    reading = [call for call in steps if call.number in reads]
    if expected:
        reading.append(Call(0, "keep_contract", {"columns": expected}, "", True))
    others = [call for call in steps if call.number not in reads]
    return [taken, *reading, *others, Call(0, "give_columns", {"columns": given}, "", False)]


def require_plain_names(recipe: Recipe) -> None:
    """Make sure that no column has a name that exports use for notes, or none.

    Raises:
        NotExportable: one has.
    """
    contract = require_contract(recipe)
    names = {column.name for columns in (contract.input, contract.cleaned, contract.engineered) for column in columns}
    wrong = sorted(name for name in names if not name or name.startswith(NOTES))
    if wrong:
        raise NotExportable(f"Exports have a use of their own for columns with names such as {wrong[0]!r}; rename it.")


def _expectations(recipe: Recipe) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what the contract expects of each column for which it does not leave the rest to the recipe."""
    for column in require_contract(recipe).input:
        if column.mode == "evolve" or column.baseline is None:
            continue
        before = column.baseline
        expected: dict[str, Any] = {"mode": column.mode}
        if not before.missing:
            expected["required"] = True
        if before.is_unique:
            expected["unique"] = True
        if before.levels is not None:
            expected["levels"] = [level.value for level in before.levels]
        if isinstance(before.minimum, float) and isinstance(before.maximum, float):
            expected |= {"minimum": before.minimum, "maximum": before.maximum}
        yield column.name, expected


def changes_tables(step: AnyStep) -> bool:
    """Return True if a step can change a table."""
    return step.is_active and step.kind != "flag" and not (step.kind == "treat_outliers" and step.strategy == "flag")


def _call(number: int, step: AnyStep, recipe: Recipe) -> Call:
    function = f"read_{step.read_as.kind}" if isinstance(step, ReadColumn) else step.kind
    if isinstance(step, HidePersonalData) and step.method == "hash":
        raise NotExportable(
            "The recipe hashes personal data with a key that never leaves the service, so no program can do the same."
        )
    arguments = {name: value for name, value in _arguments(step).items() if value is not None}
    if step.kind == "drop_duplicates" and recipe.target.column is not None:
        arguments["target"] = recipe.target.column
    return Call(number, function, arguments, step.why, execution_rank(step) < 3)


def _arguments(step: AnyStep) -> dict[str, Any]:
    """Return the arguments of the function for a step; None stands for one that it does not have."""
    arguments = {name: value for name, value in step.model_dump(mode="json").items() if name not in _COMMON}
    if step.kind in FILLS and step.phase == "features":
        arguments["phase"] = "features"
    change = _CHANGES.get(step.kind)
    return arguments if change is None else {**arguments, **change(step)}


def _pairs(keys: Iterable[Any], values: Iterable[Any]) -> dict[Any, Any]:
    return dict(zip(keys, values, strict=True))


def _formulas(step: Any) -> dict[str, Any]:
    return {
        "formulas": [formula.parts._asdict() for formula in step.formulas],
        "decimals": _pairs(step.columns, step.decimals),
        "ranges": _pairs(step.columns, step.ranges),
    }


def _model(step: Any) -> dict[str, Any]:
    levels = [encoding.levels for encoding in step.encodings]
    listed = [None if ranks is None else list(ranks) for ranks in levels]
    return {
        "predictors": _pairs(step.predictors, listed),
        "encodings": None,
        "model": None,
        "levels": list(step.levels) or None,
    }


def _amounts(step: Any) -> dict[str, Any]:
    names = sorted({unit_name(spelling) for spelling in step.read_as.units})
    spellings = {name: [text for text in step.read_as.units if unit_name(text) == name] for name in names}
    number = {name: value for name, value in _read_arguments(step.read_as).items() if value is not None}
    number = {
        **number,
        "pattern": number_pattern(step.read_as, whole=False),
        "thousands": thousands_pattern(step.read_as),
    }
    return {
        "read_as": None,
        "number": number,
        "names": {name: unit_patterns(tuple(texts)) for name, texts in spellings.items()},
    }


_CHANGES: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "read_column": lambda step: {"read_as": None, **_read_arguments(step.read_as)},
    "treat_outliers": lambda step: {"method": None, "table": None},
    "merge_levels": lambda step: {"spellings": {pair.before: pair.after for pair in step.spellings}},
    "repair_by_dependency": lambda step: {
        "repairs": {(repair.given, repair.before): repair.after for repair in step.repairs}
    },
    "repair_by_formula": _formulas,
    "fill_by_group": lambda step: {"groups": None, "medians": _pairs(step.groups, step.medians)},
    "fill_by_level": lambda step: {"groups": None, "most": None, "levels": _pairs(step.groups, step.levels)},
    "fill_by_model": _model,
    "one_hot": lambda step: {"names": None, "levels": _pairs(step.levels, step.names), "keep": step.keep or None},
    "multi_hot": lambda step: {"names": None, "levels": _pairs(step.levels, step.names), "keep": step.keep or None},
    "frequency_encode": lambda step: {"levels": None, "shares": _pairs(step.levels, step.shares)},
    "scale": lambda step: {"method": None},
    "date_parts": lambda step: {"names": None, "parts": _pairs(step.parts, step.names)},
    "text_numbers": lambda step: {"parts": list(step.parts or range(len(step.names)))},
    "split_amounts": _amounts,
}


def _read_arguments(spec: AnyReadAs) -> dict[str, Any]:
    """Return the arguments of the function that reads by a spec; None for those that are as usual."""
    arguments: dict[str, Any] = {"missing": list(spec.missing) or None, "marks": spec.marks or None}
    if isinstance(spec, ReadInteger | ReadDecimal):
        return {**arguments, **_number_arguments(spec)}
    if spec.kind == "text":
        return {"missing": arguments["missing"], "trim": spec.trim or None}
    if spec.kind == "boolean":
        return {**arguments, "true": list(spec.true), "false": list(spec.false)}
    is_iso = spec.format.startswith("ISO 8601")
    formats = [spec.format, *(["ISO 8601"] if spec.or_iso and not is_iso else []), *spec.also]
    return {**arguments, "formats": formats}


def _number_arguments(spec: ReadInteger | ReadDecimal) -> dict[str, Any]:
    is_whole = isinstance(spec, ReadInteger)
    plain = type(spec)(kind=spec.kind)
    pattern, thousands = number_pattern(spec, whole=is_whole), thousands_pattern(spec)
    arguments: dict[str, Any] = {
        "pattern": None if pattern == number_pattern(plain, whole=is_whole) else pattern,
        "thousands": None if thousands == "," else thousands,
        "units": unit_patterns(spec.units) or None,
    }
    if is_whole:
        return {**arguments, "decimal": None if spec.decimal_mark == "." else spec.decimal_mark}
    factors = [(unit, factor) for unit, factor in zip(spec.units, spec.factors, strict=False) if factor != 1]
    same = tuple(unit for unit in spec.units if unit not in dict(factors))
    conversions = [
        (unit_patterns((unit, *same)), factor, CONVERTED_DECIMALS + max(0, math.ceil(-math.log10(factor))))
        for unit, factor in factors
    ]
    return {**arguments, "conversions": conversions or None, "same": (unit_patterns(same) or None) if factors else None}
