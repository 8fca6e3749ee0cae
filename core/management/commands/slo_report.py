"""``manage.py slo_report``: what became of the objectives in a month, by Prometheus."""

from __future__ import annotations

import calendar
import datetime as dt
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from core import clock

AVAILABILITY: Final = 0.999
TIMEOUT_S: Final = 30
_REQUESTS: Final = "sum(increase(strongroom_http_requests_total{filter}[{days}d]))"
_P95: Final = (
    "histogram_quantile(0.95, sum by (le) "
    "(rate(strongroom_http_request_duration_seconds_bucket{filter}[{days}d])))"
)
_P95_DATABASE: Final = (
    "histogram_quantile(0.95, sum by (le) (rate(django_db_query_duration_seconds_bucket[{days}d])))"
)
_READS: Final = 'method=~"GET|HEAD|OPTIONS"'


class Command(BaseCommand):
    help = "Print availability, spent error budget and p95 of a month; see docs/slo.md."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--month", default="", help="Such as 2026-11. Default: this month.")
        parser.add_argument("--prometheus", default="http://127.0.0.1:9090", help="Its address.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        first, end = _month(options["month"])
        days = -(-int((end - first).total_seconds()) // 86_400)

        def ask(query: str, filter_: str = "") -> float:
            text = query.replace("{filter}", filter_).replace("{days}", str(days))
            return _asked(options["prometheus"], text, at=end)

        requests, failures = ask(_REQUESTS), ask(_REQUESTS, '{status=~"5.."}')
        if not requests:
            raise CommandError("Prometheus knows of no request in this month.")
        report = {
            "month": f"{first:%Y-%m}",
            "requests": round(requests),
            "failures": round(failures),
            "availability": round(1 - failures / requests, 6),
            "objective": AVAILABILITY,
            "budget_spent": round(failures / requests / (1 - AVAILABILITY), 4),
            "p95_ms": round(ask(_P95) * 1_000, 1),
            "p95_read_ms": round(ask(_P95, f"{{{_READS}}}") * 1_000, 1),
            "p95_write_ms": round(ask(_P95, f"{{{_READS.replace('=~', '!~')}}}") * 1_000, 1),
            "p95_database_ms": round(ask(_P95_DATABASE) * 1_000, 1),
        }
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        for name, value in report.items():
            self.stdout.write(f"{name:<17}{value}")


def _month(text: str) -> tuple[dt.datetime, dt.datetime]:
    now = clock.now()
    try:
        year, month = (int(part) for part in (text or f"{now:%Y-%m}").split("-"))
        first = dt.datetime(year, month, 1, tzinfo=dt.UTC)
    except ValueError as exc:
        raise CommandError("A month looks like 2026-11.") from exc
    days = calendar.monthrange(year, month)[1]
    return first, min(now, first + dt.timedelta(days=days))


def _asked(prometheus: str, query: str, *, at: dt.datetime) -> float:
    """Return the one number a query has at an instant, zero when it has none."""
    asked = urllib.parse.urlencode({"query": query, "time": at.timestamp()})
    url = f"{prometheus.rstrip('/')}/api/v1/query?{asked}"
    if not url.startswith(("http://", "https://")):
        raise CommandError("The address of Prometheus starts with http:// or https://.")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - checked above
            found = json.load(answer)["data"]["result"]
    except (urllib.error.URLError, ValueError) as exc:
        raise CommandError(f"Prometheus does not answer: {exc}") from exc
    value = float(found[0]["value"][1]) if found else 0.0
    return 0.0 if value != value else value  # noqa: PLR0124 - not a number: nothing was asked of it
