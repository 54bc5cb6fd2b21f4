"""The decision about a call: who calls, and whether the caller may."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.errors import ServiceError
from shared.identity.caller import OPEN_CALLER, Caller

OK = "ok"


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a request names."""

    dataset_id: str = ""
    collaboration_id: str = ""
    member: str = ""
    """The member that is added, changed or removed, and its role."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What was decided about a call."""

    caller: Caller
    refusal: ServiceError | None = None
    """The answer to a call that may not go on."""
    owner_id: str = ""
    """The owner of the dataset that the request names; empty if there is none."""
    collaboration_id: str = ""
    """The collaboration of that dataset; empty if there is none."""
    is_audited: bool = False


@dataclass(frozen=True, kw_only=True)
class AuditEvent:
    """A call that changed something, took a table away, or was refused."""

    action: str
    """The rpc, such as DeleteDataset."""
    outcome: str
    """`ok`, or the reason of the refusal or failure."""
    caller_kind: str
    caller_id: str
    key_id: str
    address: str
    request_id: str
    owner_id: str
    """The owner of what the call was about."""
    dataset_id: str
    collaboration_id: str
    member: str
    """The member of the collaboration that the call was about, and its new role; empty for none."""


class AccessControl(Protocol):
    """Decides about calls, and records those that matter."""

    async def decide(self, method: str, credentials: Sequence[str], target: Target) -> Decision:
        """Decide about a call.

        Args:
            method: the full name of the rpc.
            credentials: the values of its `authorization` headers.
            target: what its request names.

        Raises:
            Unauthenticated: the caller does not prove who it is.
            Unavailable: what has to be looked up does not answer.
        """

    def is_service(self, credential: str) -> bool:
        """Return True if a credential is that of a process of the service."""

    async def record(self, event: AuditEvent) -> None:
        """Record a call in the audit trail."""


class OpenAccess:
    """Open mode: everybody may do everything."""

    async def decide(self, method: str, credentials: Sequence[str], target: Target) -> Decision:
        """Let the call go on."""
        return Decision(caller=OPEN_CALLER)

    def is_service(self, credential: str) -> bool:
        """Return False; nobody has a credential."""
        return False

    async def record(self, event: AuditEvent) -> None:
        """Record nothing: nobody proved who called."""
