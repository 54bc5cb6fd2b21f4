"""Running one process of the system: settings, logs, forkserver, event loop, and one sentence when it can't start."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from shared.errors import ServiceError
from shared.failpoints import arm_failpoints
from shared.isolation import Isolation
from shared.logs import configure_logs
from shared.settings.parts import ProcessSettings
from shared.settings.processes import load_settings

S = TypeVar("S", bound=ProcessSettings)


def run_process(
    name: str,
    kind: type[S],
    main: Callable[[S, Isolation], Coroutine[Any, Any, None]],
    *,
    preload: Sequence[str],
    niceness: int = 0,
) -> None:
    """Run `main` until it ends; SystemExit with a sentence where it can't start.

    Args:
        name: what the process is called in the logs.
        kind: the settings that it needs.
        main: what it does, until stopped.
        preload: modules that the children of its CPU work find loaded; empty for a process without CPU work.
        niceness: how much those children give way to others.
    """
    settings = load_settings(kind)
    configure_logs(service=name, level=settings.log_level, form=settings.log_format)
    arm_failpoints(settings.failpoints)
    isolation = Isolation(preload=preload, niceness=niceness)
    if preload:
        isolation.warm_up()
    try:
        asyncio.run(main(settings, isolation))
    except ServiceError as error:
        raise SystemExit(error.detail) from None
