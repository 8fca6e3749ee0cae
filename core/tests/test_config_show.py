"""What the service is configured with, and from where; never a secret."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from django.conf import settings
from django.core.management import call_command

from config.given import Given

CANARY = "c4n4ry"


def test_no_secret_is_shown_whichever_it_is(monkeypatch, capsys):
    secret = [f.name for f in dataclasses.fields(settings.ENV) if f.metadata["secret"]]
    planted: dict[str, Any] = {
        name: [CANARY] if isinstance(getattr(settings.ENV, name), list) else f"x://u:{CANARY}@h"
        for name in secret
    }
    assert {"secret_key", "secret_key_fallbacks", "database_url", "vault_token"} <= set(planted)
    env = dataclasses.replace(settings.ENV, **planted)
    monkeypatch.setattr(settings, "ENV", env)
    call_command("config_show")
    call_command("config_show", "--json")
    shown = capsys.readouterr().out
    assert CANARY not in shown
    assert CANARY not in repr(env)
    assert "SECRET_KEY_FALLBACKS = ***" in shown


def test_each_setting_is_shown_with_its_source(capsys):
    call_command("config_show", "--json")
    shown = json.loads(capsys.readouterr().out)
    assert set(shown) == {field.name.upper() for field in dataclasses.fields(settings.ENV)}
    assert shown["DATABASE_URL"]["source"] == "environment"
    assert shown["ADMIN_PATH"] == {"value": "admin", "source": "default"}


class _Store:
    name = "vault secret/strongroom"

    def read(self) -> dict[str, str]:
        return {}

    def renew(self) -> None:
        pass


def test_sources_win_in_their_order():
    given = Given(
        environ={"A": "variable", "B_FILE": "/run/secrets/b"},
        stored={"A": "store", "B": "store", "C": "store"},
        local={"A": "local", "C": "local", "D": "local"},
        store=_Store(),
    )
    merged = given.merged()
    assert merged == {"A": "variable", "B_FILE": "/run/secrets/b", "C": "store", "D": "local"}
    assert {name: given.source_of(name) for name in "ABCDE"} == {
        "A": "environment",
        "B": "file /run/secrets/b",
        "C": "vault secret/strongroom",
        "D": "var/local.env",
        "E": "default",
    }


def test_store_that_names_a_database_means_all_of_it():
    local = {"DATABASE_URL": "postgresql://kept", "DATABASE_OWNER_URL": "postgresql://owner@kept"}
    given = Given({}, {"DATABASE_URL": "postgresql://theirs"}, local, _Store())
    assert given.merged() == {"DATABASE_URL": "postgresql://theirs"}
