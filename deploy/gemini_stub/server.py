"""The HTTP server of the stub: answers in Gemini's format, and failures of every kind by name."""

import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from deploy.gemini_stub.rules import answer

_PATH = re.compile(r"/v1(beta)?/models/([^/:]+):generateContent")
_RETRY_INFO_TYPE = "type.googleapis.com/google.rpc.RetryInfo"
Rules = Callable[[dict[str, Any]], dict[str, Any]]
Behaviour = Callable[["_Handler", dict[str, Any]], None]


@dataclass
class _State:
    rules: Rules
    behaviour: str = "well"
    requests: list[dict[str, Any]] = field(default_factory=list)


class GeminiStub:
    """A local server with Gemini's API that runs in a thread; a context manager."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, rules: Rules = answer) -> None:
        """Prepare the server; it listens at once and answers within its context.

        Args:
            host: the address to listen on.
            port: the TCP port; 0 takes a free one.
            rules: a function from the request's JSON to the answer's.
        """
        self._state = _State(rules)
        handler = type("Handler", (_Handler,), {"state": self._state})
        self._server = ThreadingHTTPServer((host, port), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def base_url(self) -> str:
        """The address of the server, as for GEMINI_BASE_URL."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The JSON of every valid request so far, oldest first."""
        return self._state.requests

    def behave(self, behaviour: str) -> None:
        """Answer every request in this way from now on: `well`, or one of `BEHAVIOURS`.

        Raises:
            ValueError: there is no behaviour of this name.
        """
        if behaviour != "well" and behaviour not in BEHAVIOURS:
            raise ValueError(f"no such behaviour: {behaviour}")
        self._state.behaviour = behaviour

    def __enter__(self) -> "GeminiStub":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Handler of one request to the API."""

    state: _State
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length)
        match = _PATH.fullmatch(self.path.partition("?")[0])
        if match is None:
            return self.send_api_error(404, "NOT_FOUND", "No such method.")
        if not self.headers.get("x-goog-api-key"):
            return self.send_api_error(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.")
        try:
            request = json.loads(body)
        except ValueError:
            return self.send_api_error(400, "INVALID_ARGUMENT", "Invalid JSON payload received.")
        self.state.requests.append(request)
        behave = BEHAVIOURS.get(self.state.behaviour)
        if behave is None:
            return self.send_candidate(json.dumps(self.state.rules(request), ensure_ascii=False), request)
        return behave(self, request)

    def send_candidate(self, text: str, request: dict[str, Any], finish_reason: str = "STOP", **more: Any) -> None:
        """Send a successful answer with one candidate in Gemini's format."""
        content = {"parts": [{"text": text}], "role": "model"}
        prompt_tokens, answer_tokens = len(json.dumps(request)) // 4, len(text) // 4
        usage = {
            "promptTokenCount": prompt_tokens,
            "candidatesTokenCount": answer_tokens,
            "totalTokenCount": prompt_tokens + answer_tokens,
        }
        answer = {
            "candidates": [{"content": content, "finishReason": finish_reason, "index": 0}],
            "usageMetadata": usage,
        }
        self.send_value(200, {**answer, "modelVersion": "stub", **more})

    def send_api_error(self, code: int, status: str, message: str, *details: dict[str, Any]) -> None:
        """Send an error in the format of Google's APIs."""
        self.send_value(code, {"error": {"code": code, "status": status, "message": message, "details": list(details)}})

    def send_value(self, code: int, value: Any, media_type: str = "application/json") -> None:
        """Send a body: bytes as they are, any other value as JSON."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(code)
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


def _rate_limited(delay: str | None) -> Behaviour:
    details = [] if delay is None else [{"@type": _RETRY_INFO_TYPE, "retryDelay": delay}]
    return lambda handler, _: handler.send_api_error(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", *details)


def _once(failure: Behaviour) -> Behaviour:
    """Return a behaviour that fails once and answers well from then on."""

    def behave(handler: _Handler, request: dict[str, Any]) -> None:
        handler.state.behaviour = "well"
        failure(handler, request)

    return behave


def _send_text(text: str, finish_reason: str = "STOP") -> Behaviour:
    return lambda handler, request: handler.send_candidate(text, request, finish_reason)


def _send_value(value: Any, media_type: str = "application/json") -> Behaviour:
    return lambda handler, _: handler.send_value(200, value, media_type)


def _delayed(seconds: float) -> Behaviour:
    def behave(handler: _Handler, request: dict[str, Any]) -> None:
        time.sleep(seconds)
        handler.send_candidate("{}", request)

    return behave


def _send_slowly(handler: _Handler, request: dict[str, Any]) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", "1000")
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)


def _disconnect_midway(handler: _Handler, request: dict[str, Any]) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"candidates": [')
    handler.wfile.flush()
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def _reset_connection(handler: _Handler, request: dict[str, Any]) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


def _send_invalid_gzip(handler: _Handler, request: dict[str, Any]) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-encoding", "gzip")
    handler.send_header("content-length", "9")
    handler.end_headers()
    handler.wfile.write(b"no gzip!!")


def _send_extra_field(handler: _Handler, request: dict[str, Any]) -> None:
    handler.send_candidate(json.dumps({**handler.state.rules(request), "sql": "DROP TABLE datasets"}), request)


def _send_negative_tokens(handler: _Handler, request: dict[str, Any]) -> None:
    usage = {"promptTokenCount": -5, "candidatesTokenCount": -7}
    handler.send_candidate(json.dumps(handler.state.rules(request)), request, usageMetadata=usage)


def _send_deep_nesting(handler: _Handler, request: dict[str, Any]) -> None:
    handler.send_candidate('{"types":' * 10_000, request)


BEHAVIOURS: dict[str, Behaviour] = {
    "bad_key": lambda handler, _: handler.send_api_error(400, "INVALID_ARGUMENT", "API key not valid. API_KEY_INVALID"),
    "forbidden": lambda handler, _: handler.send_api_error(403, "PERMISSION_DENIED", "No."),
    "no_model": lambda handler, _: handler.send_api_error(404, "NOT_FOUND", "models/x is not found."),
    "limited_for_a_second": _once(_rate_limited("1s")),
    "limited_for_an_hour": _rate_limited("3600s"),
    "limited": _rate_limited(None),
    "broken": lambda handler, _: handler.send_api_error(500, "INTERNAL", "Oops."),
    "overloaded_once": _once(lambda handler, _: handler.send_api_error(503, "UNAVAILABLE", "Overloaded.")),
    "overloaded": lambda handler, _: handler.send_api_error(503, "UNAVAILABLE", "Overloaded."),
    "prompt_blocked": _send_value({"promptFeedback": {"blockReason": "SAFETY"}}),
    "answer_blocked": _send_text("", "SAFETY"),
    "recitation": _send_text("{}", "RECITATION"),
    "cut_off": _send_text('{"types": [{"column": "c1"', "MAX_TOKENS"),
    "no_json": _send_text("Sure! Here is what I would do:"),
    "empty": _send_text(""),
    "no_candidates": _send_value({"candidates": []}),
    "no_parts": _send_value({"candidates": [{"content": {"role": "model"}, "finishReason": "STOP"}]}),
    "wrong_types": _send_text('{"types": "all", "missing_codes": 3}'),
    "extra_fields": _send_extra_field,
    "a_list": _send_text("[1, 2, 3]"),
    "huge": _send_text(json.dumps({"types": ["x" * 1000] * 5000})),
    "a_page": _send_value(b"<html><h1>Welcome</h1></html>", "text/html"),
    "no_utf8": _send_value(b'{"candidates": "\xff\xfe"}'),
    "late": _delayed(30),
    "dripping": _send_slowly,
    "half": _disconnect_midway,
    "reset": _reset_connection,
    "no_gzip": _send_invalid_gzip,
    "negative_tokens": _send_negative_tokens,
    "deep": _send_deep_nesting,
}
"""Functions that answer badly, by name."""


def unrecoverable() -> Iterator[str]:
    """Yield the names of the behaviours that end without a usable answer."""
    yield from (name for name in BEHAVIOURS if name not in RECOVERABLE)


RECOVERABLE = frozenset({"limited_for_a_second", "overloaded_once", "negative_tokens"})
"""Names of the behaviours that still lead to an answer."""
