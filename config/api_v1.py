"""Version 1 of the API."""

from __future__ import annotations

from django.urls import include, path

from config import api_docs

urlpatterns = [
    path("", include("accounts.api.urls")),
    path("", include("sessions_app.api.urls")),
    path("", include("transactions.api.urls")),
    path("", include("core.webhooks.urls")),
    path("", include("core.feedback.urls")),
    path("", include("core.files.urls")),
    path("", include("core.privacy.urls")),
    path("", include("core.operations.urls")),
    path("schema/", api_docs.SchemaView.as_view(api_version="v1"), name="schema"),
    path("docs/", api_docs.SwaggerView.as_view(url_name="v1:schema"), name="docs"),
    path("redoc/redoc.js/", api_docs.redoc_script, name="redoc-script"),
    path("redoc/", api_docs.RedocView.as_view(url_name="v1:schema"), name="redoc"),
]
