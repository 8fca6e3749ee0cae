"""What every operation says of itself in the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from typing_extensions import override

from core import contract, pagination
from core import problems as problem_documents

_TITLES: Final = {
    400: "The request is not valid",
    401: "Authentication required",
    403: "Not allowed",
    404: "No such resource",
    406: "No representation of the kind asked for",
    405: "Method not allowed",
    409: "Conflict with the current state",
    410: "Gone: used, expired or replaced",
    412: "The resource has changed",
    413: "The body is too large",
    415: "Not JSON in UTF-8",
    422: "A business rule said no",
    428: "If-Match is required",
    429: "Too many requests; see Retry-After",
    503: "Try again shortly",
    504: "The request took too long",
}


class OperationSchema(AutoSchema):
    """Adds to every operation what the edge gives all of them."""

    @override
    def get_override_parameters(self) -> list[Any]:
        """Return the declared parameters, and ``fields`` and ``format`` where they work."""
        declared: list[Any] = super().get_override_parameters()
        if self.method != "GET":
            return declared
        offered = [renderer.format for renderer in self.view.renderer_classes]
        if contract.answered_fields(self.get_response_serializers()):
            declared = [*declared, FIELDS]
            if len(offered) > 1:
                declared = [*declared, OpenApiParameter("format", str, enum=offered)]
        return declared

    @override
    def is_deprecated(self) -> bool:
        """Tell whether the view says when it goes away."""
        return getattr(self.view, "deprecation", None) is not None


FIELDS: Final = OpenApiParameter(
    contract.CHOICE, str, description="Names of the fields to answer, comma separated."
)


class FaultOutput(serializers.Serializer[Any]):
    """One fault of a request."""

    pointer = serializers.CharField(help_text="JSON pointer into the body, or ?parameter.")
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemOutput(serializers.Serializer[Any]):
    """RFC 9457 problem document."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    code = serializers.CharField(help_text="Stable; the table is in docs/errors.md.")
    request_id = serializers.CharField()
    errors = FaultOutput(many=True, required=False)  # type: ignore[assignment]  # RFC 9457 name


def problems(*statuses: int) -> dict[Any, OpenApiResponse]:
    """Return the error answers of an operation, for ``extend_schema(responses=...)``."""
    return {
        (status, problem_documents.MEDIA_TYPE): OpenApiResponse(
            ProblemOutput, description=_TITLES[status]
        )
        for status in statuses
    }


PAGE_PARAMETERS: Final = [
    OpenApiParameter("cursor", str, description="From `next` or `previous` of an earlier page."),
    OpenApiParameter(
        "limit",
        int,
        description=f"Rows a page, 1 to {pagination.LIMIT_MAX}.",
        default=pagination.LIMIT_DEFAULT,
    ),
]
IDEMPOTENCY_KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="1 to 255 visible ASCII characters; a repeated request answers as the first did.",
)
IF_MATCH: Final = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, required=True, description="ETag last received."
)
