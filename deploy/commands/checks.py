"""The command that says in one line each what works and what does not."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def check(as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False) -> None:
    """Check servers, services and workers, a line each.

    The exit code is 1 if one of PostgreSQL, its migrations, Redis, the store, a service, the gateway or the workers of
    the fast queue is down.
    """
    from deploy.checks import run_checks
    from deploy.local.joining import join_local_stack
    from shared.logs import configure_logs

    configure_logs(service="check", level="ERROR", form="auto")  # the lines say what does not answer
    results = asyncio.run(run_checks(join_local_stack()))
    if as_json:
        print(json.dumps([asdict(result) for result in results]))
    else:
        width = max(len(result.name) for result in results)
        for result in results:
            word = typer.style("ok  ", fg="green") if result.is_ok else typer.style("DOWN", fg="red")
            typer.echo(f"{word}  {result.name:<{width}}  {result.detail} ({result.milliseconds:.0f} ms)")
    if not all(result.is_ok for result in results):
        raise typer.Exit(1)
