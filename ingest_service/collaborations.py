"""Use cases of collaborations: their members, and the audit trail of what is theirs."""

from collections.abc import Sequence

from shared.contracts.vocabulary import Role
from shared.db.audit import AuditRecord, AuditTrail
from shared.db.members import Member, Members
from shared.db.paging import Page
from shared.errors import Conflict
from shared.identity.caller import Caller
from shared.logs import get_logger

_log = get_logger("ingest")


class Collaborations:
    """The use cases of members and owners."""

    def __init__(self, *, members: Members, trail: AuditTrail, has_claims: bool) -> None:
        """`has_claims` is True if tokens name the collaborations of a user, so that no members are kept here."""
        self._members = members
        self._trail = trail
        self._has_claims = has_claims

    async def list_members(self, collaboration_id: str) -> Sequence[Member]:
        """Return the members of a collaboration."""
        return await self._members.list(collaboration_id)

    async def put_member(self, collaboration_id: str, user_id: str, role: Role) -> Member:
        """Add a member, or change the role of one.

        Raises:
            NotFound: there is no such collaboration.
            Conflict: it would be left without an owner, or members are not kept here.
        """
        self._require_members()
        member = await self._members.put(collaboration_id, user_id, role)
        _log.info("member put", role=role)
        return member

    async def remove_member(self, collaboration_id: str, user_id: str) -> None:
        """Remove a member.

        Raises:
            NotFound: there is no such collaboration or member.
            Conflict: it would be left without an owner, or members are not kept here.
        """
        self._require_members()
        await self._members.remove(collaboration_id, user_id)
        _log.info("member removed")

    async def list_audit_events(
        self, caller: Caller, *, dataset_id: str, page_size: int, page_token: str
    ) -> Page[AuditRecord]:
        """Return a page of what was done with the data of a caller, newest first."""
        return await self._trail.list(caller=caller, dataset_id=dataset_id, page_size=page_size, page_token=page_token)

    def _require_members(self) -> None:
        if self._has_claims:
            raise Conflict(
                "Members are managed where the tokens are issued; their claim names the collaborations.",
                reason="MEMBERS_BY_CLAIM",
            )
