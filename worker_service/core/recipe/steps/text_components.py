"""The step that describes texts by the parts of words that they share."""

from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import model_validator

from shared.contracts.vocabulary import Phase
from worker_service.core.columns.word_parts import BUCKETS, count_parts
from worker_service.core.humanize import count, quoted
from worker_service.core.recipe.steps.base import (
    ColumnStep,
    Effect,
    StepRejected,
    StepStats,
    apply_step,
    describe_step,
    fit_step,
)
from worker_service.core.table.canonical_text import render
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column, Frame

_SAMPLE, _BATCH = 500, 1_000
"""The components are those of the most frequent texts, and are computed for so many texts at a time."""
_DECIMALS = 5
_Matrix = npt.NDArray[np.float64]


class TextComponents(ColumnStep):
    """Add the principal components of the three-letter parts of words in each text, scaled as one category together.

    The parts are counted in 256 buckets by a hash, so that new texts need no vocabulary.

    Source:
        Deerwester, Dumais, Furnas, Landauer & Harshman (1990). Indexing by latent semantic analysis.
        Weinberger, Dasgupta, Langford, Smola & Attenberg (2009). Feature hashing for large scale multitask learning.
    """

    kind: Literal["text_components"]
    phase: ClassVar[Phase] = "features"
    names: tuple[str, ...]
    """The new columns, one for each component."""
    offsets: tuple[float, ...] = ()
    """What is subtracted from each component; empty until measured."""
    components: tuple[tuple[float, ...], ...] = ()
    """For each component the weights of the buckets; empty until measured."""

    @model_validator(mode="after")
    def _one_name_each(self) -> "TextComponents":
        if not self.names or len(set(self.names)) != len(self.names):
            raise ValueError("each component needs a column name of its own")
        if self.components and not len(self.components) == len(self.offsets) == len(self.names):
            raise ValueError("each name needs its component and its offset")
        if any(len(component) != BUCKETS for component in self.components):
            raise ValueError(f"each component needs {BUCKETS} weights")
        return self

    @property
    def outputs(self) -> tuple[str, ...]:
        """The new columns."""
        return self.names


@fit_step.register
def _fit(step: TextComponents, frame: Frame) -> TextComponents:
    column = _require_text(step, frame)
    if not column.known:
        raise StepRejected(f"{quoted(step.column)} does not hold text.")
    if step.components:
        return step
    levels = column.derive(distinct)
    order = levels.by_frequency()[:_SAMPLE]
    few = _parts_of_few(column)
    counted = (_count(levels.values.take(pa.array(order))) if few is None else few[order]).toarray()
    weights = levels.counts[order] / levels.counts[order].sum()
    mean = weights @ counted
    used = np.flatnonzero(mean) if np.count_nonzero(mean) >= len(step.names) else np.arange(BUCKETS)
    centered = (counted - mean)[:, used]
    variances, of_used = np.linalg.eigh((centered * weights[:, None]).T @ centered)
    directions = np.zeros((BUCKETS, len(used)))
    directions[used] = of_used
    kept = slice(-1, -len(step.names) - 1, -1)
    spread = float(np.sqrt(max(0.0, variances[kept].sum())))
    if spread <= 0:
        raise StepRejected(f"The texts of {quoted(step.column)} share no parts of words.")
    components = directions[:, kept].T / spread
    # The sign of a component is arbitrary; its largest weight is made positive.
    components *= np.sign(components[np.arange(len(components)), np.abs(components).argmax(axis=1)])[:, None]
    components = components.round(_DECIMALS) + 0.0  # no negative zeros
    update = {
        "components": tuple(tuple(component) for component in components.tolist()),
        "offsets": tuple((components @ mean).round(_DECIMALS).tolist()),
    }
    return step.model_copy(update=update)


@apply_step.register
def _apply(step: TextComponents, frame: Frame) -> Effect:
    column = _require_text(step, frame)
    levels, few = column.derive(distinct), _parts_of_few(column)
    components = np.asarray(step.components)
    by_level = np.zeros((len(levels.values) + 1, len(step.names)))
    for start in range(0, len(levels.values), _BATCH):
        parts = _count(levels.values.slice(start, _BATCH)) if few is None else few
        by_level[start : start + parts.shape[0]] = parts @ components.T - np.asarray(step.offsets)
    # A missing text lies in the middle, which is 0; its code is -1.
    values = by_level[levels.codes]
    return Effect(added={name: Column(pa.array(values[:, index])) for index, name in enumerate(step.names)})


def _parts_of_few(column: Column) -> Any:
    """Return the parts of the texts of a column if they fit into a batch, counted once; else None."""
    levels = column.derive(distinct)
    return column.derive(_count_all) if 0 < len(levels.values) <= _BATCH else None


def _count_all(column: Column) -> Any:
    return _count(column.derive(distinct).values)


def _count(texts: pa.Array) -> Any:
    return count_parts(render(texts).to_pylist())


def _require_text(step: TextComponents, frame: Frame) -> Column:
    column = frame[step.column]
    if not column.is_text:
        raise StepRejected(f"{quoted(step.column)} does not hold text.")
    return column


@describe_step.register
def _describe(step: TextComponents, stats: StepStats) -> str:
    return (
        f"Added {count(len(step.names), 'main component')} of the parts of words in {quoted(step.column)}, which are "
        "close where the texts are alike."
    )
