"""What staff see of a person's logins."""

from __future__ import annotations

import uuid

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.constants import USERS_READ
from accounts.selectors import get_person
from core.api import caller, listed
from core.openapi import PAGE_PARAMETERS, problems
from core.renderers import LIST_RENDERERS
from sessions_app import selectors
from sessions_app.api.serializers import SESSION_EXAMPLE, SessionOutput, SessionPage


class PersonSessionsView(APIView):
    """The devices somebody is logged in on."""

    renderer_classes = LIST_RENDERERS
    scopes = {"GET": USERS_READ}

    @extend_schema(
        operation_id="user_sessions_list",
        summary="List a person's sessions",
        description="Takes the permission to see sessions. One is ended by `DELETE sessions/{id}`.",
        tags=["users"],
        parameters=PAGE_PARAMETERS,
        responses={200: SessionPage, **problems(400, 401, 403, 404)},
        examples=[
            OpenApiExample(
                "One device",
                value={"items": [SESSION_EXAMPLE], "next": None, "previous": None},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request, user_id: uuid.UUID) -> HttpResponseBase:
        actor = caller(request)
        person = get_person(user_id=user_id, actor=actor)
        actor.require("sessions_app.view_session")
        return listed(
            request,
            scope=f"users:{user_id}:sessions",
            fetch=lambda asked: selectors.live_sessions(
                user_id=person.pk,
                actor=actor,
                asked=asked,
            ),
            shape=SessionOutput,
        )
