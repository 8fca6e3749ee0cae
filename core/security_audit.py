"""One report of what can be looked at by ourselves: settings, servers, libraries, answers."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import psycopg
import urllib3
from django.conf import settings
from django.core.checks import WARNING, run_checks

from core import clock, counted, libraries, self_assessment
from core.cluster import security

PASSED: Final = "passed"
FAILED: Final = "failed"
NOT_LOOKED_AT: Final = "not looked at"
SELF_ASSESSED: Final = "self-assessed"
ANSWER_TIMEOUT_S: Final = 5
LOCK: Final = Path(__file__).parent.parent / "requirements.txt"


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """What was looked at, how it stands, and each fault in a sentence."""

    area: str
    state: str
    faults: list[str]


def report(*, database_url: str, url: str | None, advisories: Path | None) -> list[Row]:
    """Look at everything that is given; what is not given is said not to be looked at.

    ``url`` is where the service answers, ``advisories`` a ZIP in the OSV format.
    Calls the database and the service, outside of any transaction.
    """
    rows = [_row("settings", _faults_of_settings)]
    try:
        with psycopg.connect(database_url, autocommit=True, connect_timeout=5) as connection:
            rows += _of_database(connection)
            major = connection.info.server_version // 10_000
            rows.append(
                _row(
                    "support",
                    lambda: libraries.unsupported(postgresql=major, today=clock.now().date()),
                )
            )
    except psycopg.OperationalError:
        rows.append(Row("database", FAILED, ["it cannot be reached"]))
    rows.append(_of_valkey())
    rows.append(_row("locked versions", lambda: libraries.not_as_locked(LOCK)))
    rows.append(_known_holes(advisories))
    rows.append(
        Row("answers", NOT_LOOKED_AT, ["give --url"])
        if url is None
        else _row("answers", lambda: _faults_of_answers(url))
    )
    rows.append(_self_assessment())
    return rows


def _self_assessment() -> Row:
    """Return how we stand by ASVS: each requirement that is not met, and how many are, and how."""
    assessed = self_assessment.requirements()
    unmet = [
        f"{each.id} not met: {each.proof}"
        for each in assessed
        if each.way == self_assessment.NOT_MET
    ]
    return Row("ASVS", SELF_ASSESSED, [self_assessment.in_words(assessed), *unmet])


def _row(area: str, look: Callable[[], list[str]]) -> Row:
    faults = look()
    return Row(area, FAILED if faults else PASSED, faults)


def _faults_of_settings() -> list[str]:
    found = run_checks(include_deployment_checks=True)
    return [f"{each.id}: {each.msg}" for each in found if each.level >= WARNING]


def _of_database(connection: psycopg.Connection[tuple[object, ...]]) -> list[Row]:
    """Return what is open in the database, and apart from it who may log in to it and how.

    Only a superuser can see the latter; to anybody else it was not looked at.
    """
    found, skipped = security.findings_of_ours(connection)
    of_logins = {check.name for check in security.LOGINS}

    def faults(*, are_of_logins: bool) -> list[str]:
        return [
            f"{each.check}: {each.what}"
            for each in found
            if (each.check in of_logins) == are_of_logins
        ]

    unseen = f"give --url-file of a superuser: {', '.join(skipped)}"
    return [
        _row("database", lambda: faults(are_of_logins=False)),
        Row("log-ins to the database", NOT_LOOKED_AT, [unseen])
        if skipped
        else _row("log-ins to the database", lambda: faults(are_of_logins=True)),
    ]


def _of_valkey() -> Row:
    """Say whether Valkey may forget counters, and so let through what a limit would refuse."""
    told = counted.SERVER.about()
    if not told and not counted.SERVER.is_reachable():
        return Row("valkey", FAILED, ["it cannot be reached"])
    if not told.get("eviction"):
        return Row("valkey", NOT_LOOKED_AT, ["it does not tell what it does when it is full"])
    if told["eviction"] == "noeviction" or not told["memory_max_mb"]:
        return Row("valkey", PASSED, [])
    fault = (
        f"beyond {told['memory_max_mb']} MiB it evicts keys ({told['eviction']}), counters of "
        "limits among them: give REDIS_STATE_URL a Valkey with maxmemory-policy noeviction"
    )
    return Row("valkey", FAILED, [fault])


def _known_holes(advisories: Path | None) -> Row:
    area = "known holes"
    if advisories is None:
        return Row(area, NOT_LOOKED_AT, ["give --advisories"])
    try:
        with advisories.open("rb") as file:
            found = libraries.with_known_holes(file, libraries.installed())
    except (OSError, ValueError) as exc:
        return Row(area, FAILED, [f"{advisories}: {exc}"])
    return Row(area, FAILED if found else PASSED, found)


def _faults_of_answers(url: str) -> list[str]:
    faults: list[str] = []
    with urllib3.PoolManager(timeout=ANSWER_TIMEOUT_S, retries=False) as pool:
        for path in ("/", f"/{settings.ENV.admin_path}/login/", "/api/v1/me/"):
            try:
                answer = pool.request("GET", f"{url.rstrip('/')}{path}")
            except urllib3.exceptions.HTTPError:
                return [*faults, f"{path} does not answer"]
            headers = {name.lower(): text for name, text in answer.headers.items()}
            faults += [f"{path} {fault}" for fault in _faults_of_headers(url, headers)]
    return faults


def _faults_of_headers(url: str, headers: Mapping[str, str]) -> list[str]:
    wanted = {
        "content-security-policy": "has no Content-Security-Policy",
        "x-content-type-options": "lets browsers guess what it is (X-Content-Type-Options)",
        "referrer-policy": "lets others know where one came from (Referrer-Policy)",
    }
    if url.startswith("https:"):
        wanted["strict-transport-security"] = "may be asked for without TLS"
    faults = [fault for name, fault in wanted.items() if name not in headers]
    if re.search(r"\d", headers.get("server", "")) or "x-powered-by" in headers:
        faults.append("tells which version of what it runs on")
    return faults
