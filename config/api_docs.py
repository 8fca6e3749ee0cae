"""Swagger UI and Redoc from our own files, so that they work offline and under our policy."""

from __future__ import annotations

from csp.constants import NONE, SELF
from csp.decorators import csp_replace
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView

# Both pages write style attributes from script; nothing else may run that is not ours.
_STYLED_BY_SCRIPT = {
    "script-src": [SELF],
    "style-src": [SELF, "'unsafe-inline'"],
    "worker-src": [SELF, "blob:"],
    "default-src": [NONE],
}


@method_decorator(csp_replace(_STYLED_BY_SCRIPT), name="dispatch")
class SwaggerView(SpectacularSwaggerSplitView):
    """Try the API in the browser."""


@method_decorator(csp_replace(_STYLED_BY_SCRIPT), name="dispatch")
class RedocView(SpectacularRedocView):
    """Read the API."""
