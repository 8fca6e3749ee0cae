"""The URL map as tests walk it: every operation, its example body, and how to ask it."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator
from rest_framework.views import APIView
from typing_extensions import override

API = "api/v1/"
METHODS = ("get", "post", "put", "patch", "delete")
PARAMETER = re.compile(r"<(\w+):(\w+)>")


def routes() -> list[str]:
    """Return every path outside the admin, as the URL map writes it."""
    return [
        route
        for route, _ in _walk(get_resolver().url_patterns)
        if not route.startswith(f"{settings.ENV.admin_path}/")
    ]


@dataclasses.dataclass(frozen=True)
class Operation:
    """One method of one path of the API."""

    method: str
    route: str
    view: type[APIView]

    @override
    def __str__(self) -> str:
        return f"{self.method.upper()} {self.route.removeprefix(API)}"

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The converter and name of each part of the path that varies."""
        return PARAMETER.findall(self.route)

    @property
    def scope(self) -> str | None:
        """The scope a key needs here; ``None`` closes it to keys."""
        return getattr(self.view, "scopes", {}).get(self.method.upper())

    @property
    def is_public(self) -> bool:
        """Whether nobody is asked who they are."""
        return not self.view.authentication_classes

    @property
    def described(self) -> dict[str, Any]:
        """What the OpenAPI document says of it."""
        path = "/" + PARAMETER.sub(r"{\2}", self.route)
        found: dict[str, Any] = _document()["paths"].get(path, {}).get(self.method, {})
        return found

    @property
    def example(self) -> Any:
        """The first example body in the OpenAPI document, or ``None``."""
        content = self.described.get("requestBody", {}).get("content", {})
        examples = content.get("application/json", {}).get("examples", {})
        return next(iter(examples.values()))["value"] if examples else None

    def path(self, values: Mapping[str, object]) -> str:
        """Return the path with ``values`` for what varies."""
        missing = {name for _, name in self.parameters} - set(values)
        assert not missing, f"{self}: tests/callers.py makes no {missing}"
        return "/" + PARAMETER.sub(lambda match: str(values[match[2]]), self.route)

    def ask(
        self, token: str | None, values: Mapping[str, object], body: Any = None, **headers: str
    ) -> Any:
        """Send it, as whoever ``token`` speaks for, with its example unless there is ``body``."""
        given = {"If-Match": '"v1"', "Idempotency-Key": str(uuid.uuid4()), **headers}
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        content = self.example if body is None else body
        return Client().generic(
            self.method.upper(),
            self.path(values),
            json.dumps(content) if content is not None else "",
            content_type="application/json",
            headers=given,
        )


def operations() -> list[Operation]:
    """Return every operation of the API, in the order of the URL map."""
    return [
        Operation(method, route, view)
        for route, pattern in _walk(get_resolver().url_patterns)
        if route.startswith(API) and (view := _view_of(pattern)) is not None
        for method in METHODS
        if hasattr(view, method)
    ]


def resolved(shape: dict[str, Any]) -> dict[str, Any]:
    """Return the schema that ``shape`` is or refers to."""
    name = shape.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = _document()["components"]["schemas"][name] if name else shape
    return found


def _view_of(pattern: URLPattern) -> type[APIView] | None:
    view = getattr(pattern.callback, "cls", None)
    return view if view is not None and view.__module__.split(".")[0] in _OURS else None


def _walk(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route, pattern


@functools.cache
def _document() -> dict[str, Any]:
    generator = SchemaGenerator(api_version="v1")
    document: dict[str, Any] = generator.get_schema(request=None, public=True)
    return document


_OURS = frozenset({"core", "accounts", "sessions_app", "transactions"})
