"""Keys of objects, and whose an object is."""

from uuid import uuid4

import pytest

from shared.contracts.artifacts import ARTIFACTS, DatasetKeys, ObjectOwner, owner_of, rendition_key, table_key


def test_every_key_of_a_dataset_is_owned_by_it() -> None:
    dataset_id, run_id, token = uuid4(), uuid4(), uuid4()
    keys = DatasetKeys(dataset_id)
    attempt = keys.attempt(run_id, token)
    for key in (keys.raw, keys.table, keys.rejects):
        assert owner_of(key) == ObjectOwner(dataset_id, None)
    for key in (*(f"{attempt}/{name}" for name in ARTIFACTS), rendition_key(attempt, "cleaned.csv")):
        assert owner_of(key) == ObjectOwner(dataset_id, attempt)
    assert table_key(attempt, "cleaned") == f"{attempt}/{ARTIFACTS[0]}"


@pytest.mark.parametrize("key", ["", "datasets", "datasets/x/raw", "other/0"])
def test_foreign_keys_have_no_owner(key: str) -> None:
    assert owner_of(key) is None
