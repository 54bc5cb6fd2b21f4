"""Steps are undone and switched on again by the whole stack, and earlier versions stay readable."""

import io
from collections.abc import Iterator

import pandas as pd
import pytest

from deploy.local.stack import Stack
from neuralearn import ApiError, Client, NotReadyError
from tests.conformance.test_changed_files import sales
from tests.e2e.test_replay import csv


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[Client]:
    with Client(stack.gateway_url) as client:
        yield client


def read(client: Client, dataset_id: str, table: str, version: int = 0) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(client.read(dataset_id, table, file_format="parquet", version=version)))


def messy() -> pd.DataFrame:
    table = sales(1)
    table.loc[::40, "city"] = "oslo "
    return table


def test_undo_switch_on_and_look_back(client: Client) -> None:
    dataset_id = client.prepare(csv(messy()), filename="messy.csv", target="paid", fill="all", timeout=90).dataset_id
    first = {table: read(client, dataset_id, table) for table in ("cleaned", "engineered", "changes")}
    recipe, log = client.document(dataset_id, "recipe"), list(client.log(dataset_id, "cleaning"))
    charts = [(chart["graph_id"], chart["title"]) for chart in client.graphs(dataset_id)]
    assert not first["cleaned"]["price"].isna().any()
    of_price = [number for number, step in enumerate(recipe["steps"], 1) if step.get("column") == "price"]
    fills = [number for number in of_price if recipe["steps"][number - 1]["kind"].startswith("fill")]

    undone = client.wait(client.undo(dataset_id, steps=fills).dataset_id, timeout=90)
    assert (undone.status, undone.mode) == ("completed", "fast")
    cleaned = read(client, dataset_id, "cleaned")
    assert cleaned["price"].isna().sum() == messy()["price"].isna().sum()
    pd.testing.assert_frame_equal(cleaned.drop(columns="price"), first["cleaned"].drop(columns="price"))
    assert not read(client, dataset_id, "engineered").isna().any().any()
    reasons = {step["step"]: step["why"] for step in client.log(dataset_id, "cleaning")}
    assert {reasons[number] for number in fills if number in reasons} == {"Switched off."}

    client.wait(client.undo(dataset_id, columns=["city"]).dataset_id, timeout=90)
    assert (read(client, dataset_id, "cleaned")["city"] == "oslo ").sum() == 10

    versions = list(client.versions(dataset_id))
    assert [version["version"] for version in versions] == [3, 2, 1]
    assert [version["author"] for version in versions] == ["anonymous"] * 3
    assert versions[1]["switched_off"] == fills and versions[2]["switched_off"] == []
    assert 0 < versions[2]["cells_changed"] <= len(first["changes"])
    for table, frame in first.items():
        pd.testing.assert_frame_equal(read(client, dataset_id, table, version=1), frame)
    assert client.document(dataset_id, "recipe", version=1) == recipe
    assert list(client.log(dataset_id, "cleaning", version=1)) == log
    assert list(client.log(dataset_id, "cleaning", version=3)) == list(client.log(dataset_id, "cleaning"))
    assert [(chart["graph_id"], chart["title"]) for chart in client.graphs(dataset_id, version=1)] == charts
    assert client.read(dataset_id, f"graph/{charts[0][0]}", version=1).startswith(b"\x89PNG")
    assert client.read(dataset_id, "cleaned", file_format="xlsx", version=1).startswith(b"PK")

    lacking = [difference for difference in client.diff(dataset_id, 1, 2) if difference["after"] is None]
    assert {difference["column"] for difference in lacking} == {"price"}
    assert len(lacking) == messy()["price"].isna().sum()
    (example, *_) = client.diff(dataset_id, 2, column="city")
    assert (example["before"], example["after"], example["kind"]) == ("Oslo", "oslo ", "changed")
    assert list(client.diff(dataset_id, 3)) == []

    off = versions[0]["switched_off"]
    client.wait(client.change_recipe(dataset_id, on=off).dataset_id, timeout=90)
    for table, frame in first.items():
        pd.testing.assert_frame_equal(read(client, dataset_id, table), frame)


def test_parameters_are_set_and_given_back(client: Client) -> None:
    dataset_id = client.prepare(csv(messy()), filename="messy.csv", target="paid", fill="all", timeout=90).dataset_id
    steps = client.document(dataset_id, "recipe")["steps"]
    number = next(number for number, step in enumerate(steps, 1) if step["kind"] == "treat_outliers")
    before = read(client, dataset_id, "engineered")
    client.wait(client.change_recipe(dataset_id, parameters={number: {"upper": 20}}).dataset_id, timeout=90)
    step = client.document(dataset_id, "recipe")["steps"][number - 1]
    assert (step["upper"], step["rule"]) == (20, "user")
    assert step["why"].startswith("A user set upper to 20.")
    for parameters, message in (
        ({number: {"upper": "high"}}, "upper"),
        ({number: {"high": 20}}, f"parameters of step {number} are "),
        ({999: {"upper": 20}}, "parameters must name steps from 1 to"),
    ):
        with pytest.raises(ApiError, match=message) as error:
            client.change_recipe(dataset_id, parameters=parameters)
        assert error.value.status == 422
    client.wait(client.change_recipe(dataset_id, parameters={number: None}).dataset_id, timeout=90)
    pd.testing.assert_frame_equal(read(client, dataset_id, "engineered"), before)
    assert client.document(dataset_id, "recipe")["steps"] == steps


def test_undoing_everything_gives_the_upload_back(client: Client) -> None:
    dataset_id = client.prepare(csv(messy()), filename="messy.csv", timeout=90).dataset_id
    client.wait(client.undo(dataset_id, everything=True).dataset_id, timeout=90)
    assert client.read(dataset_id, "changes").count(b"\n") == 1
    written = pd.read_csv(io.BytesIO(client.read(dataset_id, "cleaned")), dtype=str)
    pd.testing.assert_frame_equal(written, pd.read_csv(csv(messy()), dtype=str))
    # The next file is prepared by the recipe as it is now.
    again = client.prepare(csv(sales(2)), filename="b.csv", recipe_of=dataset_id, timeout=90)
    assert client.read(again.dataset_id, "changes").count(b"\n") == 1


def test_what_can_not_be_revised(client: Client) -> None:
    dataset_id = client.prepare(csv(messy()), filename="messy.csv", timeout=90).dataset_id
    for change, message in (
        ({"off": [999]}, "off must name steps from 1 to"),
        ({"on": [1]}, "Nothing would change"),
        ({}, "Nothing would change"),
        ({"off": [1], "etag": '"another"'}, "The recipe has changed since you read it"),
    ):
        with pytest.raises(ApiError, match=message):
            client.change_recipe(dataset_id, **change)
    with pytest.raises(ApiError, match="columns has no step for 'cities'"):
        client.undo(dataset_id, columns=["cities"])
    with pytest.raises(ApiError, match="rules has no step for 'guess'"):
        client.undo(dataset_id, rules=["guess"])
    with pytest.raises(ApiError, match="has no version 7"):
        client.document(dataset_id, "recipe", version=7)
    client.undo(dataset_id, steps=[1])
    with pytest.raises((ApiError, NotReadyError)) as error:
        for _ in range(50):
            client.undo(dataset_id, everything=True)
            client.change_recipe(dataset_id, on=[2])
    assert error.value.reason in ("RUN_HAS_NOT_ENDED", "NOTHING_TO_REVISE")


def test_a_replay_and_a_split_can_be_revised(client: Client) -> None:
    first = client.prepare(csv(messy()), filename="a.csv", target="paid", split="0.25", timeout=90).dataset_id
    second = client.prepare(csv(sales(2)), filename="b.csv", recipe_of=first, timeout=90).dataset_id
    recipe = client.document(first, "recipe")
    step = next(
        number
        for number, step in enumerate(recipe["steps"], 1)
        if (step["kind"], step.get("column"), step["skipped"]) == ("one_hot", "city", None)
    )
    outputs = {name for name in map(str, read(client, first, "engineered")) if name.startswith("city_")}
    assert outputs
    for dataset_id, last in ((first, "__split__"), (second, None)):
        client.wait(client.change_recipe(dataset_id, off=[step]).dataset_id, timeout=90)
        names = list(read(client, dataset_id, "engineered"))
        assert not outputs & set(names)
        assert last is None or names[-1] == last
    assert client.document(second, "drift")["verdict"] == "stable"


def test_two_preparations_of_a_file_are_compared(client: Client) -> None:
    content = csv(messy()).getvalue()
    filled = client.prepare(io.BytesIO(content), filename="a.csv", fill="all", timeout=90).dataset_id
    left = client.prepare(io.BytesIO(content), filename="b.csv", fill="none", timeout=90).dataset_id
    differences = list(client.diff(left, 1, of=filled))
    assert differences and {difference["after"] for difference in differences} == {None}
    before, after = read(client, filled, "cleaned"), read(client, left, "cleaned")
    assert len(differences) == int((before.notna() & after.isna()).to_numpy().sum())
    other = client.prepare(io.BytesIO(content + b"\n"), filename="c.csv", timeout=90).dataset_id
    with pytest.raises(ApiError, match="same file"):
        list(client.diff(other, 1, of=filled))
    with pytest.raises(ApiError, match="There is no dataset"):
        list(client.diff(left, 1, of="2f0d5ed4-7f0a-4f43-b5b4-4d5c4f2c7f10"))
