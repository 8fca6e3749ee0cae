"""The page where staff begin to act as a person."""

from __future__ import annotations

import dataclasses

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from core.errors import DomainError
from core.principals import Principal, of_staff
from sessions_app import constants, selectors, services
from sessions_app.services.impersonation import PERMISSION


class ImpersonationForm(forms.Form):
    """Whom, why, and that it is meant."""

    user_id = forms.UUIDField(label="Id of the person", help_text="From the list of people.")
    reason = forms.CharField(
        min_length=constants.IMPERSONATION_REASON_LENGTH_MIN,
        max_length=constants.IMPERSONATION_REASON_LENGTH_MAX,
        widget=forms.Textarea({"rows": 3}),
        help_text="Such as the number of a ticket; kept for the record.",
    )
    meant = forms.BooleanField(label="The person agreed, or the law demands it")


def impersonate(request: HttpRequest, context: dict[str, object]) -> HttpResponse:
    """Ask whom and why, begin, and show the token this once."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    form = ImpersonationForm(request.POST or None)
    if form.is_valid():
        asked = form.cleaned_data
        try:
            session, token = services.start_impersonation(
                user_id=asked["user_id"], reason=asked["reason"], actor=actor_of(request)
            )
        except DomainError as exc:
            form.add_error(None, exc.detail)
        else:
            context |= {"session": session, "token": token}
    context |= {"title": "Act as a person", "form": form}
    return TemplateResponse(request, "admin/sessions_app/session/impersonate.html", context)


def actor_of(request: HttpRequest) -> Principal:
    """Return the member of staff with the session they are logged in to the admin by."""
    row = selectors.admin_session(request.session.session_key)
    known = of_staff(request.user)
    if row is None:
        return known
    return dataclasses.replace(
        known,
        session_id=row.pk,
        authenticated_at=row.authenticated_at,
        assurance_level=row.assurance_level,
    )
