"""The base class of facts as data."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen value that can be written as JSON and read again."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
