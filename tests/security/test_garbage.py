"""Bytes that are no message, sent to every rpc of every port."""

import base64
import os
import random
import time
from collections import Counter
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shared.rpc.auth_interceptor import MAX_PUBLIC_CALLS
from tests.security.conftest import TokenStack
from tests.security.test_permissions import METHODS

pytestmark = pytest.mark.xdist_group("token stack")
RANDOM = random.Random(14)


def garbage() -> list[bytes]:
    """Return texts, random bytes, and beginnings of messages that break off or lie about their length."""
    lies = [b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x05ab", b"\xff" * 20, b"\x0b" * 200, b"\x0a\x02\xff\xfe"]
    return [b"GET / HTTP/1.1\r\n\r\n", b"{}", *lies, *(RANDOM.randbytes(RANDOM.randint(1, 300)) for _ in range(14))]


@pytest.mark.parametrize("caller", ["key", "anonymous"])
def test_no_message_is_more_than_refused(token_stack: TokenStack, caller: str) -> None:
    codes, details = Counter[str](), set[str]()
    for service in ("ingest", "pipeline", "report"):
        with grpc.insecure_channel(token_stack.target(service)) as channel:
            for name, method in METHODS:
                for data in garbage() if name == service else ():
                    error = send(channel, method, data, token_stack.headers(caller))
                    codes[error.code().name if error else "OK"] += 1
                    details.add(error.details() if error else "")
    print(f"{sum(codes.values())} messages of garbage as {caller}: {dict(codes)}")
    assert set(codes) <= {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "PERMISSION_DENIED", "UNAUTHENTICATED", "ABORTED"}
    assert not [text for text in details if "Exception" in text or "Decode" in text or "Traceback" in text]


@pytest.mark.parametrize(
    "name", ["\0", "a\0b", "\n", "\u202e", "x" * 100_000, "🙂" * 300, "' or '1'='1", "%00", "../.."]
)
def test_no_name_is_more_than_refused(token_stack: TokenStack, name: str) -> None:
    wrong = []
    for service in ("ingest", "pipeline", "report"):
        with grpc.insecure_channel(token_stack.target(service)) as channel:
            for service_name, method in METHODS:
                if service_name != service or method.client_streaming:
                    continue
                request = GetMessageClass(method.input_type)()
                for field in method.input_type.fields:
                    if field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated:
                        setattr(request, field.name, name)
                error = send(channel, method, request.SerializeToString(), token_stack.headers("key"))
                if error is not None and error.code().name in ("INTERNAL", "UNKNOWN", "UNAVAILABLE"):
                    wrong.append((method.name, error.code().name, error.details()))
    assert wrong == []


def send(channel: grpc.Channel, method: Any, data: bytes, headers: dict[str, str]) -> Any:
    path = f"/{method.containing_service.full_name}/{method.name}"
    kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
    rpc = getattr(channel, kind)(path, None, None)
    metadata = [(name.lower(), value) for name, value in headers.items()]
    try:
        answer = rpc(iter([data]) if method.client_streaming else data, timeout=20, metadata=metadata)
        if method.server_streaming:
            list(answer)
    except grpc.RpcError as error:
        return error
    return None


def test_a_port_survives_what_is_no_http2(token_stack: TokenStack) -> None:
    import socket

    for service in ("ingest", "pipeline", "report"):
        host, port = token_stack.target(service).split(":")
        for data in (
            b"",
            b"GET / HTTP/1.1\r\n\r\n",
            os.urandom(5000),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + os.urandom(500),
        ):
            with socket.create_connection((host, int(port)), timeout=5) as connection:
                connection.sendall(data)
        with grpc.insecure_channel(token_stack.target(service)) as channel:
            grpc.channel_ready_future(channel).result(timeout=10)


def test_who_watches_the_health_takes_no_room_of_others(token_stack: TokenStack) -> None:
    with grpc.insecure_channel(token_stack.target("report")) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        watching = [stub.Watch(health_pb2.HealthCheckRequest()) for _ in range(MAX_PUBLIC_CALLS + 20)]
        outcomes = Counter(first_answer(stream) for stream in watching)
        assert outcomes == {"SERVING": MAX_PUBLIC_CALLS, "RESOURCE_EXHAUSTED": 20}
        path = f"/dataset/{token_stack.dataset_id}/profile"
        assert httpx.get(token_stack.url + path, headers=token_stack.headers("owner")).status_code == 200
        for stream in watching:
            stream.cancel()
        time.sleep(0.5)
        assert stub.Check(health_pb2.HealthCheckRequest(), timeout=5).status == 1


def first_answer(stream: Any) -> str:
    try:
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(next(stream).status))
    except grpc.RpcError as error:
        return str(error.code().name)


JSON = {"content-type": "application/json"}
ODD_REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/dataset/upload", {"content": b'{"\\ud800": "x"}', "headers": JSON}),
    ("POST", "/dataset/upload", {"json": {"units": {"a": "\0"}, "dataset_url": "https://x.example"}}),
    ("POST", "/dataset/upload", {"content": b'{"a":' + b"9" * 5000 + b"}", "headers": JSON}),
    ("GET", "/datasets?page_token=" + base64.urlsafe_b64encode(b"[" * 1000).decode().rstrip("="), {}),
    ("DELETE", "/dataset/%00", {}),
    ("POST", "/dataset/a%00b/cancel", {}),
    ("GET", "/dataset/%00/raw", {}),
    ("GET", "/datasets/", {}),
]


@pytest.mark.parametrize("index", range(len(ODD_REQUESTS)))
def test_no_request_is_more_than_refused(token_stack: TokenStack, index: int) -> None:
    method, path, body = ODD_REQUESTS[index]
    headers = {**token_stack.headers("owner"), **body.get("headers", {})}
    options = {name: value for name, value in body.items() if name != "headers"}
    answer = httpx.request(method, token_stack.url + path, headers=headers, timeout=30, **options)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "set_int_max_str_digits" not in answer.text
