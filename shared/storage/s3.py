"""An object store in a bucket of Amazon S3 or of a compatible store.

Nothing here depends on conditional writes, which some compatible stores ignore.
"""

import asyncio
import errno
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import aioboto3
import aiohttp
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, ParamValidationError

from shared.errors import Conflict, InvalidInput, NotFound, ServiceError, Unavailable
from shared.logs import get_logger
from shared.settings.parts import StorageSettings
from shared.storage.base import (
    ABANDONED_AFTER,
    CHUNK_BYTES,
    RESERVED_NAME,
    ObjectInfo,
    check_key,
    check_range,
    folder_of,
    object_not_found,
    stat_plain_file,
    storage_full,
    storage_unavailable,
)

PART_BYTES = 8 * 1024 * 1024
CONCURRENT_PARTS = 4
MAX_LINK_LIFETIME = timedelta(days=7)
"""Limit of AWS Signature Version 4."""

# While a body is streamed, errors of aiohttp are raised as they are; otherwise botocore wraps them.
_FAILURES = (BotoCoreError, ClientError, aiohttp.ClientError, TimeoutError)
_ABSENT_CODES = {"404", "NoSuchKey", "NoSuchUpload", "NotFound"}
_DIAGNOSES = {
    "NoSuchBucket": "S3_BUCKET_NAME: there is no such bucket in the object store.",
    "InvalidBucketName": "S3_BUCKET_NAME: this is no valid name of a bucket.",
    "InvalidAccessKeyId": "AWS_ACCESS_KEY_ID: the object store does not know this key.",
    "SignatureDoesNotMatch": "AWS_SECRET_ACCESS_KEY: this secret does not belong to AWS_ACCESS_KEY_ID.",
    "AccessDenied": "AWS_ACCESS_KEY_ID: this key may not write and delete objects in the bucket of S3_BUCKET_NAME.",
    "AuthorizationHeaderMalformed": "AWS_REGION: the bucket of S3_BUCKET_NAME is in another region.",
    "PermanentRedirect": "AWS_REGION: the bucket of S3_BUCKET_NAME is in another region.",
    "RequestTimeTooSkewed": "The clocks of this machine and of the object store at AWS_ENDPOINT_URL differ too much.",
}

log = get_logger(__name__)


class S3ObjectStore:
    """An `ObjectStore` in an existing bucket."""

    def __init__(self, client: Any, *, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    async def put_file(self, key: str, path: Path, *, move: bool = False) -> ObjectInfo:
        """Store a file, in parts if it is large; `move` removes it once it is stored."""
        check_key(key)
        size = (await asyncio.to_thread(stat_plain_file, path)).st_size
        with _s3_errors(key):
            if size <= PART_BYTES:
                await self._put(key, await asyncio.to_thread(path.read_bytes))
            else:
                await self._put_parts(key, path, size)
        info = await self.stat(key)
        if move:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        return info

    async def put_bytes(self, key: str, data: bytes) -> ObjectInfo:
        """Store `data` in one request."""
        check_key(key)
        with _s3_errors(key):
            await self._put(key, data)
        return await self.stat(key)

    async def stat(self, key: str) -> ObjectInfo:
        """Return the metadata of an object."""
        check_key(key)
        with _s3_errors(key):
            return _info(key, await self._client.head_object(Bucket=self._bucket, Key=key), size="ContentLength")

    async def read(self, key: str, *, offset: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        """Stream an object at the pace of its reader."""
        check_range(offset, length)
        if length == 0:
            await self.stat(key)
            return
        with _s3_errors(check_key(key)):
            body = await self._open(key, offset=offset, length=length)
            if body is None:
                return
            async with body:
                async for chunk in body.iter_chunks(CHUNK_BYTES):
                    yield chunk

    async def read_bytes(self, key: str) -> bytes:
        """Return the contents of an object."""
        return b"".join([chunk async for chunk in self.read(key)])

    @asynccontextmanager
    async def local_copy(self, key: str, *, scratch: Path) -> AsyncIterator[Path]:
        """Download an object into `scratch` for the time of the context."""
        path = scratch / uuid4().hex
        try:
            await self._download(key, path)
            yield path
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def delete(self, key: str) -> None:
        """Remove an object."""
        check_key(key)
        try:
            with _s3_errors(key):
                await self._client.delete_object(Bucket=self._bucket, Key=key)
        except NotFound:
            return

    async def delete_prefix(self, prefix: str) -> int:
        """Remove the objects of a folder, with one request for each page of up to 1000."""
        if not prefix:
            raise InvalidInput("Deleting needs a prefix that is not empty.", reason="INVALID_KEY")
        deleted = 0
        with _s3_errors(prefix):
            async for page in self._pages(folder_of(prefix)):
                await self._delete_all([entry["Key"] for entry in page])
                deleted += len(page)
        return deleted

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """List the objects of a folder, page by page."""
        with _s3_errors(prefix):
            async for page in self._pages(folder_of(prefix)):
                for entry in page:
                    if not entry["Key"].startswith(f"{RESERVED_NAME}/"):
                        yield _info(entry["Key"], entry, size="Size")

    async def presign(self, key: str, *, expires: timedelta, filename: str, media_type: str) -> str | None:
        """Return a presigned URL; its signature covers the file name and content type, too."""
        if not timedelta(seconds=1) <= expires <= MAX_LINK_LIFETIME:
            raise InvalidInput("A link can last from one second to seven days.", reason="INVALID_EXPIRY")
        request = {
            "Bucket": self._bucket,
            "Key": check_key(key),
            "ResponseContentDisposition": _attachment(filename),
            "ResponseContentType": media_type,
        }
        with _s3_errors(key):
            link: str = await self._client.generate_presigned_url(
                "get_object", Params=request, ExpiresIn=int(expires.total_seconds())
            )
        return link

    async def sweep(self) -> int:
        """Abort abandoned multipart uploads, whose parts are not listed but cost as much as objects."""
        oldest = datetime.now(UTC) - ABANDONED_AFTER
        aborted = 0
        with suppress(NotFound), _s3_errors("multipart uploads"):  # rclone answers so before the first upload
            async for page in self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket):
                for upload in page.get("Uploads", []):
                    if upload["Initiated"].astimezone(UTC) < oldest:
                        identity = {"Key": upload["Key"], "UploadId": upload["UploadId"]}
                        await self._client.abort_multipart_upload(Bucket=self._bucket, **identity)
                        aborted += 1
        return aborted

    async def check(self) -> None:
        """Write and remove an object."""
        probe = {"Bucket": self._bucket, "Key": f"{RESERVED_NAME}/{uuid4().hex}"}
        try:
            await self._client.put_object(**probe, Body=b"")
            await self._client.delete_object(**probe)
        except _FAILURES as error:
            raise Unavailable(self._diagnose(error), reason="STORAGE_UNAVAILABLE") from error

    async def ping(self) -> None:
        """List one object."""
        try:
            await self._client.list_objects_v2(Bucket=self._bucket, Prefix=f"{RESERVED_NAME}/", MaxKeys=1)
        except _FAILURES as error:
            raise Unavailable(self._diagnose(error), reason="STORAGE_UNAVAILABLE") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _put(self, key: str, data: bytes) -> None:
        await self._client.put_object(Bucket=self._bucket, Key=key, Body=data)

    async def _put_parts(self, key: str, path: Path, size: int) -> None:
        starting = asyncio.create_task(self._start_upload(key))
        try:
            # Shielded, so that the id of the upload is known, and the upload can be aborted, after a cancellation.
            upload = await asyncio.shield(starting)
            parts = await self._upload_parts(upload, path, size)
            await self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        except BaseException:
            # Shielded, so that a second cancellation does not leave the parts behind.
            await asyncio.shield(asyncio.create_task(self._abort(starting)))
            raise

    async def _start_upload(self, key: str) -> dict[str, str]:
        response = await self._client.create_multipart_upload(Bucket=self._bucket, Key=key)
        return {"Bucket": self._bucket, "Key": key, "UploadId": response["UploadId"]}

    async def _upload_parts(self, upload: dict[str, str], path: Path, size: int) -> Sequence[dict[str, Any]]:
        slots = asyncio.Semaphore(CONCURRENT_PARTS)

        async def send(offset: int) -> dict[str, Any]:
            async with slots:
                number = offset // PART_BYTES + 1
                data = await asyncio.to_thread(_read_part, path, offset, min(PART_BYTES, size - offset))
                response = await self._client.upload_part(**upload, PartNumber=number, Body=data)
                return {"PartNumber": number, "ETag": response["ETag"]}

        try:
            async with asyncio.TaskGroup() as group:
                uploads = [group.create_task(send(offset)) for offset in range(0, size, PART_BYTES)]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        return [part.result() for part in uploads]

    async def _abort(self, starting: asyncio.Task[dict[str, str]]) -> None:
        await asyncio.wait([starting])
        if starting.cancelled() or starting.exception():
            return
        try:
            await self._client.abort_multipart_upload(**starting.result())
        except _FAILURES as error:
            log.warning("multipart abort failed", key=starting.result()["Key"], error=type(error).__name__)

    async def _open(self, key: str, *, offset: int, length: int | None) -> Any:
        """Request an object and return its body; None if the range is behind its end."""
        request = {"Bucket": self._bucket, "Key": key}
        if offset or length is not None:
            request["Range"] = f"bytes={offset}-{'' if length is None else offset + length - 1}"
        try:
            return (await self._client.get_object(**request))["Body"]
        except ClientError as error:
            if _error_code(error) in {"InvalidRange", "416"}:
                return None
            raise

    async def _download(self, key: str, path: Path) -> None:
        with _scratch_errors():
            await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
            target = await asyncio.to_thread(path.open, "xb")
        try:
            async with aclosing(self.read(key)) as chunks:
                async for chunk in chunks:
                    with _scratch_errors():
                        await asyncio.to_thread(target.write, chunk)
        finally:
            with _scratch_errors():
                await asyncio.to_thread(target.close)

    async def _pages(self, folder: str) -> AsyncIterator[Sequence[dict[str, Any]]]:
        paginator = self._client.get_paginator("list_objects_v2")
        async for page in paginator.paginate(Bucket=self._bucket, Prefix=folder):
            if page.get("Contents"):
                yield page["Contents"]

    async def _delete_all(self, keys: Sequence[str]) -> None:
        request = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        response = await self._client.delete_objects(Bucket=self._bucket, Delete=request)
        if response.get("Errors"):
            raise storage_unavailable()

    def _diagnose(self, error: Exception) -> str:
        if isinstance(error, ConnectionError):
            address = urlsplit(self._client.meta.endpoint_url).netloc.rpartition("@")[2]
            return f"AWS_ENDPOINT_URL: no object store answers at {address}."
        if isinstance(error, ParamValidationError):
            return _DIAGNOSES["InvalidBucketName"]
        code = _error_code(error)
        return _DIAGNOSES.get(code, f"AWS_ENDPOINT_URL: the object store there refused a trial write ({code}).")


@asynccontextmanager
async def open_s3_store(settings: StorageSettings) -> AsyncIterator[S3ObjectStore]:
    """Open the store of `S3_BUCKET_NAME` with a pool of connections; no request is made yet."""
    secret = settings.aws_secret_access_key
    session = aioboto3.Session(
        aws_access_key_id=settings.aws_access_key_id,
        aws_secret_access_key=secret.get_secret_value() if secret else None,
        region_name=settings.aws_region,
    )
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if settings.aws_endpoint_url else "auto"},
        retries={"mode": "standard", "total_max_attempts": 3},
        connect_timeout=3,
        read_timeout=20,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        max_pool_connections=128,  # each slow reader of an object holds a connection
    )
    async with session.client("s3", endpoint_url=settings.aws_endpoint_url, config=config) as client:
        yield S3ObjectStore(client, bucket=settings.s3_bucket_name or "")


def _info(key: str, response: dict[str, Any], *, size: str) -> ObjectInfo:
    return ObjectInfo(
        key=key,
        size=response[size],
        etag=response["ETag"].strip('"'),
        modified_at=response["LastModified"].astimezone(UTC),
    )


def _read_part(path: Path, offset: int, size: int) -> bytes:
    with path.open("rb") as source:
        source.seek(offset)
        data = source.read(size)
    if len(data) < size:
        raise Conflict("The file became shorter while it was being stored.", reason="FILE_CHANGED")
    return data


def _attachment(filename: str) -> str:
    """Return the `Content-Disposition` of a download, with an ASCII file name for clients that know no other.

    Source: RFC 6266.
    """
    ascii_name = "".join(c if c.isascii() and c.isprintable() and c not in '"\\/' else "_" for c in filename)
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(filename, safe='')}"


def _error_code(error: Exception) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return type(error).__name__


@contextmanager
def _s3_errors(key: str) -> Iterator[None]:
    try:
        yield
    except _FAILURES as error:
        raise _service_error(key, error) from error


def _service_error(key: str, error: Exception) -> ServiceError:
    if not isinstance(error, ClientError):
        return storage_unavailable()
    if _error_code(error) in _ABSENT_CODES:
        return object_not_found(key)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return storage_full() if status == 507 else storage_unavailable()


@contextmanager
def _scratch_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise Unavailable("There is no room for a working copy (SCRATCH_DIR).", reason="STORAGE_FULL") from error
