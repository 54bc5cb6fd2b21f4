"""Random faults for a while, under a load of uploads; then a check of every dataset that was accepted.

python -m tests.faults.soak --minutes 60 --seed 7
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np
import psutil  # type: ignore[import-untyped]

from tests.faults.conftest import restore
from tests.faults.proxy import Fault
from tests.faults.tables import large, small
from tests.faults.world import Accepted, World

POINTS = (
    *("claimed", "copied", "prepared", "storing", "publishing", "committing", "published"),
    *("received", "decoded", "stored", "accepted", "uploading", "starting"),
)
FAULTS = [fault for fault in get_args(Fault) if fault not in ("none", "no parts")]
CLIENTS = 3
MOST_UNFINISHED = 100
PAUSE_SECONDS = 1.6
"""Mean pause between two uploads of a client."""


@dataclass
class Ledger:
    """The outcome of all accepted datasets, and the faults."""

    accepted: int = 0
    completed: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    cancelled: int = 0
    lost: int = 0
    duplicated: int = 0
    orphans: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    takeover_seconds: list[float] = field(default_factory=list)
    minutes: float = 0

    def __str__(self) -> str:
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.failed.most_common()) or "none"
        faults = ", ".join(f"{count} × {name}" for name, count in self.faults.most_common())
        lines = [
            f"{self.faults.total()} faults in {self.minutes:.1f} minutes: {faults}",
            f"accepted {self.accepted}, completed {self.completed}, failed with a reason {self.failed.total()} "
            f"({reasons}), cancelled by their owners {self.cancelled}, lost {self.lost}, "
            f"published twice {self.duplicated}, orphaned objects after collecting {self.orphans}",
        ]
        if self.takeover_seconds:
            p50, p95 = np.percentile(self.takeover_seconds, [50, 95])
            lines.append(
                f"{len(self.takeover_seconds)} runs of dead or stopped workers taken over, from their last progress: "
                f"p50 {p50:.1f} s, p95 {p95:.1f} s (lease 3 s)"
            )
        return "\n".join(lines)


class Soak:
    """Clients that upload, and a task that injects random faults."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._random = random.Random(seed)
        self._accepted: list[Accepted] = []
        self._cancelled: set[str] = set()
        self._unfinished = 0
        self._ledger = Ledger()

    async def run(self, minutes: float) -> Ledger:
        """Inject faults for some minutes, remove them, and return the ledger of all datasets."""
        began = time.monotonic()
        tasks = [asyncio.create_task(self._upload()) for _ in range(CLIENTS)]
        tasks.append(asyncio.create_task(self._inject_faults()))
        done, _ = await asyncio.wait(tasks, timeout=minutes * 60, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()
        await restore(self._world)
        await self._fill_ledger()
        self._ledger.minutes = (time.monotonic() - began) / 60
        return self._ledger

    async def print_progress(self) -> None:
        """Print the number of faults and datasets every minute."""
        began = time.monotonic()
        while True:
            await asyncio.sleep(60)
            minutes = (time.monotonic() - began) / 60
            faults = self._ledger.faults.total()
            accepted = len(self._accepted)
            message = f"{minutes:.0f} min: {faults} faults, {accepted} datasets accepted, {self._unfinished} unfinished"
            print(message, file=sys.stderr)

    async def _wait_for_capacity(self) -> None:
        """Wait until few enough datasets are unfinished."""
        while True:
            # PostgreSQL may be killed at any moment, for which its driver raises many exceptions.
            with contextlib.suppress(Exception):
                self._unfinished = await self._world.unfinished([dataset.uuid for dataset in self._accepted])
                if self._unfinished < MOST_UNFINISHED:
                    return
            await asyncio.sleep(1)

    async def _upload(self) -> None:
        while True:
            await asyncio.sleep(self._random.expovariate(1 / PAUSE_SECONDS))
            await self._wait_for_capacity()
            seed = self._random.randrange(20)
            content = large(seed % 3) if self._random.random() < 0.2 else small(seed)
            mode = "deep" if self._random.random() < 0.1 else "fast"
            accepted = await self._world.upload(content, patience=180, mode=mode)
            self._accepted.append(accepted)
            if self._random.random() < 0.05:
                with contextlib.suppress(Exception):  # only the response says if the run was cancelled
                    answer = await self._world.client.post(f"/dataset/{accepted.dataset_id}/cancel")
                    if answer.status_code == 200:
                        self._cancelled.add(accepted.dataset_id)

    async def _inject_faults(self) -> None:
        faults: tuple[Callable[[], Awaitable[str]], ...] = (
            *(
                self._kill_program,
                self._kill_program,
                self._kill_worker,
                self._kill_child,
                self._arm_point,
                self._arm_point,
            ),
            *(self._stop_worker, self._deploy, self._bad_network, self._bad_network),
            *(self._redis_down, self._redis_wiped, self._postgres_down),
        )
        while True:
            await asyncio.sleep(self._random.uniform(0.5, 3.5))
            self._ledger.faults[await self._random.choice(faults)()] += 1

    async def _kill_program(self) -> str:
        name = self._random.choice(self._world.stack.names)
        self._world.stack.kill(name)
        return "kill -9 of a process"

    async def _kill_worker(self) -> str:
        """Kill a busy worker, if there is one."""
        for name in self._random.sample(("worker-fast", "worker-fast-2", "worker-deep"), 3):
            with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
                if self._world.child_of(self._world.pids(name)[name]):
                    self._world.stack.kill(name)
                    break
        return "kill -9 of a busy worker"

    async def _kill_child(self) -> str:
        for name in ("worker-fast", "worker-fast-2", "worker-deep", "ingest"):
            with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
                if child := self._world.child_of(self._world.pids(name)[name]):
                    child.kill()
                    break
        return "kill -9 of a child"

    async def _arm_point(self) -> str:
        self._world.arm(self._random.choice(POINTS), "kill")
        return "kill -9 at a step"

    async def _stop_worker(self) -> str:
        name = self._random.choice(("worker-fast", "worker-fast-2"))
        with contextlib.suppress(ProcessLookupError):
            pid = self._world.pids(name)[name]
            os.kill(pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(4.5)
            finally:  # the end of the soak cancels the sleep, and a worker stopped for good serves no later test
                os.kill(pid, signal.SIGCONT)
        return "worker stopped beyond its lease"

    async def _deploy(self) -> str:
        name = self._random.choice(("worker-fast", "worker-fast-2", "worker-deep"))
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._world.pids(name)[name], signal.SIGTERM)
        return "SIGTERM of a worker"

    async def _bad_network(self) -> str:
        proxy = self._world.proxies[self._random.choice(sorted(self._world.proxies))]
        proxy.set(self._random.choice(FAULTS))
        await asyncio.sleep(self._random.uniform(0.5, 3))
        proxy.set("none")
        return "bad network"

    async def _redis_down(self) -> str:
        self._world.valkey.kill()
        await asyncio.sleep(self._random.uniform(0.2, 3))
        self._world.valkey.start()
        return "kill -9 of Redis"

    async def _redis_wiped(self) -> str:
        redis = self._world.redis()
        await redis.flushall()
        await redis.aclose()
        return "Redis wiped"

    async def _postgres_down(self) -> str:
        self._world.postgres.kill()
        await asyncio.sleep(self._random.uniform(0.2, 3))
        self._world.postgres.start()
        return "kill -9 of PostgreSQL"

    async def _fill_ledger(self) -> None:
        world, ledger = self._world, self._ledger
        await world.wait_until_ended(self._accepted, patience=90)
        await world.collect_orphans()
        states: dict[str, Any] = {}
        for dataset in self._accepted:
            rows = await world.rows("select * from runs where dataset_id = $1", dataset.uuid)
            if not rows:
                ledger.lost += 1
                continue
            states[dataset.dataset_id] = run = rows[0]
            if dataset.dataset_id in self._cancelled:
                assert run["state"] == "cancelled", "what was called off went on"
            completed_events = "select count(*) from run_events where run_id = $1 and state = 'completed'"
            ledger.duplicated += (await world.rows(completed_events, run["id"]))[0][0] > 1
        ledger.accepted = len(self._accepted)
        ledger.completed = sum(run["state"] == "completed" for run in states.values())
        ledger.cancelled = sum(run["state"] == "cancelled" for run in states.values())
        ledger.failed.update(run["error_reason"] for run in states.values() if run["state"] == "failed")
        uncancelled = [
            dataset
            for dataset in self._accepted
            if states.get(dataset.dataset_id, {"state": ""})["state"] != "cancelled"
        ]
        await world.check(uncancelled, may_fail=True)
        orphans = await world.orphans()
        ledger.orphans = len(orphans)
        for orphan in orphans:
            print(f"orphaned: {orphan}", file=sys.stderr)
        rows = await world.rows(
            "select extract(epoch from created_at - before)::float from (select *, "
            "lag(created_at) over run as before, lag(state) over run as was from run_events "
            "where run_id in (select id from runs where crashes > 0) window run as (partition by run_id order by id)"
            ") as events where stage = 'loading' and was = 'running'"
        )
        ledger.takeover_seconds = [row[0] for row in rows]


async def _main(minutes: float, seed: int) -> None:
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        world = World(Path(folder))
        try:
            soak = Soak(world, seed)
            printing = asyncio.create_task(soak.print_progress())
            ledger = await soak.run(minutes)
            printing.cancel()
        finally:
            await world.close()
    print(f"seed {seed}\n{ledger}")
    raise SystemExit(bool(ledger.lost or ledger.duplicated or ledger.orphans))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    arguments = parser.parse_args()
    asyncio.run(_main(arguments.minutes, arguments.seed))
