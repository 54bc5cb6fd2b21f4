"""Orphaned objects are removed; whatever a row refers to is kept."""

from datetime import timedelta
from uuid import uuid4

from sqlalchemy import text

from shared.db.datasets import Datasets
from shared.db.runs import Runs
from shared.db.session import Database
from shared.storage import ObjectStore
from tests.records import accept_dataset, publish
from worker_service.pipeline.garbage_collector import OrphanCollector


async def keys(store: ObjectStore) -> set[str]:
    return {info.key async for info in store.list("")}


async def test_only_orphans_are_removed(database: Database, store: ObjectStore) -> None:
    runs = Runs(database)
    kept: set[str] = set()

    async def put(key: str) -> str:
        await store.put_bytes(key, b"x")
        return key

    published = await accept_dataset(database)
    claimed = await runs.claim(published.run.id, lease=timedelta(seconds=30))
    assert claimed is not None and claimed.lease_token is not None
    artifacts = f"datasets/{published.id}/runs/{published.run.id}/{claimed.lease_token}"
    assert await publish(runs, claimed, artifacts=artifacts)
    kept |= {await put(published.raw_key), await put(f"{artifacts}/cleaned.parquet")}
    kept.add(await put(f"{artifacts}/renditions/cleaned.csv"))
    orphaned_artifact = await put(f"datasets/{published.id}/runs/{published.run.id}/{uuid4()}/cleaned.parquet")

    running = await accept_dataset(database)
    claimed = await runs.claim(running.run.id, lease=timedelta(seconds=30))
    assert claimed is not None
    kept.add(await put(f"datasets/{running.id}/runs/{running.run.id}/{claimed.lease_token}/cleaned.parquet"))
    kept.add(await put("elsewhere/datasets/x"))

    unknown_dataset_id = uuid4()
    orphans = {await put(f"datasets/{unknown_dataset_id}/raw"), await put(f"datasets/{unknown_dataset_id}/runs/a/b/c")}

    collector_with_grace = OrphanCollector(datasets=Datasets(database), store=store, grace=timedelta(hours=1))
    assert await collector_with_grace.collect() == 0
    assert await keys(store) == {*kept, *orphans, orphaned_artifact}
    orphan_collector = OrphanCollector(datasets=Datasets(database), store=store, grace=timedelta())
    assert await orphan_collector.collect() == 3
    assert await keys(store) == kept
    assert await orphan_collector.collect() == 0


async def test_failed_datasets_are_kept_for_a_while_and_then_purged(database: Database) -> None:
    runs, datasets = Runs(database), Datasets(database)
    failed = []
    for hours in (23, 25):
        record = await accept_dataset(database)
        run = await runs.claim(record.run.id, lease=timedelta(seconds=30))
        assert run is not None and run.lease_token is not None
        assert await runs.fail(run.id, run.lease_token, reason="NOISE", detail="Nothing but noise.")
        async with database.transaction() as connection:
            statement = "update runs set finished_at = now() - make_interval(hours => :hours) where id = :id"
            await connection.execute(text(statement), {"hours": hours, "id": run.id})
        failed.append(record)
    recent, old = failed
    purged = await datasets.purge_failed(kept=timedelta(hours=24), limit=1000)
    assert old.id in purged
    assert recent.id not in purged
    assert (await datasets.get(recent.id)).run.error_detail == "Nothing but noise."


async def test_a_failed_dataset_that_is_tried_again_at_that_moment_is_not_purged(database: Database) -> None:
    runs, datasets = Runs(database), Datasets(database)
    record = await accept_dataset(database)
    run = await runs.claim(record.run.id, lease=timedelta(seconds=30))
    assert run is not None and run.lease_token is not None
    assert await runs.fail(run.id, run.lease_token, reason="NOISE", detail="Nothing but noise.")
    async with database.transaction() as connection:
        await connection.execute(text("update runs set state = 'queued' where id = :id"), {"id": run.id})
        assert record.id not in await datasets.purge_failed(kept=timedelta(), limit=1000)
    assert (await datasets.get(record.id)).run.state == "queued"
