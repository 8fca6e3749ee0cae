"""How staff replace their own password in the admin: by the same service as everybody else."""

from __future__ import annotations

import dataclasses
from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from typing_extensions import override

from accounts import constants, services
from accounts.models import User
from config.admin_login import BACKEND
from core import clock
from core.errors import DomainError
from core.principals import of_staff
from sessions_app.constants import ASSURANCE_LEVEL


class NewPasswordForm(forms.Form):
    """The old password and, twice, the new one."""

    old_password = forms.CharField(
        strip=False,
        max_length=constants.PASSWORD_BYTES_MAX,
        widget=forms.PasswordInput({"autofocus": True, "autocomplete": "current-password"}),
    )
    password = forms.CharField(
        label="New password",
        strip=False,
        max_length=constants.PASSWORD_BYTES_MAX,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text="A long sentence is better than a short riddle; no symbols are asked for.",
    )
    again = forms.CharField(
        label="New password again",
        strip=False,
        max_length=constants.PASSWORD_BYTES_MAX,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )

    @override
    def clean(self) -> dict[str, Any]:
        """Refuse two different passwords."""
        given: dict[str, Any] = self.cleaned_data
        if given.get("password") != given.get("again"):
            raise forms.ValidationError("The two new passwords differ.")
        return given


def change_password(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Replace the password of whoever asks; all their logins end, and this one begins anew."""
    form = NewPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _is_changed(request, form):
        return HttpResponseRedirect(reverse("admin:index"))
    context = {**site.each_context(request), "title": "Change my password", "form": form}
    return TemplateResponse(request, "admin/new_password.html", context)


def _is_changed(request: HttpRequest, form: NewPasswordForm) -> bool:
    level: int = request.session.get(ASSURANCE_LEVEL, 1)
    # The old password in this very request is as fresh as a login can be.
    actor = dataclasses.replace(
        of_staff(request.user),
        authenticated_at=clock.now(),
        assurance_level=level,
    )
    given = form.cleaned_data
    try:
        services.change_password(
            old_password=given["old_password"], password=given["password"], actor=actor
        )
    except DomainError as exc:
        for fault in exc.extensions.get("errors", [{"detail": exc.detail}]):
            form.add_error(None, fault["detail"])
        return False
    login(request, User.objects.get(pk=actor.user_id), backend=BACKEND)
    request.session[ASSURANCE_LEVEL] = level
    return True
