"""What a recipe says of the columns of its tables: types, gaps, ranges, levels, and where they come from."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from shared.contracts.vocabulary import ContractMode
from worker_service.core.drift.baseline import ColumnBaseline
from worker_service.core.export.calls import changes_tables
from worker_service.core.recipe.apply import in_order
from worker_service.core.recipe.contract import require_contract
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.steps import (
    AnyStep,
    FillByLevel,
    FillMissing,
    HidePersonalData,
    MergeLevels,
    RepairByDependency,
    TreatOutliers,
)

_FILLS_ALL = ("fill_missing", "fill_by_group", "fill_by_time", "fill_by_model")
_EMPTIES = ("mask_sentinel",)
_MOVES = ("rescale", "repair_by_formula")


@dataclass(frozen=True, kw_only=True)
class ColumnExpectation:
    """What a column of a table holds."""

    name: str
    type: str
    """Its Arrow type, such as `int64`."""
    is_required: bool
    """True if every row has a value."""
    is_unique: bool = False
    """True if no two rows have the same value."""
    minimum: float | None = None
    maximum: float | None = None
    levels: tuple[str, ...] | None = None
    """All values of a column of text."""
    mode: ContractMode = "evolve"
    """What the contract of the recipe says where a table has other values."""
    sources: tuple[str, ...] = ()
    """The columns of the uploaded table that it is computed from."""
    kinds: tuple[str, ...] = ()
    """The kinds of the steps that change or make it."""


def expect_cleaned(recipe: Recipe, kept_columns: Collection[str] = ()) -> tuple[ColumnExpectation, ...]:
    """Return what the columns of the cleaned table hold, as far as the recipe tells.

    Args:
        recipe: the recipe.
        kept_columns: columns in which cells may be as they are read, whatever the steps do.

    Raises:
        ContractBroken: the recipe is not settled.
    """
    contract = require_contract(recipe)
    read = {column.name: column for column in contract.input}
    changes = _changes(recipe)
    expected = []
    for column in contract.cleaned:
        baseline = read[column.name].baseline if column.name in read else None
        steps = changes.get(column.name, ())
        described = _expect(column.name, column.type, baseline, steps)
        expected.append(
            replace(
                described,
                is_required=described.is_required and column.name not in kept_columns,
                mode=read[column.name].mode if column.name in read else "evolve",
                sources=(column.name,),
                kinds=tuple(dict.fromkeys(step.kind for step in steps)),
            )
        )
    return tuple(expected)


def expect_engineered(recipe: Recipe) -> tuple[ColumnExpectation, ...]:
    """Return what the columns of the engineered table hold; the errors are those of `expect_cleaned`."""
    contract = require_contract(recipe)
    sources, kinds = _trace(recipe)
    return tuple(
        ColumnExpectation(
            name=column.name,
            type=column.type,
            is_required=column.fill is not None,
            sources=sources.get(column.name, ()),
            kinds=kinds.get(column.name, ()),
        )
        for column in contract.engineered
    )


def _changes(recipe: Recipe) -> Mapping[str, tuple[AnyStep, ...]]:
    """Return for each column of the cleaned table the steps that change its values."""
    changes: dict[str, list[AnyStep]] = {}
    for _, step in in_order(recipe):
        if changes_tables(step) and _is_cleaning(step):
            for name in _changed_columns(step):
                changes.setdefault(name, []).append(step)
    return {name: tuple(steps) for name, steps in changes.items()}


def _is_cleaning(step: AnyStep) -> bool:
    is_engineered = isinstance(step, TreatOutliers) and step.table == "engineered"
    return step.phase != "features" and not is_engineered and step.kind != "read_column"


def _changed_columns(step: AnyStep) -> tuple[str, ...]:
    """Return the columns whose values a step changes; the others of a step only tell what they should be."""
    return step.columns if step.kind == "repair_by_formula" else step.columns[:1]


def _expect(name: str, kind: str, baseline: ColumnBaseline | None, steps: tuple[AnyStep, ...]) -> ColumnExpectation:
    if baseline is None or any(isinstance(step, HidePersonalData) for step in steps):
        return ColumnExpectation(name=name, type=kind, is_required=False)
    minimum, maximum = baseline.minimum, baseline.maximum
    has_range = isinstance(minimum, float) and isinstance(maximum, float) and not _any(steps, _MOVES)
    return ColumnExpectation(
        name=name,
        type=kind,
        is_required=not _may_be_missing(baseline, steps),
        is_unique=baseline.is_unique and baseline.known == baseline.rows > 1 and not steps,
        minimum=minimum if has_range and isinstance(minimum, float) else None,
        maximum=maximum if has_range and isinstance(maximum, float) else None,
        levels=_levels(kind, baseline, steps),
    )


def _any(steps: tuple[AnyStep, ...], kinds: tuple[str, ...]) -> bool:
    return any(step.kind in kinds for step in steps)


def _may_be_missing(baseline: ColumnBaseline, steps: tuple[AnyStep, ...]) -> bool:
    empties = _any(steps, _EMPTIES) or any(map(_empties_outliers, steps))
    return bool(baseline.unfit or ((baseline.missing or empties) and not _any(steps, _FILLS_ALL)))


def _empties_outliers(step: AnyStep) -> bool:
    return isinstance(step, TreatOutliers) and step.strategy == "null"


def _levels(kind: str, baseline: ColumnBaseline, steps: tuple[AnyStep, ...]) -> tuple[str, ...] | None:
    if kind != "string" or baseline.levels is None:
        return None
    return tuple(dict.fromkeys([*(level.value for level in baseline.levels), *_further_levels(steps)]))


def _further_levels(steps: tuple[AnyStep, ...]) -> Iterator[str]:
    for step in steps:
        if isinstance(step, FillMissing) and isinstance(step.value, str):
            yield step.value
        elif isinstance(step, FillByLevel):
            yield from (level for level in (*step.levels, step.fallback) if level is not None)
        elif isinstance(step, MergeLevels):
            yield from (spelling.after for spelling in step.spellings)
        elif isinstance(step, RepairByDependency):
            yield from (repair.after for repair in step.repairs)


def _trace(recipe: Recipe) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Return for each column its source columns, and the kinds of the steps that it went through."""
    contract = require_contract(recipe)
    sources: dict[str, tuple[str, ...]] = {column.name: (column.name,) for column in contract.input}
    kinds: dict[str, tuple[str, ...]] = dict.fromkeys(sources, ())
    for _, step in in_order(recipe):
        if not changes_tables(step) or step.kind in ("read_column", "drop_column", "drop_duplicates"):
            continue
        # A step without outputs changes its first column; the others only provide values for its missing cells.
        inputs = step.columns if step.outputs else _changed_columns(step)
        origins = tuple(dict.fromkeys(source for name in inputs for source in sources.get(name, ())))
        earlier = tuple(dict.fromkeys(kind for name in inputs for kind in kinds.get(name, ())))
        for name in step.outputs or inputs:
            sources[name], kinds[name] = (origins if step.outputs else sources.get(name, ())), (*earlier, step.kind)
    return sources, kinds
