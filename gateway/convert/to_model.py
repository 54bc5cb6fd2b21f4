"""Protobuf messages as JSON models: one reflective converter in place of a field list for every model."""

import math
from collections.abc import Callable
from datetime import UTC
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import BaseModel

from shared.rpc.messages import enum_word

M = TypeVar("M", bound=BaseModel)
Read = Callable[[Message], Any]

RENAMED: dict[str, dict[str, str]] = {
    "UploadedDataset": {"status": "state"},
    "DatasetStatus": {"status": "state"},
    "RunEvent": {"eta_seconds": "remaining"},
    "Preview": {"expected_seconds": "expected_duration"},
    "Queue": {"oldest_wait_seconds": "oldest_wait"},
}
"""Fields of JSON models that have another name in the contract, by the name of the model."""

_LARGEST_EXACT_INTEGER = 2**53


def to_model(message: Message, model: type[M], **given: Any) -> M:
    """Return the JSON model whose fields have the values of the same names in a message.

    An enum becomes its word, a Timestamp a datetime, a Duration its seconds, a Struct or a map of texts a dict. A field
    that may be null is null where the message has no value for it: unset, or an empty text.

    Args:
        message: any message of the contracts.
        model: the model's class.
        given: values of fields that the message does not have.
    """
    reads = _reads(model, message.DESCRIPTOR, frozenset(given))
    return model(**{name: read(message) for name, read in reads.items()}, **given)


@cache
def _reads(model: type[BaseModel], descriptor: Any, given: frozenset[str]) -> dict[str, Read]:
    """How each field of a model is read from a message of one kind."""
    fields = descriptor.fields_by_name
    names = {name: name_in_message(model, name) for name in model.model_fields if name not in given}
    return {name: _read(fields[field], model.model_fields[name].annotation) for name, field in names.items()}


def name_in_message(model: type[BaseModel], name: str) -> str:
    """Return what a field of a model is called in the contract."""
    return RENAMED.get(model.__name__, {}).get(name, name)


def _read(field: Any, annotation: Any) -> Read:
    name, is_optional, inner = field.name, _is_optional(annotation), _without_none(annotation)
    convert = _converter(field, inner)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return lambda message: dict(getattr(message, name))
    if field.is_repeated:
        element = get_args(inner)[0] if get_args(inner) else Any
        convert = _converter(field, element)
        return lambda message: [convert(value) for value in getattr(message, name)]
    if field.has_presence and is_optional:
        return lambda message: convert(getattr(message, name)) if message.HasField(name) else None
    if is_optional and field.type == FieldDescriptor.TYPE_STRING:
        return lambda message: getattr(message, name) or None
    if field.type == FieldDescriptor.TYPE_DOUBLE and not is_optional:
        return lambda message: convert(getattr(message, name)) or 0.0
    return lambda message: convert(getattr(message, name))


def _converter(field: Any, annotation: Any) -> Callable[[Any], Any]:
    if field.enum_type is not None:
        # An enum that is not set means its first value, as the contracts say.
        return lambda number: enum_word(field.enum_type, number or 1)
    if field.type == FieldDescriptor.TYPE_DOUBLE:
        return _finite
    if field.message_type is None:
        return lambda value: value
    match field.message_type.full_name:
        case Timestamp.DESCRIPTOR.full_name:
            return lambda value: value.ToDatetime(tzinfo=UTC)
        case "google.protobuf.Duration":
            return lambda value: round(value.ToTimedelta().total_seconds(), 1)
        case Struct.DESCRIPTOR.full_name:
            return plain_struct
    return lambda value: to_model(value, annotation)


def _is_optional(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation)


def _without_none(annotation: Any) -> Any:
    if not _is_optional(annotation):
        return annotation
    return next(part for part in get_args(annotation) if part is not NoneType)


def _finite(value: float) -> float | None:
    """The number, None where JSON can't hold it: it has no infinity and no NaN."""
    return value if math.isfinite(value) else None


def plain_struct(struct: Struct) -> dict[str, Any]:
    """Return what a Struct holds."""
    return {name: _plain(value) for name, value in sorted(struct.fields.items())}


def plain_values(values: ListValue) -> list[Any]:
    """Return what a list of values holds."""
    return [_plain(value) for value in values.values]


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
            return [_plain(part) for part in value.list_value.values]
        case _:
            return None


def _number(value: float) -> float | int | None:
    # A Struct knows only doubles; whole numbers come back as they were put in.
    if value.is_integer() and abs(value) <= _LARGEST_EXACT_INTEGER:
        return int(value)
    return _finite(value)
