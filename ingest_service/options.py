"""Options of an upload, and their check against the decoded table."""

from dataclasses import dataclass
from uuid import uuid4

from shared.contracts.run_options import RunOptions
from shared.contracts.vocabulary import DEFAULT_OUTLIER_STRATEGY, DEFAULT_PRIVACY, OutlierStrategy, PrivacyMethod
from shared.db.datasets import NewRun
from shared.queue import queue_of


@dataclass(frozen=True, kw_only=True)
class OptionDefaults:
    """What holds for uploads that leave it open."""

    outlier_strategy: OutlierStrategy = DEFAULT_OUTLIER_STRATEGY
    privacy: PrivacyMethod = DEFAULT_PRIVACY


@dataclass(frozen=True, kw_only=True)
class UploadOptions:
    """The options of an upload, checked and with defaults filled in."""

    user_id: str
    collaboration_id: str | None
    run: RunOptions
    recipe_content: bytes | None = None
    """A recipe that was sent, as JSON; its hash is in `run`."""
    webhook_url: str | None = None
    """The address that is notified when the preparation has ended."""

    @property
    def queue(self) -> str:
        """The queue that a run with these options waits in."""
        return queue_of(self.run.mode)

    def new_run(self) -> NewRun:
        """Return a new run with these options."""
        return NewRun(id=uuid4(), queue=self.queue, options=self.run, webhook_url=self.webhook_url)
