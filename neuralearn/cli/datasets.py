"""Commands of users: upload, follow, list, take results, call off, remove."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from neuralearn.cli.output import (
    AsJson,
    DatasetId,
    bytes_progress,
    cell_text,
    client,
    dataset_json,
    err,
    moment,
    number,
    out,
    print_json,
    print_rows,
    seconds_of,
    state,
)
from neuralearn.client import Client
from neuralearn.errors import NeuraLearnError, PreparationFailed
from neuralearn.models import Dataset, TableForm

app = typer.Typer()
_EXAMPLES = 3
What = Literal[
    "cleaned", "engineered", "raw", "changes", "report", "charts", "profile", "recipe", "drift", "features", "utility"
]
_Mode = Annotated[str, typer.Option(help="fast, smart or deep.")]
WatchOption = Annotated[bool, typer.Option(help="Follow the preparation until it has ended.")]
VersionOption = Annotated[int, typer.Option(min=0, help="A version of the results; 0 for the newest.")]
_Option = Annotated[
    list[str] | None,
    typer.Option("--option", "-O", metavar="NAME=VALUE", help="Any other option of an upload, such as fill=none."),
]


@app.command()
def upload(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FILE|URL|-", help="A file, an address, or - for standard input.")],
    mode: _Mode = "fast",
    target: Annotated[str, typer.Option(help="The column to predict, or none; detected if not given.")] = "",
    name: Annotated[str, typer.Option(help="The file name that is shown; that of the file if not given.")] = "",
    option: _Option = None,
    watch: WatchOption = False,
    as_json: AsJson = False,
) -> None:
    """Upload a table; its preparation is queued."""
    if not source.strip():
        raise typer.BadParameter("is empty", param_hint="FILE|URL|-")
    options = {"mode": mode, "target": target, **parse_options(option or [])}
    options = {key: value for key, value in options.items() if value}
    with client(context) as service:
        with bytes_progress("Uploading") as on_progress:
            file = sys.stdin.buffer if source == "-" else source
            dataset_id = service.upload(file, filename=name, on_progress=on_progress, **options)
        dataset = follow(service, dataset_id) if watch else service.status(dataset_id)
    print_dataset(dataset, as_json=as_json)
    require_result(dataset)


@app.command()
def preview(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FILE|URL|-", help="A file, an address, or - for standard input.")],
    option: _Option = None,
    as_json: AsJson = False,
) -> None:
    """Show how a table would be read; nothing is stored."""
    file = sys.stdin.buffer if source == "-" else source
    with client(context) as service:
        table = service.preview(file, **parse_options(option or []))
    if as_json:
        print_json(table)
        return
    examples = zip(*table["sample_rows"], strict=True)
    rows = [
        (
            escape(column["name"]),
            column["type"],
            ", ".join(cell_text(value) for value in values[:_EXAMPLES]),
            escape(column["why"]),
        )
        for column, values in zip(table["columns"], examples, strict=True)
    ]
    print_rows(("column", "type", "first values", "why"), rows)
    for line in _reading(table):
        err.print(line, markup=False)


@app.command()
def status(
    context: typer.Context,
    dataset_id: DatasetId,
    watch: WatchOption = False,
    as_json: AsJson = False,
) -> None:
    """Show where a dataset stands."""
    with client(context) as service:
        dataset = follow(service, dataset_id) if watch else service.status(dataset_id)
    print_dataset(dataset, as_json=as_json)
    if watch:
        require_result(dataset)


@app.command(name="list")
def list_datasets(
    context: typer.Context,
    user: Annotated[str, typer.Option(help="Only this owner's.")] = "",
    collaboration: Annotated[str, typer.Option(help="Only this group's.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Most datasets.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List datasets, newest first."""
    with client(context) as service:
        datasets = service.datasets(user_id=user, collaboration_id=collaboration)
        listed = [dataset for dataset, _ in zip(datasets, range(limit), strict=False)]
    if as_json:
        print_json([dataset_json(dataset) for dataset in listed])
        return
    rows = [
        (item.dataset_id, item.filename, state(item.status), item.mode, number(item.rows), moment(item.created_at))
        for item in listed
    ]
    print_rows(("id", "file", "status", "mode", "rows", "uploaded"), rows)


@app.command()
def download(
    context: typer.Context,
    dataset_id: DatasetId,
    what: Annotated[What, typer.Argument(help="What to take.")] = "cleaned",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file, - for standard output, or a folder for charts.")
    ] = None,
    file_format: Annotated[
        str,
        typer.Option(
            "--format", help="csv, parquet, xlsx, arrow or jsonl; of charts png, svg or json; of the report md or json."
        ),
    ] = "",
    style: Annotated[str, typer.Option(help="CSV of the cleaned table: as_written, typed or iso.")] = "",
    row_id: Annotated[bool, typer.Option("--row-id", help="A first column with the row of the upload.")] = False,
    charset: Annotated[str, typer.Option(help="CSV: utf8, utf8_bom (for Excel), utf16 or cp1252.")] = "",
    version: VersionOption = 0,
) -> None:
    """Take a table, a document or all charts of a dataset."""
    if output is not None and (not str(output).strip(". ") or (what == "charts" and str(output) == "-")):
        raise typer.BadParameter("names a file, or a folder for charts", param_hint="--output")
    with client(context) as service:
        if what == "charts":
            _download_charts(service, dataset_id, output, file_format or "png", version)
            return
        path, chosen = _request(what, file_format)
        form: TableForm = {"style": style, "charset": charset, "row_id": row_id, "version": version}
        if output == Path("-"):
            sys.stdout.buffer.write(service.read(dataset_id, path, file_format=chosen, **form))
            return
        target = output or _new_file(_file_name(service.status(dataset_id), what, chosen))
        with bytes_progress(f"Downloading {what}") as on_progress:
            service.download(dataset_id, path, target, file_format=chosen, on_progress=on_progress, **form)
    err.print(f"Wrote {target} ({target.stat().st_size:,} bytes).", markup=False)


@app.command()
def log(
    context: typer.Context,
    dataset_id: DatasetId,
    name: Annotated[Literal["cleaning", "outliers", "features"], typer.Argument(help="Which log.")] = "cleaning",
    version: VersionOption = 0,
    as_json: AsJson = False,
) -> None:
    """Show what was done and why."""
    with client(context) as service:
        steps = list(service.log(dataset_id, name, version=version))
    if as_json:
        print_json(steps)
        return
    for step in steps:
        out.print(f"{step['step']:>4}  [bold]{step['state']}[/bold] ", end="")
        column = step.get("column") or ", ".join(step.get("columns") or [])
        # What is switched off is said in two words.
        about = f"{step.get('kind', 'outliers')} {column}: " if step["state"] == "skipped" else ""
        out.print(f"{about}{step['why']}", markup=False)


@app.command()
def cancel(context: typer.Context, dataset_id: DatasetId, as_json: AsJson = False) -> None:
    """Call a preparation off."""
    with client(context) as service:
        print_dataset(service.cancel(dataset_id), as_json=as_json)


@app.command()
def retry(context: typer.Context, dataset_id: DatasetId, as_json: AsJson = False) -> None:
    """Try a preparation that failed once more."""
    with client(context) as service:
        print_dataset(service.retry(dataset_id), as_json=as_json)


@app.command()
def delete(
    context: typer.Context,
    dataset_id: DatasetId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove a dataset with everything that was made of it."""
    with client(context) as service:
        if not yes:
            dataset = service.status(dataset_id)
            typer.confirm(f"Remove {dataset.filename} ({dataset.rows:,} rows) for good?", abort=True)
        service.delete(dataset_id)
    err.print(f"Removed {dataset_id}.", markup=False)


def parse_options(pairs: list[str]) -> dict[str, Any]:
    """Return the options that are given as NAME=VALUE."""
    options = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint="--option")
        options[name.strip()] = value
    return options


def _reading(preview: dict[str, Any]) -> Iterator[str]:
    """Yield sentences about how a file would be read, and what else came into question."""
    plan = preview["parse_plan"]
    facts = {"format": plan["format"], "encoding": plan["encoding"], "delimiter": plan["delimiter"]}
    facts |= {"header row": plan["header_row"], "sheet": plan["sheet"]}
    read_as = ", ".join(f"{name} {value!r}" for name, value in facts.items() if value is not None)
    yield f"{preview['rows']:,} rows × {len(preview['columns'])} columns; {read_as}."
    yield from plan["notes"]
    for name, key in (("delimiter", "delimiters"), ("header_row", "header_rows"), ("encoding", "encodings")):
        others = ", ".join(f"{other[name]!r} ({other['score']:.2f})" for other in preview[key][1:])
        if others:
            yield f"{name}: {preview[key][0][name]!r} ({preview[key][0]['score']:.2f}) rather than {others}."
    if preview["expected_seconds"] is not None:
        yield f"A preparation takes about {preview['expected_seconds']:.1f} s."


def follow(service: Client, dataset_id: str) -> Dataset:
    """Follow a preparation with a bar, and return the dataset as it ended."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("Waiting", total=100)
        for event in service.watch(dataset_id):
            waiting = f", {event.queue_position} before it" if event.queue_position else ""
            eta = f", about {event.eta_seconds:.0f} s left" if event.eta_seconds else ""
            progress.update(task, completed=event.progress, description=f"{event.stage.capitalize()}{waiting}{eta}")
    return service.status(dataset_id)


def require_result(dataset: Dataset) -> None:
    """Return if a preparation has not ended without a result.

    Raises:
        PreparationFailed: it has.
    """
    if dataset.status in ("failed", "cancelled"):
        detail = dataset.error.detail if dataset.error else "The preparation was called off."
        reason = dataset.error.reason if dataset.error else "CANCELLED"
        raise PreparationFailed(detail, dataset_id=dataset.dataset_id, reason=reason)


def print_dataset(dataset: Dataset, *, as_json: bool) -> None:
    """Print a dataset and where it stands."""
    if as_json:
        print_json(dataset_json(dataset))
        return
    took = seconds_of(dataset)
    out.print(f"{dataset.dataset_id}  {state(dataset.status)}", end="  ")
    out.print(
        f"{dataset.filename}, {dataset.rows:,} rows × {dataset.columns} columns, mode {dataset.mode}", markup=False
    )
    out.print(dataset.progress_info + (f" It took {took:.1f} s." if took is not None else ""), markup=False)
    if dataset.ai_info:
        out.print(dataset.ai_info, markup=False)


def _request(what: str, file_format: str) -> tuple[str, str]:
    """Return the path of what is asked for, and its format."""
    if what == "report":
        return what, file_format or "md"
    if what in ("profile", "recipe", "drift", "features", "utility"):
        return what, ""
    return what, "" if what == "raw" else file_format or "csv"


def _file_name(dataset: Dataset, what: str, file_format: str) -> str:
    if what == "raw":
        return Path(dataset.filename).name
    return f"{dataset.database_name}_{what}.{file_format or 'json'}"


def _new_file(name: str) -> Path:
    """Return a path in this folder, which nothing is overwritten in unless it is named.

    Raises:
        NeuraLearnError: there is a file of this name.
    """
    if Path(name).exists():
        raise NeuraLearnError(f"There is a file {name} already; -o {name} overwrites it.")
    return Path(name)


def _download_charts(service: Client, dataset_id: str, output: Path | None, file_format: str, version: int) -> None:
    folder = output or Path(f"{service.status(dataset_id).database_name}_charts")
    folder.mkdir(parents=True, exist_ok=True)
    charts = [str(chart["graph_id"]) for chart in service.graphs(dataset_id, version=version)]
    for chart in charts:
        target = folder / f"{chart}.{file_format}"
        service.download(dataset_id, f"graph/{chart}", target, file_format=file_format, version=version)
    err.print(f"Wrote {len(charts)} charts into {folder}.", markup=False)
