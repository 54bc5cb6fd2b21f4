"""The health of the services behind the gateway and of the servers that they need."""

import asyncio

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.schemas.service import Serving

HEALTH_SECONDS = 2.0
FRESH_SECONDS = 1.0
"""How long an answer is given again: under load, many ask at once."""
SERVERS = ("database", "queue", "store")


class HealthClient:
    """Asks every service whether it serves, and PipelineService about the servers they all need."""

    def __init__(self, channels: dict[str, grpc.aio.Channel]) -> None:
        self._stubs = {name: health_pb2_grpc.HealthStub(channel) for name, channel in channels.items()}
        self._answer: asyncio.Task[tuple[dict[str, Serving], dict[str, Serving]]] | None = None
        self._asked_at = 0.0

    async def check(self) -> tuple[dict[str, Serving], dict[str, Serving]]:
        """Return the state of each service, and of each server, as it was at most a second ago."""
        now = asyncio.get_running_loop().time()
        if self._answer is None or (now - self._asked_at > FRESH_SECONDS and self._answer.done()):
            self._answer, self._asked_at = asyncio.create_task(self._check_all()), now
        return await asyncio.shield(self._answer)

    async def _check_all(self) -> tuple[dict[str, Serving], dict[str, Serving]]:
        """Ask all at once."""
        names = {name: f"neuralearn.{name}.v1.{name.capitalize()}Service" for name in self._stubs}
        checks = [self._check(service, name) for service, name in names.items()]
        checks += [self._check("pipeline", server) for server in SERVERS]
        states = dict(zip((*names, *SERVERS), await asyncio.gather(*checks), strict=True))
        return {name: states[name] for name in names}, {name: states[name] for name in SERVERS}

    async def _check(self, service: str, name: str) -> Serving:
        request = health_pb2.HealthCheckRequest(service=name)
        try:
            answer = await self._stubs[service].Check(request, timeout=HEALTH_SECONDS)
        except grpc.aio.AioRpcError:
            return "unreachable"
        return "serving" if answer.status == health_pb2.HealthCheckResponse.SERVING else "not_serving"
