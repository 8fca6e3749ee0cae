"""Spans of OpenTelemetry, for those who want them: off, nothing of it is even imported.

On with ``OTLP_ENDPOINT``. A caller's ``traceparent`` (W3C Trace Context) is continued, carried into
jobs and events, and sent on with outbound calls, so that one trace leads from the request over the
worker to the webhook. Attributes hold routes, shapes and codes, never values.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from core.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Span

HEADER: Final = "traceparent"
_VALID: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}\Z"
)
_tracer: Any = None
_provider: Any = None
_off: Final = contextlib.nullcontext[Any](None)


def start(processor: SpanProcessor | None = None) -> None:
    """Trace from now on, if the settings name a collector or a ``processor`` is given.

    Once in each process, after it was forked: spans are sent by a thread.
    """
    global _tracer, _provider  # noqa: PLW0603 - on or off for the whole process
    if processor is None and not settings.ENV.otlp_endpoint:
        return
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - optional, and off is free
    from opentelemetry.sdk.trace import TracerProvider, sampling  # noqa: PLC0415 - as above

    ratio = sampling.TraceIdRatioBased(settings.ENV.trace_percentage / 100)
    about = {
        "service.name": "strongroom",
        "service.version": VERSION,
        "deployment.environment.name": settings.ENV.environment,
    }
    _provider = TracerProvider(
        sampler=sampling.ParentBased(ratio), resource=Resource(about), shutdown_on_exit=True
    )
    _provider.add_span_processor(processor or _to_collector())
    _tracer = _provider.get_tracer("strongroom")


def stop() -> None:
    """Trace no longer; what was not sent yet is sent now."""
    global _tracer, _provider  # noqa: PLW0603 - as in start
    if _provider is not None:
        _provider.shutdown()
    _tracer = _provider = None


def span(
    name: str, *, kind: str = "internal", parent: str = "", **attributes: Any
) -> contextlib.AbstractContextManager[Span | None]:
    """Time what happens in this block; ``parent`` is a traceparent that came from elsewhere."""
    return _off if _tracer is None else _recorded(name, kind, parent, attributes)


def traceparent() -> str:
    """Return what to tell others of the running span; empty when it is not recorded."""
    if _tracer is None:
        return ""
    from opentelemetry import trace  # noqa: PLC0415 - as in start

    current = trace.get_current_span().get_span_context()
    if not current.is_valid or not current.trace_flags.sampled:
        return ""
    return f"00-{current.trace_id:032x}-{current.span_id:016x}-01"


def trace_id() -> str:
    """Return the id of the running trace, for the log."""
    return traceparent()[3:35]


@contextlib.contextmanager
def _recorded(name: str, kind: str, parent: str, attributes: dict[str, Any]) -> Iterator[Any]:
    from opentelemetry.trace import SpanKind  # noqa: PLC0415 - as in start
    from opentelemetry.trace.propagation import tracecontext  # noqa: PLC0415 - as in start

    above = None
    if _VALID.match(parent):
        above = tracecontext.TraceContextTextMapPropagator().extract({HEADER: parent})
    with _tracer.start_as_current_span(
        name,
        context=above,
        kind=SpanKind[kind.upper()],
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
        # The words of an exception may quote values; the log has them, scrubbed.
        record_exception=False,
        set_status_on_exception=False,
    ) as running:
        try:
            yield running
        except Exception as exc:
            running.set_attribute("error.type", type(exc).__name__)
            raise


def _to_collector() -> SpanProcessor:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - as in start
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as in start

    endpoint = f"{settings.ENV.otlp_endpoint.rstrip('/')}/v1/traces"
    return BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint))
