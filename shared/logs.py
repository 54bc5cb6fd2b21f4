"""Structured logs: a JSON line, or a coloured line on a terminal, per event; no data, no secrets."""

import logging
import sys
from typing import Literal

import structlog

from shared.tracing import add_trace_id

get_logger = structlog.stdlib.get_logger


def configure_logs(*, service: str, level: str, form: Literal["auto", "json", "console"]) -> None:
    """Send structlog and the standard library's logging to stderr in one format.

    Args:
        service: name of the process, in each line.
        level: the least severe level to log.
        form: the format; `auto` is `console` on a terminal, else `json`.
    """

    def add_service(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {**event, "service": service}  # not of the context, which threads don't inherit

    json_lines = not sys.stderr.isatty() if form == "auto" else form == "json"
    shared_processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        add_service,
        add_trace_id,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared_processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if json_lines else structlog.dev.ConsoleRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared_processors,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("arq.worker", "botocore", "aiobotocore", "httpx", "alembic", "uvicorn.access", "matplotlib"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)  # `spans lost` says it
