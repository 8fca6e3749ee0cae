"""Pages for people: those that mails lead to, one form each, and the notices.

The token of a mail is in the fragment of the address, which no server sees; the script of the page
takes it from there and sends it to the API, as a front end would. Services with a front end of
theirs need none of them.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import constants, selectors


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a page says and which operation its button calls."""

    title: str
    about: str
    button: str
    done: str
    operation: str
    asks_password: bool = False
    asks_email: bool = False


PAGES: Final = {
    "verify-email": Page(
        title="Confirm your e-mail address",
        about="One more step: confirm that this address is yours.",
        button="Confirm",
        done="Thank you. You can log in now.",
        operation="v1:verify-email",
    ),
    "reset-password": Page(
        title="Choose a new password",
        about="All your devices are logged out when you save it.",
        button="Save",
        done="Your new password works from now on.",
        operation="v1:reset",
        asks_password=True,
    ),
    "confirm-email": Page(
        title="Confirm your new e-mail address",
        about="From then on you log in with it.",
        button="Confirm",
        done="This is your address now.",
        operation="v1:confirm-email",
    ),
    "accept-invitation": Page(
        title="Choose your password",
        about="You are invited. Nobody but you will know this password.",
        button="Save",
        done="Welcome. You can log in now.",
        operation="v1:accept-invitation",
        asks_password=True,
    ),
    "forgot-password": Page(
        title="Get a new password",
        about="We mail you a link.",
        button="Send",
        done="If this address has an account, the link is on its way.",
        operation="v1:forgot",
        asks_email=True,
    ),
}


@require_safe
def notice_page(request: HttpRequest, kind: str, version: int | None = None) -> HttpResponse:
    """Show the words that are in force, or those of one version: every one stays readable."""
    versions = selectors.notice_versions(kind=kind)
    shown = next((each for each in versions if version in (None, each.version)), None)
    if shown is None:
        raise Http404
    facts = {"notice": shown, "versions": versions, "is_current": shown == versions[0]}
    return render(request, "account/notice.html", facts)


@require_safe
@never_cache
def link_page(request: HttpRequest, page: str) -> HttpResponse:
    """Show the page that a mailed link leads to."""
    shown = PAGES.get(page)
    if shown is None:
        raise Http404
    context = {
        "page": shown,
        "operation_url": reverse(shown.operation),
        "password_length_max": constants.PASSWORD_BYTES_MAX,
    }
    response = render(request, "account/link.html", context)
    response["Referrer-Policy"] = "no-referrer"
    return response
