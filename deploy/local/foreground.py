"""The stack on a terminal, until it is interrupted."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

from rich.console import Console
from rich.table import Table

from deploy.local.output import Output, Terminal
from deploy.local.process import StartFailed
from deploy.local.programs import to_client_host
from deploy.local.stack import Stack


def run_in_foreground(build: Callable[[Output], Stack]) -> None:
    """Run a stack until Ctrl-C or SIGTERM: print its addresses, then its logs, and stop it.

    Args:
        build: a function from the output to a stack that has not started.

    Raises:
        SystemExit: the stack did not start; the message is one sentence.
    """
    console = Console()
    terminal = Terminal(console)
    try:
        with contextlib.suppress(KeyboardInterrupt), _interrupt_on_signal(), build(terminal) as stack:
            console.print(_address_table(stack))
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
def _interrupt_on_signal() -> Iterator[None]:
    """Raise KeyboardInterrupt at the first of SIGINT, SIGTERM and SIGHUP, and ignore all later ones.

    A second signal must not interrupt the orderly stop.
    """
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    previous_handlers = {number: signal.signal(number, interrupt) for number in signals}
    try:
        yield
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)


def _address_table(stack: Stack) -> Table:
    """Return a table of the stack's addresses and its data directory."""
    settings = stack.settings
    host = to_client_host(settings.grpc_host)
    table = Table(title="NeuraLearn is ready; Ctrl-C stops it", title_justify="left")
    table.add_column("what")
    table.add_column("where", overflow="fold")
    table.add_row("REST", stack.gateway_url)
    callers = "who has a token or an API key" if settings.auth_mode == "token" else "everybody on this machine"
    table.add_row("who may call", callers)
    table.add_row("API documentation", f"{stack.gateway_url}/docs")
    table.add_row("gRPC ingest", f"{host}:{settings.ingest_port}")
    table.add_row("gRPC pipeline", f"{host}:{settings.pipeline_port}")
    table.add_row("gRPC report", f"{host}:{settings.report_port}")
    table.add_row("data", str(stack.data_dir))
    table.add_row("for more workers", str(stack.env_file))
    return table
