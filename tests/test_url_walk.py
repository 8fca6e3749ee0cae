"""Every path without credentials: nothing but a named few answers."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.test import Client

from tests import endpoints

# Who may be asked by anybody, and why.
PUBLIC = {
    "api/v1/auth/register/": "to get an account",
    "api/v1/auth/verify-email/": "by a mailed token",
    "api/v1/auth/verify-email/resend/": "to get another link",
    "api/v1/auth/email/confirm/": "by a mailed token",
    "api/v1/invitations/accept/": "by a mailed token",
    "api/v1/auth/password/forgot/": "to get a link",
    "api/v1/auth/password/reset/": "by a mailed token",
    "api/v1/auth/csrf/": "to log in by a page",
    "api/v1/auth/login/": "to get a session",
    "api/v1/auth/mfa/verify/": "by the challenge of a login",
    "api/v1/auth/webauthn/login/options/": "to get a session",
    "api/v1/auth/webauthn/login/complete/": "by the answer of a passkey",
    "api/v1/auth/refresh/": "to keep one up",
    "api/v1/schema/": "the contract",
    "api/v2/schema/": "the contract",
    "api/v1/docs/": "the contract, readable",
    "api/v1/redoc/": "the contract, readable",
    "api/v1/redoc/redoc.js/": "its script",
    ".well-known/jwks.json": "to check JWTs",
    "account/<slug:page>/": "mailed links lead there",
    "api/v1/auth/remembered/": "by the cookie of a remembered device",
    "api/v1/cookie-policy/": "banners show it before anybody is known",
    "api/v1/notices/": "pages for registering show what there is to agree to",
    "privacy/": "what people are told of their data",
    "privacy/<int:version>/": "what they were told before",
    "terms/": "what people agree to",
    "terms/<int:version>/": "what they agreed to before",
    "health": "probes",
    "health/ready": "probes",
    ".well-known/security.txt": "whom to tell about a hole",
    "api/v0/<path:rest>": "to learn that it is gone",
    "favicon.ico": "browsers ask by themselves",
    "problems/<str:code>": "what an error means",
}
# Closed by a token of their own; a stranger is told there is nothing.
TOKEN = {"metrics", "health/detailed"}
VALUES = {
    "uuid": "01a1fc61-0203-703c-973a-a31d52667ef1",
    "int": "1",
    "slug": "verify-email",
    "str": "AUTH_REQUIRED",
    "path": "me/",
}


ROUTES = endpoints.routes()


@pytest.mark.django_db
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_nothing_answers_without_credentials(route, method):
    path = "/" + re.sub(r"<(\w+):\w+>", lambda match: VALUES[match[1]], route)
    body = {} if method == "get" else {"data": b"{}", "content_type": "application/json"}
    answer = getattr(Client(), method)(path, **body)
    if route in PUBLIC:
        assert answer.status_code not in (401, 403)
    elif route in TOKEN:
        assert answer.status_code in (404, 405)
    else:
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == "Bearer"
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/problem+json"


def test_walk_has_seen_the_service():
    assert len(ROUTES) > 25
    assert set(PUBLIC) | TOKEN <= set(ROUTES)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["", "accounts/user/", "transactions/transaction/"])
def test_admin_asks_for_a_login(path):
    answer = Client().get(f"/{settings.ENV.admin_path}/{path}")
    assert answer.status_code == 302
    assert answer["Location"].startswith(f"/{settings.ENV.admin_path}/login/")
