"""Reflective converters between Python values and protobuf messages; no field list is repeated."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, TypeVar
from uuid import UUID

from google.protobuf.descriptor import Descriptor, EnumDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from shared.errors import FieldError, InvalidInput

M = TypeVar("M", bound=Message)

_ABSENT = object()
_LARGEST_EXACT = 2**53


def to_message(source: object, kind: type[M], **given: Any) -> M:
    """Return the message whose fields have the values of the same names in `source`.

    A word becomes the enum value it names (`applied` is STEP_STATE_APPLIED), a datetime a Timestamp, a timedelta a
    Duration, a mapping a Struct or a message, a UUID text; None leaves the field unset.

    Args:
        source: a mapping, or an object with attributes.
        kind: the message's class.
        given: values of fields that `source` lacks or has in another form.

    Raises:
        KeyError: a field of the message is in neither.
    """
    message = kind()
    fill(message, source, given)
    return message


def fill(message: Message, source: object, given: Mapping[str, Any]) -> None:
    """Set every field of a message from `given`, or else from the value of the same name in `source`.

    Raises:
        KeyError: a field of the message is in neither.
    """
    find = source.get if isinstance(source, Mapping) else partial(getattr, source)
    for name, put in _setters(message.DESCRIPTOR):
        value = given[name] if name in given else find(name, _ABSENT)
        if value is _ABSENT:
            raise KeyError(f"{message.DESCRIPTOR.full_name}.{name} has no value")
        if value is not None:
            put(message, value)


@cache
def _setters(descriptor: Descriptor) -> tuple[tuple[str, Callable[[Message, Any], None]], ...]:
    """Return the fields of a message, each with what sets it."""
    return tuple((field.name, _setter(field)) for field in descriptor.fields)


def _setter(field: Any) -> Callable[[Message, Any], None]:
    name: str = field.name
    if field.is_repeated:
        return lambda message, values: _extend(getattr(message, name), field, values)
    if field.message_type is not None:
        return lambda message, value: _put_message(getattr(message, name), value)
    return lambda message, value: setattr(message, name, _scalar(field, value))


def _put_message(message: Message, value: Any) -> None:
    if isinstance(value, Message):
        message.CopyFrom(value)
    else:
        _fill_message(message, value)


def _extend(target: Any, field: Any, values: Iterable[Any]) -> None:
    if isinstance(values, Mapping):
        target.update(values)
    elif field.message_type is None:
        target.extend(_scalar(field, value) for value in values)
    else:
        for value in values:
            target.append(value) if isinstance(value, Message) else _fill_message(target.add(), value)


def _fill_message(message: Message, value: Any) -> None:
    match message, value:
        case Timestamp(), datetime():
            message.FromDatetime(value)
        case Duration(), timedelta():
            message.FromTimedelta(value)
        case Struct(), _:
            message.update(value)
        case _:
            fill(message, value, {})
    # Otherwise a message without any set field would count as absent.
    message.SetInParent()


def _scalar(field: Any, value: Any) -> Any:
    if field.enum_type is not None:
        return enum_number(field.enum_type, value)
    return str(value) if isinstance(value, UUID) else value


@cache
def enum_number(enum: EnumDescriptor, word: str) -> int:
    """Return the number of an enum value by its word: `applied` gives that of STEP_STATE_APPLIED.

    Raises:
        KeyError: the enum has no such value.
    """
    return enum.values_by_name[_prefix(enum) + word.upper()].number


@cache
def enum_word(enum: EnumDescriptor, number: int) -> str:
    """Return the word for the number of an enum value: STEP_STATE_APPLIED gives `applied`."""
    return enum.values_by_number[number].name.removeprefix(_prefix(enum)).lower()


def enum_words(enum: EnumDescriptor) -> tuple[str, ...]:
    """Return the words for all values of an enum but the unspecified one, in order of declaration."""
    return tuple(enum_word(enum, value.number) for value in enum.values if value.number)


def parse_enum(message: Message, field: str, *, default: str | None = None) -> str:
    """Return the word for an enum field of a request; the default if the field is not set.

    Raises:
        InvalidInput: the number is unknown, or it is unspecified and there is no default.
    """
    enum: Any = message.DESCRIPTOR.fields_by_name[field].enum_type
    number = getattr(message, field)
    if number == 0 and default is not None:
        return default
    if number == 0 or number not in enum.values_by_number:
        allowed = ", ".join(value.name for value in enum.values if value.number)
        problem = f"must be one of {allowed}"
        raise InvalidInput(f"{field} {problem}.", fields=[FieldError(field=field, detail=problem)])
    return enum_word(enum, number)


def struct_values(struct: Struct) -> dict[str, Any]:
    """Return the values of a Struct; whole numbers are whole again, as a Struct holds doubles alone."""
    values: dict[str, Any] = json.loads(MessageToJson(struct), parse_float=_exact_number)
    return values


def _exact_number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < _LARGEST_EXACT else value


def _prefix(enum: EnumDescriptor) -> str:
    """Return the common prefix of the names of an enum's values, such as `STEP_STATE_`."""
    return enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
