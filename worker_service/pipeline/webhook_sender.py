"""Telling webhooks that a preparation has ended: a signed POST, tried again with growing pauses.

Signed as Standard Webhooks 1.0 has it (standardwebhooks.com), so that receivers can use any of its libraries:
HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>`, in Base64.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections import Counter

import httpx

from shared.db.webhooks import Delivery, Webhooks
from shared.errors import ServiceError, Unavailable
from shared.logs import get_logger
from shared.outbound import OutboundGuard

_AT_ONCE = 20
_OF_ONE_OWNER = 5
_LOOK_SECONDS = 0.5
_TOTAL_SECONDS = 15
_log = get_logger("messenger")


class WebhookSender:
    """Makes the deliveries that are due."""

    def __init__(self, *, webhooks: Webhooks, outside: OutboundGuard, key: bytes, public_url: str = "") -> None:
        """`key` signs; `public_url` is where receivers reach the gateway."""
        self._webhooks = webhooks
        self._outside = outside
        self._key = key
        self._public_url = public_url.rstrip("/")

    async def deliver(self) -> int:
        """Make what is due, some at a time; returns how many were taken by their receivers.

        Who is slow to take one keeps one place, an owner keeps a few at most, and nobody else waits for them.
        """
        taken = 0
        owners: dict[asyncio.Task[bool], str] = {}
        try:
            while await self._begin(owners) or owners:
                ended, _ = await asyncio.wait(owners, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                for delivery in ended:
                    del owners[delivery]
                taken += sum(delivery.result() for delivery in ended)
        finally:
            for delivery in owners:
                delivery.cancel()
            await asyncio.gather(*owners, return_exceptions=True)
        return taken

    async def _begin(self, owners: dict[asyncio.Task[bool], str]) -> bool:
        """Begin what is due and there is room for, beside the deliveries under way of these owners."""
        if len(owners) == _AT_ONCE:
            return False
        full = [owner for owner, count in Counter(owners.values()).items() if count >= _OF_ONE_OWNER]
        room = _AT_ONCE - len(owners)
        deliveries = await self._webhooks.claim(limit=room, per_owner=_OF_ONE_OWNER, without=full)
        for delivery in deliveries:
            owners[asyncio.create_task(self._deliver(delivery))] = delivery.user_id
        return bool(deliveries)

    async def _deliver(self, delivery: Delivery) -> bool:
        log = _log.bind(dataset_id=str(delivery.dataset_id), attempt=delivery.attempt)
        gone = False
        try:
            async with asyncio.timeout(_TOTAL_SECONDS):
                status = await self._post(delivery)
        except Unavailable:
            raise
        except ServiceError as error:
            problem = error.detail
        except (httpx.HTTPError, TimeoutError) as error:
            problem = f"No answer ({type(error).__name__})."
        else:
            if httpx.codes.is_success(status):
                await self._webhooks.delivered(delivery)
                log.info("webhook delivered", status=status)
                return True
            problem, gone = f"Answered with {status}.", status == httpx.codes.GONE
        again = await self._webhooks.failed(delivery, problem, for_good=gone)
        log.warning("webhook not delivered", problem=problem, again=again)
        return False

    async def _post(self, delivery: Delivery) -> int:
        body = message(delivery, self._public_url)
        headers = signed(message_id(delivery), int(time.time()), body, self._key)
        url = self._outside.parse(delivery.url)
        headers = {"content-type": "application/json", **headers}
        request = await self._outside.request(
            "POST", url, headers=headers, timeout=httpx.Timeout(_TOTAL_SECONDS), content=body
        )
        # Not by a client, which would follow redirects and look for proxies; the answer's body is not of interest.
        async with httpx.AsyncHTTPTransport(trust_env=False) as transport:
            response = await transport.handle_async_request(request)
            await response.aclose()
            return response.status_code


def message(delivery: Delivery, public_url: str = "") -> bytes:
    """What is told; its link begins with where receivers reach the gateway."""
    error = {"reason": delivery.error_reason, "detail": delivery.error_detail} if delivery.state == "failed" else None
    told = {
        "type": f"dataset.{delivery.state}",
        "timestamp": delivery.finished_at.isoformat(),
        "data": {
            "dataset_id": str(delivery.dataset_id),
            "status": delivery.state,
            "error": error,
            "status_url": f"{public_url}/dataset/{delivery.dataset_id}/status",
        },
    }
    return json.dumps(told, ensure_ascii=False).encode()


def message_id(delivery: Delivery) -> str:
    """The same for every attempt at one message, so that a receiver can tell repeats."""
    return f"msg_{delivery.run_id.hex}_{int(delivery.finished_at.timestamp() * 1000)}"


def signed(identifier: str, timestamp: int, body: bytes, key: bytes) -> dict[str, str]:
    """The headers that prove who sent a message and when."""
    signature = hmac.new(key, f"{identifier}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": identifier,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }
