from __future__ import annotations

from django.urls import path

from core.webhooks import views

urlpatterns = [
    path("webhooks/", views.EndpointsView.as_view(), name="webhooks"),
    path("webhooks/<uuid:endpoint_id>/", views.EndpointView.as_view(), name="webhook"),
    path(
        "webhooks/<uuid:endpoint_id>/rotate-secret/",
        views.RotateSecretView.as_view(),
        name="webhook-rotate-secret",
    ),
    path(
        "webhooks/<uuid:endpoint_id>/deliveries/",
        views.DeliveriesView.as_view(),
        name="webhook-deliveries",
    ),
    path("dead-letters/", views.DeadLettersView.as_view(), name="dead-letters"),
    path(
        "dead-letters/<uuid:delivery_id>/replay/",
        views.ReplayView.as_view(),
        name="dead-letter-replay",
    ),
    path(
        "dead-letters/<uuid:delivery_id>/discard/",
        views.DiscardView.as_view(),
        name="dead-letter-discard",
    ),
]
