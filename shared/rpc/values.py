"""Values that every contract shares: times, and enums by the names we use for them."""

from datetime import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from shared.errors import FieldError, InvalidInput


def timestamp(moment: datetime | None) -> Timestamp | None:
    """A moment as protobuf tells it."""
    if moment is None:
        return None
    told = Timestamp()
    told.FromDatetime(moment)
    return told


def enum_value(enum: Any, name: str) -> Any:
    """The enum value our name stands for: `applied` is STEP_STATE_APPLIED."""
    return enum.Value(_prefix(enum) + name.upper())


def enum_name(enum: Any, value: int, *, field: str, default: str | None = None) -> str:
    """Our name for an enum value; the default for one that was not said.

    Raises:
        InvalidInput: the number is unknown, or unspecified where that is not allowed.
    """
    if value == 0 and default is not None:
        return default
    if value == 0 or value not in enum.values():
        allowed = ", ".join(name for number, name in zip(enum.values(), enum.keys(), strict=True) if number)
        problem = f"must be one of {allowed}"
        raise InvalidInput(f"{field} {problem}.", fields=[FieldError(field=field, description=problem)])
    return str(enum.Name(value)).removeprefix(_prefix(enum)).lower()


def _prefix(enum: Any) -> str:
    return str(enum.Name(0)).removesuffix("UNSPECIFIED")
