"""The commands of operators together."""

import typer

from deploy.commands import api_keys, autoscale, checks, settings, stack

app = typer.Typer(no_args_is_help=True, add_completion=False)
for commands in (stack, checks, settings, autoscale):
    app.registered_commands += commands.app.registered_commands
app.add_typer(api_keys.app, name="api-keys")
