"""Where uploads, artifacts and renditions live: a directory, or a bucket when one is configured."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.settings.parts import StorageSettings
from shared.storage.base import ObjectInfo, ObjectStore
from shared.storage.local import LocalObjectStore
from shared.storage.s3 import S3ObjectStore, open_s3_store

__all__ = ["LocalObjectStore", "ObjectInfo", "ObjectStore", "S3ObjectStore", "open_store"]


@asynccontextmanager
async def open_store(settings: StorageSettings) -> AsyncIterator[ObjectStore]:
    """The store the settings ask for, until the context ends; call `check` to learn whether it works."""
    if settings.s3_bucket_name:
        async with open_s3_store(settings) as bucket:
            yield bucket
        return
    directory = LocalObjectStore(settings.storage_dir)
    yield directory
