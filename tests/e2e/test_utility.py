"""The utility certificate of a prepared dataset, against the whole stack."""

from pathlib import Path

import httpx

from tests.e2e.user import User

SAMPLE = Path(__file__).parents[2] / "sample_dataset.csv"


def test_the_certificate_is_made_once(user: User) -> None:
    dataset_id = user.prepare(SAMPLE.read_bytes(), "sample.csv", target="monthly_spend")
    certificate = user.get(f"/dataset/{dataset_id}/utility")
    assert (certificate["target"], certificate["metric"], certificate["folds"]) == ("monthly_spend", "r2", 5)
    steps = {step for family in certificate["families"] for step in family["steps"]}
    logged = {log["step"] for name in ("cleaning", "outliers", "features") for log in logs(user, dataset_id, name)}
    assert steps <= logged
    assert user.get(f"/dataset/{dataset_id}/utility") == certificate


def logs(user: User, dataset_id: str, name: str) -> list[dict[str, int]]:
    entries: list[dict[str, int]] = user.get(f"/dataset/{dataset_id}/logs/{name}")["logs"]
    return entries


def test_without_a_target_there_is_none(user: User) -> None:
    dataset_id = user.prepare(b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * 7 % 5) for n in range(60)), target="none")
    for _ in range(2):
        response: httpx.Response = user.client.get(f"/dataset/{dataset_id}/utility")
        assert (response.status_code, response.json()["reason"]) == (409, "NO_TARGET")
