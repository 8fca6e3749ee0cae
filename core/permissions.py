"""Who may knock at a view at all; what they may do there is the service's to decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from typing_extensions import override

from core import errors
from core.principals import Debt, Principal

if TYPE_CHECKING:
    from rest_framework.views import APIView  # it imports this module, by its settings


class Known(BasePermission):
    """People with a session; others only where the view says so.

    A key needs a scope that the view names: ``scopes = {"GET": "transactions:read"}``. A guest
    needs ``open_to_guests = True``. Staff who act as somebody may look, but at no secrets, and
    change something only where the view says ``open_to_impersonators = True``. So a new view is
    closed to all of them until somebody thought of them. Who owes a second factor or a password of
    their own reaches only views that say what they settle: ``settles = {"password"}``.
    """

    @override
    def has_permission(self, request: Request, view: APIView) -> bool:
        principal: object = request.user
        if not isinstance(principal, Principal):
            return False
        if principal.kind == "key":
            method = "GET" if request.method == "HEAD" else request.method or ""
            scope = getattr(view, "scopes", {}).get(method)
            if scope is None or scope not in principal.scopes:
                raise errors.ScopeMissing("The key may not do this.", scope=scope or "")
        if principal.kind == "guest":
            return getattr(view, "open_to_guests", False)
        if principal.owes and principal.owes not in getattr(view, "settles", ()):
            raise _demand(principal.owes)
        if principal.impersonator_id is not None:
            only_looks = request.method in SAFE_METHODS and not getattr(
                view, "answers_secrets", False
            )
            return only_looks or getattr(view, "open_to_impersonators", False)
        return True


def _demand(owes: Debt) -> errors.DomainError:
    if owes == "factor":
        return errors.FactorRequired("Add one by me/mfa/factors, and everything is open again.")
    return errors.PasswordChangeRequired("Replace the password by auth/password/change.")
