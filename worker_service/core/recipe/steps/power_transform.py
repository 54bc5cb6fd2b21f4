"""The step that adds a more symmetric copy of a skewed column."""

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np

from shared.contracts.vocabulary import Phase
from worker_service.core.humanize import number, quoted
from worker_service.core.recipe.steps.base import (
    ColumnStep,
    Effect,
    StepRejected,
    StepStats,
    apply_step,
    describe_step,
    fit_step,
    number_column,
    require_number,
)
from worker_service.core.stats.fences import Numbers
from worker_service.core.table.frame import Column, Frame

_SAMPLE = 1_000
_POWERS = np.arange(-3, 3.1, 0.25)
"""The powers that are tried,"""
_UNIT_QUANTILES = (0.05, 0.5)
"""with these quantiles of the sizes as units, because the power changes least what is smaller than the unit."""
_LEAST_SPREAD = 1e-9


class PowerTransform(ColumnStep):
    """Add a column with the Yeo-Johnson power of a column, which is more symmetric, with mean 0 and deviation 1.

    Source:
        Yeo & Johnson (2000). A new family of power transformations to improve normality or symmetry.
    """

    kind: Literal["power_transform"]
    phase: ClassVar[Phase] = "features"
    name: str
    """The new column."""
    unit: float | None = None
    """The values are divided by it first; None until it is measured on the table that the step is applied to."""
    power: float | None = None
    center: float | None = None
    divisor: float | None = None

    @property
    def outputs(self) -> tuple[str, ...]:
        """The new column."""
        return (self.name,)


@fit_step.register
def _fit(step: PowerTransform, frame: Frame) -> PowerTransform:
    column = require_number(frame, step.column)
    if step.power is not None:
        _require_finite(step, column)
        return step
    values = np.sort(column.numbers()[column.present()])
    if not len(values) or not np.isfinite(values).all():
        raise StepRejected(f"{quoted(step.column)} holds no finite numbers.")
    # The quantiles of a large column determine its shape as well as all values.
    sample = values[np.linspace(0, len(values) - 1, min(_SAMPLE, len(values))).astype(np.intp)]
    with np.errstate(all="ignore"):
        unit, power = _most_likely(sample)
        transformed = _yeo_johnson(values / unit, power)
        center, divisor = float(transformed.mean()), float(transformed.std())
    if not np.isfinite([center, divisor]).all() or divisor <= _LEAST_SPREAD:
        raise StepRejected(f"No power makes the values of {quoted(step.column)} more symmetric.")
    step = step.model_copy(update={"unit": unit, "power": power, "center": center, "divisor": divisor})
    _require_finite(step, column)
    return step


def _require_finite(step: PowerTransform, column: Column) -> None:
    if np.isinf(_transform(step, column.numbers())).any():
        raise StepRejected(f"The values of {quoted(step.column)} are too large for a power.")


def _most_likely(values: Numbers) -> tuple[float, float]:
    """Return the unit and the power under which values are most likely to be normally distributed."""
    sizes = np.abs(values[values != 0])
    units = np.unique(np.quantile(sizes, _UNIT_QUANTILES)) if len(sizes) else np.ones(1)
    likelihoods = {
        # Another unit only moves the likelihood by a constant, which makes the units comparable.
        (float(unit), float(power)): likelihood - len(values) * np.log(unit)
        for unit in units
        for power, likelihood in zip(_POWERS, _log_likelihoods(values / unit), strict=True)
    }
    possible = [pair for pair, likelihood in likelihoods.items() if np.isfinite(likelihood)]
    return max(possible, key=lambda pair: likelihoods[pair], default=(1.0, 1.0))


def _log_likelihoods(values: Numbers) -> Iterator[float]:
    """Yield the log-likelihood of each power, as `scipy.stats.yeojohnson_llf`, which takes 20 times as long."""
    logarithms = np.log1p(np.abs(values))
    moved = float((np.sign(values) * logarithms).sum())
    is_positive = values >= 0
    for power in _POWERS:
        # 0 and 2 are the powers whose transforms are logarithms.
        exponents = np.where(is_positive, power, 2 - power)
        scaled = np.where(
            exponents == 0, logarithms, np.expm1(exponents * logarithms) / np.where(exponents == 0, 1, exponents)
        )
        variance = float(np.where(is_positive, scaled, -scaled).var())
        yield (power - 1) * moved - len(values) / 2 * float(np.log(variance)) if variance > 0 else np.inf


@apply_step.register
def _apply(step: PowerTransform, frame: Frame) -> Effect:
    values = _transform(step, require_number(frame, step.column).numbers())
    return Effect(added={step.name: number_column(values)})


def _transform(step: PowerTransform, values: Numbers) -> Numbers:
    if step.unit is None or step.power is None or step.center is None or not step.unit or not step.divisor:
        raise StepRejected(f"The power of {quoted(step.column)} is not known.")
    with np.errstate(all="ignore"):
        return np.asarray((_yeo_johnson(values / step.unit, step.power) - step.center) / step.divisor)


def _yeo_johnson(values: Numbers, power: float) -> Numbers:
    # Few processes that know recipes ever carry one out.
    from scipy import stats

    return np.asarray(stats.yeojohnson(values, lmbda=power))


@describe_step.register
def _describe(step: PowerTransform, stats: StepStats) -> str:
    power = number(round(step.power or 0.0, 2))
    return f"Added {quoted(step.name)}: {quoted(step.column)} made more symmetric by the power {power} (Yeo-Johnson)."
