"""Limits on calls in Redis, and quotas of datasets and bytes in PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from pydantic import SecretBytes

from deploy.local.ports import free_port
from ingest_service.composition import quota
from shared.db.datasets import Datasets
from shared.db.session import Database
from shared.db.usage import Quota, Usage
from shared.errors import QuotaExceeded, Unavailable
from shared.identity.caller import Caller
from shared.identity.composition import open_rate_limits
from shared.identity.rate_limits import RateLimits
from shared.settings.processes import Settings
from tests.records import accept_dataset


def caller(key_id: str = "", user_id: str | None = None) -> Caller:
    return Caller(
        kind="key" if key_id else "user", user_id=user_id or str(uuid4()), scopes=frozenset(("read",)), key_id=key_id
    )


@asynccontextmanager
async def limits(settings: Settings, **changes: object) -> AsyncIterator[RateLimits]:
    token_mode = {"auth_mode": "token", "service_secret": SecretBytes(b"s" * 32), **changes}
    async with open_rate_limits(settings.model_copy(update=token_mode)) as opened:
        assert opened is not None
        yield opened


async def test_the_call_over_the_limit_is_refused_and_says_until_when(settings: Settings) -> None:
    ada = caller()
    async with limits(settings, user_rate_limit="5/minute") as counted:
        for left in (4, 3, 2, 1, 0):
            standing = await counted.count_caller(ada, is_upload=False)
            assert standing is not None and (standing.limit, standing.remaining) == (5, left)
        with pytest.raises(QuotaExceeded, match="5 per minute are allowed") as caught:
            await counted.count_caller(ada, is_upload=False)
        assert await counted.count_caller(caller(), is_upload=False) is not None, "another user waits for nobody"
    assert caught.value.reason == "RATE_LIMITED"
    assert caught.value.retry_after is not None and 1 <= caught.value.retry_after <= 120
    assert caught.value.metadata["ratelimit-remaining"] == "0"


async def test_keys_of_a_user_share_the_limit_of_the_user(settings: Settings) -> None:
    user_id = str(uuid4())
    async with limits(settings, user_rate_limit="4/minute") as counted:
        for number in range(4):
            await counted.count_caller(caller(f"key{number}", user_id), is_upload=False)
        with pytest.raises(QuotaExceeded):
            await counted.count_caller(caller("fifth", user_id), is_upload=False)


async def test_uploads_and_addresses_are_counted_apart(settings: Settings) -> None:
    ada, address = caller(), str(uuid4())
    async with limits(settings, upload_rate_limit="1/minute", address_rate_limit="2/minute") as counted:
        await counted.count_caller(ada, is_upload=True)
        with pytest.raises(QuotaExceeded):
            await counted.count_caller(ada, is_upload=True)
        await counted.count_caller(ada, is_upload=False)
        for _ in range(2):
            await counted.count_address(address)
        with pytest.raises(QuotaExceeded):
            await counted.count_address(address)


async def test_without_redis_calls_go_on_or_not_as_is_set(settings: Settings) -> None:
    away = {"limits_redis_url": f"redis://127.0.0.1:{free_port()}/0"}
    async with limits(settings, **away) as counted:
        assert await counted.count_caller(caller(), is_upload=True) is None
    async with limits(settings, limits_fail_open=False, **away) as counted:
        with pytest.raises(Unavailable):
            await counted.count_caller(caller(), is_upload=True)


async def test_nobody_is_counted_where_only_this_machine_calls(settings: Settings) -> None:
    async with open_rate_limits(settings) as counted:
        assert counted is None
    async with open_rate_limits(settings.model_copy(update={"allow_open": True})) as counted:
        assert counted is not None


@pytest.mark.parametrize(
    ("limit", "reason"),
    [(Quota({}, max_datasets=3), "TOO_MANY_DATASETS"), (Quota({}, max_stored_bytes=30), "TOO_MANY_BYTES")],
)
async def test_a_user_has_so_many_datasets_and_bytes(database: Database, limit: Quota, reason: str) -> None:
    usage, user_id = Usage(database, limit), str(uuid4())
    uploads = [accept_dataset(database, user_id=user_id, usage=usage, size_bytes=10) for _ in range(8)]
    outcomes = await asyncio.gather(*uploads, return_exceptions=True)
    refusals = [outcome for outcome in outcomes if isinstance(outcome, QuotaExceeded)]
    assert [refusal.reason for refusal in refusals] == [reason] * 5
    kept = (await Datasets(database).list(user_id=user_id)).rows
    assert len(kept) == 3
    await Datasets(database).delete(kept[0].id)
    await accept_dataset(database, user_id=user_id, usage=usage, size_bytes=10)


def test_no_limit_is_set_by_default(settings: Settings) -> None:
    assert (quota(settings).max_datasets, quota(settings).max_stored_bytes) == (None, None)
