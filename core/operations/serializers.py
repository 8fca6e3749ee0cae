"""Shapes of the summary for operators."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

_RATES: Final = {"requests": 300, "failures": 3, "error_rate": 0.01, "p95_ms": 42.5}
SUMMARY_EXAMPLE: Final[dict[str, Any]] = {
    "window": "hour",
    "since": "2026-11-20T10:00:00.000000Z",
    "until": "2026-11-20T11:00:00.000000Z",
    "health": {"status": "ok", "checks": {"database": {"status": "ok", "duration_ms": 1.2}}},
    **_RATES,
    "error_codes": [{"code": "AUTH_REQUIRED", "status": 401, "requests": 12}],
    "slowest_routes": [{"method": "POST", "route": "api/v1/auth/login/", **_RATES}],
    "steps": [{"at": "2026-11-20T10:00:00.000000Z", **_RATES}],
    "queues": [{"queue": "default", "waiting": 0, "failed": 0, "oldest_s": 0}],
    "dead_letters": 0,
    "breakers": [],
    "partition_months_ahead": 6,
    "ledger_faults": {"measured_at": "2026-11-20T10:27:00.000000Z", "value": 0},
    "backup": {"measured_at": None, "value": None},
    "backup_verified": {"measured_at": None, "value": None},
}


class RatesOutput(serializers.Serializer[Any]):
    requests = serializers.IntegerField()
    failures = serializers.IntegerField(help_text="Answers with a status of 500 or more.")
    error_rate = serializers.FloatField(help_text="Failures by requests.")
    p95_ms = serializers.FloatField(allow_null=True, help_text="One in twenty took longer.")


class RouteOutput(RatesOutput):
    method = serializers.CharField()
    route = serializers.CharField(help_text="The template of the path, never a path.")


class StepOutput(RatesOutput):
    at = serializers.DateTimeField()


class ErrorCodeOutput(serializers.Serializer[Any]):
    code = serializers.CharField()
    status = serializers.IntegerField()
    requests = serializers.IntegerField()


class QueueOutput(serializers.Serializer[Any]):
    queue = serializers.CharField()
    waiting = serializers.IntegerField(help_text="Jobs that could start now.")
    failed = serializers.IntegerField(help_text="Jobs that nobody tries again by itself.")
    oldest_s = serializers.IntegerField(help_text="How long the oldest of them waits.")


class BreakerOutput(serializers.Serializer[Any]):
    destination = serializers.CharField()
    failures = serializers.IntegerField()
    fault = serializers.CharField()


class HealthOutput(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["ok", "degraded", "unavailable"])
    checks = serializers.DictField()


class MeasuredOutput(serializers.Serializer[Any]):
    measured_at = serializers.DateTimeField(allow_null=True, help_text="`null`: never.")
    value = serializers.IntegerField(allow_null=True)


class SummaryOutput(RatesOutput):
    window = serializers.ChoiceField(["hour", "day"])
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    health = HealthOutput()
    error_codes = ErrorCodeOutput(many=True)
    slowest_routes = RouteOutput(many=True)
    steps = StepOutput(many=True, help_text="A minute each in an hour, 15 minutes in a day.")
    queues = QueueOutput(many=True)
    dead_letters = serializers.IntegerField()
    breakers = BreakerOutput(many=True, help_text="Destinations that are left alone now.")
    partition_months_ahead = serializers.IntegerField()
    ledger_faults = MeasuredOutput()
    backup = MeasuredOutput(help_text="Bytes of the last backup.")
    backup_verified = MeasuredOutput(help_text="Bytes of the last one restored as a proof.")
