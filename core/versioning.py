"""Versions of the API: the path is the truth, everything else must agree with it.

docs/versioning.md says what may change within a version and how one goes away.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from typing import Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.http import http_date

from core import errors, metrics

SERVED: Final = ("1", "2")
# Answered 410 for ever, so that an old client learns why.
RETIRED: Final = ("0",)
HEADER: Final = "API-Version"
_IN_PATH: Final = re.compile(r"/api/v([0-9]{1,2})/")
_IN_HEADER: Final = re.compile(r"v?([1-9][0-9]?)")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Deprecation:
    """Says of a view, as its ``deprecation``, that it is going away and what replaces it.

    ``successor`` is a path; parts in braces are filled from the path of the request.
    """

    since: dt.date
    sunset: dt.date
    successor: str

    def headers(self, values: dict[str, Any]) -> dict[str, str]:
        """Return ``Deprecation`` (RFC 9745), ``Sunset`` (RFC 8594) and a link to the successor."""
        return {
            "Deprecation": f"@{int(_midnight(self.since).timestamp())}",
            "Sunset": http_date(_midnight(self.sunset).timestamp()),
            "Link": f'<{self.successor.format(**values)}>; rel="successor-version"',
        }


def of_path(path: str) -> str | None:
    """Return the version that ``path`` is of, if it is one that is served."""
    match = _IN_PATH.match(path)
    return match[1] if match and match[1] in SERVED else None


def require_agreement(request: HttpRequest) -> None:
    """Refuse a request whose ``API-Version`` is not the version of its path.

    Raises:
        VersionMismatch: it names another version, or none that could exist.
    """
    named, version = request.headers.get(HEADER), of_path(request.path_info)
    if named is None or version is None:
        return
    match = _IN_HEADER.fullmatch(named.strip())
    if match is None or match[1] != version:
        raise errors.VersionMismatch(f"The path is of version {version}; send that or nothing.")


def mark(request: HttpRequest, response: HttpResponseBase) -> None:
    """Tell the client which version answered, and whether what it used is going away."""
    version = of_path(request.path_info)
    if version is None:
        return
    response[HEADER] = version
    found = request.resolver_match
    deprecation = getattr(getattr(found.func, "cls", None), "deprecation", None) if found else None
    if found is not None and deprecation is not None:
        for name, value in deprecation.headers(found.kwargs).items():
            response[name] = value
    metrics.API_REQUESTS.labels(version=version, deprecated=str(deprecation is not None)).inc()


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)
