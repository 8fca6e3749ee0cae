"""Staff look after people."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import constants, selectors, services
from accounts.api import people_serializers as shapes
from accounts.models import User
from core import etags, fields
from core.api import answer_once, caller, given, listed
from core.errors import FilterUnknown
from core.fields import ReasonInput
from core.openapi import IDEMPOTENCY_KEY, IF_MATCH, PAGE_PARAMETERS, problems, text_parameter
from core.renderers import LIST_RENDERERS

PERSON = OpenApiExample("Ada", value=shapes.PERSON_EXAMPLE, response_only=True)
REASON = OpenApiExample(
    "Why", value={"reason": "Asked by telephone, ticket 4711."}, request_only=True
)
INVITE = OpenApiExample(
    "Somebody new", value={"email": "eve@example.org", "name": "Eve"}, request_only=True
)


WHY = text_parameter(
    "reason",
    min_length=fields.REASON_LENGTH_MIN,
    max_length=fields.REASON_LENGTH_MAX,
    required=True,
    description="Why; kept in the audit trail.",
)


class PeopleView(APIView):
    """Everybody."""

    renderer_classes = LIST_RENDERERS
    scopes = {"GET": constants.USERS_READ, "POST": constants.USERS_WRITE}

    @extend_schema(
        operation_id="users_list",
        summary="List people",
        description="Newest first. Takes the permission to see people.",
        tags=["users"],
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("email", str, description="The whole address, in any case."),
            OpenApiParameter("username", str, description="The whole user name, in any case."),
            OpenApiParameter("state", str, enum=constants.PEOPLE_STATES),
            OpenApiParameter("role", str, enum=shapes.ROLES),
        ],
        responses={200: shapes.PersonPage, **problems(400, 401, 403)},
        examples=[
            OpenApiExample(
                "One person",
                value={"items": [shapes.PERSON_EXAMPLE], "next": None, "previous": None},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> HttpResponseBase:
        filters = _filters(request)
        return listed(
            request,
            scope="users",
            fetch=lambda asked: selectors.people(
                actor=caller(request), asked=asked, filters=filters
            ),
            shape=shapes.PersonOutput,
        )

    @extend_schema(
        summary="Add a person",
        description=(
            "Opens an account without a password and mails its owner a link to choose one: staff "
            "never know a password. A role takes the permission to change people, and a fresh "
            "login."
        ),
        tags=["users"],
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.InviteInput,
        responses={201: shapes.PersonOutput, **problems(400, 401, 403, 409, 429)},
        examples=[INVITE, PERSON],
    )
    def post(self, request: Request) -> Response:
        wanted = given(shapes.InviteInput, request)
        return answer_once(
            request,
            lambda: shapes.PersonOutput(services.invite(**wanted, actor=caller(request)).user).data,
        )


class PersonView(APIView):
    """One person."""

    scopes = {"GET": constants.USERS_READ, "PATCH": constants.USERS_WRITE}

    @extend_schema(
        summary="Show a person",
        tags=["users"],
        responses={200: shapes.PersonOutput, **problems(401, 403, 404)},
        examples=[PERSON],
    )
    def get(self, request: Request, user_id: uuid.UUID) -> Response:
        return _shown(selectors.get_person(user_id=user_id, actor=caller(request)))

    @extend_schema(
        summary="Change a person",
        description="The e-mail address and the password are the person's own to change.",
        tags=["users"],
        parameters=[IF_MATCH],
        request=shapes.PersonChange,
        responses={200: shapes.PersonOutput, **problems(400, 401, 403, 404, 409, 412, 428)},
        examples=[
            OpenApiExample("A new name", value={"name": "Ada Lovelace"}, request_only=True),
            PERSON,
        ],
    )
    def patch(self, request: Request, user_id: uuid.UUID) -> Response:
        version = etags.required_version(request)
        return _shown(
            services.update_person(
                user_id=user_id,
                version=version,
                changes=given(shapes.PersonChange, request),
                actor=caller(request),
            )
        )

    @extend_schema(
        summary="Close an account",
        description="Needs a fresh login. The ledger keeps its rows; the person is gone.",
        tags=["users"],
        parameters=[WHY],
        responses={204: None, **problems(400, 401, 403, 404, 409)},
    )
    def delete(self, request: Request, user_id: uuid.UUID) -> Response:
        services.delete_user(
            user_id=user_id, reason=reason_in_query(request), actor=caller(request)
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class _DeedView(APIView):
    """What staff do to one person, for a reason."""

    scopes = {"POST": constants.USERS_WRITE}
    shape: type[ReasonInput] = ReasonInput

    def do(self, request: Request, user_id: uuid.UUID, deed: Callable[..., User]) -> Response:
        """Do it and show the person after it."""
        wanted: dict[str, Any] = given(self.shape, request)
        user = deed(user_id=user_id, **wanted, actor=caller(request))
        return _shown(user)


class LockView(_DeedView):
    """Lock out."""

    @extend_schema(
        summary="Lock a person out",
        description="At once and everywhere: every session and key of theirs ends.",
        tags=["users"],
        request=ReasonInput,
        responses={200: shapes.PersonOutput, **problems(400, 401, 403, 404, 409)},
        examples=[REASON, PERSON],
    )
    def post(self, request: Request, user_id: uuid.UUID) -> Response:
        return self.do(request, user_id, services.lock_user)


class UnlockView(_DeedView):
    """Let in again."""

    @extend_schema(
        summary="Let a person in again",
        tags=["users"],
        request=ReasonInput,
        responses={200: shapes.PersonOutput, **problems(400, 401, 403, 404, 409)},
        examples=[REASON, PERSON],
    )
    def post(self, request: Request, user_id: uuid.UUID) -> Response:
        return self.do(request, user_id, services.unlock_user)


class ForceResetView(_DeedView):
    """Make somebody choose a new password."""

    @extend_schema(
        summary="Force a password reset",
        description=(
            "Switches the password off, ends every login and mails the person a link to choose a "
            "new one."
        ),
        tags=["users"],
        request=ReasonInput,
        responses={200: shapes.PersonOutput, **problems(400, 401, 403, 404, 409)},
        examples=[REASON, PERSON],
    )
    def post(self, request: Request, user_id: uuid.UUID) -> Response:
        return self.do(request, user_id, services.force_password_reset)


class ResendView(_DeedView):
    """Send the link again."""

    @extend_schema(
        summary="Send a person's link again",
        description="The link that verifies the address, or the invitation.",
        tags=["users"],
        request=ReasonInput,
        responses={200: shapes.PersonOutput, **problems(400, 401, 403, 404, 409, 429)},
        examples=[REASON, PERSON],
    )
    def post(self, request: Request, user_id: uuid.UUID) -> Response:
        return self.do(request, user_id, services.resend_link)


class RoleView(_DeedView):
    """Make somebody staff, or not."""

    scopes = {}
    shape = shapes.RoleInput

    @extend_schema(
        summary="Change a person's role",
        description="Needs a fresh login. `null` makes them no staff.",
        tags=["users"],
        request=shapes.RoleInput,
        responses={200: shapes.PersonOutput, **problems(400, 401, 403, 404, 409)},
        examples=[
            OpenApiExample(
                "Support",
                value={"role": "support", "reason": "Joins the support team on Monday."},
                request_only=True,
            ),
            PERSON,
        ],
    )
    def post(self, request: Request, user_id: uuid.UUID) -> Response:
        return self.do(request, user_id, services.change_role)


def reason_in_query(request: Request) -> str:
    """Return why something is deleted: a DELETE has no body."""
    if "reason" not in request.query_params:
        return ""
    told = ReasonInput(data={"reason": request.query_params["reason"]})
    told.is_valid(raise_exception=True)
    return str(told.validated_data["reason"])


def _filters(request: Request) -> dict[str, str]:
    filters = {
        name: request.query_params[name]
        for name in ("email", "username", "state", "role")
        if name in request.query_params
    }
    for name, known in (("state", constants.PEOPLE_STATES), ("role", shapes.ROLES)):
        if name in filters and filters[name] not in known:
            detail = f"Must be one of {', '.join(known)}."
            fault = {"pointer": f"?{name}", "code": FilterUnknown.code, "detail": detail}
            raise FilterUnknown(detail, errors=[fault])
    for name in ("email", "username"):
        if name in filters:
            filters[name] = services.comparable_login_name(filters[name])
    return filters


def _shown(user: User) -> Response:
    return Response(
        shapes.PersonOutput(user).data, headers={"ETag": etags.of_version(user.version)}
    )
