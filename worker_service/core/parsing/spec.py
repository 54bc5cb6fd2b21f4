"""How the cells of a column are to be read, as data with every parameter resolved."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

ISO = "ISO 8601"
ISO_ZONED = "ISO 8601 with zone"


class Spec(BaseModel):
    """What all readings share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    missing: tuple[str, ...] = ()
    """The exact spellings that stand for a missing value."""


class ReadText(Spec):
    """Leave the text as it is, but for white space around it."""

    kind: Literal["text"]
    trim: bool = False
    """Whether white space before and behind the text is left out."""


class NumberFormat(Spec):
    """How numbers are written. A minus may be `-`, `−`, behind the number, or parentheses around it."""

    decimal_mark: Literal[".", ","] = "."
    thousands_mark: Literal[",", ".", " ", "'"] = ","
    """What may stand between groups of three digits; a space is of any width."""
    units: tuple[str, ...] = ()
    """The exact spellings of the unit, which are left out; only currencies also stand before the number."""
    factors: tuple[float, ...] = ()
    """What the numbers of each unit are multiplied by; empty where all mean the same."""

    @property
    def is_plain(self) -> bool:
        """Whether it is the notation of programs, but for thousands commas."""
        return self.decimal_mark == "." and self.thousands_mark == "," and not self.units and not self.factors


class ReadInteger(NumberFormat):
    """Whole numbers of at most 18 digits, with or without marks between thousands."""

    kind: Literal["integer"]


class ReadDecimal(NumberFormat):
    """Numbers with decimals or an exponent, with or without marks between thousands; only finite ones."""

    kind: Literal["decimal"]


class ReadBoolean(Spec):
    """Words for true and false."""

    kind: Literal["boolean"]
    true: tuple[str, ...]
    """The exact spellings read as true."""
    false: tuple[str, ...]
    """The exact spellings read as false."""


class ReadTimestamp(Spec):
    """Dates or moments written in one format."""

    kind: Literal["timestamp"]
    format: str
    """`ISO 8601`, `ISO 8601 with zone` (read as UTC) or a strptime format."""
    or_iso: bool = False
    """Whether cells that are written year-month-day are read, too; nobody mistakes those."""


AnyReadAs = ReadText | ReadInteger | ReadDecimal | ReadBoolean | ReadTimestamp
ReadAs = Annotated[AnyReadAs, Field(discriminator="kind")]


@dataclass(frozen=True)
class Refused:
    """A reader's answer that it does not apply to a column."""

    why: str = ""
    """Why, where the cells looked as if it might; empty where there was nothing to consider."""
    doubtful: bool = False
    """Whether somebody should look at it."""


def enough(fit: int, known: int) -> bool:
    """Whether so many fitting cells make a column's type: all, or at least 95 % of 20 or more."""
    return known > 0 and (fit == known or (known >= 20 and fit >= 0.95 * known))
