"""Settling a recipe: drawing up the contract under which it can be repeated on other tables."""

from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from shared.contracts.run_options import ALL_COLUMNS, RunOptions
from shared.contracts.vocabulary import DEFAULT_CONTRACT
from worker_service.core.drift.baseline import measure_baseline
from worker_service.core.recipe.apply import Outcome
from worker_service.core.recipe.recipe import VERSION, Contract, InputColumn, OutputColumn
from worker_service.core.recipe.steps import HidePersonalData
from worker_service.core.table.frame import Column, Frame

_SAMPLE = 1_001
"""The middle of evenly spaced rows is near enough to that of all."""


def settle(outcome: Outcome, decoded: Frame, options: RunOptions | None = None) -> Outcome:
    """Return an outcome whose recipe can be repeated on other tables.

    Args:
        outcome: what a recipe made of a frame.
        decoded: that frame.
        options: what the uploader chose, with the names that the frame has.
    """
    contract = _draw_up(outcome, decoded, options or RunOptions())
    return replace(outcome, recipe=outcome.recipe.model_copy(update={"version": VERSION, "contract": contract}))


def _draw_up(outcome: Outcome, decoded: Frame, options: RunOptions) -> Contract:
    target = outcome.recipe.target.column
    default = options.contract.get(ALL_COLUMNS, DEFAULT_CONTRACT)
    hidden = {step.column for step in outcome.recipe.steps if isinstance(step, HidePersonalData) and step.is_active}
    unfit = outcome.unfit_counts()
    baselines = {
        name: measure_baseline(column, unfit=unfit.get(name, 0), is_hidden=name in hidden)
        for name, column in outcome.typed.columns.items()
    }
    return Contract(
        input=tuple(
            InputColumn(
                name=name,
                type=str(column.type),
                baseline=baselines.get(name),
                mode=options.contract.get(name, default),
            )
            for name, column in decoded.columns.items()
        ),
        unknown_columns=default,
        reading=options.reading,
        cleaned=tuple(
            OutputColumn(name=name, type=str(column.type)) for name, column in outcome.cleaned.columns.items()
        ),
        engineered=tuple(
            OutputColumn(name=name, type=str(column.type), fill=None if name == target else _fill_of(column))
            for name, column in outcome.engineered.columns.items()
        ),
        code_version=_code_version(),
    )


def _fill_of(column: Column) -> float | int | None:
    """Return a value from the middle of a column without gaps, of some of its rows; None for one that may have gaps."""
    if not column.is_number or column.missing or not len(column):
        return None
    values = column.array.to_numpy()
    if not np.isfinite(values).all():
        return None
    sample = np.sort(values[:: -(-len(column) // _SAMPLE)])
    middle: float | int = sample[len(sample) // 2].item()
    return middle


def _code_version() -> str:
    try:
        return version("neuralearn")
    except PackageNotFoundError:
        return "unknown"
