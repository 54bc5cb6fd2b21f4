"""Personal data is recognised by its shape, and what only looks like it is not."""

import random
from typing import Any

import pyarrow as pa
import pytest

from worker_service.core.columns.personal_data import PersonalData
from worker_service.core.profile import profile
from worker_service.core.reporting.alerts import find_alerts
from worker_service.core.table.frame import Frame
from worker_service.planner.ai.prompt import compose_questions

RNG = random.Random(7)


def card(length: int = 16) -> str:
    digits = [4, *(RNG.randrange(10) for _ in range(length - 2))]
    doubled = [digit * 2 - 9 * (digit > 4) if index % 2 == 0 else digit for index, digit in enumerate(reversed(digits))]
    return "".join(map(str, digits)) + str(-sum(doubled) % 10)


def spaced_card() -> str:
    digits = card()
    return " ".join(digits[start : start + 4] for start in range(0, 16, 4))


def iban() -> str:
    account = "".join(str(RNG.randrange(10)) for _ in range(18))
    number = int("".join(str(int(letter, 36)) for letter in f"{account}DE00"))
    return f"DE{98 - number % 97:02d}{account}"


FIRST, LAST = ["Ada", "Grace", "José", "Zoë", "O'Neil", "Anne-Marie"], ["Lovelace", "Hopper", "García", "Müller"]
PERSONAL: list[tuple[PersonalData, str, list[Any]]] = [
    ("email", "contact", [f"user{n}@example.org" for n in range(40)]),
    ("phone", "contact", [f"+44 20 7946 {n:04d}" for n in range(40)]),
    ("card", "payment", [card() for _ in range(40)]),
    ("card", "cc", [spaced_card() for _ in range(40)]),
    ("iban", "account", [iban() for _ in range(40)]),
    ("national_id", "SSN", [f"{n + 100}-{n % 90 + 10}-{n + 1000}" for n in range(40)]),
    ("name", "customer_name", [f"{RNG.choice(FIRST)} {RNG.choice(LAST)}" for _ in range(40)]),
    ("name", "lastName", [RNG.choice(LAST) for _ in range(40)]),
    ("address", "street", [f"{n} Baker Street" for n in range(40)]),
    ("birth_date", "date_of_birth", [f"19{n + 40}-03-{n % 28 + 1:02d}" for n in range(40)]),
]
HARMLESS: list[tuple[str, list[Any]]] = [
    ("product_name", [f"{word} lamp" for word in ("red", "blue", "green", "white") for _ in range(10)]),
    ("name", ["Oslo", "Rome", "Lima", "Bonn"] * 10),
    ("order_number", [str(4_000_000_000_000_000 + 37 * n * n) for n in range(40)]),
    ("ean", [f"40{n * 7919 + 10**10:011d}" for n in range(40)]),
    ("ip_address", [f"10.0.0.{n}" for n in range(40)]),
    ("customer_name", [f"{n}.5" for n in range(40)]),
    ("account", [f"DE{n:02d}{n * 10**10 + 10**17:018d}" for n in range(40)]),
    ("birth_rate", [f"{n}.2" for n in range(40)]),
    ("first_name_length", [str(n % 9) for n in range(40)]),
    ("order_date", [f"2024-03-{n % 28 + 1:02d}" for n in range(40)]),
]


def facts_of(name: str, cells: list[Any]) -> Any:
    return profile(Frame.from_table(pa.table({name: pa.array(cells, pa.string()), "n": list(range(len(cells)))})))


@pytest.mark.parametrize(("kind", "name", "cells"), PERSONAL)
def test_personal_data_is_named_in_the_profile_and_as_an_alert(kind: str, name: str, cells: list[Any]) -> None:
    facts = facts_of(name, cells)
    assert facts.columns[0].personal_data == kind
    alerts = [alert for alert in find_alerts(facts) if alert.kind == "personal_data"]
    assert [(alert.column, alert.severity) for alert in alerts] == [(name, "info")]


@pytest.mark.parametrize(("name", "cells"), HARMLESS)
def test_what_only_looks_like_it_is_not(name: str, cells: list[Any]) -> None:
    assert facts_of(name, cells).columns[0].personal_data is None


@pytest.mark.parametrize(("kind", "name", "cells"), PERSONAL)
def test_a_language_model_is_shown_nothing_of_it(kind: str, name: str, cells: list[Any]) -> None:
    gaps = [None if n % 3 else str(n) for n in range(40)]
    table = pa.table({name: pa.array(cells, pa.string()), "gaps": pa.array(gaps, pa.string())})
    frame = Frame.from_table(table)
    for mode in ("smart", "deep"):
        for question in compose_questions(profile(frame), frame, mode):
            assert "<personal>" in question.prompt
            assert not [cell for cell in cells if cell in question.prompt]
