"""Paths of one's own data below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from core.privacy import views

urlpatterns = [
    path("me/export/", views.ExportsView.as_view(), name="my-export"),
    path("me/export/<uuid:export_id>/", views.ExportView.as_view(), name="my-export-state"),
    path(
        "me/export/<uuid:export_id>/content/",
        views.ExportContentView.as_view(),
        name="my-export-content",
    ),
    path("me/deletion/", views.DeletionView.as_view(), name="my-deletion"),
    path("me/audit/", views.AuditView.as_view(), name="my-audit"),
]
