"""The caller of an rpc."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from shared.contracts.vocabulary import DEFAULT_USER, CallerKind, Role, Scope
from shared.errors import PermissionDenied

ROLES: tuple[Role, ...] = get_args(Role)
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A caller and what its credential allows."""

    kind: CallerKind
    user_id: str
    """The user that the caller acts for; for a process of the service, its name."""
    scopes: frozenset[Scope]
    memberships: Mapping[str, Role] | None = None
    """The role in each collaboration by the token; None where the members are kept in the database."""
    key_id: str = ""
    """The public part of the API key, if there is one."""

    @property
    def is_unrestricted(self) -> bool:
        """True in open mode, where nobody proves who calls."""
        return self.kind == "open"

    def require_scope(self, scope: Scope) -> None:
        """Return if the credential may be used for this.

        Raises:
            PermissionDenied: with reason SCOPE_MISSING.
        """
        if scope not in self.scopes:
            raise PermissionDenied(
                f"This needs the scope {scope}; your credential has {', '.join(sorted(self.scopes)) or 'none'}.",
                reason="SCOPE_MISSING",
                metadata={"scope": scope},
            )

    def resolve_user(self, requested: str) -> str:
        """Return the user that a request is for, given the user_id in it.

        Raises:
            PermissionDenied: it names another user (OTHER_USER).
        """
        if self.is_unrestricted:
            return requested or DEFAULT_USER
        if requested not in ("", self.user_id):
            raise PermissionDenied("user_id is not yours; only you may act for yourself.", reason="OTHER_USER")
        return self.user_id


OPEN_CALLER = Caller(kind="open", user_id=DEFAULT_USER, scopes=frozenset(SCOPES))
"""The caller in open mode."""


def is_at_least(role: Role, least: Role) -> bool:
    """Return True if a role includes another."""
    return ROLES.index(role) >= ROLES.index(least)
