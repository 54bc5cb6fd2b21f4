"""A user who calls too often is told so, and nobody else waits for it."""

from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from deploy.local.stack import Stack
from tests.security.callers import TOKEN_MODE, bearer, token
from tests.security.conftest import CSV

pytestmark = pytest.mark.xdist_group("limited stack")
LIMITS = {"USER_RATE_LIMIT": "20/minute", "UPLOAD_RATE_LIMIT": "3/minute", "ADDRESS_RATE_LIMIT": "60/minute"}


@pytest.fixture(scope="module")
def limited_url(tmp_path_factory: pytest.TempPathFactory, clean_environment: None) -> Iterator[str]:
    with Stack(tmp_path_factory.mktemp("limits"), ports="free", env_overrides=TOKEN_MODE | LIMITS) as stack:
        yield stack.gateway_url


def test_who_calls_too_often_is_told_until_when(limited_url: str) -> None:
    with httpx.Client(base_url=limited_url, timeout=60) as client:
        answers = [client.get("/usage", headers=bearer(token("ada"))) for _ in range(25)]
        assert Counter(answer.status_code for answer in answers) == {200: 20, 429: 5}
        assert [answers[0].headers[f"ratelimit-{name}"] for name in ("limit", "remaining")] == ["20", "19"]
        refused = answers[-1]
        assert refused.json()["reason"] == "RATE_LIMITED"
        assert 1 <= int(refused.headers["retry-after"]) <= 120
        assert refused.headers["ratelimit-remaining"] == "0"
        assert client.get("/usage", headers=bearer(token("bob"))).status_code == 200
        uploads = [
            client.post("/dataset/upload", files={"file": ("a.csv", CSV)}, headers=bearer(token("uma")))
            for _ in range(4)
        ]
        assert [answer.status_code for answer in uploads] == [200, 200, 200, 429]
        guesses = [client.get("/usage", headers=bearer("nl_guess")) for _ in range(60)]
        assert {answer.status_code for answer in guesses} == {401, 429}, "who guesses keys is stopped by its address"
        assert client.get("/health/live").status_code == 200
