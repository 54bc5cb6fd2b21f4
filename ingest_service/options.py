"""Options and claims of an upload, and their verification against the received file."""

from dataclasses import dataclass
from uuid import uuid4

from ingest_service.decoding import Decoded
from ingest_service.spool import ReceivedFile
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


@dataclass(frozen=True, kw_only=True)
class UploadClaim:
    """The size, hash and options stated at the end of an upload."""

    size_bytes: int
    sha256: str
    options: UploadOptions

    def verify(self, received: ReceivedFile) -> None:
        """Make sure that the received file is complete and unaltered.

        Raises:
            InvalidInput: its size or hash differs.
        """
        if self.size_bytes != received.size_bytes or self.sha256.lower() != received.sha256:
            raise InvalidInput(
                f"The upload was cut off or altered on the way: {received.size_bytes:,} bytes came where "
                f"{self.size_bytes:,} were announced, or their SHA-256 differs.",
                reason="UPLOAD_INCOMPLETE",
                metadata={"size_bytes": str(self.size_bytes), "received_bytes": str(received.size_bytes)},
            )


def _shorten(text: str) -> str:
    return text if len(text) <= 100 else text[:99] + "…"
