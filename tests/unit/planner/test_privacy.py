"""Hidden personal data is in nothing that a preparation makes, and everything else is as it would be."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.contracts.artifacts import ARTIFACTS
from shared.contracts.run_options import RunOptions
from shared.errors import InvalidInput
from worker_service.core.recipe.ledger import undo
from worker_service.core.table.frame import Frame
from worker_service.planner.privacy import hide_personal_data
from worker_service.planner.propose import propose
from worker_service.worker.preparation import examine, prepare
from worker_service.worker.preparation_task import PreparationTask

ROWS = 120
KEY = b"the key of the owner"
CANARIES = ("canary8@", "+49 30 7700007", "Canary D", "7 Canary Road", "1947-07-08", "canary, ")
CITIES = ("Oslo", "Rome", "Bern")


def personal() -> dict[str, list[Any]]:
    """Return columns of personal data, each cell with a part that stands nowhere else."""
    return {
        "email": [f"canary{row}@example.org" for row in range(ROWS)],
        "contact": [f"+49 30 77{row:05d}" if row % 3 else f"mail canary{row}@example.org" for row in range(ROWS)],
        "customer_name": [f"Canary {chr(65 + row % 26)}." for row in range(ROWS)],
        "street": [f"{row} Canary Road" for row in range(ROWS)],
        "date_of_birth": [f"19{row % 60 + 40}-07-{row % 28 + 1:02d}" for row in range(ROWS)],
        "remark": [f"canary, who asked {row} times" for row in range(ROWS)],
    }


def table() -> dict[str, list[Any]]:
    source = np.random.default_rng(3)
    columns = {
        **personal(),
        "city": [str(city) for city in source.choice(CITIES, ROWS)],
        "income": [f"{value:.2f}" for value in source.normal(3000, 500, ROWS)],
        "churned": [str(word) for word in source.choice(["yes", "no"], ROWS)],
    }
    columns["income"][5] = ""
    columns["email"][7] = "n/a"
    return columns


def options(**given: Any) -> RunOptions:
    return RunOptions(**{"target": "churned", "column_privacy": {"remark": given.get("privacy", "keep")}, **given})


def everything_made(tmp_path: Path, privacy: str, mode: str) -> tuple[str, list[str]]:
    """Return the prompts and everything that a preparation keeps."""
    path = tmp_path / "table.arrow"
    decoded = pa.table(table())
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, decoded.schema) as writer:
        writer.write_table(decoded)
    target = tmp_path / "artifacts"
    target.mkdir()
    given = options(privacy=privacy, mode=mode)
    task = PreparationTask(table=path, target=target, options=given, profile=tmp_path / "facts.json", hash_key=KEY)
    questions = json.dumps([question.prompt for question in examine(lambda *_: None, task)])
    result = prepare(lambda *_: None, task)
    made = [repr(result), (tmp_path / "facts.json").read_text()]
    for name in ARTIFACTS:
        file_path = target / name
        is_table = name.endswith(".parquet")
        made.append(
            json.dumps(pq.read_table(file_path).to_pylist(), default=str) if is_table else file_path.read_text()
        )
    return questions, made


@pytest.mark.parametrize("mode", ["fast", "deep"])
@pytest.mark.parametrize("privacy", ["mask", "hash", "drop"])
def test_nothing_that_is_made_holds_what_is_hidden(tmp_path: Path, privacy: str, mode: str) -> None:
    questions, made = everything_made(tmp_path, privacy, mode)
    assert [canary for text in (questions, *made) for canary in CANARIES if canary in text] == []


def test_what_is_kept_is_in_the_tables_and_not_in_a_prompt(tmp_path: Path) -> None:
    questions, made = everything_made(tmp_path, "keep", "deep")
    assert [canary for canary in CANARIES if canary in questions and canary != "canary, "] == []
    assert all(any(canary in text for text in made) for canary in CANARIES)


def prepared(**given: Any) -> Any:
    private = hide_personal_data(Frame.from_table(pa.table(table())), options(**given), hash_key=KEY)
    return private, private.apply(propose(private.profile(), private.options, hidden=private.steps))


@pytest.mark.parametrize("privacy", ["mask", "hash", "drop"])
def test_all_other_columns_are_as_they_would_be(privacy: str) -> None:
    _, kept = prepared(privacy="keep")
    _, hidden = prepared(privacy=privacy)
    others = [name for name in kept.cleaned.names if name not in personal()]
    assert hidden.cleaned.to_table().select(others).equals(kept.cleaned.to_table().select(others))
    undone = undo(hidden.changes, hidden.cleaned.to_table())
    assert undone.column_names == list(table())
    assert undone.select(others).to_pydict() == {name: cells for name, cells in table().items() if name in others}


def test_each_hidden_cell_is_in_the_ledger_without_its_value() -> None:
    _, outcome = prepared(privacy="mask")
    entries = [row for row in outcome.changes.to_pylist() if row["kind"] == "hidden"]
    assert {row["before"] for row in entries} == {None}
    assert {row["rule"] for row in entries} == {"privacy"}
    cells = {name: sum(row["column"] == name for row in entries) for name in personal()}
    assert cells == {name: ROWS - (name == "email") for name in personal()}
    assert outcome.cleaned["email"].array.to_pylist()[:2] == ["***@example.org", "***@example.org"]
    assert outcome.cleaned["email"].missing == 1
    assert outcome.cleaned["date_of_birth"].array.to_pylist()[:2] == [1940, 1941]


def test_the_log_says_what_was_hidden_and_how() -> None:
    _, outcome = prepared(privacy="hash")
    first, *_ = outcome.results
    assert first.why == (
        "Put keyed hashes in place of 119 cells of “email”, e-mail addresses. The privacy of the upload is hash."
    )
    (remark,) = [result.why for result in outcome.results if result.columns == ("remark",) and result.rule == "privacy"]
    assert remark == "Put keyed hashes in place of 120 cells of “remark”, personal data. The uploader asked to hash it."


def test_the_profile_says_what_the_column_was() -> None:
    private, _ = prepared(privacy="hash")
    email = private.profile().by_name()["email"]
    assert (email.personal_data, email.privacy, email.type) == ("email", "hash", "identifier")


def test_a_single_column_can_be_kept() -> None:
    private, outcome = prepared(privacy="drop", column_privacy={"EMAIL": "keep", "remark": "keep"})
    assert private.profile().by_name()["email"].personal_data is None
    assert "street" not in outcome.cleaned.names
    assert {"email", "remark"} <= set(outcome.cleaned.names)


def test_a_hash_without_a_key_stops_the_preparation() -> None:
    with pytest.raises(ValueError, match="needs the key"):
        hide_personal_data(Frame.from_table(pa.table(table())), options(privacy="hash"))


def test_rows_that_look_alike_without_personal_data_are_kept() -> None:
    columns = {
        "email": [f"person{row}@example.org" for row in range(40)],
        "code": [f"A{row // 2}" if row < 4 else f"B{row}" for row in range(40)],
        "size": [1.5 + row // 2 if row < 4 else row + 0.25 for row in range(40)],
        "city": ["Oslo"] * 4 + ["Rome", "Bern"] * 18,
    }
    for privacy in ("mask", "drop"):
        private = hide_personal_data(Frame.from_table(pa.table(columns)), RunOptions(privacy=privacy, target="none"))
        facts = private.profile()
        assert facts.duplicates.removable
        outcome = private.apply(propose(facts, private.options, hidden=private.steps))
        assert outcome.cleaned.rows == 40
        (flag,) = [result for result in outcome.results if result.rule == "duplicate_rows"]
        assert flag.why.startswith("2 rows repeat an earlier row and were kept: personal data is hidden")


def test_a_small_table_is_looked_at_warily() -> None:
    columns = {"mail": ["ada@example.org", "x"], "dob": ["1/2/80", "?"], "size": [1, 2]}
    assert hidden_columns(columns) == {"mail", "dob"}


def hidden_columns(columns: dict[str, Any]) -> set[str]:
    frame = Frame.from_table(pa.table(columns))
    return {step.column for step in hide_personal_data(frame, RunOptions(privacy="mask")).steps}


HIDDEN = {
    "ssn": [123456789 + row for row in range(40)],
    "social_security_number": [f"{row + 100000000}" for row in range(40)],
    "passport_no": [f"C13X{row:02d}T69" for row in range(40)],
    "mobile": [5552294300 + row for row in range(40)],
    "Tel": [f"0170 12345{row:02d}" for row in range(40)],
    "phone": [f"(200) 555-72{row:02d} x373" for row in range(40)],
    "credit_card_number": [f"4111 1111 1111 11{row:02d}" for row in range(40)],
    "iban": [f"DE89-3704-0044-0532-0130-{row:02d}" for row in range(40)],
    "fname": ["Ada", "Grace", "José", "Zoë"] * 10,
    "full_name": ["Smith, Ada (Mrs)", "Ada & Bob Smith", '"Ada" Smith', "Dr. Ada Smith, PhD"] * 10,
    "dateofbirth": [f"19{row + 40}-03-11" for row in range(40)],
    "born": [1950 + row for row in range(40)],
    "street": ["Main Street", "Canal Row", "High Street", "Low Lane"] * 10,
    "calle": [f"Avenida {row}" for row in range(40)],
}
SPARED = {
    "birth_weight": [2900 + 37 * row for row in range(40)],
    "birth_country": ["Norway", "Peru"] * 20,
    "material": [f"{row + 12000:010d}" for row in range(40)],
    "flags": [f"{row % 64:06b}" for row in range(40)],
    "part_no": [f"{row + 100:03d}-40{row:02d}" for row in range(40)],
    "hours": [f"{row % 9:02d}.00-16.00" for row in range(40)],
    "period": [f"{row % 12 + 1:02d}/2024" for row in range(40)],
    "parent_category_name": ["Tools", "Toys"] * 20,
    "driver_class_name": ["com.example.Driver", "org.example.Other"] * 20,
    "first_product_name": ["Lamp", "Chair"] * 20,
    "package": [f"react@17.0.{row}" for row in range(40)],
    "repository": [f"git@github.com:owner/r{row}.git" for row in range(40)],
    "address_type": ["Type 1abc", "Type 2abc"] * 20,
    "name": ["Red Lamp", "Blue Chair"] * 20,
    "ean": [f"40{row * 7919 + 10**10:011d}" for row in range(40)],
    "lat": [51.5 + row / 100 for row in range(40)],
    "phone_model": ["Fairphone 5", "Pixel 9"] * 20,
    "phone": [f"0.{row * 7919 + 10**8}" for row in range(40)],
    "Street": ["Pave", "Gravel"] * 20,
    "cell_count": [1200000 + row for row in range(40)],
}


@pytest.mark.parametrize("name", HIDDEN)
def test_what_may_be_personal_is_hidden(name: str) -> None:
    assert hidden_columns({name: HIDDEN[name], "size": range(40)}) == {name}


@pytest.mark.parametrize("name", SPARED)
def test_what_only_looks_like_it_stays(name: str) -> None:
    assert hidden_columns({name: SPARED[name], "size": range(40)}) == set()


def test_names_are_those_of_persons_where_the_rows_are() -> None:
    columns = {"name": ["Ada Lovelace", "Grace Hopper", "Zoë Quinn", "José Silva"] * 10, "size": range(40)}
    assert hidden_columns(columns) == set()
    emails = [f"person{row}@example.org" for row in range(40)]
    assert hidden_columns({**columns, "email": emails, "login": [email.upper() for email in emails]}) == {
        "name",
        "email",
        "login",
    }


def test_one_odd_cell_does_not_end_a_preparation() -> None:
    accounts = [f"DE89370400440532013{row:03d}" for row in range(40)]
    for odd in ("see note!", "n/v", "9" * 6000):
        assert hidden_columns({"iban": [*accounts, odd], "size": range(41)}) == {"iban"}


def test_a_table_of_nothing_else_is_not_emptied_without_a_word() -> None:
    frame = Frame.from_table(pa.table({"email": [f"person{row}@example.org" for row in range(40)]}))
    with pytest.raises(InvalidInput, match="Every column holds personal data"):
        hide_personal_data(frame, RunOptions(privacy="drop"))


def test_hashing_loses_no_row_whose_address_differs_in_letter_case() -> None:
    emails = ["U0@example.org", "u0@example.org", *(f"u{row}@example.org" for row in range(1, 59))]
    frame = Frame.from_table(pa.table({"email": emails, "x": [1.5, 1.5, *range(2, 60)], "y": [1, 1, *range(2, 60)]}))
    private = hide_personal_data(frame, RunOptions(privacy="hash", target="none"), hash_key=KEY)
    assert private.apply(propose(private.profile(), private.options, hidden=private.steps)).cleaned.rows == 60


def test_nothing_is_computed_from_a_mask() -> None:
    source = np.random.default_rng(5)
    domains = source.choice(["alpha.org", "beta.com", "gamma.net"], 600)
    companies: list[Any] = [domain.split(".")[0].title() for domain in domains]
    companies[40:48] = [""] * 8
    columns = {"email": [f"u{row}@{domain}" for row, domain in enumerate(domains)], "company": companies}
    cleaned = []
    for privacy in ("keep", "mask"):
        private = hide_personal_data(Frame.from_table(pa.table(columns)), RunOptions(privacy=privacy, target="none"))
        outcome = private.apply(propose(private.profile(), private.options, hidden=private.steps))
        cleaned.append(outcome.cleaned["company"].array)
    assert cleaned[0].equals(cleaned[1])


def test_a_target_that_is_dropped_is_none() -> None:
    private = hide_personal_data(Frame.from_table(pa.table(table())), options(privacy="drop", target="street"))
    assert private.profile().target.column is None
    (why,) = [step.why for step in private.steps if step.column == "street"]
    assert why == "The privacy of the upload is drop, so there is no target."
