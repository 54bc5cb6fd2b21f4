"""Composition root of the autoscaler."""

from collections.abc import Mapping

from deploy.autoscaler.autoscaler import Autoscaler
from deploy.autoscaler.policy import ScalingPolicy
from deploy.autoscaler.worker_pool import WorkerPool
from deploy.local.configuration import metrics_variables, stack_variables
from shared.db.runs import Runs
from shared.db.session import Database
from shared.queue import connect_queue
from shared.settings.base import inherited_environment
from shared.settings.processes import LocalSettings


async def run_autoscaler(settings: LocalSettings, policies: Mapping[str, ScalingPolicy], *, interval: float) -> None:
    """Scale the workers of the queues until stopped.

    Raises:
        Unavailable: PostgreSQL does not answer at the start.
        SystemExit: an address is not set.
    """
    if settings.database_url is None or settings.redis_url is None:
        raise SystemExit("DATABASE_URL and REDIS_URL: are not set, and no stack of `neuralearn up` runs here")
    # Several workers of one machine can't serve metrics on one port.
    environment = {**inherited_environment(), **stack_variables(settings), **metrics_variables(settings)}
    database = Database(settings.database_url, pool_size=1)
    queue = await connect_queue(settings.redis_url)
    try:
        await database.check()
        autoscaler = Autoscaler(
            runs=Runs(database),
            queue=queue,
            pools=[WorkerPool(name, environment) for name in policies],
            policies=policies,
            interval=interval,
        )
        await autoscaler.run()
    finally:
        await queue.close()
        await database.close()
