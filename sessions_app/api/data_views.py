"""What client apps keep with the session that asks."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import errors, etags
from core.api import caller
from core.openapi import IF_MATCH, problems
from core.parsers import StrictJSONParser
from sessions_app import selectors, services
from sessions_app.api.parsers import MergePatchParser

_DATA: Final = {"basket": ["tea", "milk"], "theme": "dark"}


class SessionDataView(APIView):
    """One JSON object of at most 32 KiB."""

    open_to_guests = True
    parser_classes = [StrictJSONParser, MergePatchParser]

    @extend_schema(
        summary="Read the session's data",
        tags=["sessions"],
        responses={200: OpenApiTypes.OBJECT, **problems(401, 404)},
        examples=[OpenApiExample("A basket", value=_DATA, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        session = selectors.current_session(actor=caller(request))
        return _answered(session.data, session.data_version)

    @extend_schema(
        summary="Change the session's data",
        description=(
            "Merges the body into the data (RFC 7396): `null` removes a member, arrays are "
            "replaced. It ends with the session."
        ),
        tags=["sessions"],
        parameters=[IF_MATCH],
        request={"application/merge-patch+json": OpenApiTypes.OBJECT},
        responses={200: OpenApiTypes.OBJECT, **problems(400, 401, 404, 412, 413, 415, 428)},
        examples=[
            OpenApiExample(
                "Another theme, no basket",
                value={"theme": "light", "basket": None},
                request_only=True,
                media_type="application/merge-patch+json",
            ),
            OpenApiExample("What is left", value={"theme": "light"}, response_only=True),
        ],
    )
    def patch(self, request: Request) -> Response:
        patch: object = request.data
        if not isinstance(patch, dict):
            raise errors.BodyRequired("Send a JSON object.")
        data, version = services.merge_session_data(
            patch=patch, version=etags.required_version(request), actor=caller(request)
        )
        return _answered(data, version)


def _answered(data: dict[str, Any], version: int) -> Response:
    return Response(data, headers={"ETag": etags.of_version(version)})
