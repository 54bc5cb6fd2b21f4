"""Single values of Protobuf as JSON knows them."""

import math
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

_LARGEST_EXACT_INTEGER = 2**53


def finite(value: float) -> float | None:
    """The number, None where JSON can't tell it."""
    # JSON has no infinity and no NaN.
    return value if math.isfinite(value) else None


def plain_struct(struct: Struct) -> dict[str, Any]:
    """What a Struct holds."""
    return {name: _plain(value) for name, value in sorted(struct.fields.items())}


def _plain(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "number_value":
            return _number(value.number_value)
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "struct_value":
            return plain_struct(value.struct_value)
        case "list_value":
            return [_plain(one) for one in value.list_value.values]
        case _:
            return None


def _number(value: float) -> float | int | None:
    # A protobuf Struct knows only doubles; whole numbers come back as they were put in.
    if value.is_integer() and abs(value) <= _LARGEST_EXACT_INTEGER:
        return int(value)
    return finite(value)
