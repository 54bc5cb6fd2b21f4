"""The gateway itself, as JSON."""

from typing import Literal

from pydantic import BaseModel, Field

from gateway.schemas.fields import Moment

Serving = Literal["serving", "not_serving", "unreachable"]


class Health(BaseModel):
    """The health of everything behind the gateway."""

    status: Literal["ok", "unavailable"] = Field(description="`ok` when everything serves.", examples=["ok"])
    version: str = Field(description="The gateway's version.", examples=["0.1.0"])
    services: dict[str, Serving] = Field(
        description="Each service.", examples=[{"ingest": "serving", "pipeline": "serving", "report": "serving"}]
    )
    servers: dict[str, Serving] = Field(
        description="What they need, as PipelineService finds it; `unreachable` where it can't be asked.",
        examples=[{"database": "serving", "queue": "serving", "store": "serving"}],
    )


class Live(BaseModel):
    """A sign that the gateway answers."""

    status: Literal["ok"] = Field(description="Always `ok`.", examples=["ok"])
    version: str = Field(description="The gateway's version.", examples=["0.1.0"])


class About(BaseModel):
    """Links from the root."""

    name: str = Field(description="The service's name.", examples=["NeuraLearn"])
    version: str = Field(description="The gateway's version.", examples=["0.1.0"])
    app: str = Field(description="The page for people.", examples=["/app/"])
    docs: str | None = Field(description="The API, to try out; null where it is switched off.", examples=["/docs"])
    redoc: str | None = Field(description="The API, to read; null where it is switched off.", examples=["/redoc"])
    openapi: str | None = Field(
        description="The API, for programs; null where it is switched off.", examples=["/openapi.json"]
    )
    health: str = Field(description="Whether everything answers.", examples=["/health"])
    auth_mode: Literal["open", "token"] = Field(
        description="`token` where every call needs a token or an API key, else `open`.", examples=["open"]
    )
    max_upload_bytes: int = Field(description="Most bytes of an uploaded file.", examples=[268435456])


class Queue(BaseModel):
    """The work in one queue."""

    name: str = Field(description="The queue: `eda_fast` or `eda_deep`.", examples=["eda_fast"])
    ready: int = Field(description="Runs that are due and wait for a worker.", examples=[3])
    deferred: int = Field(description="Runs whose next attempt is not due yet.", examples=[0])
    running: int = Field(description="Runs that a worker holds.", examples=[2])
    oldest_wait_seconds: float = Field(description="How long the oldest ready run has waited.", examples=[0.8])
    completed: int = Field(description="Runs that completed within the last hour.", examples=[120])
    failed: int = Field(description="Runs that failed within the last hour.", examples=[1])


class RedisServer(BaseModel):
    """What Redis says of itself."""

    version: str = Field(description="Its version.", examples=["7.4.1"])
    used_memory_bytes: int = Field(description="The memory it uses.", examples=[1_048_576])
    max_memory_bytes: int = Field(description="The memory it may use; 0 for no limit.", examples=[0])
    clients: int = Field(description="How many clients are connected.", examples=[9])
    hit_rate: float | None = Field(
        description="The share of look-ups that found a key, 0 to 1; null before the first.", examples=[0.98]
    )


class Queues(BaseModel):
    """The queues, and the server that delivers from them."""

    queues: list[Queue] = Field(description="One entry for each queue.")
    redis: RedisServer | None = Field(description="The server; null while it does not answer.")


class Worker(BaseModel):
    """A worker process that gave a sign of life lately."""

    name: str = Field(description="Host, process id and a few random characters.", examples=["host:4711:a1b2c3"])
    queue: str = Field(description="The queue that it takes runs from.", examples=["eda_fast"])
    slots: int = Field(description="How many runs it executes at once.", examples=[2])
    run_ids: list[str] = Field(description="The runs that it executes now.")
    metrics_port: int | None = Field(
        description="The port on which it serves metrics; null where it serves none.", examples=[None]
    )
    started_at: Moment = Field(description="When it started.")
    heartbeat_at: Moment = Field(description="When it gave its last sign of life.")


class Workers(BaseModel):
    """The worker processes."""

    workers: list[Worker] = Field(description="By queue, the oldest first.")
