"""Putting the gateway together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from string import Template
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.utils import get_openapi
from fastapi_offline import FastAPIOffline

from gateway.clients.clients import Clients, open_clients
from gateway.dependencies import Gateway
from gateway.http.download import TableDownload
from gateway.http.middleware import BodyDrain, RequestLog
from gateway.http.problems import MEDIA_TYPE, install_problem_handlers
from gateway.routes import collaboration, datasets, results, service
from gateway.upload.uploads import Uploads
from gateway.version import project_version
from shared.logs import get_logger
from shared.settings.processes import GatewaySettings

_DESCRIPTION = """
Upload a table; get it back cleaned, profiled and ready for a model, with the reason for every change.

1. `POST /dataset/upload` with a file (CSV, JSON, Parquet, Excel and more) answers a `dataset_id` at once.
2. `GET /dataset/{dataset_id}/status` says how far the preparation is.
3. Then the tables, charts, features and logs of the dataset can be fetched; before, they answer 409.

Every error is `application/problem+json` with a stable `reason`. Every answer carries `X-Request-ID`; send your own to
follow a request through the logs.
"""
_log = get_logger("gateway")
_TAGS = [
    {"name": "datasets", "description": "Upload datasets and follow them."},
    {"name": "results", "description": "Tables, charts, features, logs and reports of a dataset."},
    {"name": "collaboration", "description": "What a group of people shares."},
    {"name": "service", "description": "The gateway itself."},
]


def create_app(settings: GatewaySettings) -> FastAPI:
    """The application; it dials the services when it starts."""
    version = project_version()
    app = FastAPIOffline(
        title="NeuraLearn",
        version=version,
        summary="Automated data preparation as a service.",
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        license_info={"name": "MIT", "identifier": "MIT"},
        lifespan=_lifespan(settings, version),
    )
    for area in (datasets, results, collaboration, service):
        app.include_router(area.router)
    install_problem_handlers(app)
    if origins := [origin.strip() for origin in settings.cors_origins.split(",") if origin.strip()]:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "HEAD", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=["Content-Disposition", "ETag", "Location", "Retry-After", "X-Request-ID"],
        )
    app.add_middleware(RequestLog)
    # Outermost, so that even the answer to an unexpected exception reaches a client that is still sending.
    app.add_middleware(BodyDrain, max_bytes=settings.max_upload_bytes)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _lifespan(settings: GatewaySettings, version: str) -> Any:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_clients(settings) as clients:
            app.state.gateway = _gateway(settings, clients, version)
            _log.info("serving", address=f"{settings.gateway_host}:{settings.gateway_port}")
            yield
            _log.info("stopped")

    return lifespan


def _gateway(settings: GatewaySettings, clients: Clients, version: str) -> Gateway:
    welcome = (Path(__file__).parent / "static" / "welcome.html").read_text("utf-8")
    return Gateway(
        clients=clients,
        uploads=Uploads(
            clients.ingest,
            max_bytes=settings.max_upload_bytes,
            max_concurrent=settings.max_concurrent_uploads,
            idle_seconds=settings.upload_idle_seconds,
        ),
        downloads=TableDownload(clients.report),
        version=version,
        welcome=Template(welcome),
    )


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The description of the API, in which problems have the media type they are sent with."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
            license_info=app.license_info,
        )
        for operations in schema["paths"].values():
            for operation in operations.values():
                _name_problem_type(operation["responses"])
        app.openapi_schema = schema
    return app.openapi_schema


def _name_problem_type(responses: dict[str, Any]) -> None:
    for response in responses.values():
        content = response.get("content", {})
        if content.get("application/json", {}).get("schema", {}).get("$ref", "").endswith("/Problem"):
            content[MEDIA_TYPE] = content.pop("application/json")
