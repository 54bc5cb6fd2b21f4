"""Quotas in a real PostgreSQL: exact charges, one refund, and a new period."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.ai_answers import AiAnswers
from shared.db.datasets import DatasetRecord, Datasets
from shared.db.runs import Runs
from shared.db.session import Database
from shared.db.usage import Quota, Usage
from shared.errors import QuotaExceeded
from tests.records import accept_dataset, publish

LEASE = timedelta(seconds=30)


async def upload(database: Database, usage: Usage, *, user_id: str, mode: str = "smart", **more: Any) -> DatasetRecord:
    return await accept_dataset(database, usage=usage, user_id=user_id, mode=mode, **more)


async def used(usage: Usage, user_id: str, mode: str = "smart") -> int:
    return next(quota.used for quota in await usage.of(user_id) if quota.mode == mode)


async def complete_run(database: Database, dataset: DatasetRecord, *, ai_used: bool) -> None:
    runs = Runs(database)
    run = await runs.claim(dataset.run.id, lease=LEASE)
    assert run is not None and run.lease_token is not None
    assert await publish(runs, run, ai_used=ai_used)


@pytest.fixture
def user_id() -> str:
    return f"user-{uuid4()}"


async def test_fifty_uploads_at_once_charge_exactly_the_limit(database: Database, user_id: str) -> None:
    usage = Usage(database, Quota({"smart": 3, "deep": 1}))
    results = await asyncio.gather(
        *(upload(database, usage, user_id=user_id) for _ in range(50)), return_exceptions=True
    )
    assert sum(isinstance(result, DatasetRecord) for result in results) == 3
    assert all(isinstance(result, DatasetRecord | QuotaExceeded) for result in results)
    assert await used(usage, user_id) == 3
    page = await Datasets(database).list(user_id=user_id)
    assert len(page.rows) == 3
    with pytest.raises(QuotaExceeded, match="quota of smart mode is used up: 3 of 3") as error:
        await usage.check(user_id, "smart")
    assert error.value.metadata == {"mode": "smart", "limit": "3", "used": "3"}
    await upload(database, usage, user_id=user_id, mode="fast")
    await upload(database, usage, user_id=user_id, mode="deep")


async def test_a_repeat_costs_nothing(database: Database, user_id: str) -> None:
    usage = Usage(database, Quota({"smart": 1}))
    first = await upload(database, usage, user_id=user_id, request_id="k")
    again = await upload(database, usage, user_id=user_id, request_id="k")
    assert again.id == first.id
    assert await used(usage, user_id) == 1


async def test_what_no_ai_answered_is_given_back_once(database: Database, user_id: str) -> None:
    usage = Usage(database, Quota({"smart": 3}))
    answered, unanswered, failed = [await upload(database, usage, user_id=user_id) for _ in range(3)]
    await complete_run(database, answered, ai_used=True)
    assert await used(usage, user_id) == 3
    await complete_run(database, unanswered, ai_used=False)
    assert await used(usage, user_id) == 2
    runs = Runs(database)
    run = await runs.claim(failed.run.id, lease=LEASE)
    assert run is not None and run.lease_token is not None
    assert await runs.fail(run.id, run.lease_token, reason="X", detail="x")
    assert not await runs.fail(run.id, run.lease_token, reason="X", detail="x")
    assert await used(usage, user_id) == 1


async def test_a_worker_lost_for_good_costs_nothing(database: Database, user_id: str) -> None:
    usage = Usage(database, Quota({"deep": 1}))
    dataset = await upload(database, usage, user_id=user_id, mode="deep")
    async with database.transaction() as connection:
        statement = text("update runs set state='running', attempt=4, lease_until=now() - interval '1 s' where id=:id")
        await connection.execute(statement, {"id": dataset.run.id})
    assert dataset.run.id in await Runs(database).fail_exhausted()
    assert await used(usage, user_id, "deep") == 0


async def test_the_count_starts_anew(database: Database, user_id: str) -> None:
    usage = Usage(database, Quota({"smart": 1}, timedelta(days=30)))
    await upload(database, usage, user_id=user_id)
    [smart, _] = await usage.of(user_id)
    assert (smart.used, smart.remaining) == (1, 0)
    assert smart.resets_at is not None
    with pytest.raises(QuotaExceeded, match="starts anew on"):
        await upload(database, usage, user_id=user_id)
    async with database.transaction() as connection:
        statement = text("update user_mode_usage set period_start = now() - interval '31 days' where user_id = :user")
        await connection.execute(statement, {"user": user_id})
    assert await used(usage, user_id) == 0
    await upload(database, usage, user_id=user_id)
    assert await used(usage, user_id) == 1


@pytest.mark.parametrize("retried", [False, True])
async def test_what_an_earlier_period_was_charged_is_not_given_back_to_a_later_one(
    database: Database, user_id: str, retried: bool
) -> None:
    usage, runs = Usage(database, Quota({"smart": 3}, timedelta(days=30))), Runs(database)
    before = await upload(database, usage, user_id=user_id)
    if retried:
        assert await runs.cancel(before.run.id)
        assert await Datasets(database).requeue(before, usage)
    async with database.transaction() as connection:
        statement = text("update user_mode_usage set period_start = now() - interval '31 days' where user_id = :user")
        await connection.execute(statement, {"user": user_id})
    after, kept = [await upload(database, usage, user_id=user_id) for _ in range(2)]
    assert await runs.cancel(before.run.id)
    assert await used(usage, user_id) == 2
    assert await runs.cancel(after.run.id)
    assert await used(usage, user_id) == 1
    await complete_run(database, kept, ai_used=True)
    assert await used(usage, user_id) == 1


async def test_without_a_limit_nothing_is_counted(database: Database, user_id: str) -> None:
    usage = Usage(database, Quota({}))
    for _ in range(5):
        await upload(database, usage, user_id=user_id)
    quotas = await usage.of(user_id)
    assert [(quota.limit, quota.used, quota.remaining) for quota in quotas] == [(None, 0, None)] * 2


async def test_answers_are_kept_as_long_as_their_dataset(database: Database) -> None:
    answers, dataset = AiAnswers(database), await accept_dataset(database)
    key = uuid4().hex
    assert await answers.get(key) is None
    await answers.put(key, "{}", dataset.id)
    await answers.put(key, "[]", dataset.id)
    assert await answers.get(key) == "{}"
    await Datasets(database).delete(dataset.id)
    assert await answers.get(key) is None
    await answers.put(key, "{}", dataset.id)
    assert await answers.get(key) is None, "an answer outlives its dataset"


async def test_a_dataset_removed_while_it_is_tried_again_gives_its_charge_back(
    database: Database, user_id: str
) -> None:
    charged, may_continue = asyncio.Event(), asyncio.Event()

    class SlowUsage(Usage):
        async def charge(self, connection: AsyncConnection, user_id: str, mode: str) -> datetime | None:
            period_start = await super().charge(connection, user_id, mode)
            charged.set()
            await may_continue.wait()
            return period_start

    quota = Quota({"deep": 1})
    usage = Usage(database, quota)
    record = await upload(database, usage, user_id=user_id, mode="deep")
    assert await Runs(database).cancel(record.run.id)
    datasets = Datasets(database)
    retrying = asyncio.create_task(datasets.requeue(await datasets.get(record.id), SlowUsage(database, quota)))
    await charged.wait()
    deleting = asyncio.create_task(datasets.delete(record.id))
    await asyncio.sleep(0.5)
    may_continue.set()
    await asyncio.gather(retrying, deleting)
    assert await used(usage, user_id, "deep") == 0
