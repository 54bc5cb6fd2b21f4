"""The start of a process: settings, logs, forkserver and event loop."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import uvloop

from shared.errors import ServiceError
from shared.failpoints import arm_failpoints
from shared.isolation import sandbox
from shared.isolation.isolation import Isolation
from shared.logs import configure_logs, get_logger
from shared.metrics import serve_metrics
from shared.settings.parts import ProcessSettings
from shared.settings.processes import take_settings
from shared.tracing import configure_traces, end_traces

_log = get_logger("process")
S = TypeVar("S", bound=ProcessSettings)


def run_process(
    name: str,
    kind: type[S],
    main: Callable[[S, Isolation], Coroutine[Any, Any, None]],
    *,
    preload: Sequence[str],
    niceness: int = 0,
) -> None:
    """Run `main` until it ends.

    Args:
        name: what the process is called in the logs.
        kind: class of the settings that it needs.
        main: the coroutine function that does its work until it is stopped.
        preload: modules that are loaded in its child processes; empty for a process without CPU work.
        niceness: scheduling niceness of its child processes, 0 to 19.

    Raises:
        SystemExit: the process can't start, with a sentence that says why.
    """
    settings = take_settings(kind)
    configure_traces(name, settings)
    configure_logs(service=name, level=settings.log_level, form=settings.log_format)
    arm_failpoints(settings.failpoints)
    if settings.metrics_port is not None:
        port = serve_metrics(settings.metrics_host, settings.metrics_port)
        settings = settings.model_copy(update={"metrics_port": port})
    isolation = Isolation(preload=preload, niceness=niceness)
    if preload:
        isolation.warm_up()
        files, network = sandbox.landlock_version() > 0, sandbox.has_seccomp()
        log = _log.info if files and network else _log.warning
        log("children confined", files=files, network=network)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main(settings, isolation))
    except ServiceError as error:
        raise SystemExit(error.detail) from None
    finally:
        end_traces()
