"""What people are told of their data and of the terms, and what they agree to."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import selectors, services
from accounts.api.notice_serializers import (
    AcceptNoticesInput,
    MyNoticeList,
    MyNoticeOutput,
    NoticeList,
    NoticeOutput,
)
from core.api import caller, given, listed_whole
from core.openapi import problems
from core.renderers import LIST_RENDERERS

_NOTICE = {
    "kind": "privacy",
    "version": 1,
    "published_at": "2026-11-20T10:00:00.000000Z",
    "path": "/privacy/1/",
}
_MINE = OpenApiExample(
    "One accepted",
    value={"items": [{**_NOTICE, "accepted_at": "2026-11-20T10:01:00.000000Z"}]},
    response_only=True,
)


class NoticesView(APIView):
    """What is in force."""

    authentication_classes = []
    permission_classes = [AllowAny]
    renderer_classes = LIST_RENDERERS

    @extend_schema(
        summary="List the notices in force",
        description="For the page on which somebody registers: what there is to agree to.",
        tags=["auth"],
        auth=[],
        responses={200: NoticeList},
        examples=[OpenApiExample("One", value={"items": [_NOTICE]}, response_only=True)],
    )
    def get(self, request: Request) -> HttpResponseBase:
        rows = [NoticeOutput(notice).data for notice in selectors.newest_notices()]
        return listed_whole(request, name="notices", rows=rows, shape=NoticeOutput)


class MyNoticesView(APIView):
    """What the caller agreed to, and what they still should."""

    renderer_classes = LIST_RENDERERS

    @extend_schema(
        summary="List my notices",
        description="The newest of each kind, and when you accepted it.",
        tags=["me"],
        responses={200: MyNoticeList, **problems(401, 403)},
        examples=[_MINE],
    )
    def get(self, request: Request) -> HttpResponseBase:
        return _mine(request)

    @extend_schema(
        summary="Accept notices",
        description=(
            "All that are named, or none. To accept one again changes nothing; it cannot be taken "
            "back. `409`: another version is in force than the one that was shown."
        ),
        tags=["me"],
        request=AcceptNoticesInput,
        responses={200: MyNoticeList, **problems(400, 401, 403, 409)},
        examples=[
            OpenApiExample(
                "The privacy notice",
                value={"notices": [{"kind": "privacy", "version": 1}]},
                request_only=True,
            ),
            _MINE,
        ],
    )
    def post(self, request: Request) -> HttpResponseBase:
        versions = given(AcceptNoticesInput, request)["notices"]
        services.accept_notices(versions=versions, actor=caller(request))
        return _mine(request)


def _mine(request: Request) -> HttpResponseBase:
    found = selectors.notices_of(user_id=caller(request).user_id)
    rows = [MyNoticeOutput(notice).data for notice in found]
    return listed_whole(request, name="notices", rows=rows, shape=MyNoticeOutput)
