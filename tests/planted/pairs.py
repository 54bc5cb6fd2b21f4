"""Pairs of a clean table and a dirty copy of it, with every cell in which they differ."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from tests.planted.truth import Value

ErrorKind = Literal["typo", "format", "missing", "swapped", "shift", "sentinel", "letter case", "word"]
KINDS: tuple[ErrorKind, ...] = ("typo", "format", "missing", "swapped")
ALL_KINDS: tuple[ErrorKind, ...] = get_args(ErrorKind)
_NUMBERS = ("sample", "waiting_minutes", "fee")
_CITIES = {
    "Birmingham": "Alabama",
    "Huntsville": "Alabama",
    "Phoenix": "Arizona",
    "Tucson": "Arizona",
    "Denver": "Colorado",
    "Boulder": "Colorado",
    "Chicago": "Illinois",
    "Springfield": "Illinois",
    "Detroit": "Michigan",
    "Lansing": "Michigan",
}
_MEASURES = ("heart attack", "pneumonia", "heart failure", "surgery", "childhood asthma")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, eq=False)
class Pair:
    """A dirty file and the clean values behind it."""

    csv: bytes
    written: Mapping[str, tuple[str, ...]]
    """The dirty cells as text."""
    truth: Mapping[str, tuple[Value, ...]]
    errors: Mapping[tuple[int, str], ErrorKind]
    """(row, column) of each dirty cell; rows count from 0."""


def dirty_pair(seed: int, rate: float, rows: int = 1500, kinds: Sequence[ErrorKind] = KINDS) -> Pair:
    """Return a table of hospitals of which the share `rate` of cells is dirty, with equally many of each kind.

    A kind leaves cells alone that it does not apply to.
    """
    random = np.random.default_rng(seed)
    truth = _clean(random, rows)
    clean = {name: [str(value) for value in values] for name, values in truth.items()}
    written = {name: list(cells) for name, cells in clean.items()}
    errors: dict[tuple[int, str], ErrorKind] = {}
    names = list(truth)
    for cell in random.permutation(rows * len(names))[: round(rate * rows * len(names))]:
        row, name = int(cell) // len(names), names[int(cell) % len(names)]
        kind = kinds[int(random.integers(0, len(kinds)))]
        written[name][row] = _ERROR_MAKERS[kind](random, clean, row, name)
        if written[name][row] != clean[name][row]:
            errors[row, name] = kind
    frozen = {name: tuple(cells) for name, cells in written.items()}
    return Pair(csv=_csv(frozen), written=frozen, truth=truth, errors=errors)


def _clean(random: np.random.Generator, rows: int) -> dict[str, tuple[Value, ...]]:
    zips = {f"{code:05d}": city for code, city in zip(range(1203, 99_999, 2470), [*_CITIES] * 4, strict=True)}
    chosen = [list(zips)[index] for index in random.integers(0, len(zips), rows)]
    cities = [zips[code] for code in chosen]
    return {
        "provider": tuple(f"P{number}" for number in random.permutation(np.arange(rows)) + 10_000),
        "zip": tuple(chosen),
        "city": tuple(cities),
        "state": tuple(_CITIES[city] for city in cities),
        "measure": tuple(_MEASURES[index] for index in random.integers(0, len(_MEASURES), rows)),
        "sample": tuple(int(size) for size in random.poisson(2400, rows)),
        "waiting_minutes": tuple(random.normal(70, 8, rows).round(1).tolist()),
        "fee": tuple(random.lognormal(6, 0.8, rows).round(2).tolist()),
    }


def _typo(random: np.random.Generator, clean: Mapping[str, list[str]], row: int, name: str) -> str:
    """Return the value with one character replaced by another of its kind."""
    text = clean[name][row]
    position = int(random.integers(0, len(text)))
    letter = str(random.integers(0, 10)) if text[position].isdigit() else _LETTERS[random.integers(0, 26)]
    return text[:position] + letter + text[position + 1 :]


def _format(random: np.random.Generator, clean: Mapping[str, list[str]], row: int, name: str) -> str:
    """Return the same value in another notation."""
    text = clean[name][row]
    if name in ("sample", "fee"):
        return f"{float(text):,.2f}" if name == "fee" else f"{int(text):,}"
    return (text.upper(), f" {text}", f"{text} ")[random.integers(0, 3)]


def _missing(random: np.random.Generator, clean: Mapping[str, list[str]], row: int, name: str) -> str:
    return ("", "N/A", "-")[random.integers(0, 3)]


def _swapped(random: np.random.Generator, clean: Mapping[str, list[str]], row: int, name: str) -> str:
    """Return the value of another row of the column."""
    return clean[name][random.integers(0, len(clean[name]))]


def _shift(random: np.random.Generator, clean: Mapping[str, list[str]], row: int, name: str) -> str:
    text = clean[name][row]
    return f"{float(text) * 10 ** int(random.integers(1, 4)):g}" if name in _NUMBERS else text


def _sentinel(random: np.random.Generator, clean: Mapping[str, list[str]], row: int, name: str) -> str:
    return "-999" if name in _NUMBERS else clean[name][row]


def _letter_case(random: np.random.Generator, clean: Mapping[str, list[str]], row: int, name: str) -> str:
    text = clean[name][row]
    return (text.upper(), text.lower(), text.swapcase())[random.integers(0, 3)]


def _word(random: np.random.Generator, clean: Mapping[str, list[str]], row: int, name: str) -> str:
    return ("see note", "x5", "tba 1")[random.integers(0, 3)] if name in _NUMBERS else clean[name][row]


_ERROR_MAKERS: Mapping[ErrorKind, Callable[[np.random.Generator, Mapping[str, list[str]], int, str], str]] = {
    "typo": _typo,
    "format": _format,
    "missing": _missing,
    "swapped": _swapped,
    "shift": _shift,
    "sentinel": _sentinel,
    "letter case": _letter_case,
    "word": _word,
}


def _csv(written: Mapping[str, tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(written)
    writer.writerows(zip(*written.values(), strict=True))
    return text.getvalue().encode()
