"""Paths of the files below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from core.files import views

urlpatterns = [
    path("files/", views.FilesView.as_view(), name="files"),
    path("files/<uuid:file_id>/", views.FileView.as_view(), name="file"),
    path("files/<uuid:file_id>/content/", views.FileContentView.as_view(), name="file-content"),
]
