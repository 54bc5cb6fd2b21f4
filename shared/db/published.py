"""Check that the results of a dataset are published."""

from dataclasses import dataclass
from uuid import UUID

from shared.db.datasets import DatasetRecord
from shared.db.runs import RunRecord
from shared.db.versions import Versions
from shared.errors import Conflict, NotReady

RETRY_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Published:
    """The published results of a run."""

    run_id: UUID
    artifacts: str
    """The key prefix of its artifacts in the object store."""
    version: int = 0
    """The number of its logs and charts; 0 for the newest version."""


def require_published(dataset: DatasetRecord) -> Published:
    """Return the published results of the run of a dataset, also while it runs again or after that has failed.

    Raises:
        NotReady: the run has not ended.
        Conflict: the run ended without a result (RUN_FAILED, RUN_CANCELLED).
    """
    run, metadata = dataset.run, {"dataset_id": str(dataset.id), "stage": dataset.run.stage}
    if run.artifacts is not None:
        return Published(run_id=run.id, artifacts=run.artifacts)
    if run.state == "failed":
        detail = f"The dataset could not be prepared: {run.error_detail}"
        raise Conflict(detail, reason="RUN_FAILED", metadata={**metadata, "failure": run.error_reason or ""})
    if run.state == "cancelled":
        raise Conflict("The preparation of the dataset was cancelled.", reason="RUN_CANCELLED", metadata=metadata)
    metadata["progress"] = str(run.progress)
    detail = f"The dataset is not ready yet: {_describe_state(run)}."
    raise NotReady(detail, metadata=metadata, retry_after=RETRY_SECONDS)


async def find_published(dataset: DatasetRecord, versions: Versions, version: int) -> Published:
    """Return the published results of a dataset: a version, or the newest where it is 0.

    Raises:
        NotFound: there is no such version.
        NotReady, Conflict: as `require_published`.
    """
    newest = require_published(dataset)
    if not version:
        return newest
    record = await versions.get(dataset.id, version)
    if record.artifacts == newest.artifacts:
        return newest
    return Published(run_id=newest.run_id, artifacts=record.artifacts, version=version)


def _describe_state(run: RunRecord) -> str:
    if run.state == "running":
        return f"a worker is {run.stage}, {run.progress} % done"
    if run.attempt:
        return f"attempt {run.attempt + 1} is due at {run.due_at:%Y-%m-%d %H:%M:%S} UTC"
    return "it waits for a worker"
