"""Events of a run: its place in the queue and its estimated remaining time."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db import events as shared_events
from shared.db.datasets import TURN
from shared.db.events import Events
from shared.db.runs import Runs
from shared.db.session import Database
from tests.records import accept_dataset, publish

LEASE = timedelta(seconds=30)


@pytest.fixture
async def empty_database(database: Database) -> Database:
    async with database.transaction() as connection:
        await connection.execute(text("delete from datasets"))
    return database


async def complete_run(database: Database, *, rows: int, seconds: float) -> None:
    """Store a completed run.

    Args:
        database: the database to store it in.
        rows: the rows of its dataset.
        seconds: the time that it took.
    """
    record = await accept_dataset(database, rows=rows, columns=10)
    runs = Runs(database)
    run = await runs.claim(record.run.id, lease=LEASE)
    assert run is not None and run.lease_token is not None
    assert await publish(runs, run)
    statement = "update runs set started_at = finished_at - make_interval(secs => :seconds) where id = :id"
    async with database.transaction() as connection:
        await connection.execute(text(statement), {"seconds": seconds, "id": run.id})


async def test_a_waiting_run_has_a_position_in_the_queue(empty_database: Database) -> None:
    busy_records = [await accept_dataset(empty_database, user_id="busy") for _ in range(3)]
    rare_record = await accept_dataset(empty_database, user_id="rare")
    events = Events(empty_database)
    expected_order = (busy_records[0], rare_record, *busy_records[1:])
    positions = [(await events.latest(record.id)).queue_position for record in expected_order]
    assert positions == [0, 1, 2, 3]
    assert busy_records[2].run.turn_at - busy_records[0].run.turn_at >= 2 * TURN
    assert (await events.latest(rare_record.id)).remaining is None, "nothing has completed yet"


async def test_the_remaining_time_is_that_of_runs_of_similar_size(empty_database: Database) -> None:
    for _ in range(20):
        await complete_run(empty_database, rows=100, seconds=1)
        await complete_run(empty_database, rows=100_000, seconds=30)
    events, runs = Events(empty_database), Runs(empty_database)
    large = await accept_dataset(empty_database, rows=90_000, columns=10)
    assert (await events.latest(large.id)).remaining == timedelta(seconds=30)
    small = await accept_dataset(empty_database, rows=120, columns=10)
    waiting_time = (await events.latest(small.id)).remaining
    assert waiting_time is not None
    assert timedelta(seconds=1) < waiting_time < timedelta(seconds=40)
    run = await runs.claim(large.run.id, lease=LEASE)
    assert run is not None and run.lease_token is not None
    remaining = (await events.latest(large.id)).remaining
    assert remaining is not None
    assert timedelta(seconds=25) < remaining <= timedelta(seconds=30)
    assert await publish(runs, run)
    ended = await events.latest(large.id)
    assert (ended.remaining, ended.queue_position) == (None, None)


async def test_a_run_that_is_slower_than_expected_is_judged_by_its_own_pace(empty_database: Database) -> None:
    for _ in range(3):
        await complete_run(empty_database, rows=100, seconds=1)
    runs = Runs(empty_database)
    record = await accept_dataset(empty_database, rows=100, columns=10)
    run = await runs.claim(record.run.id, lease=LEASE)
    assert run is not None and run.lease_token is not None
    assert await runs.progress(run.id, run.lease_token, stage="applying", progress=50)
    async with empty_database.transaction() as connection:
        statement = "update run_events set created_at = now() - make_interval(secs => 60) where run_id = :id"
        await connection.execute(text(statement), {"id": run.id})
    remaining = (await Events(empty_database).latest(record.id)).remaining
    assert remaining is not None
    assert timedelta(seconds=55) < remaining < timedelta(seconds=65)


async def test_what_an_earlier_attempt_took_says_nothing_of_this_one(empty_database: Database) -> None:
    for _ in range(3):
        await complete_run(empty_database, rows=100, seconds=5)
    runs = Runs(empty_database)
    record = await accept_dataset(empty_database, rows=100, columns=10)
    assert await runs.claim(record.run.id, lease=LEASE) is not None
    async with empty_database.transaction() as connection:
        statements = (
            "update run_events set created_at = now() - interval '60 s' where run_id = :id",
            "update runs set started_at = now() - interval '60 s', lease_until = now() - interval '1 s' where id = :id",
        )
        for statement in statements:
            await connection.execute(text(statement), {"id": record.run.id})
    assert await runs.claim(record.run.id, lease=LEASE) is not None
    remaining = (await Events(empty_database).latest(record.id)).remaining
    assert remaining is not None
    assert timedelta(seconds=4) < remaining <= timedelta(seconds=5)


async def test_the_remaining_time_includes_the_runs_ahead(empty_database: Database) -> None:
    for _ in range(3):
        await complete_run(empty_database, rows=100, seconds=5)
    runs = Runs(empty_database)
    assert await runs.claim((await accept_dataset(empty_database, rows=100, columns=10)).run.id, lease=LEASE)
    waiting = [await accept_dataset(empty_database, rows=100, columns=10) for _ in range(2)]
    remaining = [(await Events(empty_database).latest(record.id)).remaining for record in waiting]
    assert remaining == [timedelta(seconds=10), timedelta(seconds=15)]


async def test_a_run_that_ends_during_the_query_is_reported_as_ended(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that gets the last event without learning that it is the last would wait for ever."""
    runs, original = Runs(empty_database), shared_events._run
    record = await accept_dataset(empty_database)
    run = await runs.claim(record.run.id, lease=LEASE)
    assert run is not None and run.lease_token is not None
    token = run.lease_token

    async def read_and_fail(connection: AsyncConnection, dataset_id: UUID) -> Any:
        row = await original(connection, dataset_id)
        await runs.fail(record.run.id, token, reason="NOISE", detail="Nothing but noise.")
        return row

    monkeypatch.setattr(shared_events, "_run", read_and_fail)
    events, ended = await Events(empty_database).after(record.id, 0)
    assert [event.state for event in events] == ["queued", "running", "failed"]
    assert events[-1].error_reason == "NOISE"
    assert ended
