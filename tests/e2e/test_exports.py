"""Exports of recipes, against the whole stack."""

import hashlib
import io
import subprocess
import sys
from pathlib import Path

import duckdb
import httpx
import numpy as np
import pandas as pd
import pytest

from tests.e2e.user import User

SAMPLE = Path(__file__).parents[2] / "sample_dataset.csv"
FORMATS = ("pandas", "sklearn", "sql", "pandera", "table-schema", "odcs", "croissant", "openlineage")


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Return a table in which no gap is filled by a model, which SQL could not do."""
    table = pd.read_csv(SAMPLE, dtype=str, keep_default_na=False)
    return table.drop(columns=["monthly_spend", "total_spend"])


def test_an_exported_program_and_query_make_what_a_replay_makes(user: User, rows: pd.DataFrame, tmp_path: Path) -> None:
    january, february = (part.to_csv(index=False).encode() for part in (rows[:400], rows[400:]))
    dataset_id = user.prepare(january, "january.csv", target="churned")
    replayed = user.prepare(february, "february.csv", recipe_of=dataset_id)
    exports = {form: export(user, dataset_id, form) for form in FORMATS}
    assert all(answer.status_code == 200 for answer in exports.values())
    assert "x-steps-left-out" not in exports["sql"].headers
    for prepared, content in ((dataset_id, january), (replayed, february)):
        (tmp_path / "uploaded.csv").write_bytes(content)
        (tmp_path / "prepare.py").write_text(exports["pandas"].text, encoding="utf-8")
        names = ("uploaded.csv", "cleaned.csv", "engineered.csv")
        subprocess.run([sys.executable, "-I", "prepare.py", *names], cwd=tmp_path, check=True, capture_output=True)
        expected = table(user, prepared, "engineered")
        assert_same(pd.read_csv(tmp_path / "engineered.csv"), expected)
        with duckdb.connect() as connection:
            connection.register("uploaded", pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False))
            assert_same(connection.sql(exports["sql"].text).df(), expected)
    hashes = {file["@id"]: file["sha256"] for file in exports["croissant"].json()["distribution"]}
    for name in ("cleaned", "engineered"):
        assert hashes[name] == hashlib.sha256(parquet(user, dataset_id, name)).hexdigest()
    assert hashes["uploaded"] == hashlib.sha256(january).hexdigest()


def export(user: User, dataset_id: str, form: str) -> httpx.Response:
    answer: httpx.Response = user.client.get(f"/dataset/{dataset_id}/export", params={"format": form})
    return answer


def parquet(user: User, dataset_id: str, name: str) -> bytes:
    content: bytes = user.client.get(f"/dataset/{dataset_id}/{name}", params={"format": "parquet"}).content
    return content


def table(user: User, dataset_id: str, name: str) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(parquet(user, dataset_id, name)))


def assert_same(made: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert list(made.columns) == list(expected.columns)
    for name in expected.columns:
        if expected[name].dtype.kind in "if":
            np.testing.assert_allclose(made[name].to_numpy(dtype=float), expected[name], rtol=1e-9, atol=1e-9)
        else:
            assert made[name].tolist() == expected[name].tolist()


def test_what_only_the_service_can_do_is_refused(user: User) -> None:
    content = b"email,amount\n" + b"".join(b"someone%d@example.org,%d\n" % (n, n * 37 % 101) for n in range(60))
    dataset_id = user.prepare(content, "people.csv", privacy="hash")
    for form in ("pandas", "sklearn", "sql"):
        answer = export(user, dataset_id, form)
        assert (answer.status_code, answer.json()["reason"]) == (409, "NOT_EXPORTABLE")
    assert export(user, dataset_id, "odcs").status_code == 200
    missing = user.client.get(f"/dataset/{dataset_id}/export", params={"format": "odcs", "version": 9})
    assert (missing.status_code, missing.json()["reason"]) == (404, "VERSION_NOT_FOUND")
