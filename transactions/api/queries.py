"""What the query strings of the money endpoints may say; anything else is refused."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from rest_framework.request import Request

from core import clock, errors, fields
from transactions import constants
from transactions.selectors import Clock

YEAR_MIN, YEAR_MAX = 1900, 9000
DIGITS_MAX = 3
METADATA = tuple(f"metadata.{key}" for key in settings.ENV.metadata_indexed_keys)
PAGE = ("cursor", "limit", "format", "fields")


def known(request: Request, *names: str) -> dict[str, str]:
    """Return the parameters of ``request``; each may appear once.

    Raises:
        FilterUnknown: a parameter that is not among ``names``, or twice.
    """
    for name, values in request.query_params.lists():
        if name not in (*names, *PAGE) or len(values) > 1:
            raise _refused(name, "There is no such parameter, or it is there twice.")
    return {name: request.query_params[name] for name in names if name in request.query_params}


def account_filters(given: Mapping[str, str]) -> dict[str, Any]:
    """Return the filters of the account list with ``owner`` as a UUID."""
    filters: dict[str, Any] = dict(given)
    if "owner" in filters:
        filters["owner"] = identifier(filters["owner"], "owner")
    for name in ("code", "asset", "ledger"):
        if name in filters and not fields.is_safe_text(filters[name]):
            raise _refused(name, "Must not hold control characters.")
    return filters


def identifier(text: str, name: str) -> uuid.UUID:
    """Return ``text`` as a UUID."""
    if not fields.UUID_TEXT.match(text):
        raise _refused(name, "Must be a UUID.")
    return uuid.UUID(text)


def reference(given: Mapping[str, str]) -> str | None:
    """Return the reference asked for."""
    text = given.get("reference")
    if text is not None and not fields.is_safe_text(text):
        raise _refused("reference", "Must not hold control characters.")
    return text


def metadata(given: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the metadata key and value asked for; at most one of those with an index."""
    found = [(name.partition(".")[2], given[name]) for name in given if name in METADATA]
    if len(found) > 1:
        raise _refused(f"metadata.{found[1][0]}", "Filter by one metadata key at a time.")
    if found and not fields.is_safe_text(found[0][1]):
        raise _refused(f"metadata.{found[0][0]}", "Must not hold control characters.")
    return found[0] if found else None


def which_clock(given: Mapping[str, str]) -> Clock:
    """Return the clock asked for: ``recorded`` unless said otherwise."""
    name = given.get("clock", "recorded")
    if name == "recorded":
        return "recorded"
    if name == "effective":
        return "effective"
    raise _refused("clock", "Must be recorded or effective.")


def one_of(given: Mapping[str, str], name: str, choices: Sequence[str]) -> str | None:
    """Return the choice that parameter ``name`` makes, or ``None`` when it is not there."""
    if name in given and given[name] not in choices:
        raise _refused(name, f"Must be one of {', '.join(choices)}.")
    return given.get(name)


def instant(given: Mapping[str, str], name: str) -> dt.datetime | None:
    """Return the instant that parameter ``name`` names."""
    if name not in given:
        return None
    # A plus sign of an offset that was not escaped arrives as a blank.
    moment = fields.parse_instant(given[name].replace(" ", "+"))
    if moment is None:
        raise _refused(name, "Must be RFC 3339 with an offset, such as 2026-11-20T10:00:00Z.")
    return moment


def days(given: Mapping[str, str]) -> tuple[dt.date, dt.date]:
    """Return the days ``from`` and ``to``, both of which must be there and in order."""
    found = []
    for name in ("from", "to"):
        try:
            found.append(dt.date.fromisoformat(given.get(name, "")))
        except ValueError:
            raise _refused(name, "Must be a day, such as 2026-11-20.") from None
    if found[0] > found[1] or found[0].year < YEAR_MIN or found[1].year > YEAR_MAX:
        raise _refused("from", f"Must not be after to; years from {YEAR_MIN} to {YEAR_MAX}.")
    return found[0], found[1]


def days_apart(given: Mapping[str, str]) -> int:
    """Return how far the days of two matching lines may lie apart."""
    text = given.get("days_apart", str(constants.DAYS_APART_DEFAULT))
    if not (text.isascii() and text.isdigit()) or len(text) > DIGITS_MAX:
        raise _refused("days_apart", "Must be a whole number.")
    if int(text) > constants.DAYS_APART_MAX:
        raise _refused("days_apart", f"Must be at most {constants.DAYS_APART_MAX}.")
    return int(text)


def period(given: Mapping[str, str]) -> tuple[dt.datetime, dt.datetime]:
    """Return ``from`` and ``to``: by default from the first instant there is until now."""
    since = instant(given, "from") or dt.datetime(1, 1, 2, tzinfo=dt.UTC)
    until = instant(given, "to") or clock.now()
    if since > until:
        raise _refused("from", "Must not be after to.")
    return since, until


def _refused(name: str, detail: str) -> errors.FilterUnknown:
    code = errors.FilterUnknown.code
    return errors.FilterUnknown(
        detail, errors=[{"pointer": f"?{name}", "code": code, "detail": detail}]
    )
