"""Key sets are read again as keys are rotated, and outlive an outage of their source."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from shared.errors import Unauthenticated, Unavailable
from shared.identity import key_sets
from shared.identity.key_sets import KeySet


def key_document(*key_ids: str) -> bytes:
    keys = []
    for key_id in key_ids:
        public = ec.generate_private_key(ec.SECP256R1()).public_key()
        keys.append({**json.loads(jwt.get_algorithm_by_name("ES256").to_jwk(public)), "kid": key_id})
    return json.dumps({"keys": keys}).encode()


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a key set be fetched again at once."""
    monkeypatch.setattr(key_sets, "REFETCH_SECONDS", 0.0)


async def test_a_rotated_key_in_a_file_is_found(tmp_path: Path, eager: None) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(key_document("old"))
    keys = KeySet(str(path), algorithm="ES256")
    assert [key.key_id for key in await keys.find("old")] == ["old"]
    path.write_bytes(key_document("new"))
    assert [key.key_id for key in await keys.find("new")] == ["new"]
    with pytest.raises(Unauthenticated):
        await keys.find("old")


async def test_unknown_keys_do_not_make_it_fetch_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(key_document("old"))
    keys = KeySet(str(path), algorithm="ES256")
    await keys.find("old")
    path.write_bytes(key_document("new"))
    with pytest.raises(Unauthenticated):
        await keys.find("new")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"keys": 1}', b'{"keys": []}', b'{"keys": [1, {"kty": "x"}]}', b"\xff"]
)
async def test_a_set_that_can_not_be_read_is_an_outage(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(content)
    with pytest.raises(Unavailable, match="can't be fetched"):
        await KeySet(str(path), algorithm="ES256").find("1")
    with pytest.raises(Unavailable):
        await KeySet(str(tmp_path / "none.json"), algorithm="ES256").find("1")


async def test_known_keys_outlive_an_outage_for_a_while(
    tmp_path: Path, eager: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(key_document("1"))
    keys = KeySet(str(path), algorithm="ES256")
    await keys.find("1")
    path.unlink()
    monkeypatch.setattr(key_sets, "FRESH_SECONDS", 0.0)
    assert [key.key_id for key in await keys.find("1")] == ["1"]
    monkeypatch.setattr(key_sets, "STALE_SECONDS", 0.0)
    with pytest.raises(Unavailable):
        await keys.find("1")


class Source(BaseHTTPRequestHandler):
    content = b""
    requests = 0

    def do_GET(self) -> None:
        type(self).requests += 1
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("location", "/keys")
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def source_url() -> Iterator[str]:
    Source.requests = 0
    server = HTTPServer(("127.0.0.1", 0), Source)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


async def test_a_set_behind_an_address_is_fetched_once(source_url: str) -> None:
    Source.content = key_document("1")
    keys = KeySet(f"{source_url}/keys", algorithm="ES256")
    for _ in range(3):
        assert [key.key_id for key in await keys.find("1")] == ["1"]
    assert Source.requests == 1


@pytest.mark.parametrize(("path", "content"), [("/moved", b""), ("/keys", b" " * (key_sets.MAX_BYTES + 1))])
async def test_redirects_and_long_answers_are_no_key_sets(source_url: str, path: str, content: bytes) -> None:
    Source.content = content or key_document("1")
    with pytest.raises(Unavailable):
        await KeySet(source_url + path, algorithm="ES256").find("1")
