"""Specs of how the cells of a column are to be read, as data with every parameter resolved."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

ISO = "ISO 8601"
ISO_ZONED = "ISO 8601 with zone"


class Spec(BaseModel):
    """The fields that all specs share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    missing: tuple[str, ...] = ()
    """The exact spellings that stand for a missing value."""
    marks: bool = False
    """True if a footnote mark, an opening quote or the value once more may be attached to a value."""


class ReadText(Spec):
    """Text that stays as it is, except for surrounding white space."""

    kind: Literal["text"]
    trim: bool = False
    """True if surrounding white space is removed."""


class NumberFormat(Spec):
    """The format of numbers; a minus may be `-` or `−`, before or after the number, or parentheses around it."""

    decimal_mark: Literal[".", ","] = "."
    thousands_mark: Literal[",", ".", " ", "'"] = ","
    """The mark allowed between groups of three digits; a space is of any width."""
    units: tuple[str, ...] = ()
    """The exact spellings of the unit, which are removed; only currencies are also allowed before the number."""
    factors: tuple[float, ...] = ()
    """The factor that the numbers of each unit are multiplied by; empty where all units mean the same."""

    @property
    def is_plain(self) -> bool:
        """True if it is the format of programs, apart from commas between thousands."""
        has_marks = self.decimal_mark != "." or self.thousands_mark != "," or self.marks
        return not has_marks and not self.units and not self.factors


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
    """True if cells written year-month-day are read as well, as these can't be mistaken."""
    also: tuple[str, ...] = ()
    """Other strptime formats, for the cells that fit none of the above, in this order."""


AnyReadAs = ReadText | ReadInteger | ReadDecimal | ReadBoolean | ReadTimestamp
ReadAs = Annotated[AnyReadAs, Field(discriminator="kind")]


@dataclass(frozen=True)
class Refused:
    """The answer of a recogniser that does not apply to a column."""

    why: str = ""
    """The reason, where the cells looked as if it might apply; otherwise empty."""
    ambiguous: bool = False
    """True if a person should decide."""
    amounts: ReadDecimal | None = None
    """The format of amounts in units that can't be converted into each other, if they are the reason."""


def is_enough(matching: int, known: int) -> bool:
    """Return True if this many matching cells decide the type: all known cells, or at least 95 % of 20 or more."""
    return known > 0 and (matching == known or (known >= 20 and matching >= 0.95 * known))
