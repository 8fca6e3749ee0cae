"""Paths of the session endpoints below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from sessions_app.api import views

urlpatterns = [
    path("auth/login/", views.LoginView.as_view(), name="login"),
    path("auth/logout/", views.LogoutView.as_view(), name="logout"),
    path("sessions/", views.SessionsView.as_view(), name="sessions"),
    path("sessions/revoke-others/", views.OtherSessionsView.as_view(), name="revoke-others"),
    path("sessions/<uuid:session_id>/", views.SessionView.as_view(), name="session"),
]
