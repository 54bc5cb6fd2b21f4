"""What /status and /events say about a dataset is the same, whatever its run has been through."""

from datetime import timedelta
from uuid import UUID

from gateway.convert.answers import dataset_status, run_event
from ingest_service.convert.datasets import dataset_message
from shared.db.datasets import Datasets
from shared.db.events import Events
from shared.db.runs import Runs
from shared.db.session import Database
from tests.records import accept_dataset
from worker_service.pipeline.convert import event_message


async def states(database: Database, dataset_id: UUID) -> tuple[str, str]:
    """The state as the status has it, and as the last event does."""
    record = await Datasets(database).get(dataset_id)
    event = await Events(database).latest(record.id)
    return dataset_status(dataset_message(record)).status, run_event(event_message(event)).status


async def test_both_agree_while_a_run_waits_for_its_second_attempt(database: Database) -> None:
    runs = Runs(database)
    record = await accept_dataset(database)
    assert await states(database, record.id) == ("uploaded", "uploaded")
    run = await runs.claim(record.run.id, lease=timedelta(minutes=1))
    assert run is not None and run.lease_token is not None
    assert await states(database, record.id) == ("processing", "processing")
    assert await runs.retry(run.id, run.lease_token, reason="STORAGE_UNAVAILABLE", detail="Away.", attempt=1)
    assert await states(database, record.id) == ("processing", "processing")


async def test_both_agree_once_a_run_is_handed_back(database: Database) -> None:
    runs = Runs(database)
    record = await accept_dataset(database)
    run = await runs.claim(record.run.id, lease=timedelta(minutes=1))
    assert run is not None and run.lease_token is not None
    assert await runs.hand_back(run.id, run.lease_token)
    assert await states(database, record.id) == ("uploaded", "uploaded")


async def test_every_event_has_the_attempt_it_belongs_to(database: Database) -> None:
    runs = Runs(database)
    record = await accept_dataset(database)
    run = await runs.claim(record.run.id, lease=timedelta(minutes=1))
    assert run is not None and run.lease_token is not None
    assert await runs.fail(run.id, run.lease_token, reason="NOISE", detail="Noise.")
    events, ended = await Events(database).after(record.id, 0)
    assert ended
    assert [(event.state, event.attempt) for event in events] == [("queued", 0), ("running", 1), ("failed", 1)]
