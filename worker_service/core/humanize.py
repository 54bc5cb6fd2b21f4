"""Numbers, names and lists as they are written in sentences for people."""

import math
from collections.abc import Iterable, Sequence

_LONGEST_NAME = 60


def number(value: float | int) -> str:
    """Return a number as text: `34.5`, `1,204`, `0.0123`, `1.2e+20`.

    It has about four significant digits, or all digits if it is a whole number below a trillion.
    """
    if not math.isfinite(value):
        return "an undefined value"
    if float(value).is_integer() and abs(value) < 1e12:
        return f"{int(value):,}"
    if abs(value) >= 1e12 or 0 < abs(value) < 0.0001:
        return f"{value:.3g}"
    decimals = max(0, 3 - math.floor(math.log10(abs(value)))) if abs(value) < 1000 else 1
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float) -> str:
    """Return a share from 0 to 1 as a percentage: `12.3 %`, `0.02 %`, `100 %`."""
    value = share * 100
    if 0 < value < 0.1 or 99.9 < value < 100:
        return f"{value:.3f}".rstrip("0").rstrip(".") + " %"
    return f"{value:.1f}".removesuffix(".0") + " %"


def count(amount: int, singular: str, plural: str | None = None) -> str:
    """Return an amount with its noun: `1 cell`, `1,204 cells`."""
    return f"{amount:,} {singular if amount == 1 else plural or singular + 's'}"


def quoted(text: str) -> str:
    """Return a name or a value in quotation marks, on one line and shortened if very long."""
    line = " ".join(text.split()) if text.strip() else text.replace("\n", " ")
    return f"“{line if len(line) <= _LONGEST_NAME else line[: _LONGEST_NAME - 1] + '…'}”"


def listing(items: Iterable[str], *, conjunction: str = "and") -> str:
    """Return a list as text: `a`, `a and b`, `a, b and c`."""
    words = list(items)
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"


def list_names(names: Sequence[str], *, limit: int = 3) -> str:
    """Return the names of columns in a sentence, the first few of many: `“a”, “b”, “c” and 4 more`."""
    listed = [quoted(name) for name in names[:limit]]
    return listing(listed if len(names) <= limit else [*listed, f"{len(names) - limit:,} more"])


def examples(texts: Sequence[str], *, limit: int = 3, of: int | None = None) -> str:
    """Return quoted examples as text: `such as “a”, “b” and “c”`.

    Args:
        texts: the examples.
        limit: the largest number of examples to quote.
        of: the number of things that the texts are examples of; if it is 1, `such as` is left out.
    """
    return ("" if of == 1 else "such as ") + listing(quoted(text) for text in texts[:limit])


def plural_verb(amount: int, singular: str, plural: str) -> str:
    """Return the form of a verb that agrees with the amount."""
    return singular if amount == 1 else plural


def fraction(part: int, whole: int, noun: str) -> str:
    """Return a part of a whole as text: `12 of 1,204 cells (1 %)`."""
    return f"{part:,} of {count(whole, noun)} ({percent(part / whole if whole else 0.0)})"
