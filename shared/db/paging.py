"""Pages of a list, and opaque tokens that name the last row of the page before."""

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
    """A page of rows, and the token of the next page ("" on the last page)."""

    rows: Sequence[Row]
    next_token: str


@dataclass(frozen=True)
class PageSize:
    """The default and the largest number of rows on a page."""

    default: int
    most: int

    def of(self, requested: int) -> int:
        """Return the size to use for a requested one; 0 stands for the default.

        Raises:
            InvalidInput: the requested size is negative.
        """
        if requested < 0:
            raise InvalidInput(
                "page_size must not be negative",
                fields=[FieldError(field="page_size", detail="must be 0 or more")],
            )
        return min(requested or self.default, self.most)


def encode_token(position: Sequence[str | int]) -> str:
    """Return the token for a position: the sort key of a row."""
    return base64.urlsafe_b64encode(json.dumps(list(position)).encode()).decode().rstrip("=")


def parse_timestamp(text: str) -> datetime:
    """Parse the part of a position that is a timestamp.

    Raises:
        ValueError: not a timestamp with a time zone between the years 2000 and 3000.
    """
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None or not 2000 <= parsed.year < 3000:
        raise ValueError(text)
    return parsed


def parse_row_number(text: str) -> int:
    """Parse the part of a position that is the number of a row.

    Raises:
        ValueError: not a number that PostgreSQL can store.
    """
    number = int(text)
    if not 0 <= number < 2**63:
        raise ValueError(text)
    return number


def decode_token(token: str, *, parts: Sequence[Callable[[str], Any]]) -> tuple[Any, ...] | None:
    """Return the position that a token stands for; None for the empty token.

    Args:
        token: what `encode_token` returned, as the client sent it back.
        parts: a parser for each part of the position.

    Raises:
        InvalidInput: the token was not issued by this service, or belongs to another list.
    """
    if not token:
        return None
    try:
        position = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return tuple(parse(str(part)) for parse, part in zip(parts, position, strict=True))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise InvalidInput(
            "page_token is not a token this list gave out",
            fields=[FieldError(field="page_token", detail="use next_page_token of the page before")],
        ) from None
