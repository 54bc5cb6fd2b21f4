"""Reviews: preparations that end as proposals, against the whole stack."""

from typing import Any

import httpx

from tests.e2e.user import User

ROWS = (f"{'Rome' if n % 3 else 'Oslo'},{50 + n % 37 if n % 7 else ''}" for n in range(210))
TABLE = "\n".join(["city,weight", *ROWS]).encode()


def test_a_proposal_is_looked_at_changed_and_applied(user: User) -> None:
    dataset_id = user.upload(TABLE, "weights.csv", review="true").json()["dataset_id"]
    assert user.wait(dataset_id)["status"] == "proposed"
    status = user.get(f"/dataset/{dataset_id}/status")
    assert (status["stage"], status["progress"], status["review"]) == ("proposed", 100, True)
    assert status["progress_info"].startswith("Proposed: ")
    recipe = user.get(f"/dataset/{dataset_id}/recipe")
    fill = next(number for number, step in enumerate(recipe["steps"], start=1) if step["kind"].startswith("fill_"))
    assert user.get(f"/dataset/{dataset_id}/changes", step=fill)["total_changes"] == 30
    changed = user.client.patch(f"/dataset/{dataset_id}/recipe", json={"off": [fill]})
    assert changed.status_code == 200
    assert user.wait(dataset_id)["status"] == "proposed"
    assert user.get(f"/dataset/{dataset_id}/changes", step=fill)["total_changes"] == 0
    before = user.client.get(f"/dataset/{dataset_id}/cleaned").content
    applied: httpx.Response = user.client.post(f"/dataset/{dataset_id}/apply")
    assert (applied.status_code, applied.json()["status"], applied.json()["review"]) == (200, "completed", False)
    assert user.client.get(f"/dataset/{dataset_id}/cleaned").content == before
    again = user.client.post(f"/dataset/{dataset_id}/apply")
    assert (again.status_code, again.json()["reason"]) == (409, "NOT_PROPOSED")
    # What is changed from now on completes, as the dataset has been reviewed.
    assert user.client.patch(f"/dataset/{dataset_id}/recipe", json={"on": [fill]}).status_code == 200
    assert user.wait(dataset_id)["status"] == "completed"
    assert [version["version"] for version in user.get(f"/dataset/{dataset_id}/versions")["versions"]] == [3, 2, 1]


def test_a_stored_table_is_proposed_again(user: User) -> None:
    dataset_id = user.prepare(TABLE, "weights.csv")
    assert user.client.post(f"/dataset/{dataset_id}/prepare", json={"review": True, "fill": "none"}).status_code == 200
    assert user.wait(dataset_id)["status"] == "proposed"
    assert user.client.post(f"/dataset/{dataset_id}/apply").json()["status"] == "completed"


def test_a_dry_run_tells_what_each_step_does(user: User) -> None:
    dataset_id = user.upload(TABLE, "weights.csv", review="true").json()["dataset_id"]
    assert user.wait(dataset_id)["status"] == "proposed"
    document = dry_run(user, dataset_id)
    logged = [user.get(f"/dataset/{dataset_id}/logs/{name}")["logs"] for name in ("cleaning", "outliers", "features")]
    states = {step["step"]: step["state"] for steps in logged for step in steps}
    assert {step["step"]: step["state"] for step in document["steps"]} == states
    fill = next(step for step in document["steps"] if step["kind"].startswith("fill_"))
    assert fill["cells_changed"] == 30 and len(fill["examples"]) == 10
    assert fill["examples"][0] == {"row": 1, "column": "weight", "before": None, "after": fill["examples"][0]["after"]}
    assert (fill["before"]["missing"], fill["after"]["missing"]) == (30, 0)
    assert sum(fill["after"]["counts"]) == 210 and fill["before"]["edges"] == fill["after"]["edges"]
    assert all(step["before"] and step["after"] for step in document["steps"] if step["kind"] == "scale")
    without = dry_run(user, dataset_id, off=[fill["step"]])
    assert without["cells_changed"] == document["cells_changed"] - 30
    assert dry_run(user, dataset_id) == document
    assert [each["version"] for each in user.get(f"/dataset/{dataset_id}/versions")["versions"]] == [1]


def dry_run(user: User, dataset_id: str, **change: Any) -> dict[str, Any]:
    answer = user.client.post(f"/dataset/{dataset_id}/recipe/dry-run", json=change)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def test_steps_are_tried_and_added(user: User) -> None:
    dataset_id = user.prepare(TABLE, "weights.csv")
    step = {"kind": "bin", "column": "weight", "edges": [60, 70], "name": "weight_bin"}
    tried = dry_run(user, dataset_id, add=[step])
    assert (tried["steps"][-1]["rule"], tried["steps"][-1]["outputs"]) == ("user", ["weight_bin"])
    assert user.client.patch(f"/dataset/{dataset_id}/recipe", json={"add": [step]}).status_code == 200
    assert user.wait(dataset_id)["status"] == "completed"
    recipe = user.get(f"/dataset/{dataset_id}/recipe")
    assert recipe["steps"][-1]["kind"] == "bin" and recipe["steps"][-1]["skipped"] is None
    number = len(recipe["steps"])
    assert "weight_bin" in [column["name"] for column in recipe["contract"]["engineered"]]
    # What was added is a step like the others: it is switched off, and repeated on the next file.
    assert user.client.patch(f"/dataset/{dataset_id}/recipe", json={"off": [number]}).status_code == 200
    assert user.wait(dataset_id)["status"] == "completed"
    assert user.client.patch(f"/dataset/{dataset_id}/recipe", json={"on": [number]}).status_code == 200
    assert user.wait(dataset_id)["status"] == "completed"
    replayed = user.prepare(TABLE, "february.csv", recipe_of=dataset_id)
    refused = user.client.patch(f"/dataset/{replayed}/recipe", json={"add": [step]})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "add")


def test_steps_that_are_none_are_refused(user: User) -> None:
    dataset_id = user.prepare(TABLE, "weights.csv")
    for step in ({"kind": "nothing"}, {"kind": "bin"}, {"kind": "hide_personal_data", "column": "city"}, {}):
        for answer in (
            user.client.patch(f"/dataset/{dataset_id}/recipe", json={"add": [step]}),
            user.client.post(f"/dataset/{dataset_id}/recipe/dry-run", json={"add": [step]}),
        ):
            assert answer.status_code == 422, answer.text
    absent = {"kind": "drop_column", "phase": "features", "column": "nowhere"}
    assert dry_run(user, dataset_id, add=[absent])["steps"][-1]["state"] == "skipped"


def test_single_cells_are_undone(user: User) -> None:
    dataset_id = user.prepare(TABLE, "weights.csv")
    before = user.get(f"/dataset/{dataset_id}/rows", limit=10)["rows"]
    undone = user.client.post(f"/dataset/{dataset_id}/undo", json={"cells": [{"row": 8, "column": "weight"}]})
    assert undone.status_code == 200, undone.text
    assert user.wait(dataset_id)["status"] == "completed"
    after = user.get(f"/dataset/{dataset_id}/rows", limit=10)["rows"]
    assert [row for row in range(10) if before[row] != after[row]] == [7] and after[7][1] is None
    differences = user.get(f"/dataset/{dataset_id}/diff", **{"from": 1})["differences"]
    assert [(each["row"], each["column"], each["after"]) for each in differences] == [(8, "weight", None)]
    last = user.get(f"/dataset/{dataset_id}/logs/cleaning")["logs"][-1]
    assert (last["kind"], last["rule"]) == ("kept_cells", "user")
    # The table for models has a number there.
    engineered = user.get(f"/dataset/{dataset_id}/rows", table="engineered", limit=10)["rows"]
    assert all(value is not None for row in engineered for value in row)
    wrong = user.client.post(f"/dataset/{dataset_id}/undo", json={"cells": [{"row": 8, "column": "height"}]})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "cells")


def test_a_dry_run_of_a_replay_is_what_was_published(user: User) -> None:
    dataset_id = user.prepare(TABLE, "january.csv", contract="weight=discard_row")
    later = TABLE.replace(b"Oslo,53", b"Oslo,999")
    assert later != TABLE
    replayed = user.prepare(later, "february.csv", recipe_of=dataset_id)
    document = dry_run(user, replayed)
    versions = user.get(f"/dataset/{replayed}/versions")["versions"]
    assert (document["rows"], document["cells_changed"]) == (versions[0]["rows"], versions[0]["cells_changed"])
    assert document["rows"] < 210
    engineered = user.get(f"/dataset/{replayed}/rows", table="engineered", limit=1)["columns"]
    assert document["engineered_columns"] == len(engineered)


def patched(user: User, dataset_id: str, **change: Any) -> httpx.Response:
    answer: httpx.Response = user.client.patch(f"/dataset/{dataset_id}/recipe", json=change)
    if answer.status_code == 200:
        assert user.wait(dataset_id)["status"] in ("proposed", "completed")
    return answer


def steps_of(user: User, dataset_id: str) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = user.get(f"/dataset/{dataset_id}/recipe")["steps"]
    return steps


CODES = "\n".join(
    [
        "zip,day,weight",
        *(
            f"{10_000 + n % 40},2026-01-{n % 28 + 1:02d},{row}"
            for n, row in enumerate([50 + n % 37 if n % 7 else "" for n in range(210)])
        ),
    ]
).encode()


def test_columns_become_something_else_and_what_was_changed_stays(user: User) -> None:
    dataset_id = user.upload(CODES, "codes.csv", review="true", fill="all").json()["dataset_id"]
    assert user.wait(dataset_id)["status"] == "proposed"
    steps = steps_of(user, dataset_id)
    fill = next(number for number, step in enumerate(steps, start=1) if step["kind"].startswith("fill_"))
    scale = next(n for n, s in enumerate(steps, 1) if s["kind"] == "scale" and s["column"] == "weight")
    added = {"kind": "drop_column", "phase": "features", "column": "day"}
    assert patched(user, dataset_id, off=[fill], parameters={scale: {"center": 7.0}}, add=[added]).status_code == 200
    undone = {"cells": [{"row": 3, "column": "weight"}]}
    assert user.client.post(f"/dataset/{dataset_id}/undo", json=undone).status_code == 200
    assert user.wait(dataset_id)["status"] == "proposed"

    change = {"types": {"ZIP": "text"}, "roles": {"day": "keep"}}
    tried = dry_run(user, dataset_id, **change)
    assert patched(user, dataset_id, **change).status_code == 200
    after = steps_of(user, dataset_id)
    published = {number: step["kind"] for number, step in enumerate(after, start=1)}
    assert all(published.get(step["step"], step["kind"]) == step["kind"] for step in tried["steps"])
    assert user.get(f"/dataset/{dataset_id}/profile")["columns"][0]["type"] != "integer"
    assert any(step["kind"] == "drop_column" and step["rule"] == "user" for step in after)
    assert patched(user, dataset_id, target="zip").status_code == 200
    assert user.get(f"/dataset/{dataset_id}/features")["target"]["column"] == "zip"
    again = steps_of(user, dataset_id)
    (scaled,) = [step for step in again if step["kind"] == "scale" and step["column"] == "weight"]
    assert (scaled["center"], scaled["rule"], scaled["user_set"]) == (7.0, "user", ["center"])
    off = [number for number, step in enumerate(again, start=1) if step["is_off"]]
    assert [again[number - 1]["kind"] for number in off] == [steps[fill - 1]["kind"]]
    assert user.get(f"/dataset/{dataset_id}/versions")["versions"][0]["switched_off"] == off
    # Steps are switched on again by their new places, and cells taken back.
    assert patched(user, dataset_id, on=off, redo=undone["cells"]).status_code == 200
    assert not any(step["is_off"] for step in steps_of(user, dataset_id))
    refused = patched(user, dataset_id, redo=undone["cells"])
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "redo")


def test_what_columns_can_not_become_is_refused(user: User) -> None:
    dataset_id = user.prepare(CODES, "codes.csv")
    for change, field in (
        ({"types": {"zip": "wood"}}, "types"),
        ({"types": {"plz": "text"}}, "types"),
        ({"roles": {"zip": "target"}, "target": "day"}, "roles"),
        ({"types": {"zip": "text"}, "off": [1]}, "types"),
        ({"target": "nothing like it"}, "target"),
    ):
        for path in ("recipe", "recipe/dry-run"):
            method = "PATCH" if path == "recipe" else "POST"
            answer = user.client.request(method, f"/dataset/{dataset_id}/{path}", json=change)
            assert answer.status_code == 422, (change, path, answer.text)
            assert answer.json()["errors"][0]["field"].startswith(field), answer.text
    answer = user.client.patch(f"/dataset/{dataset_id}/recipe", json={"types": {"zip": None}})
    assert (answer.status_code, answer.json()["reason"]) == (422, "NOTHING_TO_REVISE")
    replayed = user.prepare(CODES, "codes.csv", recipe_of=dataset_id)
    answer = user.client.patch(f"/dataset/{replayed}/recipe", json={"target": "zip"})
    assert answer.status_code == 422 and "recipe that is repeated" in answer.json()["detail"]


def test_examples_of_a_step_are_cells_that_it_changes(user: User) -> None:
    rows = "\n".join(["x,y", *(f"{100 + n % 17},{n % 5}" for n in range(200)), "9000,1"])
    dataset_id = user.prepare(rows.encode(), "far.csv")
    (step,) = [step for step in dry_run(user, dataset_id)["steps"] if step["kind"] == "treat_outliers"]
    assert [(example["row"], example["before"]) for example in step["examples"]] == [(201, "9000")]


def test_a_column_that_is_not_read_any_more_is_no_feature(user: User) -> None:
    dataset_id = user.prepare(TABLE, "weights.csv")
    assert user.client.post(f"/dataset/{dataset_id}/undo", json={"columns": ["weight"]}).status_code == 200
    assert user.wait(dataset_id)["status"] == "completed"
    features = user.get(f"/dataset/{dataset_id}/features")["output_features"]
    assert features and "weight" not in [feature["name"] for feature in features]
    log = user.get(f"/dataset/{dataset_id}/logs/features")["logs"]
    assert any("left out of the table for models" in line["why"] for line in log)


def test_cells_that_are_not_there_are_not_undone(user: User) -> None:
    dataset_id = user.prepare(TABLE, "weights.csv")
    undone = {"cells": [{"row": 211, "column": "weight"}]}
    answer = user.client.post(f"/dataset/{dataset_id}/undo", json=undone)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cells")
    assert "1 to 210" in answer.json()["detail"]


def test_new_levels_are_in_the_log_of_a_replay(user: User) -> None:
    dataset_id = user.prepare(TABLE, "weights.csv")
    replayed = user.prepare(TABLE.replace(b"Rome", b"Roma"), "next.csv", recipe_of=dataset_id)
    log = user.get(f"/dataset/{replayed}/logs/features")["logs"]
    (line,) = [line for line in log if line["rule"] == "unknown_levels"]
    assert "140 cells of “city” hold values that the recipe does not know (“Roma”)" in line["why"]
