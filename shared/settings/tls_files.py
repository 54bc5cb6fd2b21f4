"""The files of TLS between processes."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class TlsFiles:
    """The files in PEM form by which a process proves who it is, and by which it checks its peers."""

    certificate: Path | None
    key: Path | None
    ca: Path | None
    """The authority that peers' certificates come from; a server with one demands a certificate of its clients."""
