"""Countplots: the frequencies of the values of a categorical column."""

from shared.contracts.charts import CountplotData
from worker_service.core.table.canonical_text import render
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

MOST_LABELS = 20


def countplot(before: Column, after: Column | None) -> CountplotData:
    """Count the values of a column as read and as cleaned."""
    counts = before.derive(_counts)
    cleaned: dict[str, int] = {} if after is None else after.derive(_counts)
    labels = _labels(counts, cleaned)
    shown_before = tuple(counts.get(label, 0) for label in labels)
    shown_after = tuple(cleaned.get(label, 0) for label in labels)
    return CountplotData(
        labels=labels,
        before=shown_before,
        after=shown_after,
        other_before=sum(counts.values()) - sum(shown_before),
        other_after=sum(cleaned.values()) - sum(shown_after),
        distinct=len(counts.keys() | cleaned.keys()),
    )


def _labels(counts: dict[str, int], cleaned: dict[str, int]) -> tuple[str, ...]:
    """Return the most frequent values; values that cleaning introduced replace the rarest."""
    introduced = [label for label in cleaned if label not in counts][:MOST_LABELS]
    frequent = sorted(counts, key=lambda label: -counts[label])
    return (*frequent[: MOST_LABELS - len(introduced)], *introduced)


def _counts(column: Column) -> dict[str, int]:
    levels = column.derive(distinct)
    return dict(zip(render(levels.values).to_pylist(), levels.counts.tolist(), strict=True))
