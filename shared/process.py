"""Running one process of the system: settings, logs, forkserver, event loop, and one sentence when it can't start."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from shared.errors import ServiceError
from shared.failpoints import arm_failpoints
from shared.isolation import Isolation
from shared.logs import configure_logs
from shared.settings.settings import Settings, load_settings


def run_process(
    name: str,
    main: Callable[[Settings, Isolation], Coroutine[Any, Any, None]],
    *,
    preload: Sequence[str],
    niceness: int = 0,
) -> None:
    """Run `main` until it ends; SystemExit with a sentence where it can't start.

    `preload` names what the children that do its CPU work find loaded; a process without CPU work has none. `niceness`
    is how much they give way to others.
    """
    settings = load_settings(Settings)
    configure_logs(service=name, level=settings.log_level, form=settings.log_format)
    arm_failpoints(settings.failpoints)
    isolation = Isolation(preload=preload, niceness=niceness)
    if preload:
        isolation.warm_up()
    try:
        asyncio.run(main(settings, isolation))
    except ServiceError as error:
        raise SystemExit(error.detail) from None
