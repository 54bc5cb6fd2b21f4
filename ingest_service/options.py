"""What an uploader says of a dataset, and how it is held against what came."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import uuid4

from ingest_service.decoding import Choices, Decoded
from ingest_service.spool import Received
from shared.db.datasets import NewRun
from shared.errors import FieldError, InvalidInput
from shared.queue import DEEP_QUEUE, FAST_QUEUE


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the uploader chose, checked and with defaults filled in."""

    user_id: str
    collaboration_id: str | None
    mode: str
    outlier_method: str
    outlier_strategy: str
    target: str | None
    reading: Choices = field(default_factory=Choices)
    types: Mapping[str, str] = field(default_factory=dict)
    """What columns are, where the uploader said so."""
    webhook_url: str | None = None
    """Who is told when the preparation has ended."""

    def check_columns(self, table: Decoded) -> None:
        """Make sure that the table has the columns that were named.

        Raises:
            InvalidInput: it has not.
        """
        if self.target is not None and self.target not in table.columns:
            raise InvalidInput(
                f"target {_shortened(self.target)!r} is not a column of the table.",
                reason="UNKNOWN_TARGET",
                fields=[FieldError(field="target", description="must name a column of the table")],
            )
        unknown = next((name for name in self.types if name not in table.columns), None)
        if unknown is not None:
            raise InvalidInput(
                f"types names {_shortened(unknown)!r}, which is not a column of the table.",
                reason="UNKNOWN_COLUMN",
                fields=[FieldError(field="types", description="must name columns of the table")],
            )

    def of_run(self) -> dict[str, Any]:
        """What the worker is to know; nothing is said about the reading where the uploader said nothing."""
        reading = {name: value for name, value in asdict(self.reading).items() if value is not None}
        return {
            "mode": self.mode,
            "outlier_method": self.outlier_method,
            "outlier_strategy": self.outlier_strategy,
            "target": self.target,
            **({"reading": reading} if reading else {}),
            **({"types": dict(self.types)} if self.types else {}),
        }

    def new_run(self) -> NewRun:
        """The run that the options ask for."""
        queue = DEEP_QUEUE if self.mode == "deep" else FAST_QUEUE
        return NewRun(id=uuid4(), queue=queue, options=self.of_run(), webhook_url=self.webhook_url)


@dataclass(frozen=True, kw_only=True)
class Commit:
    """What an upload claims about itself when it ends."""

    size_bytes: int
    sha256: str
    options: Options

    def check(self, received: Received) -> None:
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
