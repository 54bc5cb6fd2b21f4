"""Commands that store recipes and repeat them on other files."""

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from neuralearn.cli.datasets import WatchOption, follow, parse_options, print_dataset, require_result
from neuralearn.cli.output import (
    AsJson,
    DatasetId,
    bytes_progress,
    client,
    err,
    number,
    out,
    print_json,
    print_rows,
)
from neuralearn.cli.versions import parse_cell
from neuralearn.errors import NeuraLearnError
from neuralearn.models import RecipeChange, TableForm

app = typer.Typer()
_recipe = typer.Typer(help="Store recipes under names.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(_recipe, name="recipe")
RecipeId = Annotated[str, typer.Argument(metavar="RECIPE", help="The recipe's id.")]
_MOST_EXAMPLES = 3
_STYLES = {"stable": "green", "moved": "yellow", "broken": "red"}


@app.command()
def replay(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FILE|URL|-", help="A file, an address, or - for standard input.")],
    of: Annotated[str, typer.Option(metavar="ID", help="The dataset whose recipe is repeated.")] = "",
    recipe: Annotated[str, typer.Option(metavar="RECIPE|FILE", help="A stored recipe's id, or a file with one.")] = "",
    contract: Annotated[
        str,
        typer.Option(help="What happens where the file disagrees, such as price=freeze."),
    ] = "",
    name: Annotated[str, typer.Option(help="The file name that is shown; that of the file if not given.")] = "",
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-O", metavar="NAME=VALUE", help="Any other option of an upload, such as sheet=2."),
    ] = None,
    watch: WatchOption = False,
    as_json: AsJson = False,
) -> None:
    """Upload a table and prepare it by the recipe of another."""
    if bool(of) == bool(recipe):
        raise typer.BadParameter("give one of --of and --recipe", param_hint="--of")
    options = {"recipe_of": of, "recipe": _read_recipe(recipe), "contract": contract, **parse_options(option or [])}
    options = {key: value for key, value in options.items() if value}
    with client(context) as service:
        with bytes_progress("Uploading") as on_progress:
            file = sys.stdin.buffer if source == "-" else source
            dataset_id = service.upload(file, filename=name, on_progress=on_progress, **options)
        dataset = follow(service, dataset_id) if watch else service.status(dataset_id)
    print_dataset(dataset, as_json=as_json)
    require_result(dataset)


@app.command()
def drift(
    context: typer.Context,
    dataset_id: DatasetId,
    fail_on: Annotated[
        Literal["moved", "broken"] | None, typer.Option(help="Exit with 1 from this verdict on, for jobs.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how a table differs from the one that its recipe was made from."""
    with client(context) as service:
        document = service.document(dataset_id, "drift")
    if as_json:
        print_json(document)
    else:
        _print_drift(document)
    if fail_on is not None and document["verdict"] in ("broken", fail_on):
        raise typer.Exit(1)


def _print_drift(document: dict[str, Any]) -> None:
    out.print(f"[{_STYLES[document['verdict']]}]{document['verdict']}[/]", end="  ")
    out.print(document["summary"], markup=False)
    moved = [column for column in document["columns"] if column["verdict"] != "stable"]
    rows = [(item["column"], item["verdict"], finding) for item in moved for finding in item["findings"]]
    if rows:
        print_rows(("column", "verdict", "what moved"), rows)
    for step in document["steps"]:
        out.print(f"Step {step['step']} ({step['kind']}) no longer holds. {step['why']}", markup=False)


@app.command()
def export(
    context: typer.Context,
    dataset_id: DatasetId,
    file_format: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT", help="pandas, sklearn, sql, pandera, table-schema, odcs, croissant or openlineage."
        ),
    ],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file; standard output if not given.")] = None,
    dialect: Annotated[str, typer.Option(help="The database of sql: duckdb or postgres.")] = "",
    version: Annotated[int, typer.Option(min=0, help="A version of the results; 0 for the newest.")] = 0,
) -> None:
    """Take a recipe to another tool: as a program, a query, checks, or a document."""
    form: TableForm = {"dialect": dialect, "version": version}
    with client(context) as service:
        if output is None or output == Path("-"):
            sys.stdout.buffer.write(service.read(dataset_id, "export", file_format=file_format, **form))
            return
        service.download(dataset_id, "export", output, file_format=file_format, **form)
    err.print(f"Wrote {output} ({output.stat().st_size:,} bytes).", markup=False)


@app.command()
def apply(context: typer.Context, dataset_id: DatasetId, as_json: AsJson = False) -> None:
    """Complete a preparation that is proposed."""
    with client(context) as service:
        print_dataset(service.apply(dataset_id), as_json=as_json)


@_recipe.command(name="show")
def show_recipe(context: typer.Context, dataset_id: DatasetId, as_json: AsJson = False) -> None:
    """Show the steps of a dataset's recipe."""
    with client(context) as service:
        document = service.document(dataset_id, "recipe")
    if as_json:
        print_json(document)
        return
    for position, step in enumerate(document["steps"], start=1):
        columns = step.get("column") or ", ".join(step.get("inputs") or [])
        skipped = f" (skipped: {step['skipped']})" if step.get("skipped") else ""
        skipped = " (switched off)" if step.get("is_off") else skipped
        out.print(f"{position:>4}  [bold]{step['kind']}[/bold] ", end="")
        out.print(f"{columns}{skipped}  {step['why']}", markup=False)


@_recipe.command(name="edit")
def edit_recipe(
    context: typer.Context,
    dataset_id: DatasetId,
    off: Annotated[list[int] | None, typer.Option(help="A step that is switched off, from 1.")] = None,
    on: Annotated[list[int] | None, typer.Option(help="A step that is switched on again.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="STEP.NAME=VALUE", help="A parameter, such as 12.upper=100; the value is JSON."),
    ] = None,
    add: Annotated[
        list[str] | None,
        typer.Option(metavar="JSON", help='A step that is added, such as {"kind": "ratio", …}.'),
    ] = None,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="COLUMN=TYPE", help="What a column is, such as zip=text; zip= for any again."),
    ] = None,
    roles: Annotated[
        list[str] | None,
        typer.Option("--role", metavar="COLUMN=ROLE", help="What a column is for, such as id=keep; id= for none."),
    ] = None,
    target: Annotated[str, typer.Option(help="The column to predict, or none.")] = "",
    redo: Annotated[
        list[str] | None, typer.Option(metavar="ROW:COLUMN", help="A cell that was undone and is cleaned again.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what each step would do.")] = False,
    watch: WatchOption = False,
    as_json: AsJson = False,
) -> None:
    """Switch steps off or on, set parameters, add steps, or say what columns are, and carry the recipe out again."""
    change: RecipeChange = {
        "off": off or (),
        "on": on or (),
        "parameters": _parse_parameters(set_ or []),
        "add": [_parse_step(text) for text in add or []],
        "types": dict(_parse_word("--type", text) for text in types or []),
        "roles": dict(_parse_word("--role", text) for text in roles or []),
        "target": target,
        "redo": [parse_cell(text, option="--redo") for text in redo or []],
    }
    with client(context) as service:
        if dry_run:
            _print_dry_run(service.dry_run(dataset_id, **change), as_json=as_json)
            return
        dataset = service.change_recipe(dataset_id, **change)
        dataset = follow(service, dataset_id) if watch else dataset
    print_dataset(dataset, as_json=as_json)
    require_result(dataset)


def _print_dry_run(document: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(document)
        return
    for step in document["steps"]:
        out.print(f"{step['step']:>4}  [bold]{step['state']}[/bold] ", end="")
        out.print(f"{step['what'] or step['why']}", markup=False)
        for example in step["examples"][:_MOST_EXAMPLES]:
            before, after = ("–" if example[side] is None else example[side] for side in ("before", "after"))
            out.print(f"        row {example['row']}: {before} → {after}", markup=False)
    cells, rows = number(document["cells_changed"]), number(document["rows"])
    out.print(f"{cells} cells of {rows} rows would differ from the upload.", markup=False)


def _parse_word(option: str, text: str) -> tuple[str, str | None]:
    column, equals, word = text.rpartition("=")
    if not equals or not column:
        raise typer.BadParameter(f"{text!r} is not COLUMN=WORD", param_hint=option)
    return column, word or None


def _parse_step(text: str) -> dict[str, Any]:
    try:
        step = json.loads(text)
    except ValueError:
        step = None
    if not isinstance(step, dict):
        raise typer.BadParameter(f"{text!r} is no JSON object", param_hint="--add")
    return step


@_recipe.command(name="save")
def save_recipe(
    context: typer.Context,
    dataset_id: DatasetId,
    name: Annotated[str, typer.Argument(help="What it is called; the same name again is a new version.")],
    as_json: AsJson = False,
) -> None:
    """Store the recipe of a dataset under a name."""
    with client(context) as service:
        stored = service.create_recipe(name, dataset_id=dataset_id)
    if as_json:
        print_json(stored)
        return
    out.print(f"{stored['recipe_id']}  {stored['name']}, version {stored['version']}", markup=False)


@_recipe.command(name="list")
def list_recipes(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="Only versions of this name.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Most recipes.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List stored recipes, newest first."""
    with client(context) as service:
        listed = [item for item, _ in zip(service.recipes(name=name), range(limit), strict=False)]
    if as_json:
        print_json(listed)
        return
    rows = [
        (
            item["recipe_id"],
            item["name"],
            number(item["version"]),
            item["dataset_id"] or "–",
            item["created_at"][:19],
        )
        for item in listed
    ]
    print_rows(("id", "name", "version", "dataset", "stored"), rows)


@_recipe.command(name="delete")
def delete_recipe(context: typer.Context, recipe_id: RecipeId) -> None:
    """Remove a stored recipe; datasets that were prepared by it stay as they are."""
    with client(context) as service:
        service.delete_recipe(recipe_id)
    err.print(f"Removed {recipe_id}.", markup=False)


def _parse_parameters(texts: list[str]) -> dict[int, dict[str, Any]]:
    parameters: dict[int, dict[str, Any]] = {}
    for text in texts:
        match = re.fullmatch(r"([1-9][0-9]{0,5})\.(\w+)=(.*)", text, re.DOTALL)
        if match is None:
            raise typer.BadParameter(f"{text!r} is not STEP.NAME=VALUE", param_hint="--set")
        try:
            value = json.loads(match[3])
        except ValueError:
            value = match[3]
        parameters.setdefault(int(match[1]), {})[match[2]] = value
    return parameters


def _read_recipe(text: str) -> Any:
    """Return the id of a recipe, or the recipe in a file.

    Raises:
        NeuraLearnError: the file holds no JSON.
    """
    path = Path(text)
    if not text or not path.is_file():
        return text
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise NeuraLearnError(f"{path} holds no JSON.") from None
