"""Utility certificates: made when they are first asked for, and kept beside the results."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

from shared.contracts.artifacts import RECIPE, rendition_key
from shared.db.datasets import DatasetRecord, Datasets
from shared.db.hash_keys import HashKeys
from shared.db.published import Published, require_published
from shared.errors import Conflict, NotFound, Unavailable
from shared.isolation.child_task import ChildTask
from shared.isolation.isolation import Isolation
from shared.isolation.outcomes import IsolationError
from shared.scratch import Scratch
from shared.storage import ObjectStore

Certificate = dict[str, Any]
_certify_table: Callable[..., Certificate | None] = ChildTask(
    "worker_service.pipeline.certify_program", "certify_table"
)
CERTIFY_SECONDS = 100.0
MEMORY_BYTES = 1024**3
_NAME = "utility.json"


class Utilities:
    """The use case that judges what a preparation gains."""

    def __init__(
        self, *, datasets: Datasets, hash_keys: HashKeys, store: ObjectStore, scratch: Scratch, isolation: Isolation
    ) -> None:
        self._datasets = datasets
        self._hash_keys = hash_keys
        self._store = store
        self._scratch = scratch
        self._isolation = isolation
        # One at a time, because each keeps a core busy for seconds.
        self._slot = asyncio.Semaphore(1)

    async def get(self, dataset_id: UUID) -> Certificate:
        """Return the certificate of a dataset's published preparation.

        Raises:
            NotReady: the preparation has not ended.
            Conflict: it ended without a result, or has no target that can be predicted (NO_TARGET).
            Unavailable: the certificate took too long, or too much memory.
        """
        dataset = await self._datasets.get(dataset_id)
        published = require_published(dataset)
        key = rendition_key(published.artifacts, _NAME)
        certificate = await self._find(key)
        if certificate is None:
            async with self._slot:
                certificate = await self._find(key) or await self._make(dataset, published, key)
        if not certificate["target"]:
            raise Conflict(
                "The preparation has no target that can be predicted; prepare the dataset again with target=.",
                reason="NO_TARGET",
            )
        return certificate

    async def _find(self, key: str) -> Certificate | None:
        with suppress(NotFound):
            certificate: Certificate = json.loads(await self._store.read_bytes(key))
            return certificate
        return None

    async def _make(self, dataset: DatasetRecord, published: Published, key: str) -> Certificate:
        recipe = (await self._store.read_bytes(f"{published.artifacts}/{RECIPE}")).decode()
        options = dataset.run.options
        hash_key = await self._hash_keys.of(dataset.user_id) if options.is_hashing else None
        async with (
            self._scratch.folder() as folder,
            self._store.local_copy(dataset.table_key, scratch=folder) as table,
        ):
            try:
                certificate = await self._isolation.run(
                    _certify_table,
                    table,
                    options,
                    recipe,
                    hash_key,
                    deadline=CERTIFY_SECONDS,
                    memory_bytes=MEMORY_BYTES,
                )
            except IsolationError as error:
                raise Unavailable(
                    f"The certificate could not be made: {error}.", reason="CERTIFICATE_FAILED", retry_after=5
                ) from None
        content = certificate or {"target": ""}
        await self._store.put_bytes(key, json.dumps(content, allow_nan=False).encode())
        return content
