"""Keyset pages: signed cursors that say after which row to go on, never how many to skip."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar

import orjson
from django.core import signing
from django.db.models import Model, QuerySet
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from core import errors

T = TypeVar("T")
M = TypeVar("M", bound=Model)
LIMIT_DEFAULT: Final = 20
LIMIT_MAX: Final = 100
# Rows that a stream holds in memory at a time.
CHUNK: Final = 500


class PageRequest:
    """What ``?limit=`` and ``?cursor=`` ask for, checked.

    ``position`` is the sort key of the last row seen, as JSON values, or ``None`` for the first
    page; ``backwards`` asks for the rows before it.
    """

    def __init__(self, request: Request, *, scope: str) -> None:
        self.url = request.build_absolute_uri()
        self.scope = scope
        self.limit = _limit(request.query_params.getlist("limit"))
        self.position: list[Any] | None = None
        self.backwards = False
        cursors = request.query_params.getlist("cursor")
        if cursors:
            self.backwards, self.position = _opened(cursors, scope)

    def in_chunks(self) -> PageRequest:
        """Return the same request for as many rows as a stream reads at once."""
        return self._changed(limit=CHUNK)

    def going_on(self, position: list[Any]) -> PageRequest:
        """Return the request for the rows after ``position``."""
        return self._changed(position=position)

    def _changed(self, **changes: Any) -> PageRequest:
        changed = copy.copy(self)
        vars(changed).update(changes)
        return changed


class Page(Generic[T]):
    """One page of rows in the order of the list, with the links to its neighbours."""

    def __init__(
        self,
        rows: Sequence[T],
        asked: PageRequest,
        *,
        key: Callable[[T], list[Any]],
    ) -> None:
        """Take up to ``limit + 1`` rows, fetched in reading direction; the extra one is a peek."""
        more = len(rows) > asked.limit
        shown = list(rows[: asked.limit])
        if asked.backwards:
            shown.reverse()
        self.items = shown
        self._asked = asked
        self._last = key(shown[-1]) if shown and more and not asked.backwards else None
        before = more if asked.backwards else asked.position is not None
        after = asked.position is not None if asked.backwards else more
        self.next = _link(asked, key(shown[-1]), backwards=False) if shown and after else None
        self.previous = _link(asked, key(shown[0]), backwards=True) if shown and before else None

    def following(self) -> PageRequest | None:
        """Return the request for the next page in reading direction, ``None`` after the last."""
        return None if self._last is None else self._asked.going_on(self._last)

    def as_json(self, render: Callable[[T], Any]) -> dict[str, Any]:
        """Return the body of a list answer."""
        return {
            "items": [render(item) for item in self.items],
            "next": self.next,
            "previous": self.previous,
        }


def page_by_id(rows: QuerySet[M], asked: PageRequest) -> Page[M]:
    """Return one page of ``rows``, newest id first."""
    if asked.position is not None:
        (last_id,) = asked.position
        rows = rows.filter(id__gt=last_id) if asked.backwards else rows.filter(id__lt=last_id)
    ordered = rows.order_by("id" if asked.backwards else "-id")
    return Page(list(ordered[: asked.limit + 1]), asked, key=lambda row: [str(row.pk)])


def link_after(asked: PageRequest, position: list[Any]) -> str:
    """Return the link to the rows after ``position``, for lists that only go forward."""
    return _link(asked, position, backwards=False)


def _limit(given: list[str]) -> int:
    if not given:
        return LIMIT_DEFAULT
    text = given[0]
    if len(given) > 1 or not (text.isascii() and text.isdigit() and len(text) <= 3):  # noqa: PLR2004 - digits of LIMIT_MAX
        raise _invalid("limit", f"Must be a whole number from 1 to {LIMIT_MAX}.")
    if not 1 <= int(text) <= LIMIT_MAX:
        raise _invalid("limit", f"Must be a whole number from 1 to {LIMIT_MAX}.")
    return int(text)


def _opened(given: list[str], scope: str) -> tuple[bool, list[Any]]:
    try:
        (text,) = given
        packed = _signer(scope).unsign(text)
        backwards, position = orjson.loads(base64.urlsafe_b64decode(packed))
    except (ValueError, signing.BadSignature) as exc:
        raise _invalid("cursor", "Must be a cursor of this list, unchanged.") from exc
    return backwards, position


def _link(asked: PageRequest, position: list[Any], *, backwards: bool) -> str:
    packed = base64.urlsafe_b64encode(orjson.dumps([backwards, position])).decode()
    return replace_query_param(asked.url, "cursor", _signer(asked.scope).sign(packed))


def _signer(scope: str) -> signing.Signer:
    return signing.Signer(salt=f"cursor:{scope}", sep=".")


def _invalid(parameter: str, detail: str) -> errors.InvalidInput:
    fault = {"pointer": f"?{parameter}", "code": "VALIDATION_PAGINATION_INVALID", "detail": detail}
    return errors.PaginationInvalid(detail, errors=[fault])
