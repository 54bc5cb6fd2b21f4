"""Proposes how numbers are brought to a common size."""

from collections.abc import Iterator, Sequence

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import number
from worker_service.core.recipe.steps import Scale

HEAVY_KURTOSIS = 50.0
"""From this excess on a few values make up the standard deviation; an exponential distribution has 6."""


def propose_scaling(columns: Sequence[ColumnProfile], made: Sequence[str]) -> Iterator[Scale]:
    """Scale every numeric feature, and those that are `made` of dates, categories and other columns."""
    for column in columns:
        if column.type in ("integer", "decimal") and column.numbers is not None:
            yield _scale(column.name, column.numbers.kurtosis)
    for name in made:
        yield _scale(name, None)


def _scale(name: str, kurtosis: float | None) -> Scale:
    heavy = kurtosis is not None and kurtosis > HEAVY_KURTOSIS
    why = "A model then weighs it by what it says and not by its unit."
    if heavy:
        why = f"Its tails are heavy (kurtosis {number(round(kurtosis or 0, 1))}), so quartiles measure it better. {why}"
    return Scale(
        kind="scale",
        column=name,
        method="robust" if heavy else "standard",
        why=why,
        confidence=0.8,
        rule="scale_heavy_tails" if heavy else "scale_standard",
    )
