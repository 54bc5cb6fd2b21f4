"""Generated families of clean tables, in which every value is true: whatever is corrected there is harm."""

from collections.abc import Callable

import numpy as np
import pandas as pd

Random = np.random.Generator
ROWS = 800
_WORDS = "café cafe Müller Muller peón peon schön schon año ano 東京 京都 пар пара"


def records(random: Random) -> pd.DataFrame:
    """Box-office takings and fares with true records far above the rest."""
    takings = random.lognormal(13, 1.2, ROWS).round(-2)
    takings[random.choice(ROWS, 3, replace=False)] *= 40
    fares = np.round(random.gamma(2, 12, ROWS) + 3, 2)
    fares[random.choice(ROWS, 4, replace=False)] = [512.33, 512.33, 263.0, 399.5]
    return pd.DataFrame(
        {"title": _names(random, ROWS), "takings": takings, "fare": fares, "seats": random.poisson(180, ROWS)}
    )


def heavy_tails(random: Random) -> pd.DataFrame:
    """Incomes, populations and delays."""
    delays = random.exponential(180, ROWS)
    return pd.DataFrame(
        {
            "income": np.round(random.pareto(1.6, ROWS) * 20_000 + 9_000, 0).astype(int),
            "population": np.round(random.lognormal(9, 2.2, ROWS)).astype(int),
            "delay": np.where(random.random(ROWS) < 0.9, random.normal(0, 6, ROWS), delays).round(),
            "region": random.choice(["north", "south", "east", "west"], ROWS),
        }
    )


def survey(random: Random) -> pd.DataFrame:
    """Questions on a scale, with questions that an earlier answer skips."""
    smokes = random.choice(["Yes", "No"], ROWS, p=[0.25, 0.75])
    scale = ["Strongly disagree", "Disagree", "Neither", "Agree", "Strongly agree"]
    table = {f"q{number}": random.choice(scale, ROWS) for number in range(1, 7)}
    follow_ups = {
        "cigarettes_a_day": random.choice(["under 10", "10 to 20", "over 20"], ROWS),
        "tried_to_quit": random.choice(["Yes", "No"], ROWS, p=[0.2, 0.8]),
    }
    frame = pd.DataFrame({**table, "smokes": smokes, **follow_ups})
    frame.loc[frame.smokes == "No", list(follow_ups)] = None
    refused = random.random((ROWS, 6)) < 0.04
    frame.iloc[:, :6] = frame.iloc[:, :6].mask(refused)
    return frame


def panel(random: Random) -> pd.DataFrame:
    """Countries by year, with a series that begins late and a country that never reports."""
    countries, years = _names(random, 25), np.arange(1990, 2022)
    base = random.lognormal(8, 1.3, 25)
    frame = pd.DataFrame([(name, int(year)) for name in countries for year in years], columns=["country", "year"])
    growth = np.tile(1.02 ** np.arange(len(years)), 25)
    frame["gdp_per_head"] = np.round(np.repeat(base, len(years)) * growth, 1)
    frame["mobile_phones"] = np.where(frame.year < 2000, np.nan, np.round(random.uniform(5, 140, len(frame)), 1))
    silent = frame.country.isin(list(countries[:2]))
    frame["literacy"] = np.where(silent, np.nan, np.round(random.uniform(60, 99, len(frame)), 1))
    return frame


def sums(random: Random) -> pd.DataFrame:
    """Bills whose parts add up, some of them a hundred times the usual one."""
    parts = {name: np.round(random.lognormal(3, 0.7, ROWS), 2) for name in ("base", "tolls", "extra")}
    large = random.choice(ROWS, 9, replace=False)
    for name in ("base", "tolls"):
        parts[name][large] = np.round(parts[name][large] * 100, 2)
    total = np.round(sum(parts.values()), 2)
    return pd.DataFrame({"bill": [f"B-{number:05d}" for number in range(ROWS)], **parts, "total": total})


def mixture(random: Random) -> pd.DataFrame:
    """Two groups of sizes in one column: cars and lorries, employees and directors."""
    is_lorry = random.random(ROWS) < 0.015
    weight = np.where(is_lorry, random.normal(24_000, 4_000, ROWS), random.normal(1_400, 250, ROWS)).round()
    length = np.where(is_lorry, random.normal(14, 2, ROWS), random.normal(4.4, 0.5, ROWS)).round(2)
    kind = np.where(is_lorry, "lorry", "car")
    return pd.DataFrame({"kind": kind, "weight_kg": weight.astype(int), "length_m": length})


def codes(random: Random) -> pd.DataFrame:
    """Codes that look like misspellings of each other, or like numbers and missing values."""
    places = ["ak_hf-1", "al_hf-1", "ar_hf-2", "AK_HF-1", "p53", "P53", "mW", "MW"]
    return pd.DataFrame(
        {
            "site": random.choice(places, ROWS),
            "airport": random.choice(["NAN", "LHR", "CDG", "SFO", "JFK"], ROWS),
            "country": random.choice(["NA", "DE", "FR", "NO", "SE", "US"], ROWS),
            "vendor_id": random.integers(1, 7, ROWS),
            "payment_type": random.choice([1, 2, 3, 4, 99], ROWS, p=[0.5, 0.3, 0.1, 0.08, 0.02]),
            "zip": [f"{number:05d}" for number in random.integers(501, 99_950, ROWS)],
            "medication": random.choice(["None", "aspirin", "ibuprofen", "none of these"], ROWS),
        }
    )


def products(random: Random) -> pd.DataFrame:
    """Several products whose prices differ by powers of ten, and articles sold twice."""
    price = {"screw": 0.12, "drill": 119.0, "saw": 84.5, "excavator": 48_000.0, "glove": 4.99}
    names = random.choice(list(price), ROWS, p=[0.5, 0.15, 0.15, 0.01, 0.19])
    frame = pd.DataFrame({"product": names, "price": [price[name] for name in names]})
    frame["quantity"] = random.choice([1, 2, 3, 5, 10, 100, 1000], ROWS, p=[0.5, 0.2, 0.1, 0.1, 0.06, 0.03, 0.01])
    frame["amount"] = (frame.price * frame.quantity).round(2)
    return frame


def multilingual(random: Random) -> pd.DataFrame:
    """Words of several languages, which differ by a letter or an accent and are all right."""
    words = _WORDS.split()
    return pd.DataFrame(
        {
            "word": random.choice(words, ROWS),
            "language": random.choice(["français", "Deutsch", "español", "日本語", "русский"], ROWS),
            "frequency": np.round(random.zipf(1.7, ROWS).clip(max=90_000)).astype(int),
        }
    )


def wide_sparse(random: Random) -> pd.DataFrame:
    """Forty attributes of which each row has few, as in a catalogue of different goods."""
    frame = pd.DataFrame({"article": [f"A{number:04d}" for number in range(ROWS)]})
    for number in range(40):
        values = random.lognormal(number % 5, 0.6, ROWS).round(2)
        frame[f"attribute_{number}"] = np.where(random.random(ROWS) < 0.9, np.nan, values)
    return frame


FAMILIES: dict[str, Callable[[Random], pd.DataFrame]] = {
    family.__name__: family
    for family in (
        records,
        heavy_tails,
        survey,
        panel,
        sums,
        mixture,
        codes,
        products,
        multilingual,
        wide_sparse,
    )
}


def _names(random: Random, size: int) -> np.ndarray:
    """Return different names of two parts."""
    syllables = np.array(["bar", "ta", "lo", "min", "ke", "ru", "san", "vel", "or", "dun", "ha", "pri"])
    names: dict[str, None] = {}
    while len(names) < size:
        first, last = ("".join(random.choice(syllables, 3)) for _ in range(2))
        names[f"{first.title()} {last.title()}"] = None
    return np.array(list(names))
