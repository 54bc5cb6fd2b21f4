"""Events of a run: what lies before it, as far as anybody can know."""

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
async def empty(database: Database) -> Database:
    async with database.transaction() as connection:
        await connection.execute(text("delete from datasets"))
    return database


async def completed(database: Database, *, rows: int, seconds: float) -> None:
    """A run of this size that took so long."""
    record = await accept_dataset(database, rows=rows, columns=10)
    runs = Runs(database)
    run = await runs.claim(record.run.id, lease=LEASE)
    assert run is not None and run.lease_token is not None
    assert await publish(runs, run)
    took = "update runs set started_at = finished_at - make_interval(secs => :seconds) where id = :id"
    async with database.transaction() as connection:
        await connection.execute(text(took), {"seconds": seconds, "id": run.id})


async def test_who_waits_is_told_the_place_in_turn(empty: Database) -> None:
    crowd = [await accept_dataset(empty, user_id="busy") for _ in range(3)]
    single = await accept_dataset(empty, user_id="rare")
    events = Events(empty)
    places = [(await events.latest(record.id)).queue_position for record in (crowd[0], single, *crowd[1:])]
    assert places == [0, 1, 2, 3]
    assert crowd[2].run.turn_at - crowd[0].run.turn_at >= 2 * TURN
    assert (await events.latest(single.id)).remaining is None, "nothing has completed yet"


async def test_the_remaining_time_is_that_of_runs_of_similar_size(empty: Database) -> None:
    for _ in range(20):
        await completed(empty, rows=100, seconds=1)
        await completed(empty, rows=100_000, seconds=30)
    events, runs = Events(empty), Runs(empty)
    large = await accept_dataset(empty, rows=90_000, columns=10)
    assert (await events.latest(large.id)).remaining == timedelta(seconds=30)
    small = await accept_dataset(empty, rows=120, columns=10)
    behind = (await events.latest(small.id)).remaining
    assert behind is not None
    assert timedelta(seconds=1) < behind < timedelta(seconds=40)
    run = await runs.claim(large.run.id, lease=LEASE)
    assert run is not None and run.lease_token is not None
    remaining = (await events.latest(large.id)).remaining
    assert remaining is not None
    assert timedelta(seconds=25) < remaining <= timedelta(seconds=30)
    assert await publish(runs, run)
    ended = await events.latest(large.id)
    assert (ended.remaining, ended.queue_position) == (None, None)


async def test_a_run_that_is_slower_than_expected_is_judged_by_its_own_pace(empty: Database) -> None:
    for _ in range(3):
        await completed(empty, rows=100, seconds=1)
    runs = Runs(empty)
    record = await accept_dataset(empty, rows=100, columns=10)
    run = await runs.claim(record.run.id, lease=LEASE)
    assert run is not None and run.lease_token is not None
    assert await runs.progress(run.id, run.lease_token, stage="applying", progress=50)
    async with empty.transaction() as connection:
        late = "update run_events set created_at = now() - make_interval(secs => 60) where run_id = :id"
        await connection.execute(text(late), {"id": run.id})
    remaining = (await Events(empty).latest(record.id)).remaining
    assert remaining is not None
    assert timedelta(seconds=55) < remaining < timedelta(seconds=65)


async def test_what_an_earlier_attempt_took_says_nothing_of_this_one(empty: Database) -> None:
    for _ in range(3):
        await completed(empty, rows=100, seconds=5)
    runs = Runs(empty)
    record = await accept_dataset(empty, rows=100, columns=10)
    assert await runs.claim(record.run.id, lease=LEASE) is not None
    async with empty.transaction() as connection:
        silent = (
            "update run_events set created_at = now() - interval '60 s' where run_id = :id",
            "update runs set started_at = now() - interval '60 s', lease_until = now() - interval '1 s' where id = :id",
        )
        for statement in silent:
            await connection.execute(text(statement), {"id": record.run.id})
    assert await runs.claim(record.run.id, lease=LEASE) is not None
    remaining = (await Events(empty).latest(record.id)).remaining
    assert remaining is not None
    assert timedelta(seconds=4) < remaining <= timedelta(seconds=5)


async def test_who_waits_waits_for_those_that_run_too(empty: Database) -> None:
    for _ in range(3):
        await completed(empty, rows=100, seconds=5)
    runs = Runs(empty)
    assert await runs.claim((await accept_dataset(empty, rows=100, columns=10)).run.id, lease=LEASE)
    waiting = [await accept_dataset(empty, rows=100, columns=10) for _ in range(2)]
    remaining = [(await Events(empty).latest(record.id)).remaining for record in waiting]
    assert remaining == [timedelta(seconds=10), timedelta(seconds=15)]


async def test_a_run_that_ends_while_it_is_asked_about_is_told_to_have_ended(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is told the last event, and not that it is the last, would wait for ever."""
    runs, look = Runs(empty), shared_events._run
    record = await accept_dataset(empty)
    run = await runs.claim(record.run.id, lease=LEASE)
    assert run is not None and run.lease_token is not None
    token = run.lease_token

    async def look_and_fail(connection: AsyncConnection, dataset_id: UUID) -> Any:
        seen = await look(connection, dataset_id)
        await runs.fail(record.run.id, token, reason="NOISE", detail="Nothing but noise.")
        return seen

    monkeypatch.setattr(shared_events, "_run", look_and_fail)
    events, ended = await Events(empty).after(record.id, 0)
    assert [event.state for event in events] == ["queued", "running", "failed"]
    assert events[-1].error_reason == "NOISE"
    assert ended
