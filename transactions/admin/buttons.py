"""Buttons of the admin: asked why, done to each row, each told how it went."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

from core.admin import ReaderAdmin
from core.confirmation import given_reason
from core.errors import DomainError


def press(  # noqa: PLR0913 - what the page before it says, one by one
    page: ReaderAdmin,
    request: HttpRequest,
    rows: QuerySet[Any],
    deed: Callable[[Any, str], object],
    *,
    title: str,
    question: str,
    done: str,
) -> TemplateResponse | None:
    """Ask why, then call ``deed(row, reason)`` for each row; one refusal stops no other."""
    given = given_reason(page, request, rows, title=title, question=question)
    if not isinstance(given, dict):
        return given
    for row in rows:
        try:
            deed(row, given["reason"])
        except DomainError as exc:
            page.message_user(request, f"{row}: {exc.detail}", messages.ERROR)
        else:
            page.message_user(request, f"{row} {done}.", messages.SUCCESS)
    return None
