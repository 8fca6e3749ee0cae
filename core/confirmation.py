"""The page between a button of the admin and its deed: what will happen, to what, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

from core import context
from core.errors import DomainError
from core.fields import REASON_LENGTH_MAX, REASON_LENGTH_MIN

ROWS_SHOWN_MAX: Final = 100


class ReasonForm(forms.Form):
    """Why; the words stay in the audit trail."""

    reason = forms.CharField(
        min_length=REASON_LENGTH_MIN,
        max_length=REASON_LENGTH_MAX,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text="Kept in the audit trail.",
    )


def given_reason(
    page: admin.ModelAdmin[Any],
    request: HttpRequest,
    rows: QuerySet[Any],
    *,
    title: str,
    question: str,
    form_class: Callable[[Any], ReasonForm] = ReasonForm,
) -> dict[str, Any] | TemplateResponse:
    """Return what staff confirmed (``reason`` and the form's other fields), or the page that asks.

    For admin actions: return the page as it is, act on the rest. ``form_class`` may ask for more.
    """
    confirmed = request.POST.get("confirmed") == "yes"
    form = form_class(request.POST if confirmed else None)
    if confirmed and form.is_valid():
        context.note_reason(form.cleaned_data["reason"])
        return form.cleaned_data
    shown: Iterable[Any] = rows[:ROWS_SHOWN_MAX]
    opts = page.opts
    facts = {
        **page.admin_site.each_context(request),
        "title": title,
        "question": question,
        "form": form,
        "rows": shown,
        "keys": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "action": request.POST.get("action", ""),
        "opts": opts,
        "list_url": f"admin:{opts.app_label}_{opts.model_name}_changelist",
    }
    return TemplateResponse(request, "admin/core/confirm.html", facts)


def press(  # noqa: PLR0913 - what the page before it says, one by one
    page: admin.ModelAdmin[Any],
    request: HttpRequest,
    rows: QuerySet[Any],
    deed: Callable[..., object],
    *,
    title: str,
    question: str,
    done: str,
    form_class: type[ReasonForm] = ReasonForm,
) -> TemplateResponse | None:
    """Ask why, then call ``deed(row, reason=...)`` for each row; one refusal stops no other.

    ``form_class`` may ask for more, which ``deed`` gets by name too.
    """
    given = given_reason(page, request, rows, title=title, question=question, form_class=form_class)
    if not isinstance(given, dict):
        return given
    for row in rows:
        try:
            deed(row, **given)
        except DomainError as exc:
            page.message_user(request, f"{row}: {exc.detail}", messages.ERROR)
        else:
            page.message_user(request, f"{row} {done}.", messages.SUCCESS)
    return None
