"""The contract of object stores: a directory, S3 by moto, and S3 by rclone.

Only rclone really checks signatures.
"""

import asyncio
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import httpx
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from shared.errors import Conflict, InvalidInput, NotFound, Unavailable
from shared.settings.processes import Settings
from shared.storage import ObjectStore, open_store
from shared.storage.base import CHUNK_BYTES
from shared.storage.s3 import PART_BYTES

KEY_ID = "test-key"
SECRET = "test-secret-that-stays-here"
BUCKET = "objects"
MIB = 1024 * 1024
LARGE_CONTENT = random.Random(7).randbytes(20 * MIB + 17)


@dataclass(frozen=True)
class S3Server:
    url: str
    has_upload_times: bool = True
    """True if the server reports when a multipart upload began; moto reports a fixed day in 2010."""

    @property
    def boto_client(self) -> Any:
        """An S3 client for what the store does not show."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
        )

    def uploads(self) -> list[str]:
        """Return the keys of the multipart uploads that are neither completed nor aborted."""
        client = self.boto_client
        try:
            return [upload["Key"] for upload in client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]
        except client.exceptions.NoSuchUpload:  # rclone raises it before the first upload to the bucket
            return []


@pytest.fixture(scope="module")
def moto() -> Iterator[S3Server]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    running = S3Server(f"http://{host}:{port}", has_upload_times=False)
    running.boto_client.create_bucket(Bucket=BUCKET)
    yield running
    server.stop()


@pytest.fixture(scope="module")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    folder = tmp_path_factory.mktemp("rclone")
    (folder / "served" / BUCKET).mkdir(parents=True)
    program = Path(sys.executable).parent / "rclone"
    options = ["--addr", "127.0.0.1:0", "--auth-key", f"{KEY_ID},{SECRET}", "--config", str(folder / "absent.conf")]
    log = folder / "log"
    with subprocess.Popen([program, "serve", "s3", *options, "--log-file", log, folder / "served"]) as process:
        try:
            yield S3Server(_announced_address(process, log))
        finally:
            process.terminate()


def _announced_address(process: subprocess.Popen[bytes], log: Path) -> str:
    while process.poll() is None:
        match = re.search(r"http://127\.0\.0\.1:\d+", log.read_text() if log.exists() else "")
        if match:
            return match[0]
    raise RuntimeError(f"rclone stopped: {log.read_text()}")


def _settings(**options: Any) -> Settings:
    defaults = {"database_url": "postgresql://user@host/db", "redis_url": "redis://host:6379/0", "s3_bucket_name": None}
    return Settings(_env_file=None, **defaults | options)


def _s3_settings(server: S3Server, **options: Any) -> Settings:
    access = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET, "aws_endpoint_url": server.url}
    return _settings(**{"s3_bucket_name": BUCKET} | access | options)


@pytest.fixture(params=["moto", "rclone"])
def server(request: pytest.FixtureRequest) -> S3Server:
    selected: S3Server = request.getfixturevalue(request.param)
    return selected


@pytest.fixture(scope="module")
async def moto_store(moto: S3Server) -> AsyncIterator[ObjectStore]:
    async with open_store(_s3_settings(moto)) as opened:
        yield opened


@pytest.fixture(scope="module")
async def rclone_store(rclone: S3Server) -> AsyncIterator[ObjectStore]:
    async with open_store(_s3_settings(rclone)) as opened:
        yield opened


@pytest.fixture
async def directory(tmp_path: Path) -> AsyncIterator[ObjectStore]:
    async with open_store(_settings(storage_dir=tmp_path / "objects")) as opened:
        yield opened


@dataclass(frozen=True)
class Stores:
    """The stores that must satisfy the contract, by name."""

    directory: ObjectStore
    moto: ObjectStore
    rclone: ObjectStore


@pytest.fixture
def stores(directory: ObjectStore, moto_store: ObjectStore, rclone_store: ObjectStore) -> Stores:
    return Stores(directory, moto_store, rclone_store)


@pytest.fixture(params=["directory", "moto", "rclone"])
async def store(request: pytest.FixtureRequest, stores: Stores) -> AsyncIterator[ObjectStore]:
    selected: ObjectStore = getattr(stores, request.param)
    yield selected
    await _empty(selected)


@pytest.fixture
async def bucket(server: S3Server, moto: S3Server, stores: Stores) -> AsyncIterator[ObjectStore]:
    selected = stores.moto if server is moto else stores.rclone
    yield selected
    await _empty(selected)


async def _empty(store: ObjectStore) -> None:
    for key in await _keys(store, ""):
        await store.delete(key)


async def _keys(store: ObjectStore, prefix: str) -> list[str]:
    return [info.key async for info in store.list(prefix)]


def _tree(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


async def _digest(store: ObjectStore, key: str) -> str:
    digest = hashlib.sha256()
    async with aclosing(store.read(key)) as chunks:
        async for chunk in chunks:
            assert 0 < len(chunk) <= CHUNK_BYTES
            digest.update(chunk)
    return digest.hexdigest()


async def _range(store: ObjectStore, key: str, offset: int, length: int | None) -> bytes:
    return b"".join([chunk async for chunk in store.read(key, offset=offset, length=length)])


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "large"
    path.write_bytes(LARGE_CONTENT)
    return path


async def test_large_file_comes_back_identical(store: ObjectStore, large_file: Path) -> None:
    assert len(LARGE_CONTENT) > 2 * PART_BYTES
    stored = await store.put_file("datasets/1/raw", large_file)
    assert (stored.key, stored.size) == ("datasets/1/raw", len(LARGE_CONTENT))
    assert await _digest(store, "datasets/1/raw") == hashlib.sha256(LARGE_CONTENT).hexdigest()


async def test_ranges(store: ObjectStore, large_file: Path) -> None:
    await store.put_file("ranges", large_file)
    end = len(LARGE_CONTENT)
    for offset, length in [(0, 10), (PART_BYTES - 5, 10), (end - 5, None), (end - 5, 100), (3, 2 * MIB), (7, 0)]:
        expected = LARGE_CONTENT[offset:] if length is None else LARGE_CONTENT[offset : offset + length]
        assert await _range(store, "ranges", offset, length) == expected
    assert await _range(store, "ranges", end, None) == b""
    assert await _range(store, "ranges", end + 5, 10) == b""
    with pytest.raises(InvalidInput):
        await _range(store, "ranges", -1, None)


async def test_empty_object(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert (await store.put_file("empty", tmp_path / "empty")).size == 0
    assert await store.read_bytes("empty") == b""
    assert await _range(store, "empty", 0, 10) == b""
    assert (await store.stat("empty")).size == 0


async def test_move_takes_the_file(store: ObjectStore, tmp_path: Path) -> None:
    for name in ("copied", "moved"):
        (tmp_path / name).write_bytes(b"content")
        os.utime(tmp_path / name, (0, 0))
        stored = await store.put_file(name, tmp_path / name, move=name == "moved")
        assert await store.stat(name) == stored
        assert await store.read_bytes(name) == b"content"
        assert datetime.now(UTC) - stored.modified_at < timedelta(seconds=10)
    assert "copied" in _tree(tmp_path) and "moved" not in _tree(tmp_path)


@pytest.mark.parametrize("move", [False, True])
async def test_links_are_not_followed(store: ObjectStore, tmp_path: Path, move: bool) -> None:
    secret, link = tmp_path / "secret", tmp_path / "link"
    secret.write_text("secret")
    link.symlink_to(secret)
    with pytest.raises(ValueError, match="link is no plain file"):
        await store.put_file("links/one", link, move=move)
    assert [info.key async for info in store.list("links")] == []


async def test_stat_agrees_with_put_and_list(store: ObjectStore) -> None:
    stored = await store.put_bytes("a/b", b"first")
    assert await store.stat("a/b") == stored
    listed = [info async for info in store.list("a")]
    assert [(info.key, info.size, info.etag) for info in listed] == [("a/b", 5, stored.etag)]
    assert '"' not in stored.etag
    assert abs(datetime.now(UTC) - stored.modified_at) < timedelta(seconds=10)
    replaced = await store.put_bytes("a/b", b"other")
    assert replaced.etag != stored.etag
    assert await store.read_bytes("a/b") == b"other"


async def test_what_is_not_there(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="absent"):
        await store.stat("absent")
    with pytest.raises(NotFound):
        await store.read_bytes("absent")
    with pytest.raises(NotFound):
        await _range(store, "absent", 3, 0)
    with pytest.raises(NotFound):
        async with store.local_copy("absent", scratch=tmp_path / "scratch"):
            pass
    await store.put_bytes("folder/object", b"1")
    with pytest.raises(NotFound):
        await store.read_bytes("folder")
    with pytest.raises(NotFound):
        await store.stat("folder")


async def test_delete_twice(store: ObjectStore) -> None:
    await store.put_bytes("x/y/z", b"1")
    await store.delete("x/y/z")
    await store.delete("x/y/z")
    await store.delete("never/was")
    assert await _keys(store, "") == []


async def test_delete_prefix_stays_in_its_folder(store: ObjectStore) -> None:
    for key in ("a/1/x", "a/1/y/z", "a/10", "a/10x/y", "a/2/x"):
        await store.put_bytes(key, b"1")
    assert await store.delete_prefix("a/1") == 2
    assert await _keys(store, "a") == ["a/10", "a/10x/y", "a/2/x"]
    assert await store.delete_prefix("a/1/") == 0
    assert await store.delete_prefix("a/10") == 0
    with pytest.raises(InvalidInput):
        await store.delete_prefix("")


async def test_listing_is_in_key_order(store: ObjectStore) -> None:
    keys = ["a-b/x", "a.b", "a/b", "a/b-c", "a0", "ä/x"]
    for key in reversed(keys):
        await store.put_bytes(key, b"1")
    assert await _keys(store, "") == keys
    assert await _keys(store, "a") == ["a/b", "a/b-c"]
    assert await _keys(store, "nothing") == []


@pytest.mark.parametrize("key", ["größe/данные/数据 🎉.csv", "a b+c&d=e%2F?#;'\"<>", "n" * 200])
async def test_unusual_keys(store: ObjectStore, key: str) -> None:
    await store.put_bytes(key, b"unusual")
    assert await store.read_bytes(key) == b"unusual"
    assert await _keys(store, "") == [key]
    await store.delete(key)
    assert await _keys(store, "") == []


@pytest.mark.parametrize(
    "key",
    ["", "/abs", "a//b", "a/", "../up", "a/../b", "a/./b", "nul\0", "line\nbreak", "broken\ud800", ".staging/x"],
)
async def test_wrong_keys(store: ObjectStore, key: str) -> None:
    with pytest.raises(InvalidInput) as error:
        await store.put_bytes(key, b"1")
    assert error.value.reason == "INVALID_KEY"
    with pytest.raises(InvalidInput):
        await store.read_bytes(key)
    with pytest.raises(InvalidInput):
        await store.delete(key)


@pytest.mark.parametrize("key", ["n" * 256, "ä" * 128, "/".join(["n" * 200] * 6)])
async def test_key_too_long(store: ObjectStore, key: str) -> None:
    with pytest.raises(InvalidInput) as error:
        await store.put_bytes(key, b"1")
    assert error.value.reason == "KEY_TOO_LONG"
    assert error.value.metadata["limit"] in error.value.detail


async def test_concurrent_puts_end_as_one_of_them(store: ObjectStore, tmp_path: Path) -> None:
    versions = [bytes([number]) * (9 * MIB) for number in range(4)]
    for number, version in enumerate(versions):
        (tmp_path / str(number)).write_bytes(version)
    puts = (store.put_file("shared", tmp_path / str(number)) for number in range(4))
    results = await asyncio.gather(*puts, return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    # A server may answer that it can't do all of them at once, as one of the two does on a loaded machine.
    assert len(failures) < 4
    assert all(isinstance(failure, Unavailable) for failure in failures)
    assert await store.read_bytes("shared") in versions


async def test_reader_keeps_its_version(store: ObjectStore) -> None:
    old, new = b"o" * MIB, b"n" * MIB
    await store.put_bytes("replaced", old)
    async with aclosing(store.read("replaced")) as chunks:
        content = await anext(chunks)
        await store.put_bytes("replaced", new)
        async for chunk in chunks:
            content += chunk
    assert content == old
    assert await store.read_bytes("replaced") == new


async def test_leaving_a_read_early(store: ObjectStore, large_file: Path) -> None:
    await store.put_file("left", large_file)
    for _ in range(3):
        async with aclosing(store.read("left")) as chunks:
            assert LARGE_CONTENT.startswith(await anext(chunks))
    assert await _range(store, "left", 5, 5) == LARGE_CONTENT[5:10]


async def test_local_copy(store: ObjectStore, tmp_path: Path, large_file: Path) -> None:
    await store.put_file("copied", large_file)
    scratch = tmp_path / "scratch"
    with pytest.raises(ZeroDivisionError):
        async with store.local_copy("copied", scratch=scratch) as path:
            assert path.read_bytes() == LARGE_CONTENT
            raise ZeroDivisionError
    assert not scratch.exists() or not list(scratch.iterdir())


async def test_more_than_a_page(store: ObjectStore) -> None:
    expected = [f"many/{number:04}" for number in range(1005)]
    for start in range(0, len(expected), 50):
        await asyncio.gather(*(store.put_bytes(key, b"") for key in expected[start : start + 50]))
    assert await _keys(store, "many") == expected
    assert await store.delete_prefix("many") == len(expected)
    assert await _keys(store, "") == []


async def test_health_checks_leave_nothing(store: ObjectStore) -> None:
    await store.check()
    await store.ping()
    assert await _keys(store, "") == []


async def test_close_twice(server: S3Server) -> None:
    async with open_store(_s3_settings(server)) as store:
        await store.check()
        await store.close()


async def test_missing_source_is_the_callers_error(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await store.put_file("never", tmp_path / "absent")
    assert await _keys(store, "") == []


async def test_local_delete_removes_empty_folders(directory: ObjectStore, tmp_path: Path) -> None:
    await directory.put_bytes("a/b/c", b"1")
    await directory.put_bytes("a/d", b"1")
    await directory.delete("a/b/c")
    assert _tree(tmp_path / "objects") == [".staging", "a", "a/d"]
    await directory.delete_prefix("a")
    assert _tree(tmp_path / "objects") == [".staging"]


async def test_local_copy_is_the_object(directory: ObjectStore, tmp_path: Path) -> None:
    await directory.put_bytes("a/b", b"1")
    async with directory.local_copy("a/b", scratch=tmp_path) as path:
        assert path == tmp_path / "objects" / "a" / "b"
    link = await directory.presign("a/b", expires=timedelta(minutes=1), filename="b", media_type="text/csv")
    assert link is None


async def test_local_key_is_file_or_folder(directory: ObjectStore, tmp_path: Path) -> None:
    await directory.put_bytes("a/b", b"1")
    for key in ("a", "a/b/c", "a/b/c/d"):
        with pytest.raises(Conflict):
            await directory.put_bytes(key, b"2")
        await directory.delete(key)
    assert _tree(tmp_path / "objects") == [".staging", "a", "a/b"]
    assert await directory.read_bytes("a/b") == b"1"


async def test_local_puts_survive_deletes_beside_them(directory: ObjectStore) -> None:
    async def put_and_delete(key: str) -> None:
        for _ in range(100):
            await directory.put_bytes(key, b"1")
            assert (await directory.stat(key)).size == 1
            await directory.delete(key)

    await asyncio.gather(*(put_and_delete(f"deep/er/{number}") for number in range(6)))
    assert await _keys(directory, "") == []


async def test_local_etag_differs_between_quick_versions(directory: ObjectStore) -> None:
    etags = [(await directory.put_bytes("quick", b"%03d" % number)).etag for number in range(100)]
    assert len(set(etags)) == 100


async def test_local_sweeps_abandoned_files(tmp_path: Path) -> None:
    staging = tmp_path / "objects" / ".staging"
    staging.mkdir(parents=True)
    for name, hours in (("dead", 25), ("alive", 1)):
        (staging / name).touch()
        modified_at = datetime.now(UTC).timestamp() - hours * 3600
        os.utime(staging / name, (modified_at, modified_at))
    empty_folder = tmp_path / "objects" / "datasets" / "x" / "runs"
    empty_folder.mkdir(parents=True)
    async with open_store(_settings(storage_dir=tmp_path / "objects")) as opened:
        await opened.put_bytes("datasets/y/raw", b"kept")
        assert await opened.sweep() == 1
        assert _tree(staging) == ["alive"]
        assert await _keys(opened, "") == ["datasets/y/raw"]
    assert not empty_folder.parent.exists()


async def test_local_sweeping_and_writing_go_together(directory: ObjectStore) -> None:
    """A folder that is removed between its creation and its first object is created again."""

    async def sweep() -> None:
        for _ in range(50):
            await directory.sweep()

    async def write() -> None:
        for number in range(100):
            await directory.put_bytes(f"a/{number}/b/c", b"x")
            await directory.delete(f"a/{number}/b/c")
            await directory.put_bytes(f"kept/{number}", b"x")

    await asyncio.gather(sweep(), write(), write())
    assert len(await _keys(directory, "")) == 100


async def test_local_check_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with open_store(_settings(storage_dir=tmp_path / "file" / "objects")) as opened:
        with pytest.raises(Unavailable, match=r"^STORAGE_DIR: .*Not a directory"):
            await opened.check()


FULL_DISK = """
import asyncio, json, sys
from pathlib import Path
from shared.errors import Unavailable
from shared.storage import LocalObjectStore

async def fill(root):
    store, reasons = LocalObjectStore(root), []
    await store.put_bytes("kept", b"kept")
    for put in (store.put_bytes("b", bytes(2 << 20)), store.put_file("f", Path(sys.argv[2])),
                store.put_file("m", Path(sys.argv[2]), move=True)):
        try:
            await put
        except Unavailable as error:
            reasons.append(error.reason)
    tree = sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))
    return {"reasons": reasons, "tree": tree, "kept": (await store.read_bytes("kept")).decode()}

print(json.dumps(asyncio.run(fill(Path(sys.argv[1])))))
"""


def _can_mount() -> bool:
    namespace = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    return bool(shutil.which("unshare")) and subprocess.run(namespace, capture_output=True).returncode == 0


@pytest.mark.skipif(not _can_mount(), reason="needs user namespaces for a small disk")
async def test_local_full_disk(tmp_path: Path, large_file: Path) -> None:
    disk, source = tmp_path / "disk", tmp_path / "source"
    disk.mkdir()
    shutil.copyfile(large_file, source)
    run = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" -c "$3" "$1" "$4"'
    arguments = ["sh", "-c", run, "sh", str(disk), sys.executable, FULL_DISK, str(source)]
    process = await asyncio.create_subprocess_exec(
        *("unshare", "--user", "--map-root-user", "--mount"),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    output, _ = await process.communicate()
    assert json.loads(output) == {"reasons": ["STORAGE_FULL"] * 3, "tree": [".staging", "kept"], "kept": "kept"}
    assert source.exists()


async def _wait_for_upload(server: S3Server) -> None:
    async with asyncio.timeout(20):
        while not await asyncio.to_thread(server.uploads):
            continue


@pytest.fixture
def slow_file(tmp_path: Path) -> Path:
    """Create a sparse file so large that its upload can be interrupted."""
    path = tmp_path / "slow"
    with path.open("wb") as sparse:
        sparse.truncate(256 * MIB)
    return path


async def test_cancelled_upload_leaves_no_parts(bucket: ObjectStore, server: S3Server, slow_file: Path) -> None:
    upload = asyncio.create_task(bucket.put_file("cancelled", slow_file))
    await _wait_for_upload(server)
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert server.uploads() == []
    with pytest.raises(NotFound):
        await bucket.stat("cancelled")


async def test_upload_cancelled_at_any_moment(bucket: ObjectStore, server: S3Server, slow_file: Path) -> None:
    for delay in range(25):
        upload = asyncio.create_task(bucket.put_file("cancelled", slow_file))
        await asyncio.sleep(delay / 1000)
        upload.cancel()
        await asyncio.wait([upload])
        assert server.uploads() == []


async def test_failed_upload_leaves_no_parts(bucket: ObjectStore, server: S3Server, slow_file: Path) -> None:
    upload = asyncio.create_task(bucket.put_file("failed", slow_file))
    await _wait_for_upload(server)
    os.truncate(slow_file, PART_BYTES)
    with pytest.raises(Conflict, match="shorter"):
        await upload
    assert server.uploads() == []
    with pytest.raises(NotFound):
        await bucket.stat("failed")


async def test_abandoned_parts_are_swept(
    bucket: ObjectStore, server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.boto_client.create_multipart_upload(Bucket=BUCKET, Key="abandoned")
    if server.has_upload_times:
        assert await bucket.sweep() == 0
    monkeypatch.setattr("shared.storage.s3.ABANDONED_AFTER", timedelta(seconds=-5))
    assert await bucket.sweep() == 1
    assert server.uploads() == []


async def _link(store: ObjectStore, key: str) -> str:
    link = await store.presign(key, expires=timedelta(minutes=5), filename='größe "1".csv', media_type="text/csv")
    assert link is not None
    return link


async def test_link_downloads_the_object(bucket: ObjectStore) -> None:
    await bucket.put_bytes("linked/ä.csv", b"a,b\n1,2\n")
    link = await _link(bucket, "linked/ä.csv")
    assert SECRET not in link
    assert parse_qs(urlsplit(link).query)["X-Amz-Expires"] == ["300"]
    async with httpx.AsyncClient() as client:
        answer = await client.get(link)
    assert (answer.status_code, answer.content) == (200, b"a,b\n1,2\n")


async def test_link_carries_name_and_type(stores: Stores) -> None:
    await stores.moto.put_bytes("named", b"1")
    async with httpx.AsyncClient() as client:
        answer = await client.get(await _link(stores.moto, "named"))
    await stores.moto.delete("named")
    assert answer.headers["content-type"].startswith("text/csv")
    expected = "attachment; filename=\"gr__e _1_.csv\"; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%221%22.csv"
    assert answer.headers["content-disposition"] == expected


async def test_tampered_link_is_refused(stores: Stores) -> None:
    for key in ("allowed", "secret"):
        await stores.rclone.put_bytes(key, b"1")
    link = await _link(stores.rclone, "allowed")
    async with httpx.AsyncClient() as client:
        assert (await client.get(link)).status_code == 200
        assert (await client.get(link.replace("/allowed?", "/secret?"))).status_code == 403
        assert (await client.get(link.replace("Expires=300", "Expires=3000"))).status_code == 403
        assert (await client.get(link.replace("csv", "html"))).status_code == 403
    await _empty(stores.rclone)


@pytest.mark.parametrize("expires", [timedelta(0), timedelta(days=8)])
async def test_link_of_impossible_life(bucket: ObjectStore, expires: timedelta) -> None:
    with pytest.raises(InvalidInput):
        await bucket.presign("x", expires=expires, filename="x", media_type="text/csv")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"s3_bucket_name": "no-such-bucket"}, "^S3_BUCKET_NAME: "),
        ({"s3_bucket_name": "not a bucket"}, "^S3_BUCKET_NAME: "),
        ({"aws_secret_access_key": "wrong-secret"}, "^AWS_SECRET_ACCESS_KEY: "),
        ({"aws_access_key_id": "wrong-key"}, "^AWS_ACCESS_KEY_ID: "),
        ({"aws_endpoint_url": "http://127.0.0.1:1"}, "^AWS_ENDPOINT_URL: .* 127.0.0.1:1"),
    ],
)
async def test_s3_check_names_the_setting(rclone: S3Server, options: dict[str, str], sentence: str) -> None:
    async with open_store(_s3_settings(rclone, **options)) as store:
        with pytest.raises(Unavailable):
            await store.ping()
        with pytest.raises(Unavailable, match=sentence) as error:
            await store.check()
    assert error.value.__cause__ is not None
    assert SECRET not in error.value.detail and "wrong-secret" not in error.value.detail


async def test_s3_that_does_not_answer(rclone: S3Server, tmp_path: Path) -> None:
    async with open_store(_s3_settings(rclone, aws_endpoint_url="http://127.0.0.1:1")) as store:
        with pytest.raises(Unavailable) as error:
            await store.stat("x")
        assert error.value.reason == "STORAGE_UNAVAILABLE"
        with pytest.raises(Unavailable):
            async with store.local_copy("x", scratch=tmp_path):
                pass
    assert _tree(tmp_path) == []


async def test_s3_that_dies_while_it_is_read() -> None:
    """A server that announces more than it sends must cause an error, not a short object."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nContent-Type: text/csv\r\n\r\n" + b"x" * 1000)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with open_store(_s3_settings(S3Server(url))) as store:
            with pytest.raises(Unavailable):
                await store.read_bytes("x")
