"""One's own data: a copy of it, its deletion, and who did what to it."""

from __future__ import annotations

import re
import uuid
from typing import Any, Final

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import fields
from core.api import caller, listed
from core.models import AuditEvent, DataExport, DeletionRequest
from core.openapi import PAGE_PARAMETERS, problems
from core.privacy import deletion, exports, trail
from core.privacy.errors import ExportNotFound
from core.renderers import LIST_RENDERERS

EXPIRES: Final = re.compile(r"[1-9][0-9]{0,11}\Z")
_EXPORT: Final = {
    "id": "01a1fc61-0203-703c-973a-a31d52667ef1",
    "state": "queued",
    "rows": 0,
    "size_bytes": 0,
    "created_at": "2026-11-20T10:00:00.000000Z",
    "finished_at": None,
    "expires_at": "2026-11-21T10:00:00.000000Z",
    "content": None,
}
_READY: Final = {
    **_EXPORT,
    "state": "done",
    "rows": 318,
    "size_bytes": 48213,
    "finished_at": "2026-11-20T10:00:04.000000Z",
    "content": (
        "/api/v1/me/export/01a1fc61-0203-703c-973a-a31d52667ef1/content/"
        "?expires=1795255204&signature=5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
    ),
}
_DELETION: Final = {
    "asked_at": "2026-11-20T10:00:00.000000Z",
    "due_at": "2026-12-20T10:00:00.000000Z",
}
_EVENT: Final = {
    "id": "01a1fc61-0203-703c-973a-a31d52667ef1",
    "recorded_at": "2026-11-20T10:00:00.000000Z",
    "action": "account.update",
    "target_type": "user",
    "target_id": "01a1fc60-5c43-7d7c-8f6c-9cb0ad0ee3a7",
    "outcome": "done",
    "by": "me",
    "client_address": "192.0.2.17",
    "request_id": "01a1fc61-0203-7d35-8f2e-0a3a4ac4a1d6",
}


class ExportOutput(serializers.Serializer[DataExport]):
    """A copy of one's data, being made or ready."""

    id = fields.StrictUUIDField()
    state = serializers.ChoiceField(["queued", "done", "failed"])
    rows = fields.StrictIntegerField()
    size_bytes = fields.StrictIntegerField()
    created_at = fields.InstantField()
    finished_at = fields.InstantField(allow_null=True)
    expires_at = fields.InstantField()
    content = serializers.SerializerMethodField(help_text="Where to fetch it, once it is done.")

    def get_content(self, row: DataExport) -> str | None:
        return exports.link_of(row)


class DeletionOutput(serializers.Serializer[DeletionRequest]):
    """An open request for deletion."""

    asked_at = fields.InstantField()
    due_at = fields.InstantField(help_text="Until then it can be taken back.")


class AuditOutput(serializers.Serializer[AuditEvent]):
    """One thing that was done to one's account; who else did it is not told, but that they did."""

    id = fields.StrictUUIDField()
    recorded_at = fields.InstantField()
    action = serializers.CharField()
    target_type = serializers.CharField()
    target_id = serializers.CharField()
    outcome = serializers.CharField()
    by = serializers.SerializerMethodField(help_text="me, staff or system.")
    client_address = serializers.SerializerMethodField(help_text="Of one's own deeds.")
    request_id = serializers.CharField()

    def get_by(self, row: AuditEvent) -> str:
        return trail.done_by(row)

    def get_client_address(self, row: AuditEvent) -> str | None:
        return row.client_address if trail.done_by(row) == "me" else None


class AuditPage(serializers.Serializer[Any]):
    """A page of one's own audit trail."""

    items = AuditOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class ExportsView(APIView):
    """Copies of the caller's data."""

    @extend_schema(
        summary="Ask for a copy of my data",
        description=(
            "Needs a fresh login. The copy is made in the background: ask at `Location` until it "
            "is done. It is a ZIP with a JSON and a CSV file for each kind of data, and a schema."
        ),
        tags=["me"],
        request=None,
        responses={202: ExportOutput, **problems(401, 403, 409)},
        examples=[
            OpenApiExample("Just asked", value=_EXPORT, response_only=True, status_codes=["202"])
        ],
    )
    def post(self, request: Request) -> Response:
        row = exports.ask_for_export(actor=caller(request))
        row.refresh_from_db()
        return Response(
            ExportOutput(row).data,
            status=status.HTTP_202_ACCEPTED,
            headers={"Location": f"/api/v1/me/export/{row.pk}/"},
        )


class ExportView(APIView):
    """One copy."""

    @extend_schema(
        summary="See whether my copy is ready",
        tags=["me"],
        responses={200: ExportOutput, **problems(401, 403, 404)},
        examples=[OpenApiExample("Ready", value=_READY, response_only=True)],
    )
    def get(self, request: Request, export_id: uuid.UUID) -> Response:
        row = exports.export_of(export_id=export_id, actor=caller(request))
        return Response(ExportOutput(row).data)


class ExportContentView(APIView):
    """What is in a copy."""

    @extend_schema(
        summary="Fetch my copy",
        description="By the link of a finished copy, until it expires. Needs a fresh login.",
        tags=["me"],
        parameters=[
            OpenApiParameter("expires", str, required=True, description="From the link."),
            OpenApiParameter("signature", str, required=True, description="From the link."),
        ],
        responses={(200, "application/zip"): OpenApiTypes.BINARY, **problems(401, 403, 404)},
    )
    def get(self, request: Request, export_id: uuid.UUID) -> HttpResponseBase:
        expires = request.query_params.get("expires", "")
        if not EXPIRES.match(expires):
            raise ExportNotFound("The link is over; ask for a new copy.")
        content = exports.content_of(
            export_id=export_id,
            expires=int(expires),
            signature=request.query_params.get("signature", ""),
            actor=caller(request),
        )
        return StreamingHttpResponse(
            content,
            content_type="application/zip",
            headers={
                "Content-Disposition": f'attachment; filename="strongroom-{export_id}.zip"',
                "Cache-Control": "no-store",
            },
        )


class DeletionView(APIView):
    """The caller's request to be deleted."""

    @extend_schema(
        summary="Show my request for deletion",
        tags=["me"],
        responses={200: DeletionOutput, **problems(401, 403, 404)},
        examples=[OpenApiExample("In a month", value=_DELETION, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        return Response(DeletionOutput(deletion.open_request(actor=caller(request))).data)

    @extend_schema(
        summary="Ask for my account to be deleted",
        description=(
            "Needs a fresh login. The account works until the day that is answered; then "
            "everything that says who you are is erased. What the law has us keep stays, under a "
            "number."
        ),
        tags=["me"],
        request=None,
        responses={202: DeletionOutput, **problems(401, 403, 409)},
        examples=[
            OpenApiExample("In a month", value=_DELETION, response_only=True, status_codes=["202"])
        ],
    )
    def post(self, request: Request) -> Response:
        row = deletion.ask_for_deletion(actor=caller(request))
        return Response(DeletionOutput(row).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Take my request for deletion back",
        description="Needs a fresh login.",
        tags=["me"],
        responses={204: None, **problems(401, 403, 404)},
    )
    def delete(self, request: Request) -> Response:
        deletion.cancel_deletion(actor=caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class AuditView(APIView):
    """What was done to the caller's account, and by whom."""

    renderer_classes = LIST_RENDERERS

    @extend_schema(
        operation_id="me_audit_list",
        summary="List what happened to my account",
        tags=["me"],
        parameters=PAGE_PARAMETERS,
        responses={200: AuditPage, **problems(400, 401, 403)},
        examples=[
            OpenApiExample(
                "A change of mine",
                value={"items": [_EVENT], "next": None, "previous": None},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> HttpResponseBase:
        actor = caller(request)
        return listed(
            request,
            scope="audit",
            fetch=lambda asked: trail.own_trail(actor=actor, asked=asked),
            shape=AuditOutput,
        )
