"""What every operation says of itself in the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from typing_extensions import override

from core import contract, etags, fields, idempotency, negotiation, pagination
from core import problems as problem_documents

_TITLES: Final = {
    400: "The request is not valid",
    401: "Authentication required",
    403: "Not allowed",
    404: "No such resource",
    405: "Method not allowed",
    406: "No representation of the kind asked for",
    408: "The body came too slowly",
    409: "Conflict with the current state",
    410: "Gone: used, expired or replaced",
    412: "The resource has changed",
    413: "The body is too large",
    415: "Not JSON in UTF-8",
    422: "A business rule said no",
    428: "If-Match is required",
    429: "Too many requests; see Retry-After",
    502: "A program or service that this needs failed",
    503: "Try again shortly",
    504: "The request took too long",
}


class OperationSchema(AutoSchema):
    """Adds to every operation what the edge gives all of them."""

    @override
    def get_override_parameters(self) -> list[Any]:
        """Return the declared parameters, and ``fields`` and ``format`` where they work."""
        declared: list[Any] = super().get_override_parameters()
        offered = contract.answered_fields(self.get_response_serializers())
        if self.method == "GET" and offered:
            return [*declared, _choice_of(offered)]
        return declared

    @override
    def map_renderers(self, attribute: str) -> list[Any]:
        """Return what the answer can be written as; CSV is for reading lists."""
        offered = negotiation.offered(self.view.renderer_classes, self.view, self.method)
        return [getattr(renderer, attribute) for renderer in offered]

    @override
    def _get_parameters(self) -> list[Any]:
        """Say of texts in the query what the contract refuses in each of them."""
        declared: list[dict[str, Any]] = super()._get_parameters()
        for parameter in declared:
            shape = parameter["schema"]
            is_text = parameter["in"] == "query" and shape.get("type") == "string"
            if is_text and not {"enum", "format", "pattern"} & shape.keys():
                shape["pattern"] = fields.SAFE_TEXT_FORM
        return declared

    @override
    def _get_request_body(self, direction: Any = "request") -> Any:
        """Return what is sent; at least ``{}`` must be, unless the view takes no body as well."""
        body: dict[str, Any] | None = super()._get_request_body(direction)  # type: ignore[no-untyped-call]  # untyped library
        is_optional = self.method in getattr(self.view, "takes_no_body", ())
        return body and {**body, "required": not is_optional}

    @override
    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        """Return the declared answers, and the refusals that the edge may give to any request."""
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self._edge_statuses() - {int(known) for known in bodies}:
            bodies[str(status)] = self._get_response_for_code(  # type: ignore[no-untyped-call]  # untyped library
                OpenApiResponse(ProblemOutput, description=_TITLES[status]),
                str(status),
                media_types=[problem_documents.MEDIA_TYPE],
                direction=direction,
            )
        return dict(sorted(bodies.items()))

    def _edge_statuses(self) -> set[int]:
        statuses = {400, 406, 429, 503, 504}
        if self.view.authentication_classes:
            statuses |= {401, 403}
        if "{" in self.path:
            statuses |= {404}
        if self.method in {"POST", "PUT", "PATCH"}:
            statuses |= {408, 413, 415}
        headers = {getattr(one, "name", "") for one in self.get_override_parameters()}
        if idempotency.HEADER in headers:
            statuses |= {409, 422}
        if IF_MATCH.name in headers:
            statuses |= {412, 428}
        return statuses

    @override
    def is_deprecated(self) -> bool:
        """Tell whether the view says when it goes away."""
        return getattr(self.view, "deprecation", None) is not None


def _choice_of(offered: tuple[str, ...]) -> OpenApiParameter:
    one = f"(?:{'|'.join(offered)})"
    return OpenApiParameter(
        contract.CHOICE,
        {"type": "string", "pattern": f"^{one}(?:,{one})*$"},
        description="Names of the fields to answer, comma separated.",
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
        {"type": "integer", "minimum": 1, "maximum": pagination.LIMIT_MAX},
        description=f"Rows a page, 1 to {pagination.LIMIT_MAX}.",
        default=pagination.LIMIT_DEFAULT,
    ),
]


def _idempotency_key(*, required: bool) -> OpenApiParameter:
    return OpenApiParameter(
        idempotency.HEADER,
        {"type": "string", "pattern": f"^{idempotency.KEY_FORM}$"},
        OpenApiParameter.HEADER,
        required=required,
        description="A repeated request answers as the first one with this key did.",
    )


IDEMPOTENCY_KEY: Final = _idempotency_key(required=False)
# On what moves money.
IDEMPOTENCY_KEY_REQUIRED: Final = _idempotency_key(required=True)
IF_MATCH: Final = OpenApiParameter(
    "If-Match",
    {"type": "string", "pattern": f"^{etags.TAG_FORM}$"},
    OpenApiParameter.HEADER,
    required=True,
    description="ETag last received.",
)


def text_parameter(
    name: str,
    *,
    max_length: int,
    min_length: int = 1,
    required: bool = False,
    description: str = "",
) -> OpenApiParameter:
    """Return a query parameter that is a text of such lengths."""
    shape = {"type": "string", "minLength": min_length, "maxLength": max_length}
    return OpenApiParameter(name, shape, required=required, description=description)
