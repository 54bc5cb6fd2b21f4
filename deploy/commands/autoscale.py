"""The command that starts and stops workers by the length of the queues."""

import asyncio
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def autoscale(
    scale_up: Annotated[int, typer.Option(help="More waiting runs than this start workers.")] = 50,
    scale_down: Annotated[int, typer.Option(help="Fewer than this, for a while, stop them.")] = 10,
    workers_per_scale: Annotated[int, typer.Option(help="How many at a time.")] = 1,
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 5.0,
    cooldown: Annotated[float, typer.Option(min=0, help="Seconds of a short queue before a worker is stopped.")] = 60.0,
    minimum: Annotated[int, typer.Option("--min", help="Fewest workers of eda_fast.")] = 1,
    maximum: Annotated[int, typer.Option("--max", help="Most workers of eda_fast.")] = 20,
    deep_minimum: Annotated[int, typer.Option("--deep-min", help="Fewest workers of eda_deep.")] = 0,
    deep_maximum: Annotated[int, typer.Option("--deep-max", help="Most workers of eda_deep.")] = 5,
) -> None:
    """Run workers, more of them while many runs wait.

    They are those of both queues; Ctrl-C stops them, and they hand back what they prepare.
    """
    from deploy.autoscaler.policy import ScalingPolicy
    from deploy.local.joining import join_local_stack
    from shared.errors import ServiceError
    from shared.logs import configure_logs
    from shared.queue import DEEP_QUEUE, FAST_QUEUE

    bounds = {FAST_QUEUE: (minimum, maximum), DEEP_QUEUE: (deep_minimum, deep_maximum)}
    try:
        policies = {
            name: ScalingPolicy(
                scale_up=scale_up,
                scale_down=scale_down,
                step=workers_per_scale,
                minimum=fewest,
                maximum=most,
                # New workers shall show what they can do before more are started.
                up_seconds=2 * interval,
                cooldown_seconds=cooldown,
            )
            for name, (fewest, most) in bounds.items()
        }
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    settings = join_local_stack()
    configure_logs(service="autoscaler", level=settings.log_level, form=settings.log_format)

    from deploy.autoscaler.composition import run_autoscaler

    try:
        asyncio.run(run_autoscaler(settings, policies, interval=interval))
    except ServiceError as error:
        raise SystemExit(error.detail) from None
