"""The run aggregate in a real PostgreSQL: one holder at a time, one result, nothing after the lease is lost."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from shared.db.results import Results
from shared.db.runs import MAX_ATTEMPTS, MAX_CRASHES, DueRun, RunRecord, Runs
from shared.db.session import Database
from shared.errors import NotFound, Unavailable
from tests.records import accept_dataset, publish, run_result

LEASE = timedelta(seconds=30)
EXPIRED = timedelta(seconds=-1)


@pytest.fixture
def runs(database: Database) -> Runs:
    return Runs(database)


async def claimed(runs: Runs, database: Database, *, lease: timedelta = LEASE) -> RunRecord:
    dataset = await accept_dataset(database)
    run = await runs.claim(dataset.run.id, lease=lease)
    assert run is not None
    return run


def token(run: RunRecord) -> UUID:
    assert run.lease_token is not None
    return run.lease_token


async def test_fifty_claims_have_one_winner(runs: Runs, database: Database) -> None:
    dataset = await accept_dataset(database)
    claims = await asyncio.gather(*(runs.claim(dataset.run.id, lease=LEASE) for _ in range(50)))
    winners = [run for run in claims if run]
    assert [run.attempt for run in winners] == [1]
    assert (await runs.get(dataset.run.id)).state == "running"


async def test_an_expired_lease_can_be_taken_and_the_zombie_is_fenced_off(runs: Runs, database: Database) -> None:
    zombie = await claimed(runs, database, lease=EXPIRED)
    heir = await runs.claim(zombie.id, lease=LEASE)
    assert heir is not None
    assert heir.attempt == 2
    assert not await runs.extend(zombie.id, token(zombie), lease=LEASE)
    assert not await runs.progress(zombie.id, token(zombie), stage="applying", progress=50)
    assert not await publish(runs, zombie)
    assert not await runs.fail(zombie.id, token(zombie), reason="X", detail="x")
    assert await publish(runs, heir)
    assert not await publish(runs, heir)
    page = await Results(database).list_cleaning_logs(heir.id, page_size=0, page_token="")
    assert len(page.rows) == 1


async def test_a_failed_publication_changes_nothing(runs: Runs, database: Database) -> None:
    run = await claimed(runs, database)
    twice = run_result().graphs[0]
    with pytest.raises(Exception, match="duplicate"):
        await publish(runs, run, graphs=[twice, twice])
    assert (await runs.get(run.id)).state == "running"
    assert not (await Results(database).list_cleaning_logs(run.id, page_size=0, page_token="")).rows


async def test_handing_back_burns_no_attempt(runs: Runs, database: Database) -> None:
    run = await claimed(runs, database)
    assert await runs.hand_back(run.id, token(run))
    again = await runs.claim(run.id, lease=LEASE)
    assert again is not None
    assert again.attempt == 1


@pytest.mark.parametrize(("attempt", "minutes"), [(1, 1), (2, 2), (3, 5)])
async def test_backoff(runs: Runs, database: Database, attempt: int, minutes: int) -> None:
    run = await claimed(runs, database)
    assert await runs.retry(run.id, token(run), reason="STORAGE_FULL", detail="No room.", attempt=attempt)
    waiting = await runs.get(run.id)
    pause = waiting.due_at - datetime.now(UTC)
    assert timedelta(minutes=minutes) * 0.9 < pause < timedelta(minutes=minutes) * 1.1
    assert (waiting.state, waiting.error_reason) == ("queued", "STORAGE_FULL")
    assert await runs.claim(run.id, lease=LEASE) is None


async def test_a_worker_that_dies_in_its_last_attempt_ends_the_run(runs: Runs, database: Database) -> None:
    dataset = await accept_dataset(database)
    for attempt in range(1, MAX_ATTEMPTS):
        run = await runs.claim(dataset.run.id, lease=LEASE)
        assert run is not None
        assert await runs.retry(run.id, token(run), reason="X", detail="x", attempt=attempt)
        await make_due(database, run.id)
    assert await runs.claim(dataset.run.id, lease=EXPIRED)
    assert await runs.claim(dataset.run.id, lease=LEASE) is None
    assert dataset.run.id in await runs.fail_exhausted()
    failed = await runs.get(dataset.run.id)
    assert (failed.state, failed.error_reason) == ("failed", "WORKER_LOST")
    assert f"in the last of {MAX_ATTEMPTS} attempts" in (failed.error_detail or "")


async def make_due(database: Database, run_id: UUID) -> None:
    async with database.transaction() as connection:
        await connection.execute(text("update runs set due_at = now() where id = :id"), {"id": run_id})


async def test_two_workers_that_die_over_a_run_end_it(runs: Runs, database: Database) -> None:
    dataset = await accept_dataset(database)
    for _ in range(MAX_CRASHES):
        assert dataset.run.id not in await runs.fail_exhausted()
        assert await runs.claim(dataset.run.id, lease=EXPIRED)
    assert await runs.claim(dataset.run.id, lease=LEASE) is None
    assert dataset.run.id in await runs.fail_exhausted()
    failed = await runs.get(dataset.run.id)
    assert (failed.state, failed.error_reason) == ("failed", "WORKER_LOST")
    assert "died 2 times" in (failed.error_detail or "")


async def test_turns_come_round_between_users(runs: Runs, database: Database) -> None:
    """Whoever has much in the queue waits behind whoever has little."""
    crowd = [await accept_dataset(database, user_id="busy") for _ in range(5)]
    single = await accept_dataset(database, user_id="rare")
    elsewhere = await accept_dataset(database, user_id="busy", queue="eda_deep")
    order = [run.id for run in await runs.due(limit=10_000)]
    places = {record.run.id: order.index(record.run.id) for record in (*crowd, single, elsewhere)}
    assert sorted(places.values()) == [places[record.run.id] for record in (crowd[0], single, elsewhere, *crowd[1:])]


async def test_due_lists_what_could_be_claimed(runs: Runs, database: Database) -> None:
    waiting = await accept_dataset(database, queue="eda_deep")
    held = await claimed(runs, database)
    silent = await claimed(runs, database, lease=EXPIRED)
    due = {run.id: run.queue for run in await runs.due(limit=10_000)}
    assert due[waiting.run.id] == "eda_deep"
    assert silent.id in due
    assert held.id not in due


async def test_load_counts_each_queue(runs: Runs, database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(text("delete from datasets"))
    await accept_dataset(database)
    await claimed(runs, database)
    deferred = await claimed(runs, database)
    await runs.retry(deferred.id, token(deferred), reason="X", detail="x", attempt=1)
    load = (await runs.load())["eda_fast"]
    assert (load.ready, load.running, load.deferred) == (1, 1, 1)
    assert timedelta() <= load.oldest_wait < timedelta(minutes=1)


async def test_unknown_run(runs: Runs) -> None:
    with pytest.raises(NotFound):
        await runs.get(uuid4())


async def test_whoever_holds_a_row_keeps_nobody_else_waiting(runs: Runs, database: Database) -> None:
    frozen, lost = await claimed(runs, database, lease=EXPIRED), await claimed(runs, database, lease=EXPIRED)
    for _ in range(MAX_CRASHES - 1):
        assert await runs.claim(lost.id, lease=EXPIRED)
    async with database.transaction() as connection:
        await connection.execute(text("update runs set progress = 50 where id = :id"), {"id": frozen.id})
        async with asyncio.timeout(2):
            assert await runs.claim(frozen.id, lease=LEASE) is None
            assert lost.id in await runs.fail_exhausted()
    assert await runs.claim(frozen.id, lease=LEASE)


async def test_a_transaction_that_stands_still_is_ended(runs: Runs, database: Database) -> None:
    with pytest.raises(Unavailable):
        async with database.transaction() as connection:
            await connection.execute(text("set local idle_in_transaction_session_timeout = '200ms'"))
            await asyncio.sleep(1)
            await connection.execute(text("select 1"))
    async with database.transaction() as connection:
        limits = [
            await connection.scalar(text(f"show {name}"))
            for name in ("idle_in_transaction_session_timeout", "lock_timeout", "tcp_keepalives_idle")
        ]
    assert limits == ["10s", "5s", "10"]


async def test_a_replica_is_an_outage(database: Database) -> None:
    with pytest.raises(Unavailable):
        async with database.transaction() as connection:
            await connection.execute(text("set transaction read only"))
            await connection.execute(text("delete from datasets"))


async def test_due_goes_on_behind_a_run(runs: Runs, database: Database) -> None:
    for _ in range(5):
        await accept_dataset(database)
    whole = await runs.due(limit=10_000)
    pages: list[DueRun] = []
    page = await runs.due(limit=2)
    while page:
        pages += page
        page = await runs.due(limit=2, after=page[-1])
    assert pages == whole
