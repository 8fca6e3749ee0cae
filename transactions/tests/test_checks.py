"""A wrong ``DEFAULT_ASSET`` is told before anybody cannot register."""

from __future__ import annotations

import dataclasses

import pytest
from django.core import checks
from django.core.checks import Tags


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("code", "fault"),
    [("", None), ("USD", None), ("usd", "transactions.E001"), ("POINTS", "transactions.E002")],
)
def test_default_asset_must_be_one(settings, code: str, fault: str | None):
    settings.ENV = dataclasses.replace(settings.ENV, default_asset=code)
    found = checks.run_checks(tags=[Tags.database], databases=["default"])
    assert {message.id for message in found} == ({fault} if fault else set())


def test_code_is_looked_at_without_a_database(settings):
    settings.ENV = dataclasses.replace(settings.ENV, default_asset="usd")
    assert "transactions.E001" in {message.id for message in checks.run_checks()}


@pytest.mark.django_db
def test_empty_database_has_nothing_to_ask(settings, monkeypatch):
    settings.ENV = dataclasses.replace(settings.ENV, default_asset="POINTS")
    monkeypatch.setattr("transactions.checks.Asset._meta.db_table", "not_yet_there")
    assert checks.run_checks(tags=[Tags.database], databases=["default"]) == []
