"""Feedback, and errors that programs met, by the API."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Final

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import fields, limits
from core.api import caller, given, listed
from core.feedback import reports
from core.models import Report
from core.models.feedback import KINDS, MESSAGE_LENGTH_MAX, STATES
from core.openapi import PAGE_PARAMETERS, problems
from core.renderers import LIST_RENDERERS

ERROR: Final = "client_error"
OPINIONS: Final = tuple(kind for kind in KINDS if kind != ERROR)
_REPORT: Final = {
    "id": "01a1fc61-0203-703c-973a-a31d52667ef1",
    "kind": "bug",
    "message": "The statement of May shows no closing balance.",
    "context": {"page": "/statements/2026-05"},
    "request_id": "01a1fc61-0001-7e1c-8a5c-0b7e4b1f9d11",
    "state": "looking",
    "answer": "We can see it too and are mending it.",
    "created_at": "2026-11-20T10:00:00.000000Z",
    "changed_at": "2026-11-20T11:30:00.000000Z",
}
_ERROR: Final = {
    **_REPORT,
    "kind": ERROR,
    "message": "TypeError: undefined is not a function",
    "context": {"page": "/transfer", "release": "web 4.2.0"},
    "state": "new",
    "answer": "",
}
_SCRUBBED: Final = (
    "Tokens, e-mail addresses and numbers of cards in it are replaced by `***` before it is kept. "
    "At most 20 in an hour."
)


class ReportInput(fields.StrictSerializer):
    """What is to be known."""

    message = fields.StrictTextField(max_length=MESSAGE_LENGTH_MAX)
    context = fields.MetadataField(  # type: ignore[assignment]  # the metaclass takes it away
        required=False, help_text="What helps to understand it: page, release, device."
    )
    request_id = fields.StrictTextField(
        max_length=64,
        pattern="[A-Za-z0-9._-]{8,64}",
        required=False,
        help_text="`X-Request-ID` of the answer that it is about.",
    )


class FeedbackInput(ReportInput):
    """An opinion."""

    kind = fields.StrictChoiceField(choices=OPINIONS)


class ReportOutput(serializers.Serializer[Report]):
    """A report and what became of it."""

    id = fields.StrictUUIDField()
    kind = fields.StrictChoiceField(choices=KINDS)
    message = serializers.CharField()
    context = fields.MetadataField()  # type: ignore[assignment]  # the metaclass takes it away
    request_id = serializers.CharField(source="about_request")
    state = fields.StrictChoiceField(choices=STATES)
    answer = serializers.CharField(help_text="What we tell you of it.")
    created_at = fields.InstantField()
    changed_at = fields.InstantField()


class ReportPage(serializers.Serializer[Any]):
    """A page of reports."""

    items = ReportOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


def _page(example: dict[str, Any]) -> OpenApiExample:
    shown = {"items": [example], "next": None, "previous": None}
    return OpenApiExample("One report", value=shown, response_only=True)


def _sent(example: dict[str, Any], *names: str) -> OpenApiExample:
    value = {name: example[name] for name in names}
    return OpenApiExample("A report", value=value, request_only=True)


class _ReportsView(APIView):
    limited_as: ClassVar = {"POST": limits.REPORTS}
    renderer_classes = LIST_RENDERERS
    kinds: ClassVar[tuple[str, ...]]
    path: ClassVar[str]

    def _list(self, request: Request) -> HttpResponseBase:
        return listed(
            request,
            scope=self.path,
            fetch=lambda asked: reports.reports_of(
                kinds=self.kinds, actor=caller(request), asked=asked
            ),
            shape=ReportOutput,
        )

    def _take(self, request: Request, kind: str, wanted: dict[str, Any]) -> Response:
        row = reports.take_report(
            kind=kind,
            message=wanted["message"],
            context=wanted.get("context", {}),
            about_request=wanted.get("request_id", ""),
            actor=caller(request),
        )
        return Response(
            ReportOutput(row).data,
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/v1/{self.path}/{row.pk}/"},
        )


class FeedbackView(_ReportsView):
    """What the caller thinks of the service."""

    kinds = OPINIONS
    path = "feedback"

    @extend_schema(
        operation_id="feedback_list",
        summary="List my feedback",
        tags=["feedback"],
        parameters=PAGE_PARAMETERS,
        responses={200: ReportPage, **problems(400, 401, 403)},
        examples=[_page(_REPORT)],
    )
    def get(self, request: Request) -> HttpResponseBase:
        return self._list(request)

    @extend_schema(
        summary="Tell us something",
        description=_SCRUBBED,
        tags=["feedback"],
        request=FeedbackInput,
        responses={201: ReportOutput, **problems(400, 401, 403, 429)},
        examples=[
            _sent(_REPORT, "kind", "message", "context", "request_id"),
            OpenApiExample("Taken", value=_REPORT, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        wanted = given(FeedbackInput, request)
        return self._take(request, wanted["kind"], wanted)


class ClientErrorsView(_ReportsView):
    """Errors that the caller's programs met."""

    kinds = (ERROR,)
    path = "client-errors"

    @extend_schema(
        operation_id="client_errors_list",
        summary="List my error reports",
        tags=["feedback"],
        parameters=PAGE_PARAMETERS,
        responses={200: ReportPage, **problems(400, 401, 403)},
        examples=[_page(_ERROR)],
    )
    def get(self, request: Request) -> HttpResponseBase:
        return self._list(request)

    @extend_schema(
        summary="Report an error of a program",
        description=_SCRUBBED,
        tags=["feedback"],
        request=ReportInput,
        responses={201: ReportOutput, **problems(400, 401, 403, 429)},
        examples=[
            _sent(_ERROR, "message", "context", "request_id"),
            OpenApiExample("Taken", value=_ERROR, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        return self._take(request, ERROR, given(ReportInput, request))


class OneFeedbackView(APIView):
    """One thing the caller told us."""

    @extend_schema(
        operation_id="feedback_get",
        summary="Show what became of my feedback",
        tags=["feedback"],
        responses={200: ReportOutput, **problems(401, 403, 404)},
        examples=[OpenApiExample("Looked into", value=_REPORT, response_only=True)],
    )
    def get(self, request: Request, report_id: uuid.UUID) -> Response:
        row = reports.get_report(report_id=report_id, kinds=OPINIONS, actor=caller(request))
        return Response(ReportOutput(row).data)


class OneClientErrorView(APIView):
    """One error that was reported."""

    @extend_schema(
        operation_id="client_errors_get",
        summary="Show what became of my error report",
        tags=["feedback"],
        responses={200: ReportOutput, **problems(401, 403, 404)},
        examples=[OpenApiExample("Not looked at yet", value=_ERROR, response_only=True)],
    )
    def get(self, request: Request, report_id: uuid.UUID) -> Response:
        row = reports.get_report(report_id=report_id, kinds=(ERROR,), actor=caller(request))
        return Response(ReportOutput(row).data)
