"""After the erasure of a user nothing of it is in any store, and after retention nothing of a dataset."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
import redis
from sqlalchemy import text

from ingest_service.user_erasure import UserErasure
from shared.db.api_keys import ApiKeys
from shared.db.audit import AuditTrail
from shared.db.comments import Comments, Subject
from shared.db.datasets import Datasets
from shared.db.erasure import Erasure
from shared.db.hash_keys import HashKeys
from shared.db.members import Members
from shared.db.session import Database
from shared.db.tables import metadata
from shared.db.usage import Quota, Usage
from shared.errors import NotFound, PermissionDenied, QuotaExceeded
from shared.identity.access_control import AuditEvent
from shared.identity.caller import Caller
from shared.storage import ObjectStore
from tests.e2e.user import User
from tests.records import accept_dataset
from tests.security.callers import bearer, token
from tests.security.conftest import TokenStack, upload
from worker_service.pipeline.retention import Retention, RetentionTimes

CANARY = "kanarienvogel"
TABLES = ("datasets", "hash_keys", "recipes", "audit_events", "collaboration_members")
FIELDS = {"collaboration_id": f"{CANARY}-team", "target": "none", "column_privacy": "city=hash"}


def stores(stack: TokenStack) -> Iterator[tuple[str, bytes]]:
    """Yield everything that the stack keeps: rows, objects, keys of Redis, logs and scratch files."""

    async def rows() -> list[tuple[str, bytes]]:
        database = Database(str(stack.stack.settings.database_url).replace("postgresql:", "postgresql+asyncpg:"))
        contents = []
        async with database.transaction() as connection:
            for name in metadata.tables:
                content = await connection.scalar(text(f"select string_agg(t::text, ' ') from {name} t"))
                contents.append((f"table {name}", (content or "").encode()))
        await database.close()
        return contents

    yield from asyncio.run(rows())
    folder = stack.stack.data_dir
    for path in folder.rglob("*"):
        if path.is_file() and not path.relative_to(folder).parts[0].startswith(("postgres", "valkey")):
            yield str(path.relative_to(folder)), path.name.encode() + path.read_bytes()
    with redis.Redis.from_url(str(stack.stack.settings.redis_url)) as client:
        for key in client.scan_iter():
            yield f"redis {key!r}", key + (client.dump(key) or b"")


@pytest.mark.xdist_group("token stack")
def test_nothing_of_an_erased_user_is_left(token_stack: TokenStack) -> None:
    user_id = f"{CANARY}-{uuid4()}"
    csv = "name,city\n" + "".join(f"{CANARY}{row},Oslo\n" for row in range(40))
    with httpx.Client(base_url=token_stack.url, timeout=60, headers=bearer(token(user_id))) as client:
        answer = client.post("/dataset/upload", files={"file": (f"{CANARY}.csv", csv)}, data=FIELDS)
        dataset_id = answer.json()["dataset_id"]
        assert User(client).wait(dataset_id)["status"] == "completed"
        for path in ("cleaned", "engineered", "profile", "changes?format=csv", "eda/graphs", "graph/missingness"):
            client.get(f"/dataset/{dataset_id}/{path}")
        assert client.post("/recipes", json={"name": CANARY, "dataset_id": dataset_id}).status_code == 200
        client.delete(f"/dataset/{token_stack.dataset_id}")
        before = [location for location, content in stores(token_stack) if CANARY.encode() in content]
        assert {f"table {name}" for name in TABLES} <= set(before)
        assert any(location.startswith("objects") for location in before)
        upload(client)
        assert client.delete(f"/users/{user_id}/data").json() == {"datasets": 2}
        assert client.delete(f"/users/{user_id}/data").json() == {"datasets": 0}
    assert [location for location, content in stores(token_stack) if CANARY.encode() in content] == []


def user(user_id: str) -> Caller:
    return Caller(kind="user", user_id=user_id, scopes=frozenset(("read", "write")))


async def erase(database: Database, store: ObjectStore, user_id: str) -> int:
    erasure = UserErasure(datasets=Datasets(database), store=store, erasure=Erasure(database))
    return await erasure.erase(user_id)


async def roles(database: Database, collaboration_id: str) -> dict[str, str]:
    return {member.user_id: member.role for member in await Members(database).list(collaboration_id)}


async def test_an_heir_is_who_was_trusted_most(database: Database, store: ObjectStore) -> None:
    members, gone, viewer, editor = Members(database), *(str(uuid4()) for _ in range(3))
    team, small, empty = (str(uuid4()) for _ in range(3))
    for collaboration in (team, small, empty):
        await accept_dataset(database, uploader=user(gone), user_id=gone, collaboration_id=collaboration)
    await members.put(team, viewer, "viewer")
    await members.put(team, editor, "editor")
    await members.put(small, viewer, "viewer")
    await erase(database, store, gone)
    assert await roles(database, team) == {viewer: "viewer", editor: "owner"}
    assert await roles(database, small) == {viewer: "owner"}
    assert await roles(database, empty) == {}
    await members.check_upload(user("anybody"), empty)


async def test_nobody_takes_over_what_has_a_dataset_in_it(database: Database, store: ObjectStore) -> None:
    members, team, carl, ada = Members(database), *(str(uuid4()) for _ in range(3))
    await accept_dataset(database, uploader=user(carl), user_id=carl, collaboration_id=team)
    await members.put(team, ada, "editor")
    await accept_dataset(database, uploader=user(ada), user_id=ada, collaboration_id=team)
    await members.remove(team, ada)
    await erase(database, store, carl)
    assert await roles(database, team) == {ada: "owner"}, "the owner of what is left is its heir"
    with pytest.raises(PermissionDenied):
        await accept_dataset(database, uploader=user("mallory"), user_id="mallory", collaboration_id=team)


async def test_owners_who_leave_at_once_leave_an_owner(database: Database, store: ObjectStore) -> None:
    members = Members(database)
    for _ in range(8):
        team, first, second, viewer = (str(uuid4()) for _ in range(4))
        await accept_dataset(database, uploader=user(first), user_id=first, collaboration_id=team)
        await members.put(team, second, "owner")
        await members.put(team, viewer, "viewer")
        await asyncio.gather(erase(database, store, first), erase(database, store, second))
        assert await roles(database, team) == {viewer: "owner"}


async def test_an_upload_during_an_erasure_is_before_it_or_after_it(database: Database, store: ObjectStore) -> None:
    for _ in range(12):
        team, ada = str(uuid4()), str(uuid4())
        await accept_dataset(database, uploader=user(ada), user_id=ada, collaboration_id=team)
        uploads = [accept_dataset(database, uploader=user(ada), user_id=ada, collaboration_id=team) for _ in range(3)]
        await asyncio.gather(erase(database, store, ada), *uploads, return_exceptions=True)
        left = await Datasets(database).ids_of(ada, limit=10)
        assert await roles(database, team) == ({ada: "owner"} if left else {}), (
            "datasets without an owner of their team"
        )


async def test_a_name_that_is_free_again_brings_no_trail(database: Database, store: ObjectStore) -> None:
    trail, team, ada = AuditTrail(database), str(uuid4()), str(uuid4())
    record = await accept_dataset(database, uploader=user(ada), user_id=ada, collaboration_id=team)
    await trail.add(
        AuditEvent(
            action="GetTable",
            outcome="ok",
            caller_kind="user",
            caller_id=ada,
            key_id="",
            address="203.0.113.7",
            request_id="r",
            owner_id="somebody else",
            dataset_id=str(record.id),
            collaboration_id=team,
            member="",
        )
    )
    assert len((await trail.list(caller=user(ada), dataset_id="", page_size=0, page_token="")).rows) == 1
    await erase(database, store, ada)
    await accept_dataset(database, uploader=user("bob"), user_id="bob", collaboration_id=team)
    assert (await trail.list(caller=user("bob"), dataset_id=str(record.id), page_size=0, page_token="")).rows == []


async def test_erasure_takes_the_keys_and_gives_no_new_quota(database: Database) -> None:
    usage, user_id = Usage(database, Quota({"deep": 1})), str(uuid4())
    await ApiKeys(database).create(user_id=user_id, name="", scopes=("read",), lifetime=None)
    first = await accept_dataset(database, queue="eda_deep", user_id=user_id, usage=usage)
    async with database.transaction() as connection:
        await connection.execute(text("update runs set state = 'completed' where id = :id"), {"id": first.run.id})
    for _ in range(2):
        await Datasets(database).delete(first.id) if await Datasets(database).ids_of(user_id, limit=1) else None
        await Erasure(database).erase(user_id)
        assert await ApiKeys(database).list(user_id=user_id) == []
        with pytest.raises(QuotaExceeded):
            await accept_dataset(database, queue="eda_deep", user_id=user_id, usage=usage)
    assert await Datasets(database).ids_of(user_id, limit=1) == []


async def test_what_is_kept_long_enough_is_removed(database: Database, store: ObjectStore) -> None:
    trail, datasets = AuditTrail(database), Datasets(database)
    old, young, busy = [await accept_dataset(database, user_id=str(uuid4())) for _ in range(3)]
    async with database.transaction() as connection:
        for record, state in ((old, "completed"), (young, "completed"), (busy, "running")):
            ended = {"state": state, "id": record.run.id}
            await connection.execute(text("update runs set state = :state where id = :id"), ended)
            if record is not young:
                aged = text("update datasets set created_at = now() - interval '40 days' where id = :id")
                await connection.execute(aged, {"id": record.id})
    for record in (old, young, busy):
        await store.put_bytes(f"datasets/{record.id}/raw", b"x")
    for_ever = RetentionTimes(datasets=None, audit_events=None)
    assert await Retention(datasets=datasets, trail=trail, store=store, times=for_ever).purge() == 0
    times = RetentionTimes(datasets=timedelta(days=30), audit_events=timedelta(days=30))
    assert await Retention(datasets=datasets, trail=trail, store=store, times=times).purge() >= 1
    assert await datasets.ids_of(old.user_id, limit=1) == []
    assert len(await datasets.ids_of(young.user_id, limit=1)) == len(await datasets.ids_of(busy.user_id, limit=1)) == 1
    assert {info.key.split("/")[1] async for info in store.list("datasets")} == {str(young.id), str(busy.id)}


async def test_a_user_has_one_key_for_hashes_as_long_as_it_has_datasets(database: Database, store: ObjectStore) -> None:
    keys, ada, bob = HashKeys(database), str(uuid4()), str(uuid4())
    for owner in (ada, bob):
        await accept_dataset(database, uploader=user(owner), user_id=owner)
    first, again, other = await asyncio.gather(keys.of(ada), keys.of(ada), keys.of(bob))
    assert first == again != other
    assert len(first) == 32
    await erase(database, store, ada)
    with pytest.raises(NotFound):
        await keys.of(ada)
    await accept_dataset(database, uploader=user(ada), user_id=ada)
    assert await keys.of(ada) != first


async def test_comments_of_an_erased_user_go(database: Database, store: ObjectStore) -> None:
    ada, gone = str(uuid4()), str(uuid4())
    dataset_id = (await accept_dataset(database, uploader=user(ada), user_id=ada)).id
    comments = Comments(database)
    kept = await comments.create(dataset_id, author=ada, text="kept", subject=Subject(step=1))
    await comments.create(dataset_id, author=gone, text="gone", subject=Subject(column="a", row=1))
    await comments.resolve(dataset_id, kept.id, by=gone)
    await erase(database, store, gone)
    (left,) = (await comments.list(dataset_id, Subject(), page_size=0, page_token="")).rows
    assert left.text == "kept"
    assert left.resolved_by not in (None, gone)
    assert left.resolved_at is not None
