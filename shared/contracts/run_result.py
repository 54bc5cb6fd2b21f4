"""The result of a run as it is published, beside the artifacts in the object store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.vocabulary import Phase, StepState


@dataclass(frozen=True)
class StepResult:
    """The outcome of one step; the log tables store the fields that they have columns for."""

    step: int
    """Its place in the recipe, from 1."""
    kind: str
    phase: Phase
    columns: tuple[str, ...]
    """The columns it reads."""
    outputs: tuple[str, ...]
    """The columns it makes, beside those it changes."""
    state: StepState
    what: str
    """A sentence for people about what was done; empty where nothing was."""
    why: str
    """Sentences for people about what was done and why, or why not."""
    rule: str
    """The rule or model that proposed it."""
    confidence: float
    """How sure the proposer was, 0 to 1."""
    cells_changed: int
    rows_removed: int
    parameters: Mapping[str, Any]
    """The step's own parameters, ready for JSON."""
    outliers: int
    """Values outside the fences; 0 for other steps."""
    outlier_share: float
    """Their share of the known values, 0 to 1."""

    @property
    def column(self) -> str | None:
        """The column the step is about; None for the whole table."""
        return self.columns[0] if self.columns else None


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """The result of a preparation; every value is one that JSON and PostgreSQL can hold."""

    summary: Mapping[str, Any]
    """The sizes of the tables, how many cells changed, and what part a language model had."""
    features: Mapping[str, Any]
    """Input and output features, and the target."""
    logs: Mapping[Phase, Sequence[Mapping[str, Any]]]
    """The rows of each log table, with every field of a `StepResult` and its parameters."""
    graphs: Sequence[Mapping[str, Any]]
    """The charts there are, without their data."""
    report: Mapping[str, Any] | None
    """The written report of deep mode."""
    ai_used: bool = False
    """True if a language model answered; if not, what was charged is given back."""
