"""The HTTP side of the stub: the shape of Gemini's answers, and every bad manner a server can have."""

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
_RETRY = "type.googleapis.com/google.rpc.RetryInfo"
Rules = Callable[[dict[str, Any]], dict[str, Any]]
Behaviour = Callable[["_Handler", dict[str, Any]], None]


@dataclass
class _State:
    rules: Rules
    behaviour: str = "well"
    requests: list[dict[str, Any]] = field(default_factory=list)


class GeminiStub:
    """The server in a thread; `behaviour` is `well` or one of `BEHAVIOURS`."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, rules: Rules = answer) -> None:
        """`rules` make the answer's JSON of the request's."""
        self._state = _State(rules)
        handler = type("Handler", (_Handler,), {"state": self._state})
        self._server = ThreadingHTTPServer((host, port), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def base_url(self) -> str:
        """Where it listens."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def requests(self) -> list[dict[str, Any]]:
        """What was asked, in order."""
        return self._state.requests

    def behave(self, behaviour: str) -> None:
        """Answer in this way from now on."""
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
    """One request."""

    state: _State
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length)
        match = _PATH.fullmatch(self.path.partition("?")[0])
        if match is None:
            return self.error(404, "NOT_FOUND", "No such method.")
        if not self.headers.get("x-goog-api-key"):
            return self.error(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.")
        try:
            request = json.loads(body)
        except ValueError:
            return self.error(400, "INVALID_ARGUMENT", "Invalid JSON payload received.")
        self.state.requests.append(request)
        behave = BEHAVIOURS.get(self.state.behaviour)
        if behave is None:
            return self.candidate(json.dumps(self.state.rules(request), ensure_ascii=False), request)
        return behave(self, request)

    def candidate(self, text: str, request: dict[str, Any], finish: str = "STOP", **more: Any) -> None:
        """An answer in the usual shape."""
        content = {"parts": [{"text": text}], "role": "model"}
        asked, told = len(json.dumps(request)) // 4, len(text) // 4
        usage = {"promptTokenCount": asked, "candidatesTokenCount": told, "totalTokenCount": asked + told}
        answer = {"candidates": [{"content": content, "finishReason": finish, "index": 0}], "usageMetadata": usage}
        self.send(200, {**answer, "modelVersion": "stub", **more})

    def error(self, code: int, status: str, message: str, *details: dict[str, Any]) -> None:
        """An error in Google's shape."""
        self.send(code, {"error": {"code": code, "status": status, "message": message, "details": list(details)}})

    def send(self, code: int, value: Any, kind: str = "application/json") -> None:
        """A body, JSON unless it is bytes."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(code)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def _limited(delay: str | None) -> Behaviour:
    details = [] if delay is None else [{"@type": _RETRY, "retryDelay": delay}]
    return lambda handler, _: handler.error(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", *details)


def _then_well(first: Behaviour) -> Behaviour:
    """Once in this way, then well."""

    def behave(handler: _Handler, request: dict[str, Any]) -> None:
        handler.state.behaviour = "well"
        first(handler, request)

    return behave


def _raw(text: str, finish: str = "STOP") -> Behaviour:
    return lambda handler, request: handler.candidate(text, request, finish)


def _body(value: Any, kind: str = "application/json") -> Behaviour:
    return lambda handler, _: handler.send(200, value, kind)


def _late(seconds: float) -> Behaviour:
    def behave(handler: _Handler, request: dict[str, Any]) -> None:
        time.sleep(seconds)
        handler.candidate("{}", request)

    return behave


def _drip(handler: _Handler, request: dict[str, Any]) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", "1000")
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)


def _half(handler: _Handler, request: dict[str, Any]) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"candidates": [')
    handler.wfile.flush()
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def _reset(handler: _Handler, request: dict[str, Any]) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


def _gzip(handler: _Handler, request: dict[str, Any]) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-encoding", "gzip")
    handler.send_header("content-length", "9")
    handler.end_headers()
    handler.wfile.write(b"no gzip!!")


def _extra(handler: _Handler, request: dict[str, Any]) -> None:
    handler.candidate(json.dumps({**handler.state.rules(request), "sql": "DROP TABLE datasets"}), request)


def _tokens(handler: _Handler, request: dict[str, Any]) -> None:
    usage = {"promptTokenCount": -5, "candidatesTokenCount": -7}
    handler.candidate(json.dumps(handler.state.rules(request)), request, usageMetadata=usage)


def _deep(handler: _Handler, request: dict[str, Any]) -> None:
    handler.candidate('{"types":' * 10_000, request)


BEHAVIOURS: dict[str, Behaviour] = {
    "bad_key": lambda handler, _: handler.error(400, "INVALID_ARGUMENT", "API key not valid. API_KEY_INVALID"),
    "forbidden": lambda handler, _: handler.error(403, "PERMISSION_DENIED", "No."),
    "no_model": lambda handler, _: handler.error(404, "NOT_FOUND", "models/x is not found."),
    "limited_for_a_second": _then_well(_limited("1s")),
    "limited_for_an_hour": _limited("3600s"),
    "limited": _limited(None),
    "broken": lambda handler, _: handler.error(500, "INTERNAL", "Oops."),
    "overloaded_once": _then_well(lambda handler, _: handler.error(503, "UNAVAILABLE", "Overloaded.")),
    "overloaded": lambda handler, _: handler.error(503, "UNAVAILABLE", "Overloaded."),
    "prompt_blocked": _body({"promptFeedback": {"blockReason": "SAFETY"}}),
    "answer_blocked": _raw("", "SAFETY"),
    "recitation": _raw("{}", "RECITATION"),
    "cut_off": _raw('{"types": [{"column": "c1"', "MAX_TOKENS"),
    "no_json": _raw("Sure! Here is what I would do:"),
    "empty": _raw(""),
    "no_candidates": _body({"candidates": []}),
    "no_parts": _body({"candidates": [{"content": {"role": "model"}, "finishReason": "STOP"}]}),
    "wrong_types": _raw('{"types": "all", "missing_codes": 3}'),
    "extra_fields": _extra,
    "a_list": _raw("[1, 2, 3]"),
    "huge": _raw(json.dumps({"types": ["x" * 1000] * 5000})),
    "a_page": _body(b"<html><h1>Welcome</h1></html>", "text/html"),
    "no_utf8": _body(b'{"candidates": "\xff\xfe"}'),
    "late": _late(30),
    "dripping": _drip,
    "half": _half,
    "reset": _reset,
    "no_gzip": _gzip,
    "negative_tokens": _tokens,
    "deep": _deep,
}
"""Ways to answer badly, by name."""


def hostile() -> Iterator[str]:
    """The behaviours after which there is no usable answer."""
    yield from (name for name in BEHAVIOURS if name not in FORGIVEN)


FORGIVEN = frozenset({"limited_for_a_second", "overloaded_once", "negative_tokens"})
"""Behaviours that still lead to an answer."""
