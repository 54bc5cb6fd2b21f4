"""Commands that start everything on this machine."""

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer()
SAMPLE = Path(__file__).resolve().parents[2] / "sample_dataset.csv"


@app.command()
def up() -> None:
    """Run the whole system on this machine until Ctrl-C.

    It has as many workers as there is work for, and no more than cores.
    """
    from deploy.local.foreground import run_in_foreground
    from deploy.local.programs import AUTOSCALED_PROGRAMS
    from deploy.local.stack import Stack, StackPlan
    from shared.settings.base import environment_keys

    plan = StackPlan(programs=AUTOSCALED_PROGRAMS)
    overrides = {} if "LOG_FORMAT" in environment_keys() else {"LOG_FORMAT": "console"}
    run_in_foreground(lambda output: Stack(output=output, env_overrides=overrides, plan=plan))


@app.command()
def demo(
    file: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The dataset to prepare.")] = SAMPLE,
    mode: Annotated[Literal["fast", "smart", "deep"], typer.Option(help="Who proposes.")] = "fast",
    target: Annotated[str, typer.Option(help="The column to predict; detected if not given.")] = "",
    output: Annotated[Path, typer.Option(help="Where the results are saved.")] = Path("demo_output"),
) -> None:
    """Prepare one dataset with a stack of its own.

    The results are shown and saved, and everything is stopped.
    """
    from rich.console import Console

    from deploy.local.demo import DemoFailed, DemoOptions, run_demo
    from deploy.local.process import StartFailed

    console = Console()
    try:
        run_demo(DemoOptions(file=file, mode=mode, target=target, output=output), console=console)
    except (DemoFailed, StartFailed) as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from None
