"""The commands together, and how their errors are shown."""

import importlib
import sys
from typing import Annotated

import typer

from neuralearn.cli import datasets, load_test, monitor, recipes, versions
from neuralearn.cli.output import Connection, fail
from neuralearn.errors import NeuraLearnError
from neuralearn.settings import DEFAULT_URL

_OPERATOR_COMMANDS = "deploy.commands"
"""The module with the commands that need more than REST; it comes with the services."""


def build_app() -> typer.Typer:
    """Return the command line with every command that can be run here."""
    app = typer.Typer(
        help="Upload tables, follow their preparation, take the results; run and watch the service.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        # Errors as a sentence, not in a box.
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_connect)
    for commands in (datasets.app, recipes.app, versions.app, monitor.app, load_test.app):
        app.registered_commands += commands.registered_commands
        app.registered_groups += commands.registered_groups
    try:
        operator: typer.Typer = importlib.import_module(_OPERATOR_COMMANDS).app
    except ModuleNotFoundError:
        return app
    app.registered_commands += operator.registered_commands
    app.registered_groups += operator.registered_groups
    return app


def main() -> None:
    """Run the command line; an error is one sentence on the standard error, and exit code 1."""
    try:
        build_app()()
    except NeuraLearnError as error:
        fail(error)
    except ModuleNotFoundError as error:
        fail(
            NeuraLearnError(
                f"This command needs the services: pip install 'neuralearn[local]' ({error.name} is missing)."
            )
        )
    except FileNotFoundError as error:
        fail(NeuraLearnError(f"There is no file or folder {error.filename}."))
    except BrokenPipeError:
        # Who reads the output has seen enough.
        sys.stderr.close()
        raise SystemExit(1) from None
    except OSError as error:
        fail(NeuraLearnError(f"{error.filename or 'The system'}: {error.strerror}."))


def _connect(
    context: typer.Context,
    base_url: Annotated[
        str, typer.Option(envvar="NEURALEARN_URL", help="Where the gateway is.", show_default=True)
    ] = DEFAULT_URL,
    token: Annotated[
        str, typer.Option(envvar="NEURALEARN_TOKEN", help="A token or an API key.", show_default=False)
    ] = "",
) -> None:
    context.obj = Connection(base_url, token)
