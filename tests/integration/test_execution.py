"""Execution of runs on real servers: one state however the child ends, and nothing left behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from structlog.testing import capture_logs

from shared.contracts.artifacts import ARTIFACTS
from shared.contracts.run_result import RunResult
from shared.db.datasets import DatasetRecord, Datasets
from shared.db.hash_keys import HashKeys
from shared.db.runs import MAX_ATTEMPTS, RunRecord, Runs
from shared.db.session import Database
from shared.db.usage import Quota, Usage
from shared.errors import Unavailable
from shared.isolation.isolation import Isolation
from shared.queue import DEEP_QUEUE, FAST_QUEUE, RunQueue, build_worker
from shared.scratch import Scratch
from shared.settings.processes import Settings
from shared.storage import ObjectStore
from shared.storage.local import LocalObjectStore
from tests.integration import programs
from tests.records import accept_dataset
from worker_service.pipeline.reconciler import Reconciler
from worker_service.planner.ai.advisor import Advisor
from worker_service.worker.lease import Leases, LeaseTerms
from worker_service.worker.preparer import PreparationChild, Preparer, Program
from worker_service.worker.run_executor import RunExecutor


class ExecutionFixture:
    """Executors and datasets on the real servers."""

    def __init__(
        self, database: Database, store: ObjectStore, queue: RunQueue, isolation: Isolation, scratch: Path
    ) -> None:
        self.database, self.store, self.queue = database, store, queue
        self.isolation, self.scratch = isolation, scratch
        self.runs = Runs(database)

    def executor(
        self,
        program: Program,
        *,
        timeout: float = 60.0,
        lease: timedelta = timedelta(seconds=2),
        heartbeat_seconds: float = 0.5,
    ) -> RunExecutor:
        timeouts = {FAST_QUEUE: timeout, DEEP_QUEUE: timeout}
        terms = LeaseTerms(duration=lease, heartbeat_seconds=heartbeat_seconds)
        return RunExecutor(
            leases=Leases(runs=self.runs, queue=self.queue, terms=terms),
            preparer=Preparer(
                hash_keys=HashKeys(self.database),
                datasets=Datasets(self.database),
                store=self.store,
                scratch=Scratch(self.scratch),
                child=PreparationChild(
                    large=self.isolation, small=self.isolation, memory_bytes=1 << 30, program=program
                ),
                advisor=Advisor(model=None, run_seconds=0),
            ),
            store=self.store,
            timeouts=timeouts,
        )

    async def dataset(self) -> DatasetRecord:
        record = await accept_dataset(self.database)
        await self.store.put_bytes(record.table_key, b"table")
        return record

    async def run_once(self, program: Program, **limits: Any) -> RunRecord:
        record = await self.dataset()
        await self.executor(program, **limits).execute(record.run.id)
        return await self.runs.get(record.run.id)

    async def artifact_keys(self, run: RunRecord) -> list[str]:
        return [info.key async for info in self.store.list(f"datasets/{run.dataset_id}/runs")]

    def scratch_folders(self) -> list[Path]:
        return list(self.scratch.glob("neuralearn-*"))


@pytest.fixture
def execution(
    database: Database, store: ObjectStore, queue: RunQueue, isolation: Isolation, tmp_path: Path
) -> ExecutionFixture:
    return ExecutionFixture(database, store, queue, isolation, tmp_path)


async def test_success_is_published_once(execution: ExecutionFixture) -> None:
    record = await execution.dataset()
    executor = execution.executor(programs.succeed)
    await asyncio.gather(*(executor.execute(record.run.id) for _ in range(3)))
    run = await execution.runs.get(record.run.id)
    assert (run.state, run.attempt, run.progress) == ("completed", 1, 100)
    assert run.artifacts is not None
    assert {key.removeprefix(run.artifacts + "/") for key in await execution.artifact_keys(run)} == set(ARTIFACTS)
    assert execution.scratch_folders() == []


@pytest.mark.parametrize(
    ("program", "limits", "reason", "message"),
    [
        (programs.refuse, {}, "NOISE", "Nothing but noise."),
        (programs.hang, {"timeout": 0.5}, "TIMED_OUT", "stopped"),
        (programs.exhaust_memory, {}, "OUT_OF_MEMORY", "1 GiB"),
        (programs.fail_unexpectedly, {}, "INTERNAL", "defect of ours"),
        (programs.crash, {}, "PROCESS_DIED", "SIGSEGV"),
    ],
)
async def test_what_a_repeat_can_not_cure_fails_at_once(
    execution: ExecutionFixture, program: Program, limits: dict[str, Any], reason: str, message: str
) -> None:
    run = await execution.run_once(program, **limits)
    assert (run.state, run.error_reason, run.attempt) == ("failed", reason, 1)
    assert message in (run.error_detail or "")
    assert "secret" not in (run.error_detail or "")
    assert await execution.artifact_keys(run) == []
    assert execution.scratch_folders() == []


async def test_a_killed_child_is_retried_later_and_not_for_ever(execution: ExecutionFixture) -> None:
    run = await execution.run_once(programs.be_killed)
    assert (run.state, run.error_reason, run.attempt) == ("queued", "PROCESS_DIED", 1)
    assert "SIGKILL" in (run.error_detail or "")
    for _ in range(MAX_ATTEMPTS - 1):
        await make_due(execution, run)
        await execution.executor(programs.be_killed).execute(run.id)
    ended = await execution.runs.get(run.id)
    assert (ended.state, ended.attempt) == ("failed", MAX_ATTEMPTS)


async def test_a_cancelled_run_ends_its_child_within_a_second(execution: ExecutionFixture) -> None:
    record = await execution.dataset()
    work = asyncio.create_task(execution.executor(programs.hang).execute(record.run.id))
    await wait_for_state(execution, record.run.id, "running")
    await asyncio.sleep(0.3)
    assert await execution.runs.cancel(record.run.id)
    with capture_logs() as logs:
        async with asyncio.timeout(3):
            await work
    assert ("info", "run cancelled") in {(line["log_level"], line["event"]) for line in logs}
    run = await execution.runs.get(record.run.id)
    assert (run.state, run.stage, run.artifacts) == ("cancelled", "cancelled", None)
    assert not await execution.runs.cancel(record.run.id)
    assert await execution.artifact_keys(run) == []
    assert execution.scratch_folders() == []


async def test_a_cancelled_and_retried_run_is_prepared_without_the_reconciler(
    execution: ExecutionFixture, settings: Settings
) -> None:
    async with Redis.from_url(settings.redis_url) as redis:
        await redis.flushall()
    record = await execution.dataset()
    worker = build_worker(
        queue=FAST_QUEUE,
        redis_url=settings.redis_url,
        run=execution.executor(programs.succeed_slowly).execute,
        slots=1,
        job_timeout=60,
        lease_seconds=30,
    )
    serving = asyncio.create_task(worker.serve())
    await execution.queue.enqueue(FAST_QUEUE, record.run.id)
    await wait_for_state(execution, record.run.id, "running")
    assert await execution.runs.cancel(record.run.id)
    assert await Datasets(execution.database).requeue(record, Usage(execution.database, Quota({})))
    assert not await execution.queue.enqueue(FAST_QUEUE, record.run.id)
    await wait_for_state(execution, record.run.id, "completed", seconds=15)
    worker.stop()
    await serving


async def test_a_run_without_its_dataset_leaves_nothing(execution: ExecutionFixture) -> None:
    record = await execution.dataset()
    work = asyncio.create_task(execution.executor(programs.succeed_slowly).execute(record.run.id))
    await wait_for_state(execution, record.run.id, "running")
    await Datasets(execution.database).delete(record.id)
    await execution.store.delete_prefix(f"datasets/{record.id}")
    async with asyncio.timeout(10):
        await work
    assert [info.key async for info in execution.store.list(f"datasets/{record.id}")] == []
    assert execution.scratch_folders() == []


async def make_due(execution: ExecutionFixture, run: RunRecord) -> None:
    async with execution.database.transaction() as connection:
        await connection.execute(text("update runs set due_at = now() where id = :id"), {"id": run.id})


async def test_a_lost_object_store_is_worth_another_try(execution: ExecutionFixture) -> None:
    record = await accept_dataset(execution.database)
    await execution.executor(programs.succeed).execute(record.run.id)
    run = await execution.runs.get(record.run.id)
    assert (run.state, run.error_reason) == ("failed", "OBJECT_NOT_FOUND")


async def test_cancellation_hands_the_run_back_and_kills_the_child(execution: ExecutionFixture) -> None:
    record = await execution.dataset()
    await assert_handed_back(execution, record, programs.hang)
    assert execution.scratch_folders() == []


async def assert_handed_back(execution: ExecutionFixture, record: DatasetRecord, program: Program) -> None:
    task = asyncio.create_task(execution.executor(program).execute(record.run.id))
    await wait_for_state(execution, record.run.id, "running")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    run = await execution.runs.get(record.run.id)
    assert (run.state, run.attempt) == ("queued", 0)


async def wait_for_state(execution: ExecutionFixture, run_id: UUID, state: str, *, seconds: float = 5) -> None:
    for _ in range(int(seconds / 0.05)):
        if (await execution.runs.get(run_id)).state == state:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"never {state}")


async def test_the_heartbeat_outlives_the_lease(execution: ExecutionFixture) -> None:
    record = await execution.dataset()
    executor = execution.executor(programs.succeed_slowly, lease=timedelta(seconds=1), heartbeat_seconds=0.3)
    task = asyncio.create_task(executor.execute(record.run.id))
    await asyncio.sleep(2)
    assert await execution.runs.claim(record.run.id, lease=timedelta(seconds=1)) is None
    run = await execution.runs.get(record.run.id)
    assert (run.stage, run.progress) == ("profiling", 30)
    await task
    assert (await execution.runs.get(record.run.id)).state == "completed"


async def test_a_cancelled_publication_is_completed(execution: ExecutionFixture) -> None:
    record = await execution.dataset()
    async with execution.database.transaction() as connection:
        task = asyncio.create_task(execution.executor(programs.succeed_slowly).execute(record.run.id))
        await wait_for_state(execution, record.run.id, "running")
        await connection.execute(text("select 1 from runs where id = :id for update"), {"id": record.run.id})
        await asyncio.sleep(4)
        task.cancel()
        await asyncio.sleep(0.2)
    with pytest.raises(asyncio.CancelledError):
        await task
    run = await execution.runs.get(record.run.id)
    assert run.state == "completed"
    assert len(await execution.artifact_keys(run)) == len(ARTIFACTS)


class RunsThatLosePublishAnswer(Runs):
    """Runs whose connection breaks after the first publication is committed and before it is answered."""

    loses_answer = True

    async def publish(self, run_id: UUID, token: UUID, result: RunResult, *, artifacts: str) -> bool:
        published = await super().publish(run_id, token, result, artifacts=artifacts)
        if self.loses_answer:
            self.loses_answer = False
            raise Unavailable("The database does not answer.")
        return published


async def test_a_publication_whose_answer_is_lost_is_one(execution: ExecutionFixture) -> None:
    execution.runs = RunsThatLosePublishAnswer(execution.database)
    with capture_logs() as lines:
        run = await execution.run_once(programs.succeed)
    assert run.state == "completed"
    assert len(await execution.artifact_keys(run)) == len(ARTIFACTS)
    assert [line["event"] for line in lines if line["event"].startswith("run ")] == ["run started", "run completed"]


class RunsUnavailableAtEnd(Runs):
    """Runs in a PostgreSQL that is unavailable at the end of a run for the first two calls."""

    calls = 0

    def _fail_twice(self) -> None:
        self.calls += 1
        if self.calls < 3:
            raise Unavailable("The database does not answer.")

    async def publish(self, run_id: UUID, token: UUID, result: RunResult, *, artifacts: str) -> bool:
        self._fail_twice()
        return await super().publish(run_id, token, result, artifacts=artifacts)

    async def fail(self, run_id: UUID, token: UUID, *, reason: str, detail: str) -> bool:
        self._fail_twice()
        return await super().fail(run_id, token, reason=reason, detail=detail)


@pytest.mark.parametrize(("program", "state"), [(programs.succeed, "completed"), (programs.refuse, "failed")])
async def test_an_outage_at_the_end_is_waited_out(execution: ExecutionFixture, program: Program, state: str) -> None:
    execution.runs = RunsUnavailableAtEnd(execution.database)
    run = await execution.run_once(program, lease=timedelta(seconds=0.5), heartbeat_seconds=0.2)
    assert (run.state, run.attempt) == (state, 1)


async def test_a_slow_publication_is_not_taken_for_a_lost_lease(execution: ExecutionFixture) -> None:
    with capture_logs() as lines:
        for _ in range(5):
            assert (await execution.run_once(programs.succeed)).state == "completed"
    assert [line["event"] for line in lines if line["log_level"] == "warning"] == []


async def test_a_link_in_the_place_of_an_artifact_is_not_published(execution: ExecutionFixture) -> None:
    run = await execution.run_once(programs.leave_a_link)
    assert (run.state, run.artifacts) == ("failed", None)
    assert await execution.artifact_keys(run) == []


async def test_a_worker_without_its_lease_discards_its_work(execution: ExecutionFixture) -> None:
    record = await execution.dataset()
    stale_executor = execution.executor(programs.succeed_late, lease=timedelta(seconds=0.2), heartbeat_seconds=60.0)
    task = asyncio.create_task(stale_executor.execute(record.run.id))
    await wait_for_state(execution, record.run.id, "running")
    await asyncio.sleep(0.3)
    # A claim passes over a row that is locked, as it is while the stale worker writes its progress.
    while (await execution.runs.get(record.run.id)).attempt < 2 and not task.done():
        await execution.executor(programs.succeed).execute(record.run.id)
    await task
    run = await execution.runs.get(record.run.id)
    assert (run.state, run.attempt) == ("completed", 2)
    assert run.artifacts is not None
    assert len(await execution.artifact_keys(run)) == len(ARTIFACTS)


def build_reconciler(execution: ExecutionFixture) -> Reconciler:
    return Reconciler(
        database=execution.database,
        runs=execution.runs,
        datasets=Datasets(execution.database),
        queue=execution.queue,
        failed_kept=timedelta(days=1),
        heartbeat_seconds=1,
    )


async def test_the_reconciler_delivers_what_redis_does_not_know(execution: ExecutionFixture, redis_url: str) -> None:
    record = await execution.dataset()
    assert await execution.queue.known([record.run.id]) == set()
    assert await build_reconciler(execution).reconcile() >= 1
    assert await execution.queue.known([record.run.id]) == {record.run.id}
    await assert_left_as_it_is(execution, redis_url, record.run.id)


async def assert_left_as_it_is(execution: ExecutionFixture, redis_url: str, run_id: UUID) -> None:
    """Make sure that a run is not delivered once more; those of other tests may become due meanwhile."""
    async with Redis.from_url(redis_url) as redis:
        job = await redis.get(f"arq:job:{run_id}")
        await build_reconciler(execution).reconcile()
        assert job is not None
        assert await redis.get(f"arq:job:{run_id}") == job


@pytest.mark.parametrize("lost", ["its place in the queue", "its body", "the queue"])
async def test_the_reconciler_repairs_a_partly_lost_job(execution: ExecutionFixture, redis_url: str, lost: str) -> None:
    record = await execution.dataset()
    await build_reconciler(execution).reconcile()
    run_id = str(record.run.id)
    async with Redis.from_url(redis_url) as redis:
        match lost:
            case "its place in the queue":
                await redis.zrem(FAST_QUEUE, run_id)
            case "its body":
                await redis.delete(f"arq:job:{run_id}")
            case "the queue":
                await redis.delete(FAST_QUEUE)
        assert await build_reconciler(execution).reconcile() >= 1
        assert await redis.zscore(FAST_QUEUE, run_id) is not None
        assert await redis.exists(f"arq:job:{run_id}")
    await assert_left_as_it_is(execution, redis_url, record.run.id)


class RunsThatLoseClaimAnswer(Runs):
    """Runs whose connection breaks after every claim is committed and before it is answered."""

    async def claim(self, run_id: UUID, *, lease: timedelta, token: UUID | None = None) -> RunRecord | None:
        await super().claim(run_id, lease=lease, token=token)
        raise Unavailable("The database does not answer.")


async def test_a_claim_whose_answer_is_lost_costs_nothing(execution: ExecutionFixture) -> None:
    execution.runs = RunsThatLoseClaimAnswer(execution.database)
    for _ in range(3):
        record = await execution.dataset()
        await execution.executor(programs.succeed).execute(record.run.id)
        run = await execution.runs.get(record.run.id)
        assert (run.state, run.attempt) == ("queued", 0)


class RunsWithSlowClaim(Runs):
    """Runs whose claims are committed and then take five seconds to return."""

    async def claim(self, run_id: UUID, *, lease: timedelta, token: UUID | None = None) -> RunRecord | None:
        run = await super().claim(run_id, lease=lease, token=token)
        await asyncio.sleep(5)
        return run


async def test_a_deploy_during_a_claim_uses_no_attempt(execution: ExecutionFixture) -> None:
    execution.runs = RunsWithSlowClaim(execution.database)
    record = await execution.dataset()
    await assert_handed_back(execution, record, programs.succeed)


class StoreThatNeverAnswers(LocalObjectStore):
    """A store whose copies never end."""

    @asynccontextmanager
    async def local_copy(self, key: str, *, scratch: Path) -> AsyncIterator[Path]:
        await asyncio.sleep(600)
        yield scratch


async def test_a_store_that_never_answers_is_tried_again_later(execution: ExecutionFixture, settings: Settings) -> None:
    execution.store = StoreThatNeverAnswers(settings.storage_dir)
    async with asyncio.timeout(20):
        run = await execution.run_once(programs.succeed, timeout=0.5)
    assert (run.state, run.error_reason, run.attempt) == ("queued", "STORAGE_UNAVAILABLE", 1)
    assert execution.scratch_folders() == []


async def test_the_reconciler_reads_every_page(execution: ExecutionFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker_service.pipeline.reconciler._BATCH", 2)
    records = [await execution.dataset() for _ in range(7)]
    await build_reconciler(execution).reconcile()
    ids = {record.run.id for record in records}
    assert await execution.queue.known(ids) == ids
