"""The gateway itself, as JSON."""

from typing import Literal

from pydantic import BaseModel, Field

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
    docs: str = Field(description="The API, to try out.", examples=["/docs"])
    redoc: str = Field(description="The API, to read.", examples=["/redoc"])
    openapi: str = Field(description="The API, for programs.", examples=["/openapi.json"])
    health: str = Field(description="Whether everything answers.", examples=["/health"])
