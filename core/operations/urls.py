from __future__ import annotations

from django.urls import path

from core.operations import views

urlpatterns = [path("ops/summary/", views.SummaryView.as_view(), name="ops-summary")]
