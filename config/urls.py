"""Every path of the service; the API's own are in :mod:`config.api_v1`."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from accounts.constants import NOTICE_KINDS
from accounts.pages import link_page, notice_page
from config.routes import indexed
from core import versioning, views
from sessions_app.api.token_views import jwks

handler400 = "core.problems.bad_request"
handler403 = "core.problems.permission_denied"
handler404 = "core.problems.not_found"
handler500 = "core.problems.server_error"

urlpatterns = [
    indexed("api/v1/", include(("config.api_v1", "v1"), namespace="v1")),
    indexed("api/v2/", include(("config.api_v2", "v2"), namespace="v2")),
    *[
        path(f"api/v{version}/<path:rest>", views.version_gone, name=f"v{version}-gone")
        for version in versioning.RETIRED
    ],
    path(f"{settings.ENV.admin_path}/", admin.site.urls),
    path("account/<slug:page>/", link_page, name="account-page"),
    *[path(f"{kind}/", notice_page, {"kind": kind}, name=kind) for kind, _ in NOTICE_KINDS],
    *[
        path(f"{kind}/<int:version>/", notice_page, {"kind": kind}, name=f"{kind}-version")
        for kind, _ in NOTICE_KINDS
    ],
    path("health", views.ready, name="health"),
    path("health/ready", views.ready, name="health-ready"),
    path("health/detailed", views.detailed, name="health-detailed"),
    path(".well-known/jwks.json", jwks, name="jwks"),
    path("favicon.ico", views.no_icon),
    path(".well-known/security.txt", views.security_txt, name="security-txt"),
    path("metrics", views.metrics, name="metrics"),
    path("problems/<str:code>", views.problem_type, name="problem-type"),
]
