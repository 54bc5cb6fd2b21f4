"""The stack on a terminal, until somebody interrupts it."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

from rich.console import Console
from rich.table import Table

from deploy.local.output import Output, Terminal
from deploy.local.process import StartFailed
from deploy.local.programs import reachable
from deploy.local.stack import Stack


def run_in_foreground(build: Callable[[Output], Stack]) -> None:
    """Start the stack, print where everything is, then its logs; returns after Ctrl-C or SIGTERM, when all has stopped.

    Exits with one sentence if it does not start.
    """
    console = Console()
    terminal = Terminal(console)
    try:
        with contextlib.suppress(KeyboardInterrupt), _interruptible(), build(terminal) as stack:
            console.print(_addresses(stack))
            try:
                stack.wait()
            except KeyboardInterrupt:
                console.print("Stopping; what is being prepared is handed back …")
                raise
        terminal.close()
        console.print("Everything stopped.")
    except StartFailed as error:
        raise SystemExit(error.sentence) from None
    finally:
        terminal.close()


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let the first of Ctrl-C, SIGTERM and a closed terminal interrupt; the orderly stop that follows is left alone."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {each: signal.signal(each, interrupt) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _addresses(stack: Stack) -> Table:
    """Where everything is."""
    settings = stack.settings
    host = reachable(settings.grpc_host)
    table = Table(title="NeuraLearn is ready; Ctrl-C stops it", title_justify="left")
    table.add_column("what")
    table.add_column("where", overflow="fold")
    table.add_row("REST", stack.gateway_url)
    table.add_row("API documentation", f"{stack.gateway_url}/docs")
    table.add_row("gRPC ingest", f"{host}:{settings.ingest_port}")
    table.add_row("gRPC pipeline", f"{host}:{settings.pipeline_port}")
    table.add_row("gRPC report", f"{host}:{settings.report_port}")
    table.add_row("data", str(stack.data_dir))
    return table
