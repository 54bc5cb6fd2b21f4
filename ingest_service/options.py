"""Options of an upload, and their check against the decoded table."""

from dataclasses import dataclass
from uuid import uuid4

from ingest_service.decoding import Decoded
from shared.contracts.run_options import RunOptions
from shared.db.datasets import NewRun
from shared.errors import FieldError, InvalidInput
from shared.queue import DEEP_QUEUE, FAST_QUEUE


@dataclass(frozen=True, kw_only=True)
class UploadOptions:
    """The options of an upload, checked and with defaults filled in."""

    user_id: str
    collaboration_id: str | None
    run: RunOptions
    webhook_url: str | None = None
    """The address that is notified when the preparation has ended."""

    def check_columns(self, table: Decoded) -> None:
        """Make sure that the table has the columns named in the options.

        Raises:
            InvalidInput: a named column is missing.
        """
        if self.run.target is not None and self.run.target not in table.columns:
            raise InvalidInput(
                f"target {_shorten(self.run.target)!r} is not a column of the table.",
                reason="UNKNOWN_TARGET",
                fields=[FieldError(field="target", detail="must name a column of the table")],
            )
        unknown = next((name for name in self.run.types if name not in table.columns), None)
        if unknown is not None:
            raise InvalidInput(
                f"types names {_shorten(unknown)!r}, which is not a column of the table.",
                reason="UNKNOWN_COLUMN",
                fields=[FieldError(field="types", detail="must name columns of the table")],
            )

    def new_run(self) -> NewRun:
        """Return a new run with these options."""
        queue = DEEP_QUEUE if self.run.mode == "deep" else FAST_QUEUE
        return NewRun(id=uuid4(), queue=queue, options=self.run, webhook_url=self.webhook_url)


def _shorten(text: str) -> str:
    return text if len(text) <= 100 else text[:99] + "…"
