"""The end of an upload: what the client says it sent, held against what was received."""

from dataclasses import dataclass

from ingest_service.options import UploadOptions
from ingest_service.spool import ReceivedFile
from shared.errors import InvalidInput


@dataclass(frozen=True, kw_only=True)
class UploadCommit:
    """The size, hash and options stated at the end of an upload."""

    size_bytes: int
    sha256: str
    options: UploadOptions

    def verify_sha256(self, received: ReceivedFile) -> None:
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
