"""Watching runs: everybody hears everything once, and who hears nothing costs nothing."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.db.datasets import DatasetRecord, Datasets
from shared.db.events import Events, RunEvent
from shared.db.runs import Runs
from shared.db.session import Database
from shared.errors import NotFound, Unavailable
from shared.queue import RunQueue
from tests.records import accept_dataset, publish
from worker_service.pipeline import event_poller as event_poller
from worker_service.pipeline.event_poller import EventPoller
from worker_service.pipeline.periodic import run_every
from worker_service.pipeline.service import Pipeline


class CountedEvents(Events):
    """Events that remember what they were asked, and can be away."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.asked: Counter[str] = Counter()
        self.away = False

    async def after(self, dataset_id: UUID, sequence: int) -> tuple[Sequence[RunEvent], bool]:
        if self.away:
            raise Unavailable("The database does not answer.")
        self.asked["after"] += 1
        return await super().after(dataset_id, sequence)

    async def last_of(self, dataset_ids: Any) -> dict[UUID, int]:
        if self.away:
            raise Unavailable("The database does not answer.")
        self.asked["last_of"] += 1
        return await super().last_of(dataset_ids)


@pytest.fixture
def events(database: Database) -> CountedEvents:
    return CountedEvents(database)


@pytest.fixture
async def pipeline(database: Database, events: CountedEvents, queue: RunQueue) -> AsyncIterator[Pipeline]:
    """The use cases, and somebody who looks out."""
    look = EventPoller(events)
    looking = asyncio.create_task(run_every(look.poll, pause_seconds=0.1))
    yield Pipeline(runs=Runs(database), events=events, event_poller=look, queue=queue)
    looking.cancel()
    await asyncio.wait([looking])


async def watch(pipeline: Pipeline, record: DatasetRecord, *, after: int = 0) -> list[RunEvent]:
    seen = [event async for event in pipeline.watch(record.id, after=after) if event is not None]
    # While it waits, the last event comes again.
    return [event for n, event in enumerate(seen) if n == 0 or event.sequence > seen[n - 1].sequence]


async def prepare(database: Database, record: DatasetRecord) -> None:
    """What a worker does."""
    runs = Runs(database)
    run = await runs.claim(record.run.id, lease=timedelta(seconds=30))
    assert run is not None and run.lease_token is not None
    for percent in (30, 60):
        await asyncio.sleep(0.15)
        assert await runs.progress(run.id, run.lease_token, stage="applying", progress=percent)
    assert await publish(runs, run)


async def test_many_watch_and_all_hear_everything_once(
    database: Database, pipeline: Pipeline, events: CountedEvents
) -> None:
    records = [await accept_dataset(database) for _ in range(3)]
    watching = [asyncio.create_task(watch(pipeline, records[n % 3])) for n in range(60)]
    async with asyncio.timeout(20):
        while events.asked["after"] < 60:  # noqa: ASYNC110  # everybody asks once
            await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    begun = events.asked.copy()
    await asyncio.sleep(1)
    assert events.asked["after"] == begun["after"], "nothing has happened, and yet somebody asked"
    assert 0 < events.asked["last_of"] - begun["last_of"] <= 10
    await asyncio.gather(*(prepare(database, record) for record in records))
    async with asyncio.timeout(30):
        heard = await asyncio.gather(*watching)
    for seen in heard:
        assert [(event.state, event.progress) for event in seen] == [
            ("queued", 0),
            ("running", 0),
            ("running", 30),
            ("running", 60),
            ("completed", 100),
        ]
    middle = heard[0][2].sequence
    assert await watch(pipeline, records[0], after=middle) == heard[0][3:]
    assert await watch(pipeline, records[0], after=heard[0][-1].sequence) == []


async def test_who_knows_what_never_was_hears_everything(database: Database, pipeline: Pipeline) -> None:
    """A number from another dataset, or from before a backup was restored."""
    record = await accept_dataset(database)
    watching = asyncio.create_task(watch(pipeline, record, after=2**62))
    await asyncio.sleep(0.3)
    await prepare(database, record)
    async with asyncio.timeout(10):
        seen = await watching
    assert [event.progress for event in seen] == [0, 0, 30, 60, 100]
    assert await watch(pipeline, record, after=seen[-1].sequence) == []
    again = await watch(pipeline, record, after=2**62)
    assert [event.sequence for event in again] == [event.sequence for event in seen]


async def test_the_last_event_of_a_failure_tells_why(database: Database, pipeline: Pipeline) -> None:
    record = await accept_dataset(database)
    runs = Runs(database)
    run = await runs.claim(record.run.id, lease=timedelta(seconds=30))
    assert run is not None and run.lease_token is not None
    assert await runs.fail(run.id, run.lease_token, reason="NOISE", detail="Nothing but noise.")
    *before, last = await watch(pipeline, record)
    assert (last.error_reason, last.error_detail) == ("NOISE", "Nothing but noise.")
    assert {event.error_reason for event in before} == {None}


async def test_who_watches_waits_out_an_outage(
    database: Database, pipeline: Pipeline, events: CountedEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker_service.pipeline.service.SIGN_OF_LIFE_SECONDS", 0.3)
    record = await accept_dataset(database)
    watching = asyncio.create_task(watch(pipeline, record))
    await asyncio.sleep(0.5)
    events.away = True
    with pytest.raises(Unavailable):
        await watch(pipeline, record)
    await prepare(database, record)
    await asyncio.sleep(1)
    assert not watching.done()
    events.away = False
    async with asyncio.timeout(10):
        seen = await watching
    assert [event.progress for event in seen] == [0, 0, 30, 60, 100]


async def test_a_removed_dataset_ends_the_watching(database: Database, pipeline: Pipeline) -> None:
    record = await accept_dataset(database)
    watching = asyncio.create_task(watch(pipeline, record))
    await asyncio.sleep(0.3)
    await Datasets(database).delete(record.id)
    with pytest.raises(NotFound):
        async with asyncio.timeout(5):
            await watching
    with pytest.raises(NotFound):
        await watch(pipeline, record)


async def test_one_too_many_is_told_so(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_poller, "MAX_WATCHERS", 2)
    look = EventPoller(Events.__new__(Events))
    with contextlib.ExitStack() as watchers:
        for _ in range(2):
            watchers.enter_context(look.subscribe(uuid4(), after=0))
        with pytest.raises(Unavailable) as caught, look.subscribe(uuid4(), after=0):
            pass
        assert (caught.value.reason, caught.value.retry_after) == ("TOO_MANY_WATCHERS", 5)
    with look.subscribe(uuid4(), after=0):
        pass
