"""The metadata by which callers prove who they are."""

from shared.identity.tokens import ServiceTokens

AUTHORIZATION_KEY = "authorization"
PROCESS_KEY = "x-process-authorization"
"""The service token of the process that passes a call on."""
ADDRESS_KEY = "x-client-address"
"""The address of the client that a process passes a call on for; believed only beside a valid service token."""


def process_metadata(tokens: ServiceTokens | None, process: str) -> tuple[tuple[str, str], ...]:
    """Return the metadata of a call that a process makes for itself; none in open mode."""
    return () if tokens is None else ((AUTHORIZATION_KEY, f"Bearer {tokens.sign(process)}"),)
