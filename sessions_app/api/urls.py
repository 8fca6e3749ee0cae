"""Paths of the session endpoints below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from sessions_app.api import jar_views, login_views, token_views, views

urlpatterns = [
    path("auth/csrf/", login_views.CsrfView.as_view(), name="csrf"),
    path("auth/login/", login_views.LoginView.as_view(), name="login"),
    path("auth/logout/", login_views.LogoutView.as_view(), name="logout"),
    path("auth/refresh/", login_views.RefreshView.as_view(), name="refresh"),
    path("auth/token/", token_views.AccessTokenView.as_view(), name="access-token"),
    path("sessions/", views.SessionsView.as_view(), name="sessions"),
    path("sessions/revoke-others/", views.OtherSessionsView.as_view(), name="revoke-others"),
    path("sessions/<uuid:session_id>/", views.SessionView.as_view(), name="session"),
    path("jars/", jar_views.JarsView.as_view(), name="jars"),
    path("jars/<uuid:jar_id>/", jar_views.JarView.as_view(), name="jar"),
    path("jars/<uuid:jar_id>/store/", jar_views.JarStoreView.as_view(), name="jar-store"),
    path("jars/<uuid:jar_id>/header/", jar_views.JarHeaderView.as_view(), name="jar-header"),
    path("jars/<uuid:jar_id>/export/", jar_views.JarExportView.as_view(), name="jar-export"),
    path("jars/<uuid:jar_id>/import/", jar_views.JarImportView.as_view(), name="jar-import"),
    path("jars/<uuid:jar_id>/cookies/", jar_views.JarCookiesView.as_view(), name="jar-cookies"),
    path(
        "jars/<uuid:jar_id>/cookies/<uuid:cookie_id>/",
        jar_views.JarCookieView.as_view(),
        name="jar-cookie",
    ),
]
