"""What the environment says about where the service is and who calls."""

import os
from dataclasses import dataclass, field

DEFAULT_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class ClientSettings:
    """Where the service is, and the credential of the caller."""

    base_url: str
    token: str = field(repr=False)
    """A token or an API key; empty for none."""

    @classmethod
    def of(cls, base_url: str | None, token: str | None) -> "ClientSettings":
        """Return the settings; what is None is NEURALEARN_URL and NEURALEARN_TOKEN, or its default."""
        url = base_url or os.environ.get("NEURALEARN_URL") or DEFAULT_URL
        credential = os.environ.get("NEURALEARN_TOKEN", "") if token is None else token
        return cls(url.rstrip("/"), credential.strip())

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every request."""
        return {"authorization": f"Bearer {self.token}"} if self.token else {}
