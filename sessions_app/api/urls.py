"""Paths of the session endpoints below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from sessions_app.api import (
    consent_views,
    cookie_views,
    data_views,
    factor_views,
    impersonation_views,
    jar_views,
    login_views,
    people_views,
    service_views,
    token_views,
    views,
)

urlpatterns = [
    path("auth/csrf/", login_views.CsrfView.as_view(), name="csrf"),
    path("auth/login/", login_views.LoginView.as_view(), name="login"),
    path("auth/remembered/", login_views.RememberedView.as_view(), name="remembered"),
    path("auth/logout/", login_views.LogoutView.as_view(), name="logout"),
    path("auth/refresh/", login_views.RefreshView.as_view(), name="refresh"),
    path("auth/mfa/verify/", factor_views.VerifyFactorView.as_view(), name="mfa-verify"),
    path(
        "auth/webauthn/login/options/",
        factor_views.PasskeyOptionsView.as_view(),
        name="passkey-options",
    ),
    path(
        "auth/webauthn/login/complete/",
        factor_views.PasskeyLoginView.as_view(),
        name="passkey-login",
    ),
    path("auth/reauthenticate/", factor_views.ReauthenticateView.as_view(), name="reauthenticate"),
    path(
        "auth/reauthenticate/verify/",
        factor_views.ReauthenticateVerifyView.as_view(),
        name="reauthenticate-verify",
    ),
    path("auth/token/", token_views.AccessTokenView.as_view(), name="access-token"),
    path("sessions/", views.SessionsView.as_view(), name="sessions"),
    path("sessions/revoke-all/", views.AllSessionsView.as_view(), name="revoke-all"),
    path("sessions/revoke-others/", views.OtherSessionsView.as_view(), name="revoke-others"),
    path("sessions/current/data/", data_views.SessionDataView.as_view(), name="session-data"),
    path("sessions/introspect/", service_views.IntrospectView.as_view(), name="introspect"),
    path(
        "sessions/<uuid:session_id>/attach/",
        service_views.AttachView.as_view(),
        name="session-attach",
    ),
    path(
        "users/<uuid:user_id>/impersonate/",
        impersonation_views.ImpersonateView.as_view(),
        name="impersonate",
    ),
    path("impersonation/", impersonation_views.ImpersonationView.as_view(), name="impersonation"),
    path("sessions/<uuid:session_id>/", views.SessionView.as_view(), name="session"),
    path(
        "users/<uuid:user_id>/sessions/",
        people_views.PersonSessionsView.as_view(),
        name="user-sessions",
    ),
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
    path("cookies/", cookie_views.CookiesView.as_view(), name="cookies"),
    path("cookies/issue/", cookie_views.IssueView.as_view(), name="cookie-issue"),
    path("cookies/resolve/", cookie_views.ResolveView.as_view(), name="cookie-resolve"),
    path("cookies/<uuid:cookie_id>/", cookie_views.CookieView.as_view(), name="cookie"),
    path("cookie-definitions/", cookie_views.DefinitionsView.as_view(), name="cookie-definitions"),
    path(
        "cookie-definitions/<uuid:definition_id>/",
        cookie_views.DefinitionView.as_view(),
        name="cookie-definition",
    ),
    path("cookie-policy/", consent_views.PolicyView.as_view(), name="cookie-policy"),
    path(
        "cookie-policy/versions/",
        consent_views.PolicyVersionsView.as_view(),
        name="cookie-policy-versions",
    ),
    path("consents/", consent_views.ConsentsView.as_view(), name="consents"),
    path("me/consents/", consent_views.ConsentsView.as_view(), name="my-consents"),
    path("consents/current/", consent_views.CurrentConsentView.as_view(), name="consent-current"),
]
