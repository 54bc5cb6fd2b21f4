"""Webhooks: a signed POST when a preparation has ended, retried with growing pauses.

Requests are signed according to Standard Webhooks 1.0 (standardwebhooks.com), so that receivers can use any of its
libraries: HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>`, in Base64.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections import Counter
from collections.abc import Sequence

import httpx

from shared.db.webhooks import Delivery, Webhooks
from shared.errors import ServiceError, Unavailable
from shared.logs import get_logger
from shared.outbound import OutboundGuard
from worker_service.pipeline.metrics import WEBHOOK_DELIVERIES

_MAX_CONCURRENT = 20
_MAX_CONCURRENT_PER_OWNER = 5
_CLAIM_SECONDS = 0.5
_TOTAL_SECONDS = 15
_log = get_logger("webhook_sender")


class WebhookSender:
    """Sends the webhooks that are due."""

    def __init__(
        self, *, webhooks: Webhooks, guard: OutboundGuard, keys: Sequence[bytes], public_url: str = ""
    ) -> None:
        """Create a sender.

        Args:
            webhooks: the table of deliveries.
            guard: resolves URLs and refuses private addresses.
            keys: the secrets that sign requests, each with a signature of its own.
            public_url: the base URL under which receivers reach the gateway.
        """
        self._webhooks = webhooks
        self._guard = guard
        self._keys = keys
        self._public_url = public_url.rstrip("/")

    async def deliver(self) -> int:
        """Send the webhooks that are due, several at a time, and return how many were accepted.

        A slow receiver occupies one slot and an owner only a few of them, so that nobody else has to wait.
        """
        accepted = 0
        owners: dict[asyncio.Task[bool], str] = {}
        try:
            while await self._start_due(owners) or owners:
                ended, _ = await asyncio.wait(owners, timeout=_CLAIM_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    del owners[task]
                accepted += sum(task.result() for task in ended)
        finally:
            for task in owners:
                task.cancel()
            await asyncio.gather(*owners, return_exceptions=True)
        return accepted

    async def _start_due(self, owners: dict[asyncio.Task[bool], str]) -> bool:
        """Start due deliveries in the free slots; `owners` maps each running delivery to its owner."""
        if len(owners) == _MAX_CONCURRENT:
            return False
        full = [owner for owner, count in Counter(owners.values()).items() if count >= _MAX_CONCURRENT_PER_OWNER]
        deliveries = await self._webhooks.claim(
            limit=_MAX_CONCURRENT - len(owners), per_owner=_MAX_CONCURRENT_PER_OWNER, without=full
        )
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
                WEBHOOK_DELIVERIES.labels("delivered").inc()
                log.info("webhook delivered", status=status)
                return True
            problem, gone = f"Answered with {status}.", status == httpx.codes.GONE
        will_retry = await self._webhooks.failed(delivery, problem, for_good=gone)
        WEBHOOK_DELIVERIES.labels("retried" if will_retry else "failed").inc()
        log.warning("webhook failed", problem=problem, will_retry=will_retry)
        return False

    async def _post(self, delivery: Delivery) -> int:
        body = message_body(delivery, self._public_url)
        headers = signature_headers(message_id(delivery), int(time.time()), body, self._keys)
        url = self._guard.parse(delivery.url)
        headers = {"content-type": "application/json", **headers}
        request = await self._guard.request(
            "POST", url, headers=headers, timeout=httpx.Timeout(_TOTAL_SECONDS), content=body
        )
        # The bare transport neither follows redirects nor uses a proxy, as a client would. The body is not needed.
        async with httpx.AsyncHTTPTransport(trust_env=False) as transport:
            response = await transport.handle_async_request(request)
            await response.aclose()
            return response.status_code


def message_body(delivery: Delivery, public_url: str = "") -> bytes:
    """Return the JSON body of a webhook; `public_url` is the base of its link."""
    error = {"reason": delivery.error_reason, "detail": delivery.error_detail} if delivery.state == "failed" else None
    document = {
        "type": f"dataset.{delivery.state}",
        "timestamp": delivery.finished_at.isoformat(),
        "data": {
            "dataset_id": str(delivery.dataset_id),
            "status": delivery.state,
            "error": error,
            "status_url": f"{public_url}/dataset/{delivery.dataset_id}/status",
        },
    }
    return json.dumps(document, ensure_ascii=False).encode()


def message_id(delivery: Delivery) -> str:
    """Return the id of a message, which is the same for every attempt, so that receivers can drop repeats."""
    return f"msg_{delivery.run_id.hex}_{int(delivery.finished_at.timestamp() * 1000)}"


def signature_headers(identifier: str, timestamp: int, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """Return the headers that prove who sent a message and when; receivers need one of the keys."""
    signed = f"{identifier}.{timestamp}.".encode() + body
    signatures = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys]
    return {
        "webhook-id": identifier,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
