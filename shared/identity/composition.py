"""Composition of the access control of a service from its settings."""

from shared.db.session import Database
from shared.identity.access_control import AccessControl, OpenAccess
from shared.identity.key_sets import KeySet, KeySource, SecretKey
from shared.identity.token_access import TokenAccess
from shared.identity.tokens import ServiceTokens, TokenPolicy, UserTokens
from shared.settings.parts import TokenSettings


def build_access_control(settings: TokenSettings, database: Database) -> AccessControl:
    """Return the access control that the settings ask for."""
    if settings.service_key is None:
        return OpenAccess()
    return TokenAccess(
        database,
        users=_user_tokens(settings),
        services=ServiceTokens(settings.service_key),
        has_claims=settings.jwt_collaborations_claim is not None,
    )


def _user_tokens(settings: TokenSettings) -> UserTokens | None:
    keys: KeySource
    if settings.jwt_secret is not None:
        keys = SecretKey(settings.jwt_secret.get_secret_value())
    elif settings.jwt_jwks is not None:
        keys = KeySet(settings.jwt_jwks, algorithm=settings.jwt_algorithm)
    else:
        return None
    policy = TokenPolicy(
        algorithm=settings.jwt_algorithm,
        issuer=settings.jwt_issuer or "",
        audience=settings.jwt_audience or "",
        leeway_seconds=settings.jwt_leeway_seconds,
        collaborations_claim=settings.jwt_collaborations_claim,
    )
    return UserTokens(policy, keys)
