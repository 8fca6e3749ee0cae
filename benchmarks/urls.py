"""The service's routes, and routes of its API that do nothing, behind the same middleware."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config import urls

BODY = b'{"ok":true}'


def nothing(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Answer at once."""
    return HttpResponse(BODY, content_type="application/json")


class KnownView(APIView):
    """Somebody who is logged in, and nothing else."""

    schema = None
    limited_as: ClassVar = {"POST": "money"}

    def get(self, request: Request) -> Response:
        """Answer with the trivial body."""
        return Response({"ok": bool(request.user)})

    def post(self, request: Request) -> Response:
        """Parse the body, and answer as if something had been made."""
        made: dict[str, Any] = {"ok": bool(request.data)}
        return Response(made, status=201)


urlpatterns = [
    path("api/v1/benchmarks/nothing/", nothing),
    path("api/v1/benchmarks/known/", KnownView.as_view()),
    *urls.urlpatterns,
]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
