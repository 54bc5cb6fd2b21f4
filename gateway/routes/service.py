"""The gateway itself: its health, and where to go from its root."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from gateway.dependencies import GatewayDependency, problems
from gateway.schemas import service as schemas

router = APIRouter(tags=["service"])


@router.head("/health", include_in_schema=False)
@router.get(
    "/health",
    summary="Ask whether everything answers",
    responses={
        **problems(),
        503: {"model": schemas.Health, "description": "At least one service or server does not answer."},
    },
)
async def get_health(gateway: GatewayDependency, response: Response) -> schemas.Health:
    """Asks every service behind the gateway, two seconds at most, and PipelineService what it knows of the servers.

    For people and alarms. A probe that takes a gateway out of service should ask `/health/live`: with Redis or a
    service away, uploads are accepted all the same, and errors are told honestly.
    """
    services, servers = await gateway.clients.health.check()
    ok = all(state == "serving" for state in (*services.values(), *servers.values()))
    response.status_code = 200 if ok else 503
    response.headers["Cache-Control"] = "no-store"
    status: Literal["ok", "unavailable"] = "ok" if ok else "unavailable"
    return schemas.Health(status=status, version=gateway.about.version, services=services, servers=servers)


@router.head("/health/live", include_in_schema=False)
@router.get("/health/live", summary="Ask whether the gateway answers", responses=problems())
async def get_live(gateway: GatewayDependency, response: Response) -> schemas.Live:
    """Asks nobody: for the probes of an orchestrator."""
    response.headers["Cache-Control"] = "no-store"
    return schemas.Live(status="ok", version=gateway.about.version)


@router.get("/queues", summary="See how much work waits", responses=problems())
async def list_queues(gateway: GatewayDependency, response: Response) -> schemas.Queues:
    """The work in each queue, counted in the database, and what Redis says of itself; for operators."""
    response.headers["Cache-Control"] = "no-store"
    return await gateway.clients.pipeline.list_queues()


@router.get("/workers", summary="See who works", responses=problems())
async def list_workers(gateway: GatewayDependency, response: Response) -> schemas.Workers:
    """The worker processes that gave a sign of life within 20 seconds, and what they execute; for operators."""
    response.headers["Cache-Control"] = "no-store"
    return await gateway.clients.pipeline.list_workers()


@router.head("/", include_in_schema=False)
@router.get(
    "/",
    summary="Find your way",
    response_class=Response,
    responses={
        **problems(),
        200: {"model": schemas.About, "description": "Where to go from here."},
        307: {"description": "The page is at `/app/`."},
    },
)
async def get_root(request: Request, gateway: GatewayDependency) -> Response:
    """Leads to the page for people; JSON where the `Accept` header prefers it."""
    headers = {"Vary": "Accept"}
    if not _prefers_json(request.headers.get("accept", "")):
        return RedirectResponse("app/", headers=headers)
    return JSONResponse(gateway.about.model_dump(), headers=headers)


@router.get("/app", include_in_schema=False)
async def get_app() -> Response:
    """Leads to the page for people, whose links are relative."""
    return RedirectResponse("app/")


def _prefers_json(accept: str) -> bool:
    return _quality(accept, "application/json") > _quality(accept, "text/html")


def _quality(accept: str, media_type: str) -> float:
    """Return how strongly an Accept header prefers a media type, 0 to 1.

    Source: RFC 9110 12.5.1; the most exact range decides.
    """
    ranges = {}
    for entry in accept.split(","):
        name, *parameters = (part.strip().lower() for part in entry.split(";"))
        weight = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        ranges[name] = float(weight) if weight.replace(".", "", 1).isdecimal() else 0.0
    for candidate in (media_type, media_type.split("/")[0] + "/*", "*/*"):
        if candidate in ranges:
            return ranges[candidate]
    return 0.0
