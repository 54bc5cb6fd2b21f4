"""Event streams of runs: each client gets every event once, and idle clients cause no queries."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
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
from worker_service.pipeline import event_poller
from worker_service.pipeline.event_poller import EventPoller
from worker_service.pipeline.periodic import run_every
from worker_service.pipeline.service import Pipeline


class RecordedEvents(Events):
    """Events that count the calls and can be made unavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.calls: Counter[str] = Counter()
        self.unavailable = False

    async def after(self, dataset_id: UUID, sequence: int) -> tuple[Sequence[RunEvent], bool]:
        if self.unavailable:
            raise Unavailable("The database does not answer.")
        self.calls["after"] += 1
        return await super().after(dataset_id, sequence)

    async def last_of(self, dataset_ids: Any) -> dict[UUID, int]:
        if self.unavailable:
            raise Unavailable("The database does not answer.")
        self.calls["last_of"] += 1
        return await super().last_of(dataset_ids)


@pytest.fixture
def events(database: Database) -> RecordedEvents:
    return RecordedEvents(database)


@pytest.fixture
async def pipeline(database: Database, events: RecordedEvents, queue: RunQueue) -> AsyncIterator[Pipeline]:
    """Return a pipeline with a running event poller."""
    poller = EventPoller(events)
    polling = asyncio.create_task(run_every(poller.poll, pause_seconds=0.1))
    yield Pipeline(runs=Runs(database), events=events, event_poller=poller, queue=queue)
    polling.cancel()
    await asyncio.wait([polling])


async def watch(pipeline: Pipeline, record: DatasetRecord, *, after: int = 0) -> list[RunEvent]:
    events = [event async for event in pipeline.watch(record.id, after=after) if event is not None]
    # The last event is sent again while there is no new one.
    return [event for n, event in enumerate(events) if n == 0 or event.sequence > events[n - 1].sequence]


async def prepare(database: Database, record: DatasetRecord) -> None:
    """Claim a run, report progress, and publish its result, as a worker does."""
    runs = Runs(database)
    run = await runs.claim(record.run.id, lease=timedelta(seconds=30))
    assert run is not None and run.lease_token is not None
    for percent in (30, 60):
        await asyncio.sleep(0.15)
        assert await runs.progress(run.id, run.lease_token, stage="applying", progress=percent)
    assert await publish(runs, run)


async def test_each_of_many_clients_gets_every_event_once(
    database: Database, pipeline: Pipeline, events: RecordedEvents
) -> None:
    records = [await accept_dataset(database) for _ in range(3)]
    streaming = [asyncio.create_task(watch(pipeline, records[n % 3])) for n in range(60)]
    async with asyncio.timeout(20):
        while events.calls["after"] < 60:  # noqa: ASYNC110  # each client queries once
            await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    calls_before = events.calls.copy()
    await asyncio.sleep(1)
    assert events.calls["after"] == calls_before["after"], "nothing has happened, and yet somebody asked"
    assert 0 < events.calls["last_of"] - calls_before["last_of"] <= 10
    await asyncio.gather(*(prepare(database, record) for record in records))
    async with asyncio.timeout(30):
        streams = await asyncio.gather(*streaming)
    for stream in streams:
        assert [(event.state, event.progress) for event in stream] == [
            ("queued", 0),
            ("running", 0),
            ("running", 30),
            ("running", 60),
            ("completed", 100),
        ]
    middle = streams[0][2].sequence
    # An event that was the last when it was sent carried an estimate, if another run had ended by then.
    as_recorded = [replace(event, remaining=None) for event in streams[0][3:]]
    assert await watch(pipeline, records[0], after=middle) == as_recorded
    assert await watch(pipeline, records[0], after=streams[0][-1].sequence) == []


async def test_an_unknown_sequence_number_yields_every_event(database: Database, pipeline: Pipeline) -> None:
    """A number from another dataset, or from before a backup was restored."""
    record = await accept_dataset(database)
    streaming = asyncio.create_task(watch(pipeline, record, after=2**62))
    await asyncio.sleep(0.3)
    await prepare(database, record)
    async with asyncio.timeout(10):
        received = await streaming
    assert [event.progress for event in received] == [0, 0, 30, 60, 100]
    assert await watch(pipeline, record, after=received[-1].sequence) == []
    again = await watch(pipeline, record, after=2**62)
    assert [event.sequence for event in again] == [event.sequence for event in received]


async def test_the_last_event_of_a_failure_has_the_reason(database: Database, pipeline: Pipeline) -> None:
    record = await accept_dataset(database)
    runs = Runs(database)
    run = await runs.claim(record.run.id, lease=timedelta(seconds=30))
    assert run is not None and run.lease_token is not None
    assert await runs.fail(run.id, run.lease_token, reason="NOISE", detail="Nothing but noise.")
    *before, last = await watch(pipeline, record)
    assert (last.error_reason, last.error_detail) == ("NOISE", "Nothing but noise.")
    assert {event.error_reason for event in before} == {None}


async def test_a_stream_survives_an_outage(
    database: Database, pipeline: Pipeline, events: RecordedEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker_service.pipeline.service.SIGN_OF_LIFE_SECONDS", 0.3)
    record = await accept_dataset(database)
    streaming = asyncio.create_task(watch(pipeline, record))
    await asyncio.sleep(0.5)
    events.unavailable = True
    with pytest.raises(Unavailable):
        await watch(pipeline, record)
    await prepare(database, record)
    await asyncio.sleep(1)
    assert not streaming.done()
    events.unavailable = False
    async with asyncio.timeout(10):
        received = await streaming
    assert [event.progress for event in received] == [0, 0, 30, 60, 100]


async def test_a_removed_dataset_ends_the_stream(database: Database, pipeline: Pipeline) -> None:
    record = await accept_dataset(database)
    streaming = asyncio.create_task(watch(pipeline, record))
    await asyncio.sleep(0.3)
    await Datasets(database).delete(record.id)
    with pytest.raises(NotFound):
        async with asyncio.timeout(5):
            await streaming
    with pytest.raises(NotFound):
        await watch(pipeline, record)


async def test_watchers_beyond_the_limit_are_refused(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_poller, "MAX_WATCHERS", 2)
    poller = EventPoller(Events.__new__(Events))
    with contextlib.ExitStack() as watchers:
        for _ in range(2):
            watchers.enter_context(poller.subscribe(uuid4(), after=0))
        with pytest.raises(Unavailable) as error, poller.subscribe(uuid4(), after=0):
            pass
        assert (error.value.reason, error.value.retry_after) == ("TOO_MANY_WATCHERS", 5)
    with poller.subscribe(uuid4(), after=0):
        pass
