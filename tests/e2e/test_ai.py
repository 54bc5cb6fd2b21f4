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


def patients_csv(seed: int) -> bytes:
    random = np.random.default_rng(seed)
    lines = ["blood_pressure,age,income"]
    for row in range(300):
        pressure = 0 if row % 20 == 0 else int(random.normal(76, 8))
        age = 199 if row == 7 else int(random.integers(20, 80))
        income = "" if row % 3 == 0 else str(int(random.normal(3000, 500)))
        lines.append(f"{pressure},{age},{income}")
    return "\n".join(lines).encode()


def usage(user: User, user_id: str) -> dict[str, int]:
    return {quota["mode"]: quota["used"] for quota in user.get("/usage", user_id=user_id)["modes"]}


def reasons(user: User, dataset: str) -> list[str]:
    logs: list[dict[str, Any]] = user.get(f"/dataset/{dataset}/logs/cleaning", page_size=200)["logs"]
    return [entry["why"] for entry in logs]


def test_smart_asks_and_the_data_decide(user: User, stub: GeminiStub) -> None:
    requests_before = len(stub.requests)
    dataset = user.prepare(patients_csv(1), mode="smart", user_id="eve")
    assert len(stub.requests) == requests_before + 1
    status = user.get(f"/dataset/{dataset}/status")
    assert status["ai_info"].startswith("Gemini was asked once; ")
    log_reasons = reasons(user, dataset)
    assert any(reason.startswith("Asked gemini-stub about “income”: answered after ") for reason in log_reasons)
    assert any("a living person has no such value of 0" in reason for reason in log_reasons)
    assert usage(user, "eve") == {"smart": 1, "deep": 0}
    cleaned = user.client.get(f"/dataset/{dataset}/cleaned").text.splitlines()
    assert not any(line.startswith("0,") for line in cleaned)
    assert not any(",199," in line for line in cleaned)


def test_the_same_question_is_not_paid_for_twice(user: User, stub: GeminiStub) -> None:
    user.prepare(patients_csv(6), mode="smart", user_id="fay")
    requests_before = len(stub.requests)
    again = user.prepare(patients_csv(6), mode="smart", user_id="gil")
    assert len(stub.requests) == requests_before
    assert any(reason.startswith("Asked gemini-stub about “income”: cached after ") for reason in reasons(user, again))


def test_fast_asks_nobody(user: User, stub: GeminiStub) -> None:
    requests_before = len(stub.requests)
    dataset = user.prepare(patients_csv(2), mode="fast", user_id="eve")
    assert len(stub.requests) == requests_before
    assert user.get(f"/dataset/{dataset}/status")["ai_info"] is None


def test_deep_writes_a_report_and_has_a_quota(user: User) -> None:
    dataset = user.prepare(patients_csv(3), mode="deep", user_id="dora")
    report = user.get(f"/dataset/{dataset}/report")
    assert report["author"] == "gemini-stub"
    assert "income misses 100 of 300 cells" in report["reasoning"]
    assert "## Cleaning" in report["reasoning"]
    assert "Find out why income is so often missing." in report["recommendations"]
    document = user.client.get(f"/dataset/{dataset}/report", params={"format": "md"})
    assert document.headers["content-type"].startswith("text/markdown")
    assert document.text.startswith(f"# Report on dataset {dataset}\n\nWritten by gemini-stub.\n\n## In the words of")
    refused = user.upload(patients_csv(4), mode="deep", user_id="dora")
    assert refused.status_code == 429
    problem = refused.json()
    assert problem["reason"] == "MODE_QUOTA_USED_UP"
    assert "quota of deep mode is used up: 1 of 1 uploads" in problem["detail"]
    assert "fast works without limit" in problem["detail"]


@pytest.mark.parametrize("behaviour", ["bad_key", "no_json", "half", "late"])
def test_a_model_that_fails_costs_nothing(user: User, stub: GeminiStub, behaviour: str) -> None:
    user_id = f"user-of-{behaviour}"
    fast = user.prepare(patients_csv(5), mode="fast", user_id=user_id)
    stub.behave(behaviour)
    try:
        deep = user.prepare(patients_csv(5), mode="deep", user_id=user_id)
    finally:
        stub.behave("well")
    assert usage(user, user_id) == {"smart": 0, "deep": 0}
    status = user.get(f"/dataset/{deep}/status")
    assert status["ai_info"].startswith("AI was asked and gave no answer that could be used")
    assert user.get(f"/dataset/{deep}/report")["author"] == "template"
    tables = [user.client.get(f"/dataset/{dataset}/cleaned").content for dataset in (fast, deep)]
    assert tables[0] == tables[1]
