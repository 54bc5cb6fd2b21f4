"""The whole log of tables that make every rule speak, compared with the files in `logs`.

After a change that is meant, `python -m tests.unit.planner.test_logs` writes the files anew; read what has changed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import apply
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose

LOGS = Path(__file__).parent / "logs"
ROWS = 240
Columns = dict[str, Any]


def _random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _gaps(values: Any, mask: Any) -> pa.Array:
    return pa.array(values, mask=np.asarray(mask))


def _with(values: Any, cells: Mapping[int, Any]) -> list[Any]:
    changed = list(values)
    for row, value in cells.items():
        changed[row] = value
    return changed


def _copies() -> Columns:
    numbers = [*range(1000, 1000 + ROWS - 2), 1000, 1001]
    return {"order_id": [f"A{number}" for number in numbers], "price": [number % 37 + 0.5 for number in numbers]}


def _equal_rows(times: int) -> Columns:
    random = _random(1)
    x, y = random.normal(size=ROWS).round(4), random.normal(size=ROWS).round(4)
    return {"x": [*x, *x[:times]], "y": [*y, *y[:times]]}


def _dependencies() -> Columns:
    random = _random(2)
    cities = {"10": "Birmingham", "20": "Springfield", "30": "Huntsville", "40": "Lansing"}
    codes = [str(code) for code in random.choice(list(cities), ROWS)]
    names = [cities[code] for code in codes]
    wrong = {3: "Lansing" if names[3] != "Lansing" else "Birmingham", 9: names[9][:-1] + "x", 70: "Bern", 90: "Oslo"}
    sizes = [{"10": "small", "20": "large", "30": "medium", "40": "huge"}[code] for code in codes]
    return {
        "code": codes,
        "city": _with(names, wrong),
        "size": _with(sizes, {5: "tiny"}),
        "x": random.normal(size=ROWS),
    }


def _swaps() -> Columns:
    random = _random(3)
    colours, shapes = random.choice(["red", "green", "blue"], ROWS), random.choice(["round", "square", "flat"], ROWS)
    swapped = np.arange(ROWS) % 80 == 5
    return {"colour": np.where(swapped, shapes, colours), "shape": np.where(swapped, colours, shapes)}


def _leaks() -> Columns:
    random = _random(4)
    sold = random.random(ROWS) < 0.4
    hint_number = np.where(sold, 10.0, 1.0) + random.uniform(0, 0.5, ROWS)
    refund = np.where(random.random(ROWS) < 0.8, sold, ~sold) * 5 + random.uniform(0, 1, ROWS)
    hint = _gaps(random.choice(["a", "b"], ROWS), ~sold)
    coupon = _gaps(["SPRING"] * ROWS, random.random(ROWS) < 0.5)
    words = np.where(sold, "yes", "no")
    return {"told": hint_number, "refund": refund, "hint": hint, "coupon": coupon, "sold": words}


def _target_faults() -> Columns:
    random = _random(5)
    price = random.normal(50, 5, ROWS).round(1)
    dirty = _with(price, {4: -999.0, 8: -999.0, 15: -999.0, 77: -999.0, 30: price[30] * 1000, 60: price[60] * 1000})
    return {"area": random.normal(size=ROWS), "price": _gaps(dirty, np.isin(np.arange(ROWS), [100]))}


def _target_words() -> Columns:
    random = _random(6)
    words = random.choice(["approved", "denied"], ROWS)
    return {"x": random.normal(size=ROWS), "outcome": _with(words, {2: "Approved", 8: "DENIED", 9: " denied"})}


def _structural() -> Columns:
    random = _random(7)
    heating, age = random.choice([*"abcdefg", "none of it"], ROWS), random.integers(3, 90, ROWS)
    values = {name: random.lognormal(3, 0.4, ROWS).round(2) for name in ("boiler", "wage", "pension", "p", "q", "run")}
    together, few = random.random(ROWS) < 0.06, random.random(ROWS) < 0.05
    return {
        "heating": heating,
        "age": age,
        "boiler": _gaps(values["boiler"], heating == "none of it"),
        "wage": _gaps(values["wage"], age < 16),
        "pension": _gaps(values["pension"], age >= 76),
        "p": _gaps(values["p"], together),
        "q": _gaps(values["q"], together),
        "run": _gaps(values["run"], (np.arange(ROWS) // 12) % 9 == 4),
        "religion": _gaps(random.choice(["a", "b", "c"], ROWS), few),
        "half": _gaps(values["p"][::-1], random.random(ROWS) < 0.4),
        "medicine": _with(random.choice(["aspirin", "insulin", "none"], ROWS), {3: "none", 5: ""}),
        "zip_code": _gaps(random.integers(10_000, 99_000, ROWS), few[::-1]),
        "note": _gaps([f"wrote {number} words today" for number in random.integers(0, 9000, ROWS)], few),
        "seen": _gaps(np.arange("2020-01", "2040-01", dtype="datetime64[M]").astype("datetime64[us]"), few),
    }


def _outliers() -> Columns:
    random = _random(8)
    normal = random.normal(100, 10, ROWS)
    far = {10: 900.0, 50: 950.0}
    return {
        "even": _with(normal, {**far, 20: 134.0}),
        "single": _with(normal[::-1], {7: -500.0}),
        "right": random.lognormal(3, 0.9, ROWS),
        "left": 500 - random.lognormal(3, 0.9, ROWS),
        "tails": random.standard_t(2, ROWS),
        "spike": np.where(random.random(ROWS) < 0.6, 0.0, random.normal(50, 5, ROWS)) + np.arange(ROWS) * 1e-9,
        "same": np.where(random.random(ROWS) < 0.8, 7.0, random.normal(50, 25, ROWS)),
        "group": np.where(np.arange(ROWS) % 25 == 0, random.normal(900, 5, ROWS), normal),
        "many": np.where(np.arange(ROWS) % 7 == 0, random.normal(900, 5, ROWS), normal),
    }


def _few_numbers() -> Columns:
    return {"x": [*np.linspace(1, 2, 24), 90.0], "y": [str(number) for number in range(25)]}


def _doubtful_numbers() -> Columns:
    random = _random(9)
    price = random.normal(70, 6, ROWS).round(1)
    width = random.normal(50, 8, ROWS).round(2)
    pressure = _with(random.normal(120, 9, ROWS).round(1), dict.fromkeys(range(0, 90, 15), 0.0))
    return {
        "slipped": _with(price, {row: price[row] * 100 for row in (3, 40, 99)}),
        "width": _with(width, {row: width[row] * 100 for row in (7, 50, 199)}),
        "height": (width * random.normal(1, 0.01, ROWS)).round(2),
        "pressure": pressure,
        "sentinel": _with(random.normal(30, 3, ROWS).round(2), dict.fromkeys(range(4), -999.0)),
        "one": _with(random.normal(30, 3, ROWS).round(2), {5: 3000.5}),
    }


def _words() -> Columns:
    random = _random(10)
    cities = random.choice(["Copenhagen", "Stockholm", "Helsinki"], ROWS)
    missing = {3: "n/a", 5: "-", 9: "?", 11: "unknown", 15: "", 16: "N/A"}
    return {
        "city": _with(cities, {1: "copenhagen", 2: "STOCKHOLM", 7: " Helsinki "}),
        "typo": _with(cities[::-1], {1: "Copenhagan", 2: "Stokcholm"}),
        "gone": _with(cities, missing),
        "level": _gaps(np.where(random.random(ROWS) < 0.8, "most", "rare"), random.random(ROWS) < 0.05),
        "split": _gaps(_with(random.choice(["u", "v", "w"], ROWS), {8: "missing"}), random.random(ROWS) < 0.05),
        "member": _gaps(random.random(ROWS) < 0.7, random.random(ROWS) < 0.05),
        "size": random.choice(["small", "medium", "large"], ROWS),
        "many": [f"shop {number % 60}" for number in range(ROWS)],
        "rare": _with(random.choice(["p", "q"], ROWS), {row: f"rare {row}" for row in range(6)}),
    }


def _numbers() -> Columns:
    random = _random(11)
    price = random.uniform(5, 900, ROWS).round(2)
    signs = random.choice(["$", "€"], ROWS)
    width = random.uniform(1, 9, ROWS)
    return {
        "thousands": [f"{value:,.2f}" for value in price * 40],
        "comma": [f"{value:.2f}".replace(".", ",") for value in price],
        "weight": [f"{value * 1000:.0f} g" if row % 3 else f"{value:.3f} kg" for row, value in enumerate(width)],
        "paid": [f"{sign}{value}" for sign, value in zip(signs, price, strict=True)],
        "unfit": _with([str(value) for value in price], {4: "call us", 9: "soon"}),
        "one_unfit": _with([str(value) for value in price[::-1]], {4: "call us"}),
        "flag": np.where(random.random(ROWS) < 0.5, "Y", "N"),
        "day": [f"{1 + row % 28:02d}.{1 + row % 12:02d}.20{10 + row % 9}" for row in range(ROWS)],
        "stamp": [f"2024-01-{1 + row % 9:02d}T{row % 24:02d}:00:00+02:00" for row in range(ROWS)],
        "unclear": [f"{1 + row % 12:02d}/{1 + row % 11:02d}/2020" for row in range(ROWS)],
        "zip": [f"{row * 37 % 90_000:05d}" for row in range(ROWS)],
        "metres": width,
        "feet": width * 3.28084,
        "total": price * 1.5 + random.normal(0, 40, ROWS),
        "price": price,
        "same": ["EUR"] * ROWS,
        "copy": price,
        "empty": pa.nulls(ROWS, pa.string()),
        "sparse": _gaps(price, np.arange(ROWS) % 10 > 0),
    }


def _series() -> Columns:
    random = _random(12)
    days = np.arange("2023-01-01", "2023-08-29", dtype="datetime64[D]")[:ROWS]
    wave = np.sin(np.arange(ROWS) / 9) * 40 + 100 + random.normal(0, 0.5, ROWS)
    steps = np.repeat(random.normal(50, 20, ROWS // 12), 12).round(1)
    return {
        "day": days.astype("datetime64[us]"),
        "smooth": _gaps(wave.round(2), random.random(ROWS) < 0.06),
        "steps": _gaps(steps, random.random(ROWS) < 0.06),
    }


def _groups() -> Columns:
    random = _random(13)
    plan = random.choice(["basic", "plus", "pro"], ROWS)
    fee = np.select([plan == "basic", plan == "plus"], [10.0, 40.0], 90.0) + random.normal(0, 1, ROWS)
    return {"plan": plan, "fee": _gaps(fee.round(2), random.random(ROWS) < 0.08), "noise": random.normal(size=ROWS)}


def _asked() -> Columns:
    random = _random(14)
    status = _with(random.choice(["single", "married"], ROWS), dict.fromkeys(range(0, 150, 10), "prefer not to say"))
    income = random.normal(3000, 500, ROWS).round()
    return {"status": status, "income": income, "children": _gaps(income // 900, income > 3600)}


def _near_copies() -> Columns:
    random = _random(15)
    names = [f"customer {number} street" for number in random.permutation(9000)[:ROWS]]
    table: Columns = {"name": [*names, *(name.upper() for name in names[:12])]}
    for column in ("amount", "weight", "width", "height"):
        values = random.uniform(1, 99, ROWS).round(4)
        table[column] = [*values, *values[:12]]
    return table


CASES: Mapping[str, tuple[Columns, dict[str, Any]]] = {
    "copies": (_copies(), {}),
    "one_equal_row": (_equal_rows(1), {}),
    "equal_rows": (_equal_rows(3), {}),
    "dependencies": (_dependencies(), {}),
    "swaps": (_swaps(), {}),
    "leaks": (_leaks(), {"target": "sold"}),
    "target_faults": (_target_faults(), {"target": "price"}),
    "target_words": (_target_words(), {"target": "outcome"}),
    "structural_gaps": (_structural(), {}),
    "structural_gaps_filled": (_structural(), {"fill": "all"}),
    "outliers": (_outliers(), {}),
    "outliers_capped": (_outliers(), {"outlier_strategy": "cap"}),
    "outliers_removed": (_outliers(), {"outlier_strategy": "remove"}),
    "outliers_emptied": (_outliers(), {"outlier_strategy": "null", "outlier_method": "zscore"}),
    "outliers_replaced": (_outliers(), {"outlier_strategy": "median"}),
    "few_numbers": (_few_numbers(), {}),
    "doubtful_numbers": (_doubtful_numbers(), {}),
    "words": (_words(), {}),
    "words_filled": (_words(), {"fill": "all"}),
    "numbers": (_numbers(), {}),
    "numbers_with_a_target": (_numbers(), {"target": "total", "types": {"zap": "text", "unfit": "integer"}}),
    "series": (_series(), {}),
    "series_filled": (_series(), {"fill": "all"}),
    "groups": (_groups(), {}),
    "refusals": (_asked(), {}),
    "near_copies": (_near_copies(), {}),
    "roles": (_groups(), {"roles": {"noise": "drop", "plan": "ignore", "fee": "sensitive"}}),
    "nothing_filled": (_groups(), {"fill": "none"}),
}


def log_of(name: str) -> str:
    """Return the log of a case: a paragraph for each step."""
    columns, choices = CASES[name]
    frame = Frame.from_table(pa.table(columns))
    options = RunOptions(**choices).resolve(frame.names)
    facts = profile(frame, target=options.target or "none", types=options.types)
    outcome = apply(propose(facts, options), frame)
    lines = [
        f"{result.step}. {result.state} {result.phase}: {result.kind} by {result.rule} ({result.confidence:g}) "
        f"of {', '.join(result.columns) or 'the table'}"
        f"{' → ' + ', '.join(result.outputs) if result.outputs else ''}\n   {result.why}"
        for result in outcome.results
    ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", CASES)
def test_the_log_reads_as_before(name: str) -> None:
    assert log_of(name) == (LOGS / f"{name}.txt").read_text()


def test_every_case_has_its_file() -> None:
    assert {path.stem for path in LOGS.glob("*.txt")} == set(CASES)


if __name__ == "__main__":
    for path in LOGS.glob("*.txt"):
        path.unlink()
    for case in CASES:
        (LOGS / f"{case}.txt").write_text(log_of(case))
