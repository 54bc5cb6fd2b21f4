"""How commands print: data on the standard output, progress and errors on the standard error."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from neuralearn.client import Client
from neuralearn.errors import ApiError, NeuraLearnError
from neuralearn.models import Dataset
from neuralearn.upload_source import OnProgress

_MAX_SHOWN = 30

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
DatasetId = Annotated[str, typer.Argument(metavar="ID", help="The dataset's id.")]
STATE_STYLES = {
    "completed": "green",
    "proposed": "magenta",
    "failed": "red",
    "cancelled": "yellow",
    "processing": "cyan",
}

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


@dataclass(frozen=True)
class Connection:
    """Where the service is and who calls, as the command line says."""

    base_url: str
    token: str = field(repr=False)

    def client(self) -> Client:
        """Return a client."""
        return Client(self.base_url, token=self.token)


def client(context: typer.Context) -> Client:
    """Return the client of a command."""
    connection: Connection = context.obj
    return connection.client()


def fail(error: NeuraLearnError) -> NoReturn:
    """Print an error as a sentence and end with exit code 1."""
    err.print("[red]Error:[/red]", end=" ")
    err.print(str(error), markup=False)
    if isinstance(error, ApiError) and error.status >= 500 and error.request_id:
        err.print(f"The logs of the service have it as request {error.request_id}.", markup=False)
    raise SystemExit(1)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    json.dump(value, sys.stdout, default=_plain, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None)
    sys.stdout.write("\n")


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str | None = None) -> None:
    """Print a table; without a terminal, lines of tab-separated cells."""
    if not out.is_terminal:
        for row in rows:
            print("\t".join(Console(no_color=True).render_str(cell).plain for cell in row))
        return
    out.print(make_table(columns, rows, title=title))


def make_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str | None = None) -> Table:
    """Return a table for the terminal."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, name in enumerate(columns):
        # The first column names the row, and shall be copied whole.
        table.add_column(name, overflow="fold", no_wrap=index == 0)
    for row in rows:
        table.add_row(*row)
    return table


def cell_text(value: object) -> str:
    """Return a cell as one short line of a table."""
    text = "–" if value is None else " ".join(str(value).split())
    return escape(text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…")


def number(value: int) -> str:
    """Return a number with separators for people, without for programs."""
    return f"{value:,}" if out.is_terminal else str(value)


def state(word: str) -> str:
    """Return a state in its colour."""
    style = STATE_STYLES.get(word)
    return f"[{style}]{word}[/{style}]" if style else word


def moment(value: datetime | None) -> str:
    """Return a moment in local time; empty if there is none."""
    return "" if value is None else f"{value.astimezone():%Y-%m-%d %H:%M:%S}"


def seconds_of(dataset: Dataset) -> float | None:
    """Return how long a preparation took; None while it has not ended."""
    if dataset.started_at is None or dataset.finished_at is None:
        return None
    return (dataset.finished_at - dataset.started_at) / timedelta(seconds=1)


@contextmanager
def bytes_progress(what: str) -> Iterator[OnProgress | None]:
    """Show a bar of bytes on a terminal, and yield what counts them; None without a terminal."""
    if not err.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def dataset_json(dataset: Dataset) -> dict[str, Any]:
    """Return a dataset as JSON."""
    return asdict(dataset)


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON")
