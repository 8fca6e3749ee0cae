"""The numbers we count ourselves; /metrics also carries those of django-prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from typing_extensions import override

HTTP_REQUESTS = Counter(
    "strongroom_http_requests_total",
    "Answered requests by route template, never by concrete path.",
    ["method", "route", "status"],
)
HTTP_LATENCY = Histogram(
    "strongroom_http_request_duration_seconds",
    "Time from first byte read to answer built.",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30),
)
HTTP_RECEIVED_BYTES = Counter(
    "strongroom_http_request_bytes_total",
    "Bytes of bodies that requests announced.",
    ["method", "route"],
)
HTTP_SENT_BYTES = Counter(
    "strongroom_http_response_bytes_total",
    "Bytes of bodies that were answered, before compression; streams are not counted.",
    ["method", "route"],
)
HTTP_IN_FLIGHT = Gauge(
    "strongroom_http_requests_in_flight",
    "Requests being worked on.",
    multiprocess_mode="livesum",
)
API_REQUESTS = Counter(
    "strongroom_api_requests_total",
    "Answers of the API by version, and whether the operation is going away.",
    ["version", "deprecated"],
)
LIMIT_CHECKS = Counter(
    "strongroom_limit_checks_total", "Requests counted against a plan.", ["scope", "outcome"]
)
ERRORS = Counter("strongroom_errors_total", "Error answers by problem code.", ["code"])
UNHANDLED = Counter("strongroom_unhandled_exceptions_total", "Crashes answered with 500.")
DB_RETRIES = Counter("strongroom_db_retries_total", "Repeated transactions.", ["sqlstate"])
CACHE_ERRORS = Counter("strongroom_cache_errors_total", "Cache calls that failed.")
FALLBACKS = Counter(
    "strongroom_fallbacks_total",
    "Times something else had to do: rows for the cache, this process for limits in Valkey, what "
    "was read before for runtime settings or a secret store.",
    ["source", "target"],
)
for _source, _target in (
    ("cache", "database"),
    ("limits", "process"),
    ("runtime_settings", "earlier"),
    ("secret_store", "earlier"),
):
    FALLBACKS.labels(source=_source, target=_target)
BREAKER_OPENED = Counter(
    "strongroom_breaker_opened_total", "Destinations left alone after failing too often."
)
BREAKER_REFUSALS = Counter(
    "strongroom_breaker_refusals_total", "Calls not made because their destination rests."
)
OUTBOUND_CALLS = Counter(
    "strongroom_outbound_calls_total",
    "Calls to others by purpose and outcome.",
    ["purpose", "outcome"],
)
WEBHOOK_DELIVERIES = Counter(
    "strongroom_webhook_deliveries_total", "Events sent to endpoints by outcome.", ["outcome"]
)
JOBS = Counter("strongroom_jobs_total", "Background jobs that ended.", ["task", "outcome"])
JOB_DURATION_S = Histogram(
    "strongroom_job_duration_seconds",
    "Time one try of a background job took.",
    ["task"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600),
)
LOGINS = Counter("strongroom_logins_total", "Login attempts by outcome.", ["outcome"])
GUESSES_REFUSED = Counter(
    "strongroom_guesses_refused_total", "Attempts that were not heard: too many wrong.", ["purpose"]
)
HASHES_REFUSED = Counter(
    "strongroom_password_hashes_refused_total", "Logins answered 503: too many at once."
)
HASH_DURATION_S = Histogram(
    "strongroom_password_hash_duration_seconds",
    "Time one password took to be hashed or checked, without the wait for a turn.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
SESSION_LOOKUPS = Counter(
    "strongroom_session_lookups_total", "Session checks by who answered.", ["source"]
)
KEY_LOOKUPS = Counter("strongroom_key_lookups_total", "API key checks by who answered.", ["source"])
EVENTS = Counter(
    "strongroom_events_total",
    "What happened to people, sessions, cookies and money, committed, by topic of the event.",
    ["topic"],
)
TRANSACTIONS = Counter(
    "strongroom_transactions_total",
    "Transactions and holds, committed, by asset and what became of them: posted, reversed (the "
    "reversing one), held, captured, released, expired.",
    ["asset", "state"],
)
# A float, as every number here: for alerts and panels. What was moved exactly is in the ledger.
MONEY_MOVED = Counter(
    "strongroom_money_moved_minor_total",
    "Minor units that were posted, reversed or captured, committed, by asset.",
    ["asset"],
)
# An alert looks for a rise, and the first one is a rise only from a zero that was told.
for _topic in ("session.reuse_detected", "cookie.theft_detected", "transaction.posted"):
    EVENTS.labels(topic=_topic)


# States without labels: until somebody measures them they read as zero, which would be a lie.
_STATES: Final[set[str]] = set()


def _gauge(name: str, about: str, labels: tuple[str, ...] = ()) -> Gauge:
    """Return a gauge of a state that every process sees alike: the latest word counts."""
    if not labels:
        _STATES.add(f"strongroom_{name}")
    return Gauge(f"strongroom_{name}", about, labels, multiprocess_mode="mostrecent")


class _Counted(Collector):
    """What this process counted, without the states that only a scrape of the web measures."""

    @override
    def collect(self) -> Iterator[Metric]:
        return (metric for metric in REGISTRY.collect() if metric.name not in _STATES)


def counted() -> CollectorRegistry:
    """Return what a worker shows: of states it knows nothing."""
    registry = CollectorRegistry()
    registry.register(_Counted())
    return registry


DB_UP = _gauge("database_up", "1 when the last scrape could read the database.")
SECRETS_UP = _gauge("secret_store_up", "1 when the secret store answered last.", ("store",))
SECRETS_CHANGED = _gauge(
    "secret_store_changed", "1 when the store says other than what runs.", ("store",)
)
SECRETS_FAILURES = Counter(
    "strongroom_secret_store_failures_total", "Questions the secret store left open.", ["store"]
)
SERVICE_MODE = _gauge("service_mode", "1 for the mode the service is in.", ("mode",))
KEYS_PAST_MAX_AGE = _gauge(
    "api_keys_past_max_age", "Working API keys older than API_KEY_MAX_AGE_DAYS."
)
CACHE_UP = _gauge("cache_up", "1 when Valkey answered at the last scrape.")
DB_POOL = _gauge("database_pool", "Connections and waiting requests of one process.", ("state",))
JOBS_WAITING = _gauge("jobs_waiting", "Jobs that could start now.", ("queue",))
JOBS_FAILED = _gauge("jobs_failed", "Jobs that nobody will try again by itself.", ("queue",))
JOBS_OLDEST_S = _gauge("jobs_oldest_seconds", "How long the oldest job waits.", ("queue",))
WEBHOOK_OLDEST_S = _gauge("webhook_oldest_seconds", "How long the oldest due delivery waits.")
OUTBOX_OLDEST_S = _gauge("outbox_oldest_seconds", "How long the oldest event waits to go out.")
DEAD_LETTERS = _gauge("dead_letters", "Events that five tries could not deliver.")
BREAKERS_OPEN = _gauge("breakers_open", "Destinations that are left alone.")
MEASURED = _gauge("measured", "What a job measured last.", ("name",))
MEASURED_AT = _gauge("measured_timestamp_seconds", "When it measured that.", ("name",))
PARTITION_MONTHS_AHEAD = _gauge("partition_months_ahead", "Months the big tables have room for.")
