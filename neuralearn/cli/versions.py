"""Commands about the versions of results: undo, list, compare."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.markup import escape

from neuralearn.cli.datasets import WatchOption, follow, print_dataset, require_result
from neuralearn.cli.output import AsJson, DatasetId, cell_text, client, number, print_json, print_rows

app = typer.Typer()


@app.command()
def undo(
    context: typer.Context,
    dataset_id: DatasetId,
    step: Annotated[list[int] | None, typer.Option(help="A step of the recipe, from 1.")] = None,
    column: Annotated[list[str] | None, typer.Option(help="A column of which all steps are undone.")] = None,
    rule: Annotated[list[str] | None, typer.Option(help="A rule of which all steps are undone.")] = None,
    cell: Annotated[
        list[str] | None,
        typer.Option(metavar="ROW:COLUMN", help="A cell that stays as the file has it, such as 7:age."),
    ] = None,
    everything: Annotated[bool, typer.Option("--everything", help="All steps.")] = False,
    watch: WatchOption = False,
    as_json: AsJson = False,
) -> None:
    """Undo steps, columns, rules, cells or everything: a new version of the results."""
    if not (step or column or rule or cell or everything):
        raise typer.BadParameter("say what: --step, --column, --rule, --cell or --everything", param_hint="undo")
    with client(context) as service:
        dataset = service.undo(
            dataset_id,
            steps=step or (),
            columns=column or (),
            rules=rule or (),
            cells=[parse_cell(text, option="--cell") for text in cell or []],
            everything=everything,
        )
        dataset = follow(service, dataset_id) if watch else dataset
    print_dataset(dataset, as_json=as_json)
    require_result(dataset)


def parse_cell(text: str, *, option: str) -> dict[str, Any]:
    """Return the place of a cell from `ROW:COLUMN`.

    Raises:
        BadParameter: the text is none.
    """
    row, _, column = text.partition(":")
    if not row.isdecimal() or not column:
        raise typer.BadParameter(f"{text!r} is not ROW:COLUMN", param_hint=option)
    return {"row": int(row), "column": column}


@app.command()
def versions(context: typer.Context, dataset_id: DatasetId, as_json: AsJson = False) -> None:
    """List the versions of the results, newest first."""
    with client(context) as service:
        listed = list(service.versions(dataset_id))
    if as_json:
        print_json(listed)
        return
    rows = [
        (
            number(item["version"]),
            item["created_at"][:19],
            escape(item["author"]),
            number(item["cells_changed"]),
            escape("; ".join(_asked_for(item))) or "–",
        )
        for item in listed
    ]
    print_rows(("version", "published", "by", "cells changed", "asked for"), rows)


def _asked_for(version: dict[str, Any]) -> Iterator[str]:
    """Yield what users asked for in a version, beside what an upload says."""
    for name in ("types", "roles"):
        if version[name]:
            yield f"{name} " + ", ".join(f"{column}={word}" for column, word in version[name].items())
    if version["target"]:
        yield f"target {version['target']}"
    if version["switched_off"]:
        yield f"without steps {', '.join(map(str, version['switched_off']))}"
    if version["steps_added"]:
        yield f"steps added: {version['steps_added']}"
    if version["cells_undone"]:
        yield f"cells undone: {version['cells_undone']}"


@app.command()
def diff(
    context: typer.Context,
    dataset_id: DatasetId,
    before: Annotated[int, typer.Argument(min=1, help="The version before.")] = 1,
    after: Annotated[int, typer.Argument(min=0, help="The version after; 0 for the newest.")] = 0,
    of: Annotated[
        str, typer.Option(metavar="ID", help="The dataset of the version before, where it is another of the same file.")
    ] = "",
    column: Annotated[str, typer.Option(help="Only the cells of this column.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the cells in which two versions of the cleaned table differ."""
    with client(context) as service:
        listed = list(service.diff(dataset_id, before, after, of=of, column=column))
    if as_json:
        print_json(listed)
        return
    rows = [
        (number(item["row"]), escape(item["column"]), *(cell_text(item[side]) for side in ("before", "after")))
        for item in listed
    ]
    print_rows(("row", "column", "before", "after"), rows)
