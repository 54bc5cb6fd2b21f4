"""Webhooks: signed, tried again, told once, and never into a private network."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from shared.db.datasets import DatasetRecord, Datasets, NewDataset, NewRun
from shared.db.runs import Runs
from shared.db.session import Database
from shared.db.usage import Quota, Usage
from shared.db.webhooks import BACKOFF, Webhooks
from shared.outbound import OutboundGuard
from tests.records import accept_dataset, publish
from worker_service.pipeline.webhook_sender import WebhookSender

KEY = b"0123456789abcdef"


class Receiver:
    """An HTTP server that answers with what it is told to, and remembers what came."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.url = ""
        self.pause = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        fields = (line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in fields}
        self.received.append((headers, await reader.readexactly(int(headers["content-length"]))))
        await asyncio.sleep(self.pause)
        status = self.statuses.pop(0) if self.statuses else 200
        location = "location: /elsewhere\r\n" if status == 302 else ""
        writer.write(f"HTTP/1.1 {status} X\r\n{location}content-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server:
        yield receiver


def webhook_sender(database: Database, *, allow_private: bool = True) -> WebhookSender:
    outside = OutboundGuard("webhook_url", allow_private=allow_private, verb="told")
    return WebhookSender(webhooks=Webhooks(database), outside=outside, key=KEY, public_url="https://data.example/")


async def accept(database: Database, url: str, **changes: Any) -> DatasetRecord:
    template = await accept_dataset(database, **changes)
    await Datasets(database).delete(template.id)
    names = NewDataset.__dataclass_fields__
    new = NewDataset(**{name: getattr(template, name) for name in names})
    run = NewRun(id=template.run.id, queue="eda_fast", options=template.run.options, webhook_url=url)
    return await Datasets(database).accept(new, run)


async def end(database: Database, record: DatasetRecord, *, well: bool = True) -> None:
    runs = Runs(database)
    run = await runs.claim(record.run.id, lease=timedelta(seconds=30))
    assert run is not None and run.lease_token is not None
    if well:
        assert await publish(runs, run)
    else:
        assert await runs.fail(run.id, run.lease_token, reason="NOISE", detail="Nothing but noise.")


async def row(database: Database, record: DatasetRecord) -> Any:
    async with database.transaction() as connection:
        found = await connection.execute(text("select * from webhooks where run_id = :id"), {"id": record.run.id})
        return found.one()


async def test_the_end_is_told_once_and_signed(database: Database) -> None:
    async with receiving() as receiver:
        record = await accept(database, receiver.url)
        assert await webhook_sender(database).deliver() == 0
        await end(database, record)
        assert await webhook_sender(database).deliver() == 1
        assert await webhook_sender(database).deliver() == 0
        ((headers, body),) = receiver.received
    told = json.loads(body)
    assert told["type"] == "dataset.completed"
    assert told["data"]["dataset_id"] == str(record.id)
    assert told["data"]["error"] is None
    assert told["data"]["status_url"] == f"https://data.example/dataset/{record.id}/status"
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    signature = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{signature}"


async def test_a_failure_is_told_with_its_reason(database: Database) -> None:
    async with receiving() as receiver:
        record = await accept(database, receiver.url)
        await end(database, record, well=False)
        await webhook_sender(database).deliver()
        told = json.loads(receiver.received[0][1])
    assert told["type"] == "dataset.failed"
    assert told["data"]["error"] == {"reason": "NOISE", "detail": "Nothing but noise."}


@pytest.mark.parametrize("status", [500, 404, 302])
async def test_who_does_not_take_it_is_told_again_later(database: Database, status: int) -> None:
    async with receiving() as receiver:
        record = await accept(database, receiver.url)
        await end(database, record)
        for attempt in range(len(BACKOFF) + 1):
            receiver.statuses = [status]
            assert await webhook_sender(database).deliver() == 0
            assert await webhook_sender(database).deliver() == 0
            assert len(receiver.received) == attempt + 1
            async with database.transaction() as connection:
                soon = "update webhooks set due_at = now() where run_id = :id and due_at is not null"
                await connection.execute(text(soon), {"id": record.run.id})
        given_up = await row(database, record)
        assert (given_up.due_at, given_up.delivered_at, given_up.error) == (None, None, f"Answered with {status}.")
        assert len({headers["webhook-id"] for headers, _ in receiver.received}) == 1


async def test_who_is_gone_is_told_no_more(database: Database) -> None:
    async with receiving() as receiver:
        record = await accept(database, receiver.url)
        await end(database, record)
        receiver.statuses = [410]
        assert await webhook_sender(database).deliver() == 0
        assert (await row(database, record)).due_at is None


async def test_a_receiver_has_the_time_that_is_promised(database: Database) -> None:
    async with receiving() as receiver:
        record = await accept(database, receiver.url)
        await end(database, record)
        receiver.pause = 11
        assert await webhook_sender(database).deliver() == 1


@pytest.mark.parametrize("late", ["delivered", "refused", "gone"])
async def test_a_late_answer_about_an_earlier_end_says_nothing_of_a_later_one(database: Database, late: str) -> None:
    webhooks, runs = Webhooks(database), Runs(database)
    record = await accept(database, "http://203.0.113.1/hook")
    assert await runs.cancel(record.run.id)
    (earlier,) = [one for one in await webhooks.claim(limit=1000, per_owner=1000) if one.run_id == record.run.id]
    assert await Datasets(database).requeue(record, Usage(database, Quota({})))
    await end(database, record)
    (later,) = [one for one in await webhooks.claim(limit=1000, per_owner=1000) if one.run_id == record.run.id]
    assert (later.attempt, later.state) == (earlier.attempt, "completed")
    if late == "delivered":
        await webhooks.delivered(earlier)
    else:
        await webhooks.failed(earlier, "No answer.", for_good=late == "gone")
    told = await row(database, record)
    assert (told.delivered_at, told.error) == (None, None)
    assert told.due_at is not None
    await webhooks.delivered(later)
    assert (await row(database, record)).delivered_at is not None


async def test_private_networks_are_not_told(database: Database) -> None:
    async with receiving() as receiver:
        record = await accept(database, receiver.url)
        await end(database, record)
        assert await webhook_sender(database, allow_private=False).deliver() == 0
        assert receiver.received == []
    assert "private network" in (await row(database, record)).error


async def test_many_messengers_tell_once(database: Database) -> None:
    async with receiving() as receiver:
        for _ in range(30):
            await end(database, await accept(database, receiver.url))
        taken = await asyncio.gather(*(webhook_sender(database).deliver() for _ in range(4)))
        assert sum(taken) == 30
        assert len({headers["webhook-id"] for headers, _ in receiver.received}) == len(receiver.received) == 30


async def test_receivers_that_never_answer_hold_nobody_else_up(database: Database) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    hanging = await asyncio.start_server(hang, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{hanging.sockets[0].getsockname()[1]}/hook"
    async with hanging, receiving() as receiver:
        stuck = [await accept(database, address, user_id="busy") for _ in range(40)]
        for record in stuck:
            await end(database, record)
        delivering = asyncio.create_task(webhook_sender(database).deliver())
        await asyncio.sleep(0.5)
        await end(database, await accept(database, receiver.url, user_id="rare"))
        async with asyncio.timeout(5):
            while not receiver.received:  # noqa: ASYNC110  # the receiver has no event
                await asyncio.sleep(0.05)
        delivering.cancel()
        await asyncio.wait([delivering])
    for record in stuck:
        await Datasets(database).delete(record.id)
