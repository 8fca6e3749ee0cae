"""The privacy notice: every version that was ever in force stays readable."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """One version; its text is ``templates/privacy/<version>.html`` and never changes."""

    version: int
    since: dt.date


# Newest last. A new text is a new file and a new line here.
NOTICES: Final = (Notice(1, dt.date(2026, 11, 21)),)


@require_safe
def privacy_page(request: HttpRequest, version: int | None = None) -> HttpResponse:
    """``/privacy/`` and ``/privacy/<version>/``: what people are told of their data."""
    wanted = NOTICES[-1].version if version is None else version
    notice = next((each for each in NOTICES if each.version == wanted), None)
    if notice is None:
        raise Http404("There is no such version.")
    facts = {"notice": notice, "notices": NOTICES, "is_current": notice == NOTICES[-1]}
    return render(request, f"privacy/{notice.version}.html", facts)
