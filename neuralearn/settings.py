"""What the environment says about where the service is and who calls."""

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from neuralearn.errors import NeuraLearnError

DEFAULT_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class ClientSettings:
    """Where the service is, and the credential of the caller."""

    base_url: str
    token: str = field(repr=False)
    """A token or an API key; empty for none."""

    @classmethod
    def of(cls, base_url: str | None, token: str | None) -> "ClientSettings":
        """Return the settings; what is None is NEURALEARN_URL and NEURALEARN_TOKEN, or its default.

        Raises:
            NeuraLearnError: the address or the credential can't be right; the message says why.
        """
        url = (base_url or os.environ.get("NEURALEARN_URL") or DEFAULT_URL).strip()
        credential = (os.environ.get("NEURALEARN_TOKEN", "") if token is None else token).strip()
        try:
            parts = urlsplit(url)
            is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query
        except ValueError:
            is_address = False
        if not is_address:
            raise NeuraLearnError(f"{url} is no address of a gateway; it is like {DEFAULT_URL}.")
        if not (credential.isascii() and credential.isprintable()):
            raise NeuraLearnError("The token holds characters that no token or API key has.")
        return cls(url.rstrip("/"), credential)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every request."""
        return {"authorization": f"Bearer {self.token}"} if self.token else {}
