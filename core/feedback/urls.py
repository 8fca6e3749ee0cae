"""Paths of reports below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from core.feedback import views

urlpatterns = [
    path("feedback/", views.FeedbackView.as_view(), name="feedback"),
    path("feedback/<uuid:report_id>/", views.OneFeedbackView.as_view(), name="one-feedback"),
    path("client-errors/", views.ClientErrorsView.as_view(), name="client-errors"),
    path(
        "client-errors/<uuid:report_id>/",
        views.OneClientErrorView.as_view(),
        name="one-client-error",
    ),
]
