"""The command line `python -m deploy.local`: NeuraLearn on this machine."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.local.demo import DemoFailed, DemoOptions, run_demo
from deploy.local.foreground import run_in_foreground
from deploy.local.process import StartFailed
from deploy.local.stack import ROOT, Stack
from shared.contracts.vocabulary import DEFAULT_MODE, Mode
from shared.settings.base import environment_keys

SAMPLE = ROOT / "sample_dataset.csv"

app = typer.Typer(help="NeuraLearn on this machine.", no_args_is_help=True, add_completion=False)


@app.command()
def run() -> None:
    """Run the whole system in the foreground until Ctrl-C."""
    overrides = {} if "LOG_FORMAT" in environment_keys() else {"LOG_FORMAT": "console"}
    run_in_foreground(lambda output: Stack(output=output, env_overrides=overrides))


@app.command()
def demo(
    file: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The dataset to prepare.")] = SAMPLE,
    mode: Annotated[Mode, typer.Option(help="Who proposes.")] = DEFAULT_MODE,
    target: Annotated[str, typer.Option(help="The column to predict; detected if not given.")] = "",
    output: Annotated[Path, typer.Option(help="Where the results are saved.")] = Path("demo_output"),
) -> None:
    """Start everything, prepare a dataset, show and save the results, stop everything."""
    console = Console()
    try:
        run_demo(DemoOptions(file=file, mode=mode, target=target, output=output), console=console)
    except (DemoFailed, StartFailed) as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app()
