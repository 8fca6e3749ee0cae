"""Files of the caller."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import IO, Any, ClassVar, Final

from django.http import FileResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from typing_extensions import override

from core import errors, fields
from core.api import caller, listed
from core.files import storage, uploads
from core.models import StoredFile
from core.openapi import PAGE_PARAMETERS, problems
from core.renderers import LIST_RENDERERS

NAME_LENGTH_MAX: Final = 200
_SCOPES: Final = {"GET": "files:read", "POST": "files:write", "DELETE": "files:write"}
_EXAMPLE: Final = {
    "id": "01a1fc61-0203-703c-973a-a31d52667ef1",
    "name": "receipt.pdf",
    "media_type": "application/pdf",
    "size_bytes": 48213,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "created_at": "2026-11-20T10:00:00.000000Z",
}

_NAME_FORM: Final = fields.SAFE_TEXT_FORM.replace("[^", r"[^/\\").replace(
    "*", f"{{1,{NAME_LENGTH_MAX}}}"
)
_NAME: Final = OpenApiParameter(
    "name",
    {"type": "string", "pattern": _NAME_FORM},
    required=True,
    description="Shown, not used.",
)


class FileOutput(serializers.Serializer[StoredFile]):
    """What is known of a file."""

    id = fields.StrictUUIDField()
    name = serializers.CharField()
    media_type = serializers.CharField(help_text="By content, whatever was claimed.")
    size_bytes = fields.StrictIntegerField()
    sha256 = serializers.CharField()
    created_at = fields.InstantField()


class FilePage(serializers.Serializer[Any]):
    """A page of files."""

    items = FileOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class StreamParser(BaseParser):
    """Hands the body on unread: it may be larger than memory should hold."""

    media_type = "application/octet-stream"

    @override
    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return stream


class FilesView(APIView):
    """The caller's files."""

    scopes: ClassVar = _SCOPES
    parser_classes = [StreamParser]
    renderer_classes = LIST_RENDERERS

    @extend_schema(
        operation_id="files_list",
        summary="List my files",
        tags=["files"],
        parameters=PAGE_PARAMETERS,
        responses={200: FilePage, **problems(400, 401, 403)},
        examples=[
            OpenApiExample(
                "One file",
                value={"items": [_EXAMPLE], "next": None, "previous": None},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> HttpResponseBase:
        return listed(
            request,
            scope="files",
            fetch=lambda asked: uploads.files_of(actor=caller(request), asked=asked),
            shape=FileOutput,
        )

    @extend_schema(
        summary="Hand in a file",
        description=(
            "The body is the file, as `application/octet-stream`. PNG, JPEG, GIF, WebP, PDF and "
            "plain UTF-8 text are taken, told apart by their content."
        ),
        tags=["files"],
        parameters=[_NAME],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={201: FileOutput, **problems(400, 401, 403, 413, 415, 422, 502, 503, 504)},
        examples=[OpenApiExample("A receipt", value=_EXAMPLE, response_only=True)],
    )
    def post(self, request: Request) -> Response:
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise errors.EncodingUnsupported("Send the file without Content-Encoding.")
        length = request.META.get("CONTENT_LENGTH")
        stream: Any = request.data
        if not hasattr(stream, "read"):
            raise errors.BodyRequired("Send the file as the body.")
        row = uploads.take_file(
            name=_name(request),
            stream=stream,
            expected_bytes=int(length) if length else None,
            actor=caller(request),
        )
        return Response(
            FileOutput(row).data,
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/v1/files/{row.pk}/"},
        )


class FileView(APIView):
    """One file."""

    scopes: ClassVar = _SCOPES

    @extend_schema(
        summary="Show a file's facts",
        tags=["files"],
        responses={200: FileOutput, **problems(401, 403, 404)},
        examples=[OpenApiExample("A receipt", value=_EXAMPLE, response_only=True)],
    )
    def get(self, request: Request, file_id: uuid.UUID) -> Response:
        return Response(FileOutput(uploads.get_file(file_id=file_id, actor=caller(request))).data)

    @extend_schema(
        summary="Remove a file",
        tags=["files"],
        responses={204: None, **problems(401, 403, 404)},
    )
    def delete(self, request: Request, file_id: uuid.UUID) -> Response:
        uploads.remove_file(file_id=file_id, actor=caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class FileContentView(APIView):
    """What is in a file."""

    scopes: ClassVar = _SCOPES

    @extend_schema(
        summary="Download a file",
        description="Always as a download, never shown in place.",
        tags=["files"],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            **problems(401, 403, 404),
        },
    )
    def get(self, request: Request, file_id: uuid.UUID) -> HttpResponseBase:
        row = uploads.get_file(file_id=file_id, actor=caller(request))
        return FileResponse(
            storage.path_of(row.stored_as).open("rb"),
            as_attachment=True,
            filename=row.name,
            content_type=row.media_type,
        )


def _name(request: Request) -> str:
    """Return the name to show; the contract has refused control characters."""
    name: str = request.query_params.get("name", "")
    if not 0 < len(name) <= NAME_LENGTH_MAX or "/" in name or "\\" in name:
        detail = f"Must be 1 to {NAME_LENGTH_MAX} characters, without slashes."
        fault = {"pointer": "?name", "code": errors.InvalidInput.code, "detail": detail}
        raise errors.InvalidInput(detail, errors=[fault])
    return name
