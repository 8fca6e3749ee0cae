"""Configuration: all faults at once, secrets from files, nothing unsafe in production."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config import env, env_values, given

GOOD = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "s" * 50,
    "ENCRYPTION_KEYS": "k1:" + "A" * 43,
    "DATABASE_URL": "postgresql://app:p@db/name?sslmode=verify-full&sslrootcert=/db.pem",
    "REDIS_URL": "redis://cache/0",
    "PUBLIC_URL": "https://strongroom.example",
    "ALLOWED_HOSTS": "strongroom.example, www.strongroom.example",
    "MAIL_TRANSPORT": "smtp",
    "SMTP_URL": "smtp://mail.strongroom.example",
}


def test_good_environment_is_read():
    loaded = env.load(GOOD)
    assert loaded.is_production_like
    assert loaded.allowed_hosts == ["strongroom.example", "www.strongroom.example"]
    assert loaded.port == 8000


def test_every_fault_is_reported_at_once():
    bad = {
        "ENVIRONMENT": "prod",
        "PORT": "eighty",
        "WEB_WORKERS": "0",
        "REDIS_URL": "redis://cache/0",
        "SECRET_KEY_FILE": "/no/such/file",
    }
    with pytest.raises(ImproperlyConfigured) as refused:
        env.load(bad)
    for name in ("ENVIRONMENT", "PORT", "WEB_WORKERS", "SECRET_KEY_FILE", "DATABASE_URL"):
        assert name in str(refused.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"SECRET_KEY_FALLBACKS": "f" * 50 + ",short"}, "SECRET_KEY_FALLBACKS"),
        ({"ENCRYPTION_KEYS": "k1:short"}, "ENCRYPTION_KEYS"),
        ({"ENCRYPTION_KEYS": "k 1:" + "A" * 43}, "ENCRYPTION_KEYS"),
        ({"ENCRYPTION_KEYS": "k1:" + "A" * 43 + ",k1:" + "B" * 43}, "ENCRYPTION_KEYS"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({"PUBLIC_URL": "http://strongroom.example"}, "PUBLIC_URL"),
        ({"CORS_ALLOWED_ORIGINS": "*"}, "CORS_ALLOWED_ORIGINS"),
        ({"DATABASE_URL": "sqlite:///x"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://app:p@db/name"}, "DATABASE_URL must say sslmode"),
        ({"DATABASE_OWNER_URL": "postgresql://o@/n?host=db&sslmode=require"}, "OWNER_URL must say"),
        ({"DATABASE_BACKUP_URL": "postgresql://b@db/n?sslmode=verify-ca"}, "BACKUP_URL must say"),
        ({"REDIS_URL": "http://cache"}, "REDIS_URL"),
        ({"REDIS_STATE_URL": "http://state"}, "REDIS_STATE_URL"),
        ({"DB_LOCK_TIMEOUT_MS": "6000"}, "DB_LOCK_TIMEOUT_MS must be shorter"),
        ({"DB_STATEMENT_TIMEOUT_MS": "40000"}, "DB_STATEMENT_TIMEOUT_MS must be shorter"),
        ({"REQUEST_DEADLINE_MS": "90000"}, "REQUEST_DEADLINE_MS must be shorter"),
        ({"DB_POOL_SIZE_MIN": "20"}, "DB_POOL_SIZE_MIN"),
        ({"SESSION_IDLE_TIMEOUT_S": "90000"}, "SESSION_IDLE_TIMEOUT_S"),
        ({"MAIL_TRANSPORT": "console", "SMTP_URL": ""}, "MAIL_TRANSPORT must not be console"),
        ({"SMTP_URL": ""}, "MAIL_TRANSPORT=smtp and SMTP_URL"),
    ],
)
def test_unsafe_or_contradictory_settings_are_refused(change, told):
    with pytest.raises(ImproperlyConfigured, match=told):
        env.load({**GOOD, **change})


@pytest.mark.parametrize(
    "where", ["@/n?host=/run/pg", "@localhost/n", "@127.0.0.1:6432/n", "@[::1]/n"]
)
def test_database_on_the_same_machine_needs_no_tls(where):
    assert env.load({**GOOD, "DATABASE_URL": f"postgresql://app{where}"}).is_production_like


def test_development_may_be_looser():
    loose = {
        **GOOD,
        "ENVIRONMENT": "development",
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "DATABASE_URL": "postgresql://app:p@db/name",
    }
    assert not env.load(loose).is_production_like


def test_secret_comes_from_a_file_without_its_last_line_end(tmp_path):
    (tmp_path / "key").write_text("k" * 60 + "\n")
    given = {name: value for name, value in GOOD.items() if name != "SECRET_KEY"}
    assert env.load({**given, "SECRET_KEY_FILE": str(tmp_path / "key")}).secret_key == "k" * 60
    with pytest.raises(ImproperlyConfigured, match="both set"):
        env.load({**GOOD, "SECRET_KEY_FILE": str(tmp_path / "key")})


def test_secrets_do_not_show():
    more = {
        "METRICS_TOKEN": "hush-hush",
        "DATABASE_OWNER_URL": "postgresql://owner:o@/name?host=/run/pg",
        "REDIS_URL": "redis://:cache-word@cache/0",
    }
    shown = repr(env.load({**GOOD, **more}))
    for secret in (GOOD["SECRET_KEY"], "app:p", "hush-hush", "owner:o", "cache-word"):
        assert secret not in shown


def test_socket_folder_of_a_database_url_is_its_host():
    found = env_values.database_settings("postgresql://u:p%40w@/name?host=/run/pg")
    assert (found["HOST"], found["NAME"], found["PASSWORD"]) == ("/run/pg", "name", "p@w")


LOCAL = {
    "SECRET_KEY": "kept",
    "DATABASE_URL": "postgresql://app@/ours",
    "DATABASE_OWNER_URL": "postgresql://owner@/ours",
}


def test_kept_values_fill_what_is_not_given():
    assert given.over_local_values({"SECRET_KEY": "given"}, LOCAL) == {
        **LOCAL,
        "SECRET_KEY": "given",
    }


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_URL_FILE"])
def test_owner_of_the_local_database_is_not_used_for_another_one(name):
    values = given.over_local_values({name: "postgresql://app@elsewhere/theirs"}, LOCAL)
    assert "DATABASE_OWNER_URL" not in values
    assert values["SECRET_KEY"] == "kept"


def test_mounted_secret_replaces_the_kept_value():
    values = given.over_local_values({"SECRET_KEY_FILE": "/run/secrets/key"}, LOCAL)
    assert "SECRET_KEY" not in values


def test_every_query_goes_to_one_server():
    """Nothing reads from a replica, which may be behind."""
    assert set(settings.DATABASES) == {"default", "owner"}
    assert not settings.DATABASE_ROUTERS
    hosts = {(database["HOST"], database["PORT"]) for database in settings.DATABASES.values()}
    assert len(hosts) == 1
