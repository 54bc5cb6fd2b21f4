"""Token mode: callers prove who they are, and reach what is theirs."""

from collections.abc import Sequence
from dataclasses import replace

from shared.db.api_keys import TOUCH_EVERY, ApiKeys
from shared.db.audit import AuditTrail
from shared.db.dataset_ids import parse_dataset_id, unknown_dataset
from shared.db.members import Members, unknown_collaboration
from shared.db.session import Database
from shared.errors import NotFound, PermissionDenied, ServiceError, Unauthenticated, Unavailable
from shared.identity.access_control import AuditEvent, Decision, Target
from shared.identity.api_keys import PREFIX, is_same_key, parse_key_id
from shared.identity.caller import Caller, is_at_least
from shared.identity.permissions import PERMISSIONS, Permission
from shared.identity.tokens import SERVICE_TYPE, ServiceTokens, UserTokens, unverified_header
from shared.logs import get_logger

_log = get_logger("identity")


class TokenAccess:
    """The access control by tokens and API keys."""

    def __init__(
        self, database: Database, *, users: UserTokens | None, services: ServiceTokens, has_claims: bool
    ) -> None:
        """Set what credentials are checked with.

        Args:
            database: where keys, members and the audit trail are.
            users: the check of users' tokens; None if there are only API keys.
            services: the check of the service's own tokens.
            has_claims: True if tokens name the collaborations of a user.
        """
        self._keys = ApiKeys(database)
        self._members = Members(database)
        self._trail = AuditTrail(database)
        self._users = users
        self._services = services
        self._has_claims = has_claims

    async def decide(self, method: str, credentials: Sequence[str], target: Target) -> Decision:
        """Decide about a call by the table of permissions."""
        caller = await self._authenticate(_bearer(credentials))
        permission = PERMISSIONS.get(method)
        if permission is None:
            return Decision(caller=caller, refusal=PermissionDenied("Nobody may call this.", reason="NOT_DECLARED"))
        try:
            if permission.subject == "dataset":
                return await self._decide_dataset(caller, permission, target.dataset_id)
            caller.require_scope(permission.scope)
            if permission.subject == "collaboration":
                if method.endswith("/RemoveMember") and target.member == caller.user_id:
                    permission = replace(permission, role="viewer")  # everybody may leave
                await self._require_role(caller, permission, target.collaboration_id)
        except (NotFound, PermissionDenied) as error:
            return Decision(caller=caller, refusal=error, is_audited=permission.is_audited)
        return Decision(caller=caller, is_audited=permission.is_audited)

    def is_service(self, credential: str) -> bool:
        """Return True if a credential is that of a process of the service."""
        try:
            return self._services.verify(credential).kind == "service"
        except Unauthenticated:
            return False

    async def record(self, event: AuditEvent) -> None:
        """Record a call; an outage of the database leaves a log line instead."""
        try:
            await self._trail.add(event)
        except Unavailable:
            _log.error("audit event not stored", action=event.action, outcome=event.outcome, caller=event.caller_id)

    async def _authenticate(self, credential: str) -> Caller:
        if credential.startswith(PREFIX):
            return await self._authenticate_key(credential)
        if unverified_header(credential).get("typ") == SERVICE_TYPE:
            return self._services.verify(credential)
        if self._users is None:
            raise Unauthenticated("Tokens are not accepted here, only API keys.", reason="TOKEN_INVALID")
        return await self._users.verify(credential)

    async def _authenticate_key(self, credential: str) -> Caller:
        key_id = parse_key_id(credential)
        match = None if key_id is None else await self._keys.find(key_id)
        if match is None or not is_same_key(credential, match[0].secret_hash) or not match[0].is_valid(match[1]):
            raise Unauthenticated("The API key is unknown, expired or revoked.", reason="API_KEY_INVALID")
        key, now = match
        if key.last_used_at is None or now - key.last_used_at > TOUCH_EVERY:
            await self._keys.touch(key.key_id)
        return key.caller(has_claims=self._has_claims)

    async def _decide_dataset(self, caller: Caller, permission: Permission, dataset_id: str) -> Decision:
        """Decide about a call that names a dataset: one that is not the caller's looks as if it did not exist.

        Raises:
            NotFound: no dataset has this id.
        """
        parsed = parse_dataset_id(dataset_id)
        access = await self._members.find_access(caller, parsed)
        if access is None:
            raise unknown_dataset(str(parsed))
        refusal: ServiceError | None = None
        try:
            if access.role is None:
                raise unknown_dataset(str(parsed))
            caller.require_scope(permission.scope)
            if not is_at_least(access.role, permission.role):
                raise _role_too_low(permission, access.role)
        except (NotFound, PermissionDenied) as error:
            refusal = error
        return Decision(
            caller=caller,
            refusal=refusal,
            owner_id=access.owner_id,
            collaboration_id=access.collaboration_id or "",
            is_audited=permission.is_audited or refusal is not None,
        )

    async def _require_role(self, caller: Caller, permission: Permission, collaboration_id: str) -> None:
        """Return if the caller has the role in a collaboration; another's looks as if it did not exist.

        Raises:
            NotFound: the caller has no role in it.
            PermissionDenied: the role is too low.
        """
        # PostgreSQL accepts no zero byte in text, and nobody begins a collaboration of such a name.
        role = await self._members.find_role(caller, collaboration_id) if collaboration_id.isprintable() else None
        if role is None:
            raise unknown_collaboration(collaboration_id)
        if not is_at_least(role, permission.role):
            raise _role_too_low(permission, role)


def _bearer(credentials: Sequence[str]) -> str:
    """Return the token of the one `authorization` header.

    Raises:
        Unauthenticated: there is none, or more than one.
    """
    if not credentials:
        raise Unauthenticated(
            "Send `Authorization: Bearer …` with a token or an API key.", reason="CREDENTIALS_MISSING"
        )
    scheme, _, credential = credentials[0].partition(" ")
    if len(credentials) > 1 or scheme.lower() != "bearer" or not credential.strip():
        raise Unauthenticated("The Authorization header must be one `Bearer …`.", reason="CREDENTIALS_MISSING")
    return credential.strip()


def _role_too_low(permission: Permission, role: str) -> PermissionDenied:
    return PermissionDenied(
        f"This needs the role {permission.role}; yours is {role}.",
        reason="ROLE_TOO_LOW",
        metadata={"role": role, "needed": permission.role},
    )
