"""Finding the view of a path: addresses without variable parts are looked up, not searched for."""

from __future__ import annotations

from typing import Any

from django.urls import ResolverMatch, URLResolver
from django.urls.resolvers import RoutePattern
from typing_extensions import override


class IndexedResolver(URLResolver):
    """Remembers the match of each address that captures nothing; there are as many as routes."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._matches: dict[str, ResolverMatch] = {}

    @override
    def resolve(self, path: str) -> ResolverMatch:
        """Return the view of ``path``.

        Raises:
            Resolver404: there is none.
        """
        known = self._matches.get(path)
        if known is None:
            known = super().resolve(path)
            if not known.args and not known.kwargs:
                self._matches[path] = known
        return known


def indexed(route: str, included: tuple[Any, str | None, str | None]) -> IndexedResolver:
    """Do what :func:`django.urls.path` does with what ``include`` returned."""
    routes, app_name, namespace = included
    pattern = RoutePattern(route, is_endpoint=False)
    return IndexedResolver(pattern, routes, None, app_name, namespace)
