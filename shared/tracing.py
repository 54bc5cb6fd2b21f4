"""Traces: from a request through the services and the queue to each stage of its run; none unless a collector is set.

Spans hold names, ids, codes and times: never data, secrets or the text of an exception.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import structlog
from opentelemetry import context, trace
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.errors import ServiceError
from shared.settings.parts import TraceSettings

TRACEPARENT = "traceparent"
"""The header, the metadata key and the column that carry the context of a trace, in the form of W3C Trace Context."""
AttributeValue = str | int | float | bool
_propagator = TraceContextTextMapPropagator()
_EXPORT_SECONDS = 3
"""The longest time for sending a batch of spans, attempts included: a stop waits for the last one."""
_tracer: Tracer | None = None
_end_traces: Callable[[], None] | None = None
_log = structlog.stdlib.get_logger("traces")


def configure_traces(service: str, settings: TraceSettings) -> None:
    """Send the spans of this process to a collector from now on, if one is set.

    Args:
        service: name of the process.
        settings: the address of the collector, and the share of traces that it gets.
    """
    global _tracer, _end_traces
    if settings.otel_exporter_otlp_endpoint is None:
        return
    # Loaded here only, as a process without traces needs nothing of it.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    endpoint = f"{settings.otel_exporter_otlp_endpoint.rstrip('/')}/v1/traces"

    class Exporter(OTLPSpanExporter):
        """Says in a line of ours what was lost, instead of one for each attempt."""

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            result = super().export(spans)
            if result is not SpanExportResult.SUCCESS:
                _log.warning("spans lost", collector=endpoint, spans=len(spans))
            return result

    exporter = Exporter(endpoint=endpoint, headers=settings.otlp_headers(), timeout=_EXPORT_SECONDS)
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(settings.otel_traces_sampler_arg)),
        resource=Resource.create({"service.name": service, "service.namespace": "neuralearn"}),
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer, _end_traces = provider.get_tracer("neuralearn"), provider.shutdown


def end_traces() -> None:
    """Send what is left, before the process ends; without traces, do nothing."""
    if _end_traces is not None:
        _end_traces()


def begin_span(
    name: str, *, kind: SpanKind, parent: str | None = None, attributes: Mapping[str, AttributeValue] | None = None
) -> Span:
    """Start a span that stays the current one of this task, which must end it; without traces, one that does nothing.

    For tasks that serve one call: their context ends with them, and no span is current after it.

    Args:
        name: what is done; a name of few, never one with an id.
        kind: its part in the trace.
        parent: the `traceparent` that came with the call; None for the current span.
        attributes: what is known of it.
    """
    if _tracer is None:
        return INVALID_SPAN
    span = _tracer.start_span(name, context=_parent_context(parent), kind=kind, attributes=attributes)
    context.attach(trace.set_span_in_context(span))
    return span


@contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: str | None = None,
    attributes: Mapping[str, AttributeValue] | None = None,
) -> Iterator[Span]:
    """Provide a span for the time of the block; without traces, one that does nothing.

    An exception makes it a failed one, with its reason or the name of its class, unless it is marked already.

    Args:
        name: what is done; a name of few, never one with an id.
        kind: its part in the trace.
        parent: the `traceparent` that came with what is done; None for the current span.
        attributes: what is known of it.
    """
    if _tracer is None:
        yield INVALID_SPAN
        return
    with _tracer.start_as_current_span(
        name,
        context=_parent_context(parent),
        kind=kind,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except BaseException as error:
            if "error.type" not in (getattr(current, "attributes", None) or ()):
                mark_failed(current, error_type(error))
            raise


def record_span(name: str, *, seconds: float, parent: str | None = None, error: str | None = None) -> None:
    """Record what has ended just now.

    Args:
        name: what was done.
        seconds: how long it took.
        parent: the `traceparent` of what it belongs to; None for the current span.
        error: why it failed; None if it did not.
    """
    if _tracer is None:
        return
    ended = time.time()
    recorded = _tracer.start_span(
        name, context=_parent_context(parent), start_time=_nanoseconds(ended - max(0.0, seconds))
    )
    if error is not None:
        mark_failed(recorded, error)
    recorded.end(_nanoseconds(ended))


def mark_failed(span: Span, error: str) -> None:
    """Mark a span as failed.

    Args:
        span: the span.
        error: a code, a reason or the name of a class: few different ones.
    """
    span.set_attribute("error.type", error)
    span.set_status(Status(StatusCode.ERROR))


def error_type(error: BaseException) -> str:
    """Return what a span says of an exception: its reason, or the name of its class, and none of its text."""
    return error.reason if isinstance(error, ServiceError) else type(error).__name__


def current_traceparent() -> str | None:
    """Return the context of the current span, to be sent along; None without traces."""
    if _tracer is None:
        return None
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get(TRACEPARENT)


def add_trace_id(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Add the id of the current trace to a log line: a processor of structlog."""
    if _tracer is not None:
        current = trace.get_current_span().get_span_context()
        if current.is_valid:
            event["trace_id"] = trace.format_trace_id(current.trace_id)
    return event


def _parent_context(parent: str | None) -> context.Context | None:
    return None if parent is None else _propagator.extract({TRACEPARENT: parent})


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000_000)
