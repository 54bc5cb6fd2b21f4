"""The modes that ask a language model, with the real client and a server that answers by rules."""

from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from deploy.gemini_stub import GeminiStub
from deploy.local.stack import Stack
from tests.e2e.user import User


@pytest.fixture(scope="module")
def stub() -> Iterator[GeminiStub]:
    with GeminiStub() as server:
        yield server


@pytest.fixture(scope="module")
def user(stub: GeminiStub, tmp_path_factory: pytest.TempPathFactory, clean_environment: None) -> Iterator[User]:
    settings = {
        "GEMINI_API_KEY": "k",
        "GEMINI_BASE_URL": stub.base_url,
        "GEMINI_MODEL": "gemini-stub",
        "GEMINI_CALL_SECONDS": "3",
    }
    with (
        Stack(tmp_path_factory.mktemp("ai"), ports="free", env_overrides=settings) as stack,
        httpx.Client(base_url=stack.gateway_url, timeout=60) as client,
    ):
        yield User(client)


def patients(seed: int) -> bytes:
    random = np.random.default_rng(seed)
    lines = ["blood_pressure,age,income"]
    for place in range(300):
        pressure = 0 if place % 20 == 0 else int(random.normal(76, 8))
        age = 199 if place == 7 else int(random.integers(20, 80))
        income = "" if place % 3 == 0 else str(int(random.normal(3000, 500)))
        lines.append(f"{pressure},{age},{income}")
    return "\n".join(lines).encode()


def usage(user: User, name: str) -> dict[str, int]:
    return {one["mode"]: one["used"] for one in user.get("/usage", user_id=name)["modes"]}


def reasons(user: User, dataset: str) -> list[str]:
    logs: list[dict[str, Any]] = user.get(f"/dataset/{dataset}/logs/cleaning", page_size=200)["logs"]
    return [entry["why"] for entry in logs]


def test_smart_asks_and_the_data_decide(user: User, stub: GeminiStub) -> None:
    before = len(stub.requests)
    dataset = user.prepare(patients(1), mode="smart", user_id="eve")
    assert len(stub.requests) == before + 1
    status = user.get(f"/dataset/{dataset}/status")
    assert status["ai_info"].startswith("Gemini was asked once; ")
    told = reasons(user, dataset)
    assert any(reason.startswith("Asked gemini-stub about “income”: answered after ") for reason in told)
    assert any("a living person has no such value of 0" in reason for reason in told)
    assert usage(user, "eve") == {"smart": 1, "deep": 0}
    cleaned = user.client.get(f"/dataset/{dataset}/cleaned").text.splitlines()
    assert not any(line.startswith("0,") for line in cleaned)
    assert not any(",199," in line for line in cleaned)


def test_the_same_question_is_not_paid_for_twice(user: User, stub: GeminiStub) -> None:
    user.prepare(patients(6), mode="smart", user_id="fay")
    before = len(stub.requests)
    again = user.prepare(patients(6), mode="smart", user_id="gil")
    assert len(stub.requests) == before
    assert any(reason.startswith("Asked gemini-stub about “income”: cached after ") for reason in reasons(user, again))


def test_fast_asks_nobody(user: User, stub: GeminiStub) -> None:
    before = len(stub.requests)
    dataset = user.prepare(patients(2), mode="fast", user_id="eve")
    assert len(stub.requests) == before
    assert user.get(f"/dataset/{dataset}/status")["ai_info"] is None


def test_deep_writes_a_report_and_has_a_quota(user: User) -> None:
    dataset = user.prepare(patients(3), mode="deep", user_id="dora")
    report = user.get(f"/dataset/{dataset}/report")
    assert report["author"] == "gemini-stub"
    assert "income misses 100 of 300 cells" in report["reasoning"]
    assert "## Cleaning" in report["reasoning"]
    assert "Find out why income is so often missing." in report["recommendations"]
    document = user.client.get(f"/dataset/{dataset}/report", params={"format": "md"})
    assert document.headers["content-type"].startswith("text/markdown")
    assert document.text.startswith(f"# Report on dataset {dataset}\n\nWritten by gemini-stub.\n\n## In the words of")
    refused = user.upload(patients(4), mode="deep", user_id="dora")
    assert refused.status_code == 429
    problem = refused.json()
    assert problem["reason"] == "MODE_QUOTA_USED_UP"
    assert "quota of deep mode is used up: 1 of 1 uploads" in problem["detail"]
    assert "fast works without limit" in problem["detail"]


@pytest.mark.parametrize("behaviour", ["bad_key", "no_json", "half", "late"])
def test_a_model_that_fails_costs_nothing(user: User, stub: GeminiStub, behaviour: str) -> None:
    name = f"user-of-{behaviour}"
    fast = user.prepare(patients(5), mode="fast", user_id=name)
    stub.behave(behaviour)
    try:
        deep = user.prepare(patients(5), mode="deep", user_id=name)
    finally:
        stub.behave("well")
    assert usage(user, name) == {"smart": 0, "deep": 0}
    status = user.get(f"/dataset/{deep}/status")
    assert status["ai_info"].startswith("AI was asked and gave no answer that could be used")
    assert user.get(f"/dataset/{deep}/report")["author"] == "template"
    tables = [user.client.get(f"/dataset/{dataset}/cleaned").content for dataset in (fast, deep)]
    assert tables[0] == tables[1]
