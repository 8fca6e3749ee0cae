"""Swagger UI and Redoc from our own files, so that they work offline and under our policy."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Final

from csp.constants import NONE, SELF
from csp.decorators import csp_replace
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from drf_spectacular.views import (
    SpectacularAPIView,
    SpectacularRedocView,
    SpectacularSwaggerSplitView,
)
from rest_framework.request import Request
from rest_framework.response import Response
from typing_extensions import override

# Both pages write style attributes from script; nothing else may run that is not ours.
_STYLED_BY_SCRIPT = {
    "script-src": [SELF],
    "style-src": [SELF, "'unsafe-inline'"],
    "worker-src": [SELF, "blob:"],
    "default-src": [NONE],
}


_BUNDLE: Final = "drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js"
# The bundle shows its maker's logo from another host, which our policy forbids.
_REMOTE_LOGO: Final = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
_NO_IMAGE: Final = b"data:image/gif;base64,R0lGODlhAQABAAAAACw="


def redoc_script(_request: HttpRequest) -> HttpResponse:
    """Answer Redoc's script without its one look-up outside."""
    return HttpResponse(
        _local_bundle(),
        content_type="text/javascript; charset=utf-8",
        headers={"Cache-Control": "public, max-age=86400"},
    )


@cache
def _local_bundle() -> bytes:
    path = finders.find(_BUNDLE)
    assert isinstance(path, str), "drf-spectacular-sidecar is installed"
    return Path(path).read_bytes().replace(_REMOTE_LOGO, _NO_IMAGE)


class SchemaView(SpectacularAPIView):
    """The OpenAPI document: the same for everybody, so it is put together once in a process."""

    stays_in_maintenance = True
    _made: ClassVar[dict[str | None, Any]] = {}

    @override
    def _get_schema_response(self, request: Request) -> Response:
        if self.api_version not in self._made:
            answer = super()._get_schema_response(request)  # type: ignore[no-untyped-call]  # untyped library
            self._made[self.api_version] = answer.data
        return Response(self._made[self.api_version])


@method_decorator(csp_replace(_STYLED_BY_SCRIPT), name="dispatch")
class SwaggerView(SpectacularSwaggerSplitView):
    """Try the API in the browser."""

    stays_in_maintenance = True


@method_decorator(csp_replace(_STYLED_BY_SCRIPT), name="dispatch")
class RedocView(SpectacularRedocView):
    """Read the API."""

    stays_in_maintenance = True
