"""What an uploader chooses and claims, and how it is verified against the file that came."""

from dataclasses import dataclass
from uuid import uuid4

from ingest_service.decoding import Decoded
from ingest_service.spool import Received
from shared.contracts.run_options import RunOptions
from shared.db.datasets import NewRun
from shared.errors import FieldError, InvalidInput
from shared.queue import DEEP_QUEUE, FAST_QUEUE


@dataclass(frozen=True, kw_only=True)
class UploadOptions:
    """What the uploader chose, checked and with defaults filled in."""

    user_id: str
    collaboration_id: str | None
    run: RunOptions
    webhook_url: str | None = None
    """Where the end of the preparation is posted to."""

    def check_columns(self, table: Decoded) -> None:
        """Make sure that the table has the columns that were named.

        Raises:
            InvalidInput: it has not.
        """
        if self.run.target is not None and self.run.target not in table.columns:
            raise InvalidInput(
                f"target {_shortened(self.run.target)!r} is not a column of the table.",
                reason="UNKNOWN_TARGET",
                fields=[FieldError(field="target", detail="must name a column of the table")],
            )
        unknown = next((name for name in self.run.types if name not in table.columns), None)
        if unknown is not None:
            raise InvalidInput(
                f"types names {_shortened(unknown)!r}, which is not a column of the table.",
                reason="UNKNOWN_COLUMN",
                fields=[FieldError(field="types", detail="must name columns of the table")],
            )

    def new_run(self) -> NewRun:
        """Return the run that the options ask for."""
        queue = DEEP_QUEUE if self.run.mode == "deep" else FAST_QUEUE
        return NewRun(id=uuid4(), queue=queue, options=self.run, webhook_url=self.webhook_url)


@dataclass(frozen=True, kw_only=True)
class UploadClaim:
    """What an upload claims about itself when it ends."""

    size_bytes: int
    sha256: str
    options: UploadOptions

    def verify(self, received: Received) -> None:
        """Make sure that everything came, and came unaltered.

        Raises:
            InvalidInput: it did not.
        """
        if self.size_bytes != received.size_bytes or self.sha256.lower() != received.sha256:
            raise InvalidInput(
                f"The upload was cut off or altered on the way: {received.size_bytes:,} bytes came where "
                f"{self.size_bytes:,} were announced, or their SHA-256 differs.",
                reason="UPLOAD_INCOMPLETE",
                metadata={"size_bytes": str(self.size_bytes), "received_bytes": str(received.size_bytes)},
            )


def _shortened(text: str) -> str:
    return text if len(text) <= 100 else text[:99] + "…"
