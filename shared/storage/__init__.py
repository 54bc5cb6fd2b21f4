"""The object store of uploads, artifacts and renditions: a directory, or a bucket when one is configured.

The interface (`base`) and its implementations belong here. Names of objects do not; they stand in
`shared/contracts/artifacts.py`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.settings.parts import StorageSettings
from shared.storage.base import ObjectInfo, ObjectStore
from shared.storage.local import LocalObjectStore

__all__ = ["LocalObjectStore", "ObjectInfo", "ObjectStore", "open_store"]


@asynccontextmanager
async def open_store(settings: StorageSettings) -> AsyncIterator[ObjectStore]:
    """Open the store of the settings until the context ends; nothing is checked yet (see `check`)."""
    if settings.s3_bucket_name:
        # Its library takes a second to load.
        from shared.storage.s3 import open_s3_store

        async with open_s3_store(settings) as bucket:
            yield bucket
        return
    yield LocalObjectStore(settings.storage_dir)
