"""The summary for operators."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import errors
from core.api import caller
from core.openapi import problems
from core.operations import summary
from core.operations.serializers import SUMMARY_EXAMPLE, SummaryOutput

READ = "ops:read"


class SummaryView(APIView):
    """How the service is doing."""

    scopes: ClassVar = {"GET": READ}

    @extend_schema(
        operation_id="ops_summary",
        summary="Show how the service is doing",
        description="Rates, slow routes, queues and states of the last hour or day. For staff.",
        tags=["operations"],
        parameters=[
            OpenApiParameter(
                "window", str, enum=list(summary.WINDOWS), description="Default: hour."
            )
        ],
        responses={200: SummaryOutput, **problems(400, 401, 403)},
        examples=[OpenApiExample("An hour", value=SUMMARY_EXAMPLE, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        name = request.query_params.get("window", "hour")
        if name not in summary.WINDOWS:
            raise errors.FilterUnknown("window is hour or day.")
        return Response(summary.summarize(window=summary.WINDOWS[name], actor=caller(request)))
