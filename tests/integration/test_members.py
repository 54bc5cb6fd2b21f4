"""Members of collaborations, visibility of datasets, API keys and the audit trail in the database."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from shared.contracts.vocabulary import Role
from shared.db.api_keys import ApiKeys
from shared.db.audit import AuditTrail
from shared.db.datasets import Datasets
from shared.db.members import Members
from shared.db.session import Database
from shared.errors import Conflict, NotFound, PermissionDenied
from shared.identity.access_control import AuditEvent
from shared.identity.api_keys import hash_key
from shared.identity.caller import OPEN_CALLER, Caller
from tests.records import accept_dataset


def user(user_id: str, memberships: dict[str, Role] | None = None) -> Caller:
    return Caller(kind="user", user_id=user_id, scopes=frozenset(("read", "write")), memberships=memberships)


@pytest.fixture
def team() -> str:
    return f"team-{uuid4()}"


@pytest.fixture
def members(database: Database) -> Members:
    return Members(database)


async def test_the_first_uploader_owns_a_collaboration_and_strangers_stay_out(
    database: Database, members: Members, team: str
) -> None:
    await members.check_upload(user("ada"), team)
    await accept_dataset(database, uploader=user("ada"), collaboration_id=team)
    assert [(member.user_id, member.role) for member in await members.list(team)] == [("ada", "owner")]
    for stranger in (user("sam"), user("sam", {}), user("sam", {team: "viewer"})):
        with pytest.raises(PermissionDenied):
            await members.check_upload(stranger, team)
        with pytest.raises(PermissionDenied):
            await accept_dataset(database, uploader=stranger, user_id="sam", collaboration_id=team)
    assert not (await Datasets(database).list(user_id="sam", collaboration_id=team)).rows
    await accept_dataset(database, uploader=user("ed", {team: "editor"}), user_id="ed", collaboration_id=team)


async def test_of_two_who_begin_a_collaboration_at_once_one_owns_it(database: Database, members: Members) -> None:
    for _ in range(10):
        team = str(uuid4())
        uploads = [
            accept_dataset(database, uploader=user(user_id), user_id=user_id, collaboration_id=team)
            for user_id in ("ada", "bob")
        ]
        outcomes = await asyncio.gather(*uploads, return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["DatasetRecord", "PermissionDenied"]
        assert len(await members.list(team)) == 1


async def test_a_collaboration_keeps_an_owner(database: Database, members: Members, team: str) -> None:
    with pytest.raises(NotFound):
        await members.put(team, "ada", "owner")
    await accept_dataset(database, uploader=user("ada"), collaboration_id=team)
    for change in (lambda: members.remove(team, "ada"), lambda: members.put(team, "ada", "viewer")):
        with pytest.raises(Conflict, match="at least one owner"):
            await change()
    await members.put(team, "bob", "owner")
    outcomes = await asyncio.gather(members.remove(team, "ada"), members.remove(team, "bob"), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "NoneType"]
    with pytest.raises(NotFound, match="no member"):
        await members.remove(team, "sam")


async def test_a_list_holds_what_the_caller_may_see(database: Database, members: Members, team: str) -> None:
    ada, vi, sam = (f"{name}-{uuid4()}" for name in ("ada", "vi", "sam"))
    own = await accept_dataset(database, uploader=user(ada), user_id=ada)
    shared = await accept_dataset(database, uploader=user(ada), user_id=ada, collaboration_id=team)
    await members.put(team, vi, "viewer")

    async def visible(caller: Caller, collaboration_id: str = "") -> set[str]:
        page = await Datasets(database).list(visible_to=caller, collaboration_id=collaboration_id)
        return {str(record.id) for record in page.rows}

    assert await visible(user(ada)) == {str(own.id), str(shared.id)}
    assert await visible(user(vi)) == await visible(user(sam, {team: "viewer"})) == {str(shared.id)}
    assert await visible(user(sam)) == await visible(user(sam), team) == await visible(user(vi, {})) == set()
    assert {str(own.id), str(shared.id)} <= await visible(OPEN_CALLER)


async def test_keys_are_hashed_and_their_use_is_recorded(database: Database) -> None:
    keys, user_id = ApiKeys(database), str(uuid4())
    key, secret = await keys.create(user_id=user_id, name="ci", scopes=("read",), lifetime=timedelta(days=1))
    assert key.secret_hash == hash_key(secret)
    assert secret.startswith(f"nl_{key.key_id}_")
    assert key.expires_at is not None and key.last_used_at is None
    await keys.touch(key.key_id)
    first = (await keys.list(user_id=user_id))[0].last_used_at
    await keys.touch(key.key_id)
    assert first is not None and (await keys.list(user_id=user_id))[0].last_used_at == first
    await keys.revoke(key.key_id)
    await keys.revoke(key.key_id)
    match = await keys.find(key.key_id)
    assert match is not None and not match[0].is_valid(match[1])
    with pytest.raises(NotFound):
        await keys.revoke("none")


def event(owner_id: str, collaboration_id: str = "", dataset_id: str = "") -> AuditEvent:
    return AuditEvent(
        action="DeleteDataset",
        outcome="ok",
        caller_kind="user",
        caller_id="x",
        key_id="",
        address="203.0.113.7",
        request_id="r",
        owner_id=owner_id,
        dataset_id=dataset_id,
        collaboration_id=collaboration_id,
        member="",
    )


async def test_the_trail_is_read_by_owners_alone(database: Database, members: Members, team: str) -> None:
    trail, ada, olga, vi = AuditTrail(database), *(f"{name}-{uuid4()}" for name in ("ada", "olga", "vi"))
    await accept_dataset(database, uploader=user(olga), user_id=olga, collaboration_id=team)
    await members.put(team, vi, "viewer")
    dataset_id = str(uuid4())
    for made in (event(ada), event(ada, dataset_id=dataset_id), event(vi, team)):
        await trail.add(made)

    async def count(caller: Caller, **filters: str) -> int:
        arguments = {"dataset_id": "", "page_token": "", **filters}
        return len((await trail.list(caller=caller, page_size=0, **arguments)).rows)

    assert await count(user(ada)) == 2
    assert await count(user(ada), dataset_id=dataset_id) == 1
    assert await count(user(olga)) == await count(user("x", {team: "owner"})) == 1
    assert await count(user(vi)) == 1, "what one did with one's own data"
    assert await count(user(f"sam-{uuid4()}")) == 0
    page = await trail.list(caller=user(ada), dataset_id="", page_size=1, page_token="")
    following = await trail.list(caller=user(ada), dataset_id="", page_size=1, page_token=page.next_token)
    assert page.rows[0].id > following.rows[0].id
    assert following.next_token == ""


async def test_old_events_are_removed(database: Database) -> None:
    trail, owner = AuditTrail(database), str(uuid4())
    await trail.add(event(owner))
    await trail.purge(kept=timedelta(days=1))
    assert (await trail.list(caller=user(owner), dataset_id="", page_size=0, page_token="")).rows
    await trail.purge(kept=timedelta(0))
    assert not (await trail.list(caller=user(owner), dataset_id="", page_size=0, page_token="")).rows
