"""Headers that keep a browser from making more of an answer than it is."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
_NOTHING = "default-src 'none'; frame-ancestors 'none'"
"""For answers that are no pages: nothing in them is to be run or loaded."""
_STATIC = "/static-offline-docs"
"""Where the scripts of the pages of FastAPI are, which may be cached."""
_PAGES = {
    "/docs": "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "/redoc": "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; worker-src blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}
"""For the pages of FastAPI, which begin with a script in the page."""
_APP = "/app/"
_APP_POLICY = (
    "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""For the page for people: nothing from elsewhere, and no text that becomes markup."""


class SecurityHeaders:
    """Middleware that adds the headers to every answer that has not its own."""

    def __init__(self, app: ASGIApp, *, is_cross_origin: bool, has_tls: bool) -> None:
        """Set what the deployment is like.

        Args:
            app: the application.
            is_cross_origin: True if front-ends on other origins may read answers.
            has_tls: True if browsers shall not come back without TLS.
        """
        self._app = app
        self._headers = dict(_HEADERS)
        if is_cross_origin:
            self._headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        if has_tls:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                path = scope["path"]
                if path.startswith(_APP):
                    headers.setdefault("Cache-Control", "no-cache")
                    headers.setdefault("Content-Security-Policy", _APP_POLICY)
                if not path.startswith(_STATIC):
                    headers.setdefault("Cache-Control", "no-store")
                headers.setdefault("Content-Security-Policy", _PAGES.get(path, _NOTHING))
            await send(message)

        await self._app(scope, receive, send_with_headers)
