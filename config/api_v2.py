"""Version 2 of the API: what changed. Everything else is still asked in version 1."""

from __future__ import annotations

from django.urls import include, path

from config import api_docs

urlpatterns = [
    path("", include("transactions.api.v2")),
    path("schema/", api_docs.SchemaView.as_view(api_version="v2"), name="schema"),
]
