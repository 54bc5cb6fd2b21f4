"""Webhooks: signed, sent once, sent again after a failure, and never into a private network."""

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
from shared.db.webhooks import BACKOFF, Delivery, Webhooks
from shared.identity.caller import OPEN_CALLER
from shared.outbound import OutboundGuard
from tests.records import accept_dataset, publish
from worker_service.pipeline.webhook_sender import WebhookSender, signature_headers

KEY = b"0123456789abcdef"


class Receiver:
    """An HTTP server that answers with the given statuses and records the requests."""

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


def build_sender(database: Database, *, allow_private: bool = True) -> WebhookSender:
    guard = OutboundGuard("webhook_url", allow_private=allow_private, verb="called")
    return WebhookSender(webhooks=Webhooks(database), guard=guard, keys=[KEY], public_url="https://data.example/")


async def accept(database: Database, url: str, **changes: Any) -> DatasetRecord:
    template = await accept_dataset(database, **changes)
    await Datasets(database).delete(template.id)
    names = NewDataset.__dataclass_fields__
    new = NewDataset(**{name: getattr(template, name) for name in names})
    run = NewRun(id=template.run.id, queue="eda_fast", options=template.run.options, webhook_url=url)
    return await Datasets(database).accept(new, run, uploader=OPEN_CALLER)


async def end_run(database: Database, record: DatasetRecord, *, succeeded: bool = True) -> None:
    runs = Runs(database)
    run = await runs.claim(record.run.id, lease=timedelta(seconds=30))
    assert run is not None and run.lease_token is not None
    if succeeded:
        assert await publish(runs, run)
    else:
        assert await runs.fail(run.id, run.lease_token, reason="NOISE", detail="Nothing but noise.")


async def test_two_secrets_sign_while_one_replaces_the_other() -> None:
    old, new = (signature_headers("msg_1", 7, b"{}", [key])["webhook-signature"] for key in (b"o" * 16, b"n" * 16))
    both = signature_headers("msg_1", 7, b"{}", [b"n" * 16, b"o" * 16])["webhook-signature"]
    assert both == f"{new} {old}"


async def webhook_row(database: Database, record: DatasetRecord) -> Any:
    async with database.transaction() as connection:
        result = await connection.execute(text("select * from webhooks where run_id = :id"), {"id": record.run.id})
        return result.one()


async def test_the_end_is_sent_once_and_signed(database: Database) -> None:
    async with receiving() as receiver:
        record = await accept(database, receiver.url)
        assert await build_sender(database).deliver() == 0
        await end_run(database, record)
        assert await build_sender(database).deliver() == 1
        assert await build_sender(database).deliver() == 0
        ((headers, body),) = receiver.received
    event = json.loads(body)
    assert event["type"] == "dataset.completed"
    assert event["data"]["dataset_id"] == str(record.id)
    assert event["data"]["error"] is None
    assert event["data"]["status_url"] == f"https://data.example/dataset/{record.id}/status"
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    signature = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{signature}"


async def test_a_failure_is_sent_with_its_reason(database: Database) -> None:
    async with receiving() as receiver:
        record = await accept(database, receiver.url)
        await end_run(database, record, succeeded=False)
        await build_sender(database).deliver()
        event = json.loads(receiver.received[0][1])
    assert event["type"] == "dataset.failed"
    assert event["data"]["error"] == {"reason": "NOISE", "detail": "Nothing but noise."}


@pytest.mark.parametrize("status", [500, 404, 302])
async def test_a_receiver_that_fails_gets_the_webhook_again(database: Database, status: int) -> None:
    async with receiving() as receiver:
        record = await accept(database, receiver.url)
        await end_run(database, record)
        for attempt in range(len(BACKOFF) + 1):
            receiver.statuses = [status]
            assert await build_sender(database).deliver() == 0
            assert await build_sender(database).deliver() == 0
            assert len(receiver.received) == attempt + 1
            async with database.transaction() as connection:
                statement = "update webhooks set due_at = now() where run_id = :id and due_at is not null"
                await connection.execute(text(statement), {"id": record.run.id})
        given_up = await webhook_row(database, record)
        assert (given_up.due_at, given_up.delivered_at, given_up.error) == (None, None, f"Answered with {status}.")
        assert len({headers["webhook-id"] for headers, _ in receiver.received}) == 1


async def test_a_receiver_that_is_gone_gets_no_more(database: Database) -> None:
    async with receiving() as receiver:
        record = await accept(database, receiver.url)
        await end_run(database, record)
        receiver.statuses = [410]
        assert await build_sender(database).deliver() == 0
        assert (await webhook_row(database, record)).due_at is None


async def test_a_receiver_has_the_time_that_is_promised(database: Database) -> None:
    async with receiving() as receiver:
        record = await accept(database, receiver.url)
        await end_run(database, record)
        receiver.pause = 11
        assert await build_sender(database).deliver() == 1


async def claim_delivery(webhooks: Webhooks, record: DatasetRecord) -> Delivery:
    """Claim every due delivery, and return that of the dataset."""
    deliveries = await webhooks.claim(limit=1000, per_owner=1000)
    (delivery,) = [delivery for delivery in deliveries if delivery.run_id == record.run.id]
    return delivery


@pytest.mark.parametrize("late", ["delivered", "refused", "gone"])
async def test_a_late_answer_about_an_earlier_end_does_not_affect_a_later_one(database: Database, late: str) -> None:
    webhooks, runs = Webhooks(database), Runs(database)
    record = await accept(database, "http://203.0.113.1/hook")
    assert await runs.cancel(record.run.id)
    earlier = await claim_delivery(webhooks, record)
    assert await Datasets(database).requeue(record, Usage(database, Quota({})))
    await end_run(database, record)
    later = await claim_delivery(webhooks, record)
    assert (later.attempt, later.state) == (earlier.attempt, "completed")
    if late == "delivered":
        await webhooks.delivered(earlier)
    else:
        await webhooks.failed(earlier, "No answer.", for_good=late == "gone")
    webhook = await webhook_row(database, record)
    assert (webhook.delivered_at, webhook.error) == (None, None)
    assert webhook.due_at is not None
    await webhooks.delivered(later)
    assert (await webhook_row(database, record)).delivered_at is not None


async def test_nothing_is_sent_into_private_networks(database: Database) -> None:
    async with receiving() as receiver:
        record = await accept(database, receiver.url)
        await end_run(database, record)
        assert await build_sender(database, allow_private=False).deliver() == 0
        assert receiver.received == []
    assert "private network" in (await webhook_row(database, record)).error


async def test_concurrent_senders_send_each_webhook_once(database: Database) -> None:
    async with receiving() as receiver:
        for _ in range(30):
            await end_run(database, await accept(database, receiver.url))
        delivered = await asyncio.gather(*(build_sender(database).deliver() for _ in range(4)))
        assert sum(delivered) == 30
        assert len({headers["webhook-id"] for headers, _ in receiver.received}) == len(receiver.received) == 30


async def test_receivers_that_never_answer_delay_no_others(database: Database) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    hanging_server = await asyncio.start_server(hang, "127.0.0.1", 0)
    hanging_url = f"http://127.0.0.1:{hanging_server.sockets[0].getsockname()[1]}/hook"
    async with hanging_server, receiving() as receiver:
        stuck = [await accept(database, hanging_url, user_id="busy") for _ in range(40)]
        for record in stuck:
            await end_run(database, record)
        delivering = asyncio.create_task(build_sender(database).deliver())
        await asyncio.sleep(0.5)
        await end_run(database, await accept(database, receiver.url, user_id="rare"))
        async with asyncio.timeout(5):
            while not receiver.received:  # noqa: ASYNC110  # the receiver has no event
                await asyncio.sleep(0.05)
        delivering.cancel()
        await asyncio.wait([delivering])
    for record in stuck:
        await Datasets(database).delete(record.id)
