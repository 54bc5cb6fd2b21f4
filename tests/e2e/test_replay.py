"""The recipe of one month is repeated on the next, over REST, by the whole stack."""

import io
import json
from collections.abc import Iterator

import httpx
import numpy as np
import pandas as pd
import pytest

from deploy.local.stack import Stack
from gateway.schemas.drift import Drift
from neuralearn import ApiError, Client, PreparationFailed
from tests.conformance.test_changed_files import sales


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[Client]:
    with Client(stack.gateway_url) as client:
        yield client


@pytest.fixture(scope="module")
def january(client: Client) -> str:
    return client.prepare(csv(sales(1)), filename="january.csv", target="price", timeout=90).dataset_id


def csv(table: pd.DataFrame, separator: str = ",") -> io.BytesIO:
    return io.BytesIO(table.to_csv(index=False, sep=separator).encode())


def engineered(client: Client, dataset_id: str) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(client.read(dataset_id, "engineered", file_format="parquet")))


def test_the_next_month_is_prepared_alike(client: Client, january: str) -> None:
    february = sales(2)[["paid", "day", "pieces", "city", "price"]]
    content = b"Sales of February\n\n" + csv(february, ";").getvalue()
    dataset = client.prepare(io.BytesIO(content), filename="february.csv", recipe_of=january, timeout=90)
    assert (dataset.recipe_of, dataset.recipe, dataset.mode) == (january, None, "fast")
    first, second = engineered(client, january), engineered(client, dataset.dataset_id)
    assert list(first.dtypes.items()) == list(second.dtypes.items())
    drift = client.document(dataset.dataset_id, "drift")
    assert Drift.model_validate(drift).model_dump(mode="json") == drift
    assert (drift["verdict"], drift["rows"]) == ("stable", [400, 400])
    assert client.document(dataset.dataset_id, "profile")["rows"] == 400
    recipes = [client.document(id_, "recipe") for id_ in (january, dataset.dataset_id)]
    assert recipes[0] == recipes[1]
    assert len(list(client.graphs(dataset.dataset_id))) == len(list(client.graphs(january)))


def test_the_same_file_gives_the_same_tables(client: Client, january: str) -> None:
    again = client.prepare(csv(sales(1)), filename="again.csv", recipe_of=january, timeout=90)
    for table in ("cleaned", "engineered", "changes"):
        first, second = (
            pd.read_parquet(io.BytesIO(client.read(dataset_id, table, file_format="parquet")))
            for dataset_id in (january, again.dataset_id)
        )
        pd.testing.assert_frame_equal(first, second)


def test_drift_and_the_contract(client: Client, stack: Stack, january: str) -> None:
    moved = sales(2).replace({"city": {"Rome": "Roma"}})
    moved["pieces"] = moved["pieces"].where(np.arange(len(moved)) > 3, 900)
    stored = client.create_recipe("sales", dataset_id=january)
    assert (stored["name"], stored["version"], stored["dataset_id"]) == ("sales", 1, january)
    dataset = client.prepare(csv(moved), filename="moved.csv", recipe=stored["recipe_id"], timeout=90)
    assert dataset.recipe == stored["recipe_id"]
    drift = client.document(dataset.dataset_id, "drift")
    assert {column["column"] for column in drift["columns"] if column["verdict"] != "stable"} == {"city"}
    assert "one_hot" in {step["kind"] for step in drift["steps"]}
    options = {"recipe": client.document(january, "recipe"), "contract": {"city": "discard_row"}}
    dataset = client.prepare(csv(moved), filename="moved.csv", timeout=90, **options)  # type: ignore[arg-type]
    assert str(dataset.recipe).startswith("sha256:")
    rejects = httpx.get(f"{stack.gateway_url}/dataset/{dataset.dataset_id}/rejects", trust_env=False).json()
    assert rejects["total_rejects"] == (moved["city"] == "Roma").sum()
    assert "“city” holds “Roma”, not one of the levels" in rejects["rejects"][0]["why"]
    with pytest.raises(
        PreparationFailed, match=r"cells of “pieces” \(such as “900”\) are not between 1 and 8"
    ) as error:
        client.prepare(csv(moved), filename="moved.csv", recipe_of=january, contract="pieces=freeze", timeout=90)
    assert error.value.reason == "CONTRACT_BROKEN"
    with pytest.raises(PreparationFailed, match="needs the column “day”") as error:
        client.prepare(csv(moved.drop(columns="day")), filename="x.csv", recipe_of=january, timeout=90)
    assert error.value.reason == "COLUMN_MISSING"
    client.delete_recipe(stored["recipe_id"])


def test_stored_recipes_have_versions(client: Client, january: str) -> None:
    recipe = client.document(january, "recipe")
    first, second = (client.create_recipe("versions", recipe=recipe) for _ in range(2))
    assert (first["version"], second["version"], first["dataset_id"]) == (1, 2, None)
    assert [item["version"] for item in client.recipes(name="versions")] == [2, 1]
    assert client.stored_recipe(second["recipe_id"])["recipe"] == recipe
    for item in (first, second):
        client.delete_recipe(item["recipe_id"])
    with pytest.raises(ApiError) as error:
        client.stored_recipe(first["recipe_id"])
    assert (error.value.status, error.value.reason) == (404, "RECIPE_NOT_FOUND")


@pytest.mark.parametrize(
    ("options", "status", "reason", "message"),
    [
        ({"mode": "smart"}, 422, "INVALID_INPUT", "mode comes from the recipe"),
        ({"types": "city=text"}, 422, "INVALID_INPUT", "types comes from the recipe"),
        ({"contract": "city=perhaps"}, 422, "INVALID_INPUT", "contract knows evolve, freeze"),
        ({"contract": "cities=freeze"}, 422, "UNKNOWN_COLUMN", "Did you mean 'city'?"),
        ({"recipe": "{}"}, 422, "INVALID_INPUT", "together with recipe"),
        ({"recipe_of": "", "recipe": "{}"}, 422, "RECIPE_INVALID", "This is no recipe: version: Field required"),
        ({"recipe_of": "", "recipe": "nothing"}, 404, "RECIPE_NOT_FOUND", "There is no recipe nothing"),
        ({"recipe_of": "nothing"}, 404, "DATASET_NOT_FOUND", "There is no dataset nothing"),
    ],
)
def test_what_can_not_be_repeated(
    client: Client, january: str, options: dict[str, str], status: int, reason: str, message: str
) -> None:
    with pytest.raises(ApiError, match=message.replace("?", r"\?")) as error:
        client.upload(csv(sales(2)), filename="a.csv", **{"recipe_of": january, **options})  # type: ignore[arg-type]
    assert (error.value.status, error.value.reason) == (status, reason)


def test_rows_are_held_out(client: Client) -> None:
    dataset = client.prepare(csv(sales(1)), filename="a.csv", target="paid", split="day>=2026-01-20", timeout=90)
    table = engineered(client, dataset.dataset_id)
    assert dataset.rows == len(table) == 400
    held_out = pd.read_csv(csv(sales(1)))["day"] >= "2026-01-20"
    assert (table["__split__"] == np.where(held_out, "test", "train")).all()
    assert any(
        step["why"].startswith(f"Held {held_out.sum()} rows out") for step in client.log(dataset.dataset_id, "cleaning")
    )
    assert client.document(dataset.dataset_id, "drift")["rows"] == [400 - held_out.sum(), held_out.sum()]
    again = client.prepare(csv(sales(2)), filename="b.csv", recipe_of=dataset.dataset_id, timeout=90)
    assert list(engineered(client, again.dataset_id)) == list(table)[:-1]
    with pytest.raises(ApiError, match=r"split must be a share such as 0\.2"):
        client.upload(csv(sales(1)), filename="a.csv", split="20 %")
    with pytest.raises(
        ApiError, match=r"split names 'days', which is not a column of the table\. Did you mean 'day'\?"
    ):
        client.upload(csv(sales(1)), filename="a.csv", split="days>=2026-01-20")
    with pytest.raises(PreparationFailed, match="It holds no row out, of 400 rows") as error:
        client.prepare(csv(sales(1)), filename="a.csv", split="day>=2027-01-01", timeout=90)
    assert error.value.reason == "SPLIT_EMPTY"


def test_a_repeated_request_is_the_first_dataset(client: Client, january: str) -> None:
    recipe = json.dumps(client.document(january, "recipe"))
    ids = {client.upload(csv(sales(2)), filename="a.csv", idempotency_key="replay", recipe=recipe) for _ in range(2)}
    assert len(ids) == 1
    with pytest.raises(ApiError) as error:
        client.upload(csv(sales(2)), filename="a.csv", idempotency_key="replay", recipe_of=january)
    assert error.value.reason == "IDEMPOTENCY_KEY_REUSED"


def test_a_dataset_with_a_recipe_of_its_own_has_no_drift(client: Client, january: str) -> None:
    with pytest.raises(ApiError) as error:
        client.document(january, "drift")
    assert (error.value.status, error.value.reason) == (409, "NO_DRIFT")


def test_it_outlives_the_first_dataset_and_is_prepared_afresh(client: Client) -> None:
    first = client.prepare(csv(sales(3)), filename="first.csv", timeout=90)
    second = client.prepare(csv(sales(4)), filename="second.csv", recipe_of=first.dataset_id, timeout=90)
    client.delete(first.dataset_id)
    third = client.prepare(csv(sales(5)), filename="third.csv", recipe_of=second.dataset_id, timeout=90)
    assert client.document(third.dataset_id, "drift")["verdict"] == "stable"
    afresh = client.wait(client.prepare_again(second.dataset_id, fill="none").dataset_id, timeout=90)
    assert (afresh.status, afresh.recipe_of) == ("completed", None)
    with pytest.raises(ApiError, match="recipe of its own"):
        client.document(second.dataset_id, "drift")
