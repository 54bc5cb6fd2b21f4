"""What the person who uploaded a dataset chose."""

from dataclasses import dataclass
from typing import Literal

from worker_service.core.recipe.steps.treat_outliers import OutlierMethod, OutlierStrategy


@dataclass(frozen=True, kw_only=True)
class Options:
    """Choices that steer the proposal."""

    mode: Literal["fast", "smart", "deep"] = "fast"
    """Who proposes: heuristics alone, or with a language model's help."""
    outlier_method: OutlierMethod = "iqr"
    """How outliers are found."""
    outlier_strategy: OutlierStrategy = "cap"
    """What is done with them."""
