"""The drift of a table that a recipe was repeated on: what moved in each column, and which steps no longer hold."""

from collections.abc import Iterator, Mapping

from shared.contracts.column_names import match_names
from worker_service.core.drift.baseline import ColumnBaseline
from worker_service.core.drift.drift import Aspect, ColumnDrift, Verdict, compare_column
from worker_service.core.humanize import count, list_names, plural_verb, quoted
from worker_service.core.recipe.apply import Outcome
from worker_service.core.recipe.contract import require_contract
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.steps import AnyStep
from worker_service.core.table.frame import Frame
from worker_service.core.value import Value

_LEVELS: frozenset[Aspect] = frozenset({"levels", "distribution"})
_NUMBERS: frozenset[Aspect] = frozenset({"distribution"})
_DEPENDS_ON: Mapping[str, frozenset[Aspect]] = {
    "read_column": frozenset({"unfit"}),
    "merge_levels": frozenset({"levels"}),
    "repair_by_dependency": frozenset({"levels"}),
    "one_hot": frozenset({"levels"}),
    "multi_hot": frozenset({"levels"}),
    "label_encode": frozenset({"levels"}),
    "frequency_encode": _LEVELS,
    "text_components": _LEVELS,
    "fill_missing": _LEVELS | {"missing"},
    "fill_by_group": _LEVELS | {"missing"},
    "fill_by_level": _LEVELS | {"missing"},
    "fill_by_model": _LEVELS | {"missing"},
    "treat_outliers": _NUMBERS,
    "power_transform": _NUMBERS,
    "rescale": _NUMBERS,
    "scale": _NUMBERS,
    "bin": _NUMBERS,
}
"""The kinds of steps that hold numbers or levels of the recipe's own table, and what must not have moved for them."""
_OF_CONSTANTS: frozenset[Aspect] = frozenset({"distribution", "levels", "missing"})


class StepDrift(Value):
    """A step of the recipe that no longer holds."""

    step: int
    """Its place in the recipe, from 1."""
    kind: str
    columns: tuple[str, ...]
    """The columns it reads that have moved."""
    why: str
    """A sentence."""


class Drift(Value):
    """How a table differs from the one that its recipe was made from."""

    verdict: Verdict
    summary: str
    """A sentence or two."""
    rows: tuple[int, int]
    """The number of rows, before and now."""
    columns: tuple[ColumnDrift, ...]
    """The columns of the recipe, in its order."""
    new_columns: tuple[str, ...]
    """Columns that the recipe does not know; they were left out."""
    missing_columns: tuple[str, ...]
    """Columns that the recipe knows and did not need."""
    steps: tuple[StepDrift, ...]
    """The steps that no longer hold."""


def report_drift(recipe: Recipe, decoded: Frame, outcome: Outcome) -> Drift:
    """Return the drift of a table.

    Args:
        recipe: a settled recipe.
        decoded: the decoded table.
        outcome: what the recipe made of it.

    Raises:
        ContractBroken: the recipe is not settled.
    """
    contract = require_contract(recipe)
    unfit = outcome.unfit_counts()
    baselines = {expected.name: expected.baseline for expected in contract.input if expected.baseline is not None}
    columns = tuple(
        compare_column(name, before, outcome.typed[name], unfit=unfit.get(name, 0))
        for name, before in baselines.items()
        if name in outcome.typed
    )
    matches = match_names([expected.name for expected in contract.input], decoded.names)
    new = tuple(name for name in decoded.names if name not in matches.values())
    steps = tuple(_steps_that_fail(recipe, {column.column: column for column in columns}, baselines))
    verdicts = {column.verdict for column in columns}
    verdict: Verdict = "broken" if "broken" in verdicts else "moved" if "moved" in verdicts else "stable"
    return Drift(
        verdict=verdict,
        summary=_summary(columns, new, steps),
        rows=(max((before.rows for before in baselines.values()), default=0), decoded.rows),
        columns=columns,
        new_columns=new,
        missing_columns=tuple(name for name, match in matches.items() if match is None),
        steps=steps,
    )


def _steps_that_fail(
    recipe: Recipe, columns: Mapping[str, ColumnDrift], baselines: Mapping[str, ColumnBaseline]
) -> Iterator[StepDrift]:
    for position, step in enumerate(recipe.steps, start=1):
        if not step.is_active:
            continue
        sensitive = _aspects(step, baselines)
        moved = [columns[name] for name in step.columns if name in columns and sensitive & set(columns[name].aspects)]
        if moved:
            reasons = dict.fromkeys(
                f"{quoted(column.column)}: {finding}"
                for column in moved
                for aspect, finding in zip(column.aspects, column.findings, strict=True)
                if aspect in sensitive
            )
            yield StepDrift(
                step=position,
                kind=step.kind,
                columns=tuple(column.column for column in moved),
                why=" ".join(list(reasons)[:2]),
            )


def _aspects(step: AnyStep, baselines: Mapping[str, ColumnBaseline]) -> frozenset[Aspect]:
    """Return what must not have moved for a step to hold."""
    if step.kind == "drop_column":
        before = baselines.get(step.column)
        return _OF_CONSTANTS if before is not None and _is_constant(before) else frozenset()
    return _DEPENDS_ON.get(step.kind, frozenset())


def _is_constant(before: ColumnBaseline) -> bool:
    return (before.levels is not None and len(before.levels) < 2) or before.minimum == before.maximum


def _summary(columns: tuple[ColumnDrift, ...], new: tuple[str, ...], steps: tuple[StepDrift, ...]) -> str:
    moved = [column.column for column in columns if column.verdict != "stable"]
    parts = [f"{count(len(moved), 'column')} of {len(columns):,} moved: {list_names(moved)}."] if moved else []
    if steps:
        parts.append(f"{count(len(steps), 'step')} no longer {plural_verb(len(steps), 'holds', 'hold')}.")
    if new:
        verb = plural_verb(len(new), "was", "were")
        parts.append(f"{count(len(new), 'new column')} {verb} left out: {list_names(new)}.")
    return " ".join(parts) or f"None of {count(len(columns), 'column')} moved."
