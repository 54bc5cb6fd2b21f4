"""What the gateway passes on of a request: the caller's credential, which the services verify, and its address."""

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import Unauthenticated
from shared.identity.tokens import MAX_CHARACTERS, ServiceTokens
from shared.rpc.credentials import ADDRESS_KEY, AUTHORIZATION_KEY, PROCESS_KEY


@dataclass(frozen=True, kw_only=True)
class Forwarded:
    """The part of a request that is about its caller."""

    authorizations: Sequence[str] = ()
    address: str = ""
    tokens: ServiceTokens | None = None
    """What proves to the services that the address comes from the gateway; None in open mode."""
    standing: dict[str, str] = field(default_factory=dict)
    """How far the caller is from its limits, as headers of the answer."""

    def keep_standing(self, metadata: Iterable[tuple[str, str | bytes]] | None) -> None:
        """Keep what a service says of the caller's limits."""
        for name, value in metadata or ():
            if name.startswith("ratelimit-") and isinstance(value, str):
                self.standing[name] = value

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Return it as the metadata of a call.

        Raises:
            Unauthenticated: the credential can't be one.
        """
        for value in self.authorizations:
            if not value.isascii() or not value.isprintable() or len(value) > MAX_CHARACTERS:
                raise Unauthenticated("The Authorization header must be one `Bearer …`.", reason="CREDENTIALS_MISSING")
        credentials = [(AUTHORIZATION_KEY, value) for value in self.authorizations[:2]]
        if self.tokens is None:
            return tuple(credentials)
        return (*credentials, (PROCESS_KEY, self.tokens.sign("gateway")), (ADDRESS_KEY, self.address))


_NOTHING = Forwarded()
_current: ContextVar[Forwarded] = ContextVar("forwarded", default=_NOTHING)


def current_forwarded() -> Forwarded:
    """Return what is passed on of the request being answered."""
    return _current.get()


class ForwardCaller:
    """Middleware that keeps the caller of each request at hand for the calls that answer it."""

    def __init__(self, app: ASGIApp, *, tokens: ServiceTokens | None) -> None:
        self._app = app
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        authorizations = Headers(scope=scope).getlist("authorization")
        address = client[0] if client else ""
        forwarded = Forwarded(authorizations=authorizations, address=address, tokens=self._tokens)
        _current.set(forwarded)

        async def send_with_standing(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(forwarded.standing)
            await send(message)

        await self._app(scope, receive, send_with_standing)
