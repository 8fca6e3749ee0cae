"""Settings of what tells how the service is doing: logs, numbers, traces, crash reports."""

from __future__ import annotations

import dataclasses

from config.env_values import setting


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Observability:
    """The part of :class:`config.env.Env` that operators of monitoring look for."""

    log_level: str = setting(
        "Lowest level that is logged.",
        default="INFO",
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
    )
    log_stream: str = setting(
        "Where log lines go. Commands use stderr, so that their output can be piped.",
        default="stdout",
        choices=("stdout", "stderr"),
    )
    log_file: str = setting(
        "File that log lines go to instead, shared by all processes; whoever rotates it only has "
        "to rename it. Empty: LOG_STREAM.",
        default="",
    )
    slow_query_ms: int = setting(
        "SQL statements that take longer are logged, by shape, without any value.",
        default=200,
        minimum=1,
    )
    metrics_token: str = setting(
        "Bearer token that opens /metrics and /health/detailed. Empty: both are closed.",
        default="",
        secret=True,
    )
    worker_metrics_port: int = setting(
        "Port below HOST where a worker shows its numbers to Prometheus. 0: nowhere.",
        default=0,
        minimum=0,
    )
    traffic_flush_s: int = setting(
        "How often each web process writes down what it counted for the operations page.",
        default=10,
        minimum=1,
    )
    traffic_retention_hours: int = setting(
        "How long those counts are kept.", default=48, minimum=25
    )
    otlp_endpoint: str = setting(
        "Where traces go, by OTLP over HTTP, such as http://collector:4318. Empty: nothing is "
        "traced.",
        default="",
    )
    trace_percentage: int = setting(
        "Share of the requests that are traced when their caller did not decide.",
        default=10,
        minimum=0,
    )
    sentry_dsn: str = setting(
        "Where crashes are reported to, a Sentry DSN. Empty: nowhere.", default="", secret=True
    )
