"""Paths of the session endpoints below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from sessions_app.api import login_views, views

urlpatterns = [
    path("auth/csrf/", login_views.CsrfView.as_view(), name="csrf"),
    path("auth/login/", login_views.LoginView.as_view(), name="login"),
    path("auth/logout/", login_views.LogoutView.as_view(), name="logout"),
    path("auth/refresh/", login_views.RefreshView.as_view(), name="refresh"),
    path("sessions/", views.SessionsView.as_view(), name="sessions"),
    path("sessions/revoke-others/", views.OtherSessionsView.as_view(), name="revoke-others"),
    path("sessions/<uuid:session_id>/", views.SessionView.as_view(), name="session"),
]
