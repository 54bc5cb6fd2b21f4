"""Pages of a list: opaque tokens that name the last row of the page before."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from shared.errors import FieldError, InvalidInput

Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of rows, and the token of the next ("" on the last)."""

    rows: Sequence[Row]
    next_token: str


@dataclass(frozen=True)
class PageSize:
    """How many rows a page holds when the caller does not say, and at most."""

    default: int
    most: int

    def of(self, asked: int) -> int:
        """The size to use for the asked one.

        Raises:
            InvalidInput: the asked size is negative.
        """
        if asked < 0:
            raise InvalidInput(
                "page_size must not be negative",
                fields=[FieldError(field="page_size", detail="must be 0 or more")],
            )
        return min(asked or self.default, self.most)


def encode_token(position: Sequence[str | int]) -> str:
    """The token for a position."""
    return base64.urlsafe_b64encode(json.dumps(list(position)).encode()).decode().rstrip("=")


def moment(text: str) -> datetime:
    """A parser for the part of a position that is a time.

    Raises:
        ValueError: not a time with its zone within reach of this service's life.
    """
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None or not 2000 <= parsed.year < 3000:
        raise ValueError(text)
    return parsed


def row_number(text: str) -> int:
    """A parser for the part of a position that is a row's number.

    Raises:
        ValueError: not a number that PostgreSQL can hold.
    """
    number = int(text)
    if not 0 <= number < 2**63:
        raise ValueError(text)
    return number


def decode_token(token: str, *, parts: Sequence[Callable[[str], Any]]) -> tuple[Any, ...] | None:
    """The position a token stands for, each part read by its parser; None for the empty token.

    Raises:
        InvalidInput: the token is not one of ours, or of another list.
    """
    if not token:
        return None
    try:
        position = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return tuple(parse(str(part)) for parse, part in zip(parts, position, strict=True))
    except (binascii.Error, ValueError, TypeError):
        raise InvalidInput(
            "page_token is not a token this list gave out",
            fields=[FieldError(field="page_token", detail="use next_page_token of the page before")],
        ) from None
