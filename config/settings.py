"""Django settings, one file for every environment; :mod:`config.env` holds what may differ."""

from __future__ import annotations

import urllib.parse
from pathlib import Path
from typing import Any

from csp.constants import NONCE, NONE, SELF
from redis.backoff import NoBackoff
from redis.retry import Retry

from config import env as env_module
from config import given, secret_stores
from config.env_values import database_settings
from core import jobs
from core.database.patience import PatientConnection
from core.version import VERSION

_given = given.read_process_environment()
ENV = env_module.load(_given.merged())
# Asked again now and then, so that somebody hears when it is away or says something new.
SECRET_STORE = _given.store
SOURCE_OF = _given.source_of
SECRETS_AT_START = secret_stores.fingerprint(_given.stored)
BASE_DIR: Path = given.BASE_DIR

# Never on: a debug page is an HTML answer that shows settings. Tracebacks are in the log.
DEBUG = False
SECRET_KEY = ENV.secret_key
SECRET_KEY_FALLBACKS = ENV.secret_key_fallbacks
ALLOWED_HOSTS = ENV.allowed_hosts
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
# The request middleware adds the slash itself: a redirected POST would lose its body.
APPEND_SLASH = False

INSTALLED_APPS = [
    "config.admin_site.StrongroomAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "csp",
    "django_prometheus",
    "procrastinate.contrib.django",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "core",
    "accounts",
    "sessions_app",
    "transactions",
]

MIDDLEWARE = [
    "core.middleware.RequestMiddleware",
    "core.compression.CompressionMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "core.pages.PagePolicy",
    "core.pages.PageSessions",
    "django.middleware.csrf.CsrfViewMiddleware",
    "core.pages.PageUsers",
    "core.pages.PageMessages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ]
        },
    }
]

# --- PostgreSQL -----------------------------------------------------------------------------

_SERVER_SETTINGS = (
    f"-c lock_timeout={ENV.db_lock_timeout_ms} "
    f"-c statement_timeout={ENV.db_statement_timeout_ms} "
    "-c idle_in_transaction_session_timeout=10000 "
    # What nobody waits for any more ends, and lets go of its rows, even in the middle of a COMMIT.
    "-c client_connection_check_interval=1000 "
    "-c timezone=UTC"
)


def _database(url: str, *, role: str, options: dict[str, Any]) -> dict[str, Any]:
    database = database_settings(url)
    database["ENGINE"] = "core.database"
    database["CONN_MAX_AGE"] = 0
    database["OPTIONS"] = {
        **database.get("OPTIONS", {}),
        "application_name": f"strongroom/{role}",
        "connect_timeout": 2,
        "keepalives_idle": 30,
        **options,
    }
    return database


DATABASES = {
    "default": _database(
        ENV.database_url,
        role="app",
        options={
            "options": _SERVER_SETTINGS,
            "pool": {
                "connection_class": PatientConnection,
                "min_size": ENV.db_pool_size_min,
                "max_size": ENV.db_pool_size_max,
                "timeout": ENV.db_pool_timeout_ms / 1_000,
                # After this long the pool stops retrying by itself and lets the next request
                # try: with a longer back-off a database that is back would stay unused.
                "reconnect_timeout": 2,
            },
        },
    ),
    # Migrations, partitions and grants: no time limits of requests, no pool.
    "owner": _database(ENV.database_owner_url or ENV.database_url, role="owner", options={}),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASE_ROUTERS: list[str] = []

# --- Valkey ---------------------------------------------------------------------------------

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": ENV.redis_url,
        "KEY_PREFIX": f"strongroom:{VERSION}",
        "TIMEOUT": 3_600,
        "OPTIONS": {
            "SOCKET_CONNECT_TIMEOUT": ENV.cache_timeout_ms / 1_000,
            "SOCKET_TIMEOUT": ENV.cache_timeout_ms / 1_000,
            # A failed call is a miss at once; the client's own retries pause for seconds.
            "CONNECTION_POOL_KWARGS": {"retry": Retry(NoBackoff(), 0)},
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
        },
    }
}
if ENV.redis_state_url:
    CACHES["state"] = {**CACHES["default"], "LOCATION": ENV.redis_state_url}

CACHE_TTLS = {kind: int(seconds) for kind, _, seconds in (e.partition("=") for e in ENV.cache_ttls)}

# --- People ---------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
# The first one hashes; the others check what was imported until its owner has logged in once.
PASSWORD_HASHERS = [
    "accounts.hashers.Argon2idPasswordHasher",
    "accounts.foreign_hashers.ForeignPasswordHasher",
    "accounts.foreign_hashers.WrappedDigestHasher",
]
AUTH_PASSWORD_VALIDATORS = [{"NAME": "accounts.validators.StrongPassword"}]
AUTHENTICATION_BACKENDS = ["accounts.backends.StaffBackend"]
SESSION_ENGINE = "sessions_app.engine"
SESSION_COOKIE_NAME = "__Host-staff" if ENV.is_production_like else "staff"
SESSION_COOKIE_SECURE = ENV.is_production_like
SESSION_COOKIE_AGE = ENV.staff_session_absolute_timeout_s
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "__Host-csrf" if ENV.is_production_like else "csrf"
CSRF_COOKIE_SECURE = ENV.is_production_like
CSRF_TRUSTED_ORIGINS = ENV.csrf_trusted_origins
CSRF_FAILURE_VIEW = "core.problems.csrf_failure"

# --- API ------------------------------------------------------------------------------------

EMAIL_BACKEND = {
    "console": "django.core.mail.backends.console.EmailBackend",
    "file": "django.core.mail.backends.filebased.EmailBackend",
    "smtp": "core.smtp.GuardedEmailBackend",
}[ENV.mail_transport]
EMAIL_FILE_PATH = str(BASE_DIR / ENV.mail_folder)
DEFAULT_FROM_EMAIL = ENV.mail_from
_smtp = urllib.parse.urlsplit(ENV.smtp_url)
EMAIL_HOST = _smtp.hostname or "localhost"
EMAIL_PORT = _smtp.port or (465 if _smtp.scheme == "smtps" else 587)
EMAIL_HOST_USER = urllib.parse.unquote(_smtp.username or "")
EMAIL_HOST_PASSWORD = urllib.parse.unquote(_smtp.password or "")
EMAIL_USE_SSL = _smtp.scheme == "smtps"
EMAIL_USE_TLS = _smtp.scheme == "smtp"
EMAIL_TIMEOUT = 10

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "sessions_app.api.authentication.BearerAuthentication",
        "sessions_app.api.authentication.CookieAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["core.permissions.Known"],
    "DEFAULT_PARSER_CLASSES": ["core.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": [
        "core.renderers.JSONRenderer",
        "core.renderers.MessagePackRenderer",
    ],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.negotiation.Negotiation",
    "DEFAULT_THROTTLE_CLASSES": ["core.throttling.PlanThrottle"],
    "DEFAULT_FILTER_BACKENDS": [],
    "DEFAULT_SCHEMA_CLASS": "core.openapi.OperationSchema",
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.NamespaceVersioning",
    "EXCEPTION_HANDLER": "core.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Strongroom",
    "DESCRIPTION": "Users, sessions, cookies and money transactions.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v[0-9]+",
    "COMPONENT_SPLIT_REQUEST": True,
    "SORT_OPERATIONS": True,
}
# --- HTTP edge ------------------------------------------------------------------------------

DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
CORS_ALLOWED_ORIGINS = ENV.cors_allowed_origins
CORS_URLS_REGEX = r"^/api/"
# Cookies from allowed origins only; unsafe requests must also be of CSRF_TRUSTED_ORIGINS.
CORS_ALLOW_CREDENTIALS = True
CORS_EXPOSE_HEADERS = [
    *("X-Request-ID", "Idempotency-Replayed", "ETag", "Retry-After", "API-Version"),
    *("RateLimit", "RateLimit-Policy", "Deprecation", "Sunset"),
]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if ENV.is_production_like else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = ENV.is_production_like
SECURE_HSTS_PRELOAD = ENV.is_production_like
SECURE_SSL_REDIRECT = ENV.is_production_like
# Probes come from inside. The API refuses http by itself: a redirect would come too late.
SECURE_REDIRECT_EXEMPT = [r"^health(/|$)", r"^api/"]
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if ENV.trusted_proxy_count > 0 else None
)
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles" if ENV.is_production_like else None
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if ENV.is_production_like
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
# Development serves straight from the packages, so a start needs no collectstatic.
WHITENOISE_USE_FINDERS = not ENV.is_production_like
WHITENOISE_AUTOREFRESH = False

# --- Language, time, logs -------------------------------------------------------------------

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
LOGGING_CONFIG = "core.logs.configure"
LOGGING: dict[str, Any] = {
    "level": ENV.log_level,
    "stream": ENV.log_stream,
    "file": ENV.log_file,
}
PROCRASTINATE_AUTOCONNECT = True
PROCRASTINATE_WORKER_DEFAULTS = {"task_middleware": [jobs.in_context, jobs.in_context_async]}
PROMETHEUS_EXPORT_MIGRATIONS = False
