"""Generated pairs of a clean table and a dirty copy, one family for each way in which an error can be recognised."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tests.planted.pairs import ErrorKind, Pair
from tests.planted.truth import Value

Random = np.random.Generator
Cells = dict[str, list[str]]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SYLLABLES = ("bar", "ta", "lo", "min", "ke", "ru", "san", "vel", "or", "dun", "ha", "pri", "gos", "lin", "mer", "fu")
_DISHES = """
cheddar soup,apple crumble,roast chicken,mushroom risotto,pumpkin curry,grilled salmon,vegetable lasagne,potato gratin,
chocolate mousse,onion tart,lentil stew,beef goulash
"""
_FIRST_NAMES = """
Maria Marie Mario Marion Anna Anne Anja Tanja Jan Jana Jens Jenny Hanna Hannah Johan Johann Gabriel Gabriela Daniel
Daniela Michael Michaela Stefan Stefanie Simon Simone Martin Martina Karl Karla Paul Paula Robert Roberta Christian
Christina Andrea Andreas Julian Juliane Erich Erica Nicola Nicole Adrian Adriana
"""


def hand_typed(random: Random, rate: float, rows: int = 1_000) -> Pair:
    """Categories typed by hand: any letter of a word may be wrong; no other column helps."""
    vocabulary = _names(random, 25)
    clean = {
        "dish": random.choice(_DISHES.replace("\n", "").strip().split(","), rows).tolist(),
        "town": random.choice(vocabulary, rows, p=_zipf(len(vocabulary))).tolist(),
        "guests": random.poisson(4, rows).astype(str).tolist(),
    }
    return _spoil(random, clean, rate, {"dish": _mistype, "town": _mistype})


def entities(random: Random, rate: float, rows: int = 1_000) -> Pair:
    """Rows about the same clinics and measures: a typo or a value of another row breaks what the others say."""
    clean = _entity_rows(random, rows)
    makers = dict.fromkeys(clean, _mistype)
    for name in ("town", "county", "phone", "zip"):
        makers[name] = _mistype_or_swap
    return _spoil(random, clean, rate, {name: maker for name, maker in makers.items() if name != "sample"})


def sources(random: Random, rate: float, rows: int = 0) -> Pair:
    """Several sites report the times of the same trains; some report wrong ones more often than others."""
    sites = ["railnow", "traininfo", "departures", "onrails", "stationboard", "timetable", "commuter", "railwatch"]
    trains = [f"{line}-{number}" for line in ("IC", "RE", "RB") for number in random.choice(2_000, 40, replace=False)]
    times = {(train, field): _clock(random) for train in trains for field in ("departs", "arrives")}
    reports = [(site, train) for train in trains for site in sites if random.random() < 0.9]
    clean: Cells = {
        "site": [site for site, _ in reports],
        "train": [train for _, train in reports],
        "departure": [times[train, "departs"] for _, train in reports],
        "arrival": [times[train, "arrives"] for _, train in reports],
    }
    factor = dict(zip(sites, random.permutation(np.linspace(0.2, 1.8, len(sites))), strict=True))
    dirty = {name: list(cells) for name, cells in clean.items()}
    for row, (site, _) in enumerate(reports):
        for name in ("departure", "arrival"):
            if random.random() < rate * factor[site]:
                dirty[name][row] = _clock(random)
    return _pair(clean, dirty)


def appended(random: Random, rate: float, rows: int = 1_000) -> Pair:
    """Texts with characters appended, repeated, or in another letter case."""
    vocabulary = _names(random, 40)
    clean = {
        "town": random.choice(vocabulary, rows).tolist(),
        "street": random.choice(_names(random, 60), rows).tolist(),
        "delivery": random.choice(["pending", "shipped", "returned", "cancelled"], rows).tolist(),
    }
    return _spoil(random, clean, rate, dict.fromkeys(clean, _append))


def sums(random: Random, rate: float, rows: int = 1_000) -> Pair:
    """Bills whose parts add up and whose prices and quantities multiply; one cell of a bill may have a wrong digit."""
    price = np.round(random.choice([2.5, 4.75, 9.9, 12.25, 30.0, 49.5], rows), 2)
    quantity = random.integers(1, 30, rows)
    net = np.round(price * quantity, 2)
    tax = np.round(net * 0.19, 2)
    clean = {
        "article": random.choice(_names(random, 20), rows).tolist(),
        "price": price.astype(str).tolist(),
        "quantity": quantity.astype(str).tolist(),
        "net": net.astype(str).tolist(),
        "tax": tax.astype(str).tolist(),
        "total": np.round(net + tax, 2).astype(str).tolist(),
    }
    return _spoil(random, clean, rate / 5, dict.fromkeys(("net", "tax", "total"), _wrong_digit))


def one_column_of_names(random: Random, rate: float, rows: int = 1_000) -> Pair:
    """First names, of which many differ by a letter: nothing may be corrected, and the typos are not knowable."""
    names = _FIRST_NAMES.split()
    clean = {
        "name": random.choice(names, rows, p=_zipf(len(names))).tolist(),
        "age": random.integers(18, 80, rows).astype(str).tolist(),
    }
    return _spoil(random, clean, rate, {"name": _mistype})


FAMILIES: Mapping[str, Callable[[Random, float], Pair]] = {
    "hand typed": hand_typed,
    "entities": entities,
    "sources": sources,
    "appended": appended,
    "sums": sums,
    "names": one_column_of_names,
}


def _entity_rows(random: Random, rows: int) -> Cells:
    clinics = rows // 16
    towns = _names(random, max(4, clinics // 3))
    counties = {
        town: f"{county} county"
        for town, county in zip(towns, random.choice(_names(random, 12), len(towns)), strict=True)
    }
    states = dict(
        zip(sorted(set(counties.values())), random.choice(["AL", "AK", "AZ", "GA"], 12).tolist(), strict=False)
    )
    names = [f"{name} hospital" for name in _names(random, clinics)]
    clinic_town = random.choice(towns, clinics)
    fields = {
        "provider": [f"P{10_000 + 7 * index}" for index in range(clinics)],
        "clinic": names,
        "town": clinic_town.tolist(),
        "zip": [str(35_000 + 13 * towns.index(town)) for town in clinic_town],
        "county": [counties[town] for town in clinic_town],
        "state": [states[counties[town]] for town in clinic_town],
        "phone": [f"205{random.integers(1_000_000, 9_999_999)}" for _ in range(clinics)],
    }
    measures = [f"{name} given within {hours} hours of arrival" for name in _names(random, 8) for hours in (4, 24)]
    rows_of = [(clinic, measure) for clinic in range(clinics) for measure in range(len(measures))]
    table = {name: [values[clinic] for clinic, _ in rows_of] for name, values in fields.items()}
    table["measure_code"] = [f"{('ami', 'scip', 'pn', 'hf')[measure % 4]}-{measure // 4 + 1}" for _, measure in rows_of]
    table["measure"] = [measures[measure] for _, measure in rows_of]
    table["sample"] = random.poisson(300, len(rows_of)).astype(str).tolist()
    return table


def _spoil(
    random: Random, clean: Cells, rate: float, makers: Mapping[str, Callable[[Random, list[str], int], str]]
) -> Pair:
    """Return the pair in which each cell of the columns with a maker is spoiled at this rate."""
    dirty = {name: list(cells) for name, cells in clean.items()}
    for name, make in makers.items():
        for row in np.flatnonzero(random.random(len(clean[name])) < rate):
            dirty[name][row] = make(random, clean[name], int(row))
    return _pair(clean, dirty)


def _pair(clean: Cells, dirty: Cells) -> Pair:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(dirty)
    writer.writerows(zip(*dirty.values(), strict=True))
    errors: dict[tuple[int, str], ErrorKind] = {
        (row, name): "typo"
        for name in clean
        for row, (before, after) in enumerate(zip(clean[name], dirty[name], strict=True))
        if before != after
    }
    truth = {name: tuple(_typed(cells)) for name, cells in clean.items()}
    return Pair(text.getvalue().encode(), {name: tuple(cells) for name, cells in dirty.items()}, truth, errors)


def _typed(cells: list[str]) -> Sequence[Value]:
    for kind in (int, float):
        try:
            return [kind(cell) for cell in cells]
        except ValueError:
            continue
    return cells


def _mistype(random: Random, cells: list[str], row: int) -> str:
    """Return a text with one or two characters replaced, left out, doubled or swapped."""
    text = cells[row]
    for _ in range(1 if len(text) < 12 else int(random.choice([1, 2], p=[0.8, 0.2]))):
        text = _mistype_once(random, text)
    return text


def _mistype_once(random: Random, text: str) -> str:
    position = int(random.integers(0, len(text)))
    letter = _LETTERS[random.integers(0, 26)]
    kind = random.integers(0, 5)
    if kind == 0 and len(text) > 2:
        return text[:position] + text[position + 1 :]
    if kind == 1:
        return text[:position] + letter + text[position:]
    if kind == 2 and position + 1 < len(text):
        return text[:position] + text[position + 1] + text[position] + text[position + 2 :]
    if kind == 3:
        return text[:position] + "x" + text[position + 1 :]
    return text[:position] + letter + text[position + 1 :]


def _mistype_or_swap(random: Random, cells: list[str], row: int) -> str:
    return _mistype(random, cells, row) if random.random() < 0.5 else cells[random.integers(0, len(cells))]


def _append(random: Random, cells: list[str], row: int) -> str:
    text = cells[row]
    choices = (f"{text}-*", f"{text}*", f"{text}.", f"{text} {text}", text.upper(), f'"{text}', f"{text}?", f"{text}-")
    return choices[random.integers(0, len(choices))]


def _wrong_digit(random: Random, cells: list[str], row: int) -> str:
    text = cells[row]
    digits = [index for index, letter in enumerate(text) if letter.isdigit()]
    position = int(random.choice(digits))
    digit = str((int(text[position]) + random.integers(1, 10)) % 10)
    return text[:position] + digit + text[position + 1 :]


def _clock(random: Random) -> str:
    return f"{random.integers(1, 13)}:{random.integers(0, 60):02d} {random.choice(['a.m.', 'p.m.'])}"


def _names(random: Random, size: int) -> list[str]:
    """Return different words of three syllables."""
    names: dict[str, None] = {}
    while len(names) < size:
        names["".join(random.choice(_SYLLABLES, 3))] = None
    return list(names)


def _zipf(size: int) -> np.ndarray:
    weights = 1 / np.arange(1, size + 1)
    return np.asarray(weights / weights.sum())
