"""Columns that give the target away are distinguished from good features."""

from typing import Any

import numpy as np
import pyarrow as pa
from sklearn.datasets import load_breast_cancer, load_iris

from worker_service.core.profile import Profile, profile
from worker_service.core.table.frame import Frame

RNG = np.random.default_rng(5)


def facts(columns: dict[str, Any], target: str) -> Profile:
    return profile(Frame.from_table(pa.table(columns)), target=target)


def test_a_recoded_target_and_an_afterthought_are_leaks() -> None:
    churned = RNG.integers(0, 2, 600)
    columns = {
        "fee": churned * 75 + RNG.normal(5, 2, 600),
        "status_code": np.where(churned == 1, "gone", "here"),
        "refund_paid": churned * 1.0 + RNG.normal(0, 0.4, 600),
        "age": RNG.normal(40, 9, 600) + churned,
        "churned": churned,
    }
    kinds = {leak.column: leak.kind for leak in facts(columns, "churned").leaks}
    assert kinds == {"fee": "predicts", "status_code": "predicts", "refund_paid": "afterwards"}


def test_a_total_gives_a_quantity_away() -> None:
    price = RNG.lognormal(3, 0.5, 500)
    columns = {"gross": price * 1.19, "rooms": RNG.integers(1, 6, 500), "price": price}
    assert [leak.column for leak in facts(columns, "price").leaks] == ["gross"]


def test_good_features_are_no_leaks() -> None:
    for load in (load_iris, load_breast_cancer):
        frame = load(as_frame=True).frame
        assert facts({name: frame[name].to_list() for name in frame}, "target").leaks == ()


def test_without_a_target_nothing_leaks() -> None:
    assert profile(Frame.from_table(pa.table({"a": range(100), "b": range(1, 101)}))).leaks == ()


def test_a_timestamp_that_only_some_have_gives_them_away() -> None:
    churned = RNG.integers(0, 2, 400)
    days = np.datetime64("2024-01-01", "D") + RNG.integers(0, 300, 400)
    gone = [day if lost else None for day, lost in zip(days.tolist(), churned, strict=True)]
    columns = {"joined": days.tolist(), "left_on": gone, "churned": churned}
    assert [(leak.column, leak.kind) for leak in facts(columns, "churned").leaks] == [("left_on", "predicts")]
