"""`python -m deploy.local`: NeuraLearn on this machine."""

import typer

from deploy.local.foreground import run_in_foreground
from deploy.local.stack import Stack

app = typer.Typer(help="NeuraLearn on this machine.", no_args_is_help=True, add_completion=False)


@app.callback()
def local() -> None:
    """Keep subcommands even while there is only one."""


@app.command()
def run() -> None:
    """Run the whole system in the foreground until Ctrl-C."""
    run_in_foreground(lambda output: Stack(output=output))


if __name__ == "__main__":
    app()
