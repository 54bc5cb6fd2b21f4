"""Runs in a real PostgreSQL: one holder at a time, one result, and no effect after the lease is lost."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from shared.contracts.run_options import RunOptions
from shared.db.datasets import STEP, Datasets
from shared.db.results import Results
from shared.db.runs import MAX_ATTEMPTS, MAX_CRASHES, DueRun, RunRecord, Runs
from shared.db.session import Database
from shared.db.usage import Quota, Usage
from shared.db.versions import MAX_VERSIONS
from shared.errors import NotFound, Unavailable
from tests.records import accept_dataset, publish, run_result

LEASE = timedelta(seconds=30)
EXPIRED = timedelta(seconds=-1)


@pytest.fixture
def runs(database: Database) -> Runs:
    return Runs(database)


async def claim_new_run(runs: Runs, database: Database, *, lease: timedelta = LEASE) -> RunRecord:
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
    stale_run = await claim_new_run(runs, database, lease=EXPIRED)
    new_run = await runs.claim(stale_run.id, lease=LEASE)
    assert new_run is not None
    assert new_run.attempt == 2
    assert not await runs.extend(stale_run.id, token(stale_run), lease=LEASE)
    assert not await runs.progress(stale_run.id, token(stale_run), stage="applying", progress=50)
    assert not await publish(runs, stale_run)
    assert not await runs.fail(stale_run.id, token(stale_run), reason="X", detail="x")
    assert await publish(runs, new_run)
    assert not await publish(runs, new_run)
    page = await Results(database).list_cleaning_logs(new_run.id, page_size=0, page_token="")
    assert len(page.rows) == 1


async def test_a_failed_publication_changes_nothing(runs: Runs, database: Database) -> None:
    run = await claim_new_run(runs, database)
    graph = run_result().graphs[0]
    with pytest.raises(Exception, match="duplicate"):
        await publish(runs, run, graphs=[graph, graph])
    assert (await runs.get(run.id)).state == "running"
    assert not (await Results(database).list_cleaning_logs(run.id, page_size=0, page_token="")).rows


async def test_logs_and_charts_go_with_their_versions(runs: Runs, database: Database) -> None:
    dataset = await accept_dataset(database)
    results, datasets, run_id = Results(database), Datasets(database), dataset.run.id
    for number in range(MAX_VERSIONS + 2):
        run = await runs.claim(run_id, lease=LEASE)
        assert run is not None
        graph = {**run_result().graphs[0], "title": f"version {number + 1}"}
        assert await publish(runs, run, graphs=[graph])
        again = await datasets.get(dataset.id)
        assert await datasets.prepare_again(again, Usage(database, Quota({})), options=RunOptions(), queue="eda_fast")
    for version, title in ((0, "version 22"), (21, "version 21"), (3, "version 3")):
        charts = await results.list_graphs(run_id, version, page_size=0, page_token="")
        assert [chart.title for chart in charts.rows] == [title]
        assert len((await results.list_cleaning_logs(run_id, version, page_size=0, page_token="")).rows) == 1
    async with database.transaction() as connection:
        kept = await connection.scalar(
            text("select count(*) from graph_metadata where run_id = :run_id"), {"run_id": run_id}
        )
    # The next publication takes away what was dropped with the last one.
    assert kept in (MAX_VERSIONS, MAX_VERSIONS + 1)


async def test_handing_back_uses_no_attempt(runs: Runs, database: Database) -> None:
    run = await claim_new_run(runs, database)
    assert await runs.hand_back(run.id, token(run))
    again = await runs.claim(run.id, lease=LEASE)
    assert again is not None
    assert again.attempt == 1


@pytest.mark.parametrize(("attempt", "minutes"), [(1, 1), (2, 2), (3, 5)])
async def test_backoff(runs: Runs, database: Database, attempt: int, minutes: int) -> None:
    run = await claim_new_run(runs, database)
    assert await runs.retry(run.id, token(run), reason="STORAGE_FULL", detail="No room.", attempt=attempt)
    waiting = await runs.get(run.id)
    pause = waiting.due_at - datetime.now(UTC)
    assert timedelta(minutes=minutes) * 0.9 < pause < timedelta(minutes=minutes) * 1.1
    assert (waiting.state, waiting.error_reason) == ("queued", "STORAGE_FULL")
    assert await runs.claim(run.id, lease=LEASE) is None


async def test_a_worker_that_dies_in_its_last_attempt_fails_the_run(runs: Runs, database: Database) -> None:
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


async def test_two_workers_that_die_during_a_run_fail_it(runs: Runs, database: Database) -> None:
    dataset = await accept_dataset(database)
    for _ in range(MAX_CRASHES):
        assert dataset.run.id not in await runs.fail_exhausted()
        assert await runs.claim(dataset.run.id, lease=EXPIRED)
    assert await runs.claim(dataset.run.id, lease=LEASE) is None
    assert dataset.run.id in await runs.fail_exhausted()
    failed = await runs.get(dataset.run.id)
    assert (failed.state, failed.error_reason) == ("failed", "WORKER_LOST")
    assert "died 2 times" in (failed.error_detail or "")


async def test_runs_of_different_users_take_turns(runs: Runs, database: Database) -> None:
    """A user with many queued runs waits behind a user with few."""
    busy_records = [await accept_dataset(database, user_id="busy") for _ in range(5)]
    rare_record = await accept_dataset(database, user_id="rare")
    other_queue_record = await accept_dataset(database, user_id="busy", queue="eda_deep")
    order = [run.id for run in await runs.due(limit=10_000)]
    expected_order = (busy_records[0], rare_record, other_queue_record, *busy_records[1:])
    positions = [order.index(record.run.id) for record in expected_order]
    assert positions == sorted(positions)


async def test_due_lists_what_could_be_claimed(runs: Runs, database: Database) -> None:
    waiting = await accept_dataset(database, queue="eda_deep")
    held = await claim_new_run(runs, database)
    silent = await claim_new_run(runs, database, lease=EXPIRED)
    due = {run.id: run.queue for run in await runs.due(limit=10_000)}
    assert due[waiting.run.id] == "eda_deep"
    assert silent.id in due
    assert held.id not in due


async def test_load_counts_each_queue(runs: Runs, database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(text("delete from datasets"))
    await accept_dataset(database)
    await claim_new_run(runs, database)
    deferred = await claim_new_run(runs, database)
    await runs.retry(deferred.id, token(deferred), reason="X", detail="x", attempt=1)
    load = (await runs.load())["eda_fast"]
    assert (load.ready, load.running, load.deferred) == (1, 1, 1)
    assert timedelta() <= load.oldest_wait < timedelta(minutes=1)
    ended = await claim_new_run(runs, database)
    await runs.fail(ended.id, token(ended), reason="X", detail="x")
    load = (await runs.load())["eda_fast"]
    assert (load.running, load.failed, load.completed) == (1, 1, 0)


async def test_the_runs_of_a_user_keep_their_order(runs: Runs, database: Database) -> None:
    owner = str(uuid4())
    first, second, third = [await accept_dataset(database, user_id=owner) for _ in range(3)]
    for ended in (first, second):
        claimed = await runs.claim(ended.run.id, lease=timedelta(minutes=1))
        assert claimed is not None
        await runs.fail(ended.run.id, token(claimed), reason="X", detail="x")
    later = await accept_dataset(database, user_id=owner)
    assert later.run.turn_at - third.run.turn_at >= STEP


async def test_unknown_run(runs: Runs) -> None:
    with pytest.raises(NotFound):
        await runs.get(uuid4())


async def test_a_locked_row_delays_no_other_run(runs: Runs, database: Database) -> None:
    locked = await claim_new_run(runs, database, lease=EXPIRED)
    lost = await claim_new_run(runs, database, lease=EXPIRED)
    for _ in range(MAX_CRASHES - 1):
        assert await runs.claim(lost.id, lease=EXPIRED)
    async with database.transaction() as connection:
        await connection.execute(text("update runs set progress = 50 where id = :id"), {"id": locked.id})
        async with asyncio.timeout(2):
            assert await runs.claim(locked.id, lease=LEASE) is None
            assert lost.id in await runs.fail_exhausted()
    assert await runs.claim(locked.id, lease=LEASE)


async def test_an_idle_transaction_is_ended(runs: Runs, database: Database) -> None:
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
    all_due = await runs.due(limit=10_000)
    pages: list[DueRun] = []
    page = await runs.due(limit=2)
    while page:
        pages += page
        page = await runs.due(limit=2, after=page[-1])
    assert pages == all_due
