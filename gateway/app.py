"""The FastAPI application of the gateway."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi_offline import FastAPIOffline
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from gateway.clients.clients import Clients, open_clients
from gateway.dependencies import Gateway
from gateway.http.download import TableDownload
from gateway.http.forwarded import ForwardCaller
from gateway.http.middleware import DRAIN_BYTES, BodyDrain, RequestLog
from gateway.http.problems import install_problem_handlers
from gateway.http.query_parameters import refuse_unknown_parameters
from gateway.http.security_headers import SecurityHeaders
from gateway.http.site_guard import SiteGuard
from gateway.http.tls import reload_certificate
from gateway.openapi import DESCRIPTION, SERVERS, TAGS, describe, operation_id
from gateway.routes import collaboration, comments, datasets, exports, graphs, recipes, results, revisions, service
from gateway.schemas.service import About
from gateway.upload.uploads import Uploads
from gateway.version import project_version
from shared.identity.tokens import ServiceTokens
from shared.logs import get_logger
from shared.settings.processes import GatewaySettings
from shared.tracing import end_traces

_PAGE = Path(__file__).parent / "static" / "app"
"""The page for people, whose scripts use the public API alone."""
_log = get_logger("gateway")


def create_app(settings: GatewaySettings) -> FastAPI:
    """The application; it dials the services when it starts."""
    version = project_version()
    guard = SiteGuard(hosts=settings.gateway_hosts, address=settings.gateway_host, origins=settings.cors_origins)
    make = FastAPIOffline if settings.gateway_docs else partial(FastAPI, openapi_url=None)
    app = make(
        title="NeuraLearn",
        redirect_slashes=False,
        version=version,
        summary="Automated data preparation as a service.",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        servers=SERVERS,
        generate_unique_id_function=operation_id,
        dependencies=[Depends(guard), Depends(refuse_unknown_parameters)],
        license_info={"name": "MIT", "identifier": "MIT"},
        lifespan=_lifespan(settings, version),
    )
    for area in (datasets, results, graphs, revisions, exports, recipes, comments, collaboration, service):
        app.include_router(area.router)
    app.mount("/app", GZipMiddleware(StaticFiles(directory=_PAGE, html=True)))
    install_problem_handlers(app)
    if origins := [origin.strip() for origin in settings.cors_origins.split(",") if origin.strip()]:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["*"],
            expose_headers=["Content-Disposition", "ETag", "Location", "Retry-After", "X-Request-ID"],
        )
    app.add_middleware(
        SecurityHeaders,
        is_cross_origin=bool(settings.cors_origins),
        has_tls=settings.gateway_tls_certificate is not None,
    )
    app.add_middleware(ForwardCaller, tokens=ServiceTokens(*settings.service_keys) if settings.service_keys else None)
    app.add_middleware(RequestLog)
    # Outermost, so that even the answer to an unexpected exception reaches a client that is still sending.
    app.add_middleware(BodyDrain, max_bytes=max(settings.max_upload_bytes, DRAIN_BYTES))
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    return app


def _lifespan(settings: GatewaySettings, version: str) -> Any:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_clients(settings) as clients, _reloaded_certificate(app, settings):
            app.state.gateway = _gateway(settings, clients, version)
            _log.info("serving", address=f"{settings.gateway_host}:{settings.gateway_port}")
            yield
            _log.info("stopped")
            # Here, as the server ends the process by the signal that it was stopped with.
            await asyncio.to_thread(end_traces)

    return lifespan


@asynccontextmanager
async def _reloaded_certificate(app: FastAPI, settings: GatewaySettings) -> AsyncIterator[None]:
    """Read the certificate again as it changes, while the block runs; do nothing without TLS."""
    context = getattr(app.state, "tls", None)
    certificate, key = settings.gateway_tls_certificate, settings.gateway_tls_key
    if context is None or certificate is None or key is None:
        yield
        return
    reloading = asyncio.create_task(reload_certificate(context, certificate, key))
    try:
        yield
    finally:
        reloading.cancel()


def _gateway(settings: GatewaySettings, clients: Clients, version: str) -> Gateway:
    return Gateway(
        clients=clients,
        uploads=Uploads(
            clients.ingest,
            max_bytes=settings.max_upload_bytes,
            max_concurrent=settings.max_concurrent_uploads,
            idle_seconds=settings.upload_idle_seconds,
        ),
        downloads=TableDownload(clients.report),
        about=About(
            name="NeuraLearn",
            version=version,
            app="/app/",
            docs="/docs" if settings.gateway_docs else None,
            redoc="/redoc" if settings.gateway_docs else None,
            openapi="/openapi.json" if settings.gateway_docs else None,
            health="/health",
            auth_mode=settings.auth_mode,
            max_upload_bytes=settings.max_upload_bytes,
        ),
    )
