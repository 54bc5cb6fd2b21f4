"""Our values as protobuf messages and back: reflective converters in place of a field list for every message."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from shared.errors import FieldError, InvalidInput

M = TypeVar("M", bound=Message)

_ABSENT = object()


def to_message(source: object, kind: type[M], **given: Any) -> M:
    """Return the message whose fields have the values of the same names in `source`.

    A word becomes the enum value it names (`applied` is STEP_STATE_APPLIED), a datetime a Timestamp, a timedelta a
    Duration, a mapping a Struct or a message, a UUID text; None leaves the field unset.

    Args:
        source: a mapping, or an object with attributes.
        kind: the message's class.
        given: values of fields that `source` does not have, or has in another form.

    Raises:
        KeyError: a field of the message stands in neither.
    """
    message = kind()
    fill(message, source, given)
    return message


def fill(message: Message, source: object, given: Mapping[str, Any]) -> None:
    """Set every field of a message from `given`, else from the values of the same names in `source`."""
    for field in message.DESCRIPTOR.fields:
        value = given[field.name] if field.name in given else _value(source, field.name)
        if value is _ABSENT:
            raise KeyError(f"{message.DESCRIPTOR.full_name}.{field.name} has no value")
        if value is not None:
            _set(message, field, value)


def _value(source: object, name: str) -> Any:
    return source.get(name, _ABSENT) if isinstance(source, Mapping) else getattr(source, name, _ABSENT)


def _set(message: Message, field: Any, value: Any) -> None:
    if isinstance(value, Message):
        getattr(message, field.name).CopyFrom(value)
    elif field.is_repeated:
        _extend(getattr(message, field.name), field, value)
    elif field.message_type is not None:
        _fill_message(getattr(message, field.name), value)
    else:
        setattr(message, field.name, _scalar(field, value))


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
    # A message without a field that is set would else count as absent.
    message.SetInParent()


def _scalar(field: Any, value: Any) -> Any:
    if field.enum_type is not None:
        return enum_number(field.enum_type, value)
    return str(value) if isinstance(value, UUID) else value


def enum_number(enum: EnumDescriptor, word: str) -> int:
    """Return the number that our word stands for.

    Raises:
        KeyError: the enum has no such value.
    """
    return enum.values_by_name[_prefix(enum) + word.upper()].number


def enum_word(enum: EnumDescriptor, number: int) -> str:
    """Return our word for a number: STEP_STATE_APPLIED is `applied`."""
    return enum.values_by_number[number].name.removeprefix(_prefix(enum)).lower()


def enum_words(enum: EnumDescriptor) -> tuple[str, ...]:
    """Return our words for all values but the unspecified one, in their order."""
    return tuple(enum_word(enum, value.number) for value in enum.values if value.number)


def parse_enum(message: Message, field: str, *, default: str | None = None) -> str:
    """Return our word for the enum in a field of a request; the default for one that is not set.

    Raises:
        InvalidInput: the number is unknown, or unspecified where there is no default.
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


def _prefix(enum: EnumDescriptor) -> str:
    """What the names of an enum's values begin with, such as `STEP_STATE_`."""
    return enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
