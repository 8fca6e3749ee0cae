"""The smallest Django project around somebody else's authentication or ledger, named by ``PEER``.

Runs in a virtual environment of its own, with the peers in it and none of us. As gunicorn's
application it serves ``/known/``, and ``/transactions/`` where the peer is a ledger;
``python -m benchmarks.peers.project`` makes its tables and prints the header that proves who is
calling.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import urllib.parse
from importlib import import_module
from typing import Any

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

PEER = os.environ["PEER"]
AUTHENTICATIONS = {
    "knox": "knox.auth.TokenAuthentication",
    "simplejwt, user looked up": "rest_framework_simplejwt.authentication.JWTAuthentication",
    "simplejwt, stateless": (
        "rest_framework_simplejwt.authentication.JWTStatelessUserAuthentication"
    ),
    "allauth headless": (
        "allauth.headless.contrib.rest_framework.authentication.XSessionTokenAuthentication"
    ),
    "Django sessions": "rest_framework.authentication.SessionAuthentication",
}
# The ledgers: who posts is known by a JWT, which costs no query.
LEDGERS = ("django-hordak", "django-ledger", "ORM statements")
AUTHENTICATIONS |= dict.fromkeys(LEDGERS, AUTHENTICATIONS["simplejwt, stateless"])
_APPS = {
    "django-hordak": ["mptt", "djmoney", "hordak"],
    "django-ledger": ["treebeard", "django_ledger"],
    "ORM statements": ["benchmarks.peers.statements"],
    "knox": ["knox"],
    "allauth headless": ["allauth", "allauth.account", "allauth.headless"],
}


def _database() -> dict[str, Any]:
    parts = urllib.parse.urlsplit(os.environ["PEER_DATABASE_URL"])
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": parts.username,
        "PASSWORD": parts.password,
        "HOST": urllib.parse.parse_qs(parts.query)["host"][0],
        "OPTIONS": {"pool": {"min_size": 2, "max_size": 8}},
    }


settings.configure(
    SECRET_KEY="peers-" + "0123456789abcdef" * 4,
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "rest_framework",
        *_APPS.get(PEER, []),
    ],
    # Less than we have ourselves: nothing of theirs is made slow.
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        *(["allauth.account.middleware.AccountMiddleware"] if "allauth" in PEER else []),
    ],
    DATABASES={"default": _database()},
    CACHES={
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": os.environ["PEER_REDIS_URL"],
        }
    },
    SESSION_ENGINE="django.contrib.sessions.backends.cached_db",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    # What goes wrong is told in the peer's log.
    LOGGING={
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"stderr": {"class": "logging.StreamHandler"}},
        "root": {"handlers": ["stderr"], "level": "ERROR"},
    },
    HEADLESS_ONLY=True,
    DJANGO_LEDGER_USE_DEPRECATED_BEHAVIOR=False,
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [AUTHENTICATIONS[PEER]],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    },
)
django.setup()

from django.urls import path  # noqa: E402 - Django must be set up first
from rest_framework.request import Request  # noqa: E402 - as above
from rest_framework.response import Response  # noqa: E402 - as above
from rest_framework.views import APIView  # noqa: E402 - as above

from benchmarks.peers import ledgers  # noqa: E402 - as above


class KnownView(APIView):
    """Somebody who is logged in, and nothing else."""

    def get(self, request: Request) -> Response:
        """Answer with the trivial body."""
        return Response({"ok": bool(request.user)})


class TransactionsView(APIView):
    """One transaction of two accounts, by their numbers."""

    def post(self, request: Request) -> Response:
        """Post it with whatever ledger ``PEER`` names."""
        asked: Any = request.data
        made = ledgers.post(
            PEER,
            asked,
            key=request.headers["Idempotency-Key"],
            actor=str(request.user.pk),
        )
        return Response({"id": made}, status=201)


urlpatterns = [
    path("known/", KnownView.as_view()),
    path("transactions/", TransactionsView.as_view()),
]
application = get_wsgi_application()


def proof() -> str:
    """Log somebody in as the peer does; return the header that says so."""
    from django.contrib.auth import get_user_model  # noqa: PLC0415 - Django must be set up first

    user = get_user_model().objects.create_user("ada", "ada@example.org", "unused")
    if PEER == "knox":
        _, token = import_module("knox.models").AuthToken.objects.create(user)
        return f"Authorization: Token {token}"
    if PEER in LEDGERS:
        ledgers.open_accounts(PEER, user)
    if "simplejwt" in PEER or PEER in LEDGERS:
        tokens = import_module("rest_framework_simplejwt.tokens")
        token = tokens.AccessToken.for_user(user)
        token.set_exp(lifetime=dt.timedelta(hours=1))
        return f"Authorization: Bearer {token}"
    key = _session_of(user)
    if PEER == "Django sessions":
        return f"Cookie: sessionid={key}"
    return f"X-Session-Token: {key}"


def _session_of(user: Any) -> str:
    auth = import_module("django.contrib.auth")
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[auth.SESSION_KEY] = str(user.pk)
    session[auth.BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


if __name__ == "__main__":
    import_module("django.core.management").call_command("migrate", run_syncdb=True, verbosity=0)
    sys.stdout.write(proof())
