"""Rule for scaling numeric features."""

from collections.abc import Iterator, Sequence

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import number
from worker_service.core.recipe.steps import Scale

HEAVY_KURTOSIS = 50.0
"""Above this excess kurtosis a few values dominate the standard deviation; an exponential distribution has 6."""


def propose_scaling(columns: Sequence[ColumnProfile], derived: Sequence[str]) -> Iterator[Scale]:
    """Propose to scale every numeric feature, and the `derived` ones of dates, categories and other columns."""
    for column in columns:
        if column.type in ("integer", "decimal") and column.numbers is not None:
            yield _scale(column.name, column.numbers.kurtosis)
    for name in derived:
        yield _scale(name, None)


def _scale(name: str, kurtosis: float | None) -> Scale:
    has_heavy_tails = kurtosis is not None and kurtosis > HEAVY_KURTOSIS
    why = "A model then weighs it by what it says and not by its unit."
    if has_heavy_tails:
        why = f"Its tails are heavy (kurtosis {number(round(kurtosis or 0, 1))}), so quartiles measure it better."
    return Scale(
        kind="scale",
        column=name,
        method="robust" if has_heavy_tails else "standard",
        why=why,
        confidence=0.8,
        rule="scale_heavy_tails" if has_heavy_tails else "scale_standard",
    )
