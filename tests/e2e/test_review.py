"""Reviews: preparations that end as proposals, against the whole stack."""

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
    fill = next(place for place, step in enumerate(recipe["steps"], start=1) if step["kind"].startswith("fill_"))
    assert user.get(f"/dataset/{dataset_id}/changes?step={fill}")["total_changes"] == 30
    changed = user.client.patch(f"/dataset/{dataset_id}/recipe", json={"off": [fill]})
    assert changed.status_code == 200
    assert user.wait(dataset_id)["status"] == "proposed"
    assert user.get(f"/dataset/{dataset_id}/changes?step={fill}")["total_changes"] == 0
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
