"""Whether the results of a dataset can be shown, and if not, why."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.db.datasets import DatasetRecord
from shared.db.runs import RunRecord
from shared.errors import Conflict, NotReady

RETRY_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Published:
    """What a run published."""

    run_id: UUID
    artifacts: str
    """The folder of its artifacts in the object store."""
    features: dict[str, Any]


def published(dataset: DatasetRecord) -> Published:
    """The results of the dataset's run.

    Raises:
        NotReady: the run has not ended.
        Conflict: it ended without a result (RUN_FAILED, RUN_CANCELLED).
    """
    run, known = dataset.run, {"dataset_id": str(dataset.id), "stage": dataset.run.stage}
    if run.state == "failed":
        detail = f"The dataset could not be prepared: {run.error_detail}"
        raise Conflict(detail, reason="RUN_FAILED", metadata={**known, "failure": run.error_reason or ""})
    if run.state == "cancelled":
        raise Conflict("The preparation of the dataset was cancelled.", reason="RUN_CANCELLED", metadata=known)
    if run.state != "completed" or run.artifacts is None:
        known["progress"] = str(run.progress)
        raise NotReady(f"The dataset is not ready yet: {_standing(run)}.", metadata=known, retry_after=RETRY_SECONDS)
    return Published(run_id=run.id, artifacts=run.artifacts, features=run.features or {})


def _standing(run: RunRecord) -> str:
    if run.state == "running":
        return f"a worker is {run.stage}, {run.progress} % done"
    if run.attempt:
        return f"attempt {run.attempt + 1} is due at {run.due_at:%Y-%m-%d %H:%M:%S} UTC"
    return "it waits for a worker"
