"""What every view of the API needs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from django.http.response import HttpResponseBase
from rest_framework import status as http
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer, ValidationError

from core import context, contract, errors, idempotency
from core.pagination import Page, PageRequest
from core.principals import Principal
from core.renderers import csv_stream

T = TypeVar("T")


def caller(request: Request) -> Principal:
    """Return who is calling, on a route that only authenticated callers reach."""
    # Our authentication puts a Principal where the stubs expect Django's user.
    principal: object = request.user
    assert isinstance(principal, Principal), "the permission classes let nobody else in"
    return principal


def given(shape: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Return the body of ``request`` in the form ``shape`` describes.

    Raises:
        BodyRequired: there is no body at all.
        ValidationError: the body breaks the shape; every fault is named.
    """
    if not _has_body(request):
        raise errors.BodyRequired("Send a JSON object.")
    return _validated(shape, request.data)


def given_if_any(shape: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Return the same where a body may be absent and says no more than ``{}`` then.

    Raises:
        ValidationError: the body breaks the shape; every fault is named.
    """
    return _validated(shape, request.data if _has_body(request) else {})


def answer(outcome: idempotency.Answer) -> Response:
    """Send what a keyed request was, or is, answered with."""
    headers = {idempotency.REPLAYED_HEADER: "true"} if outcome.is_replay else None
    return Response(outcome.body, status=outcome.status, headers=headers)


def answer_once(
    request: Request,
    work: Callable[[], dict[str, Any]],
    *,
    status: int = http.HTTP_201_CREATED,
    key_required: bool = False,
) -> Response:
    """Do ``work`` at most once for the request's Idempotency-Key and send the body it returns.

    Raises:
        IdempotencyKeyMissing: ``key_required`` and absent.
        DomainError: what ``work`` raises, or once raised.
    """
    identity = idempotency.from_request(request, required=key_required)
    return answer(idempotency.answer_once(identity, lambda: (status, work())))


def listed(
    request: Request,
    *,
    scope: str,
    fetch: Callable[[PageRequest], Page[T]],
    shape: type[Serializer[Any]],
    beside: Mapping[str, object] | None = None,
) -> HttpResponseBase:
    """Answer a page of a list; as CSV all of it from there on, streamed a few hundred at a time.

    ``fetch`` returns the page it is asked for, ``shape`` describes one row; what stands ``beside``
    the rows is not in the CSV.
    """
    asked = PageRequest(request, scope=scope)

    def render(row: T) -> dict[str, Any]:
        return dict(_shapes.of(shape).to_representation(row))

    if request.accepted_renderer.format != "csv":
        return Response({**(beside or {}), **fetch(asked).as_json(render)})

    def rows() -> Iterator[dict[str, Any]]:
        following: PageRequest | None = asked.in_chunks()
        while following is not None:
            page = fetch(following)
            yield from map(render, page.items)
            following = page.following()

    return _sheet(request, name=scope.partition(":")[0], rows=rows(), shape=shape)


def listed_whole(
    request: Request,
    *,
    name: str,
    rows: Iterable[dict[str, Any]],
    shape: type[Serializer[Any]],
    beside: Mapping[str, object] | None = None,
) -> HttpResponseBase:
    """Answer a list that is short enough for one answer.

    ``rows`` are as ``shape`` describes one; what stands ``beside`` them is not in the CSV.
    """
    if request.accepted_renderer.format != "csv":
        return Response({**(beside or {}), "items": list(rows)})
    return _sheet(request, name=name, rows=rows, shape=shape)


def _sheet(
    request: Request, *, name: str, rows: Iterable[dict[str, Any]], shape: type[Serializer[Any]]
) -> HttpResponseBase:
    """Stream ``rows`` as CSV, with the columns that were asked for."""
    columns = contract.chosen_fields(request) or list(shape().fields)
    cells = ([row[column] for column in columns] for row in rows)
    return csv_stream(filename=f"{name}.csv", header=columns, rows=cells)


def _validated(shape: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    try:
        validated: dict[str, Any] = _shapes.of(shape).run_validation(data)
    except ValidationError:
        # A serializer of its own words the faults; it keeps them, which a shared one must not.
        shape(data=data).is_valid(raise_exception=True)
        raise
    if isinstance(validated.get("reason"), str):
        context.note_reason(validated["reason"])
    return validated


class _Shapes(threading.local):
    """Serializers that this thread reads bodies and shows rows with: making one copies its fields.

    They may keep nothing of what they read or show, and know of no request.
    """

    def __init__(self) -> None:
        self._made: dict[type[Serializer[Any]], Serializer[Any]] = {}

    def of(self, shape: type[Serializer[Any]]) -> Serializer[Any]:
        """Return the one for ``shape``."""
        made = self._made.get(shape)
        if made is None:
            made = self._made[shape] = shape()
        return made


_shapes = _Shapes()


def _has_body(request: Request) -> bool:
    is_chunked = bool(request.META.get("HTTP_TRANSFER_ENCODING"))
    return is_chunked or request.META.get("CONTENT_LENGTH") not in (None, "", "0")
