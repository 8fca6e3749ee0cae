"""Limits at the door of the API: who calls is counted, and what they do where the view says so."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from typing_extensions import override

from core import client_address, context, limits
from core.principals import Principal


class PlanThrottle(BaseThrottle):
    """Counts one request: of the key, or else the person, or else the address.

    A view may name what it does as ``limited_as = {"POST": "money"}``: that is counted too.
    """

    @override
    def allow_request(self, request: Request, view: Any) -> bool:
        """Let the request through.

        Raises:
            RateLimited: it is one too many.
        """
        scope, caller = _caller(request)
        deed = getattr(view, "limited_as", {}).get(request.method)
        limits.require_all([(scope, caller), (deed, caller)] if deed else [(scope, caller)])
        return True


def standings(request: Request) -> list[limits.Standing]:
    """Return how whoever calls stands in the plans that count them, counting nothing."""
    scope, caller = _caller(request)
    return [limits.look(scope, caller), limits.look(limits.MONEY, caller)]


def count_stranger() -> None:
    """Count a request that proved nothing, by where it comes from.

    Raises:
        RateLimited: it is one too many from there.
    """
    limits.require(limits.STRANGER, _address())


def _caller(request: Request) -> tuple[str, str]:
    principal: object = request.user
    if not isinstance(principal, Principal):
        return limits.STRANGER, _address()
    if principal.key_id is not None:
        return limits.KEY, str(principal.key_id)
    return limits.USER, str(principal.user_id)


def _address() -> str:
    return client_address.neighbourhood(context.current().client_address)
