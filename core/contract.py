"""What an operation declares in the OpenAPI document is all it accepts.

The document is the one list of query parameters and of the fields that may be chosen; anything
else is refused before the view runs. So neither can drift from the other.
"""

from __future__ import annotations

import dataclasses
import types
from functools import cache
from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer
from rest_framework.serializers import Serializer

from core import errors, fields

CHOICE = "fields"
FORMAT = "format"


@dataclasses.dataclass(frozen=True, slots=True)
class Operation:
    """The query parameters that one method of a view takes, and the fields it answers."""

    parameters: frozenset[str]
    fields: tuple[str, ...]


def require_kept(request: HttpRequest, view_class: Any) -> None:
    """Refuse what the operation does not declare.

    Raises:
        FilterUnknown: a parameter that is not in the document, is there twice, or holds control
            or bidirectional characters; or a field that is not answered. Extension ``errors``
            names it.
    """
    if not request.GET:
        return
    operation = operation_of(view_class, request.method or "")
    if operation is None:
        return
    for name, values in request.GET.lists():
        if name not in operation.parameters:
            raise _refused(name, "There is no such parameter.")
        if len(values) > 1:
            raise _refused(name, "May be given once.")
        if not fields.is_safe_text(values[0]):
            raise _refused(name, "Must not hold control characters.")
    if CHOICE in request.GET and not set(chosen_fields(request)) <= set(operation.fields):
        raise _refused(CHOICE, f"Must be some of {','.join(operation.fields)}.")


def chosen_fields(request: HttpRequest) -> list[str]:
    """Return the fields that ``?fields=`` asks for, in its order; empty when it asks for none."""
    named = request.GET[CHOICE].split(",") if CHOICE in request.GET else []
    return list(dict.fromkeys(named))


def narrowed(body: Any, chosen: list[str]) -> Any:
    """Return ``body``, or each item of a page, with the chosen fields only."""
    if not isinstance(body, dict):
        return body
    if isinstance(body.get("items"), list):
        return {**body, "items": [narrowed(item, chosen) for item in body["items"]]}
    return {name: body[name] for name in chosen if name in body}


@cache
def operation_of(view_class: Any, method: str) -> Operation | None:
    """Return what an operation declares; ``None`` for a page or method outside the document."""
    method = "GET" if method == "HEAD" else method
    handler = getattr(view_class, method.lower(), None)
    if handler is None:
        return None
    described = getattr(handler, "kwargs", {}).get("schema")
    if described is None:
        return None if getattr(view_class, "schema", None) is None else Operation(frozenset(), ())
    schema = described()
    # drf-spectacular asks the view which version is meant; our operations are of one each.
    schema.view = types.SimpleNamespace(
        determine_version=lambda *_args, **_kwargs: (None, None),
        request=None,
        kwargs={},
        renderer_classes=view_class.renderer_classes,
    )
    schema.method = method
    if schema.is_excluded():
        return None
    declared = {
        parameter.name
        for parameter in schema.get_override_parameters()
        if isinstance(parameter, OpenApiParameter) and parameter.location == OpenApiParameter.QUERY
    }
    if len(view_class.renderer_classes) > 1:
        declared.add(FORMAT)
    return Operation(
        parameters=frozenset(declared),
        fields=answered_fields(schema.get_response_serializers()),
    )


def answered_fields(responses: Any) -> tuple[str, ...]:
    """Return the top-level fields of a 200 answer, of one item where it is a page."""
    if not isinstance(responses, dict):
        return ()
    for key, shape in responses.items():
        status, media_type = key if isinstance(key, tuple) else (key, "application/json")
        if str(status) == "200" and media_type == "application/json":
            return tuple(_answered(shape))
    return ()


def _answered(shape: Any) -> dict[str, Any]:
    if isinstance(shape, PolymorphicProxySerializer):
        return {name: one for one in shape.serializers for name in _answered(one)}
    if not (isinstance(shape, type) and issubclass(shape, Serializer)):
        return {}
    answered: dict[str, Any] = dict(shape().fields)
    if "items" in answered:
        # A page: the fields are those of one item.
        answered = dict(getattr(answered["items"], "child", answered["items"]).fields)
    return answered


def _refused(name: str, detail: str) -> errors.FilterUnknown:
    code = errors.FilterUnknown.code
    shown = name[:64] if fields.is_safe_text(name) else ""
    return errors.FilterUnknown(
        detail, errors=[{"pointer": f"?{shown}", "code": code, "detail": detail}]
    )
