"""Settings that are changed while everything runs: what they may be, who may, what is kept."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse

from core import clock, log_level, metrics, modes, runtime_settings
from core.errors import PermissionRefused
from core.models import AuditEvent, RuntimeSetting
from core.principals import SYSTEM
from core.runtime_settings import Setting, SettingInvalid, SettingUnknown
from tests.people import Person, make_person

pytestmark = pytest.mark.django_db
WHY = "the load test of Friday"


@pytest.fixture
def change(django_capture_on_commit_callbacks):
    """Change a setting as a commit would."""

    def to(name: str, text: str, actor=SYSTEM) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            runtime_settings.change_setting(name=name, text=text, actor=actor, reason=WHY)

    return to


def _stored() -> dict[str, object]:
    rows = RuntimeSetting.objects.filter(value__isnull=False)
    return dict(rows.values_list("name", "value"))


def test_change_holds_after_the_commit_and_is_audited(change, grace: Person):
    assert modes.RETRY_AFTER_S.value == 120
    change("service_mode_retry_after_s", "45", actor=grace.principal)
    assert modes.RETRY_AFTER_S.value == 45
    event = AuditEvent.objects.get(action="setting.change")
    assert (event.actor_id, event.target_id) == (grace.user.pk, "service_mode_retry_after_s")
    assert event.data == {"before": None, "after": 45, "reason": WHY}


def test_default_is_given_back(change, django_capture_on_commit_callbacks):
    change("webhooks_flow", "no")
    with django_capture_on_commit_callbacks(execute=True):
        runtime_settings.restore_default(name="webhooks_flow", actor=SYSTEM, reason=WHY)
    assert runtime_settings.named("webhooks_flow").value is True
    assert _stored() == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("service_mode_retry_after_s", "0"),
        ("service_mode_retry_after_s", "86401"),
        ("service_mode_retry_after_s", "1.5"),
        ("service_mode_retry_after_s", "-1"),
        ("service_mode_retry_after_s", "\N{ARABIC-INDIC DIGIT FIVE}"),
        ("service_mode_retry_after_s", "9" * 5_000),
        ("service_mode_retry_after_s", ""),
        ("service_mode", "holiday"),
        ("service_mode", ""),
        ("webhooks_flow", "1"),
        ("webhooks_flow", "maybe"),
        ("service_mode_message", "x" * 201),
        ("service_mode_message", "two\nlines"),
        ("log_level", "info"),
    ],
)
def test_value_that_is_not_allowed_is_refused_and_nothing_changes(change, name, text):
    before = runtime_settings.named(name).value
    with pytest.raises(SettingInvalid):
        change(name, text)
    assert runtime_settings.named(name).value == before
    assert _stored() == {}
    assert not AuditEvent.objects.filter(action="setting.change").exists()


@pytest.mark.parametrize("text", ["1", "86400"])
def test_bounds_themselves_are_allowed(change, text):
    change("service_mode_retry_after_s", text)
    assert modes.RETRY_AFTER_S.value == int(text)


def test_who_may_not_changes_nothing(change, ada: Person):
    auditor = make_person("auditor@example.org", role="auditor")
    for person in (ada, auditor):
        with pytest.raises(PermissionRefused):
            change("service_mode", "maintenance", actor=person.principal)
    assert modes.MODE.value == "normal"
    with pytest.raises(SettingUnknown):
        change("secret_key", "x")


def test_stored_value_that_no_longer_fits_is_ignored(caplog):
    """Another release wrote it, or somebody by hand."""
    for name, value in (("service_mode", "holiday"), ("webhooks_flow", 1), ("gone", "x")):
        RuntimeSetting.objects.update_or_create(name=name, defaults={"value": value})
    runtime_settings.forget()
    with caplog.at_level(logging.WARNING):
        assert modes.MODE.value == "normal"
    assert runtime_settings.named("webhooks_flow").value is True
    ignored = [r.msg["name"] for r in caplog.records if "ignored" in str(r.msg)]
    assert sorted(ignored) == ["service_mode", "webhooks_flow"]


def test_last_words_count_while_the_database_is_away(change, monkeypatch):
    change("service_mode", "read_only")
    assert modes.MODE.value == "read_only"

    def away(*_args: object) -> None:
        raise DatabaseError("gone")

    now_ms = clock.monotonic_ms()
    monkeypatch.setattr(clock, "monotonic_ms", lambda: now_ms + 60_000)
    monkeypatch.setattr(RuntimeSetting.objects, "values_list", away)
    monkeypatch.setattr("core.runtime_settings._Here._is_stale", lambda _self: True)
    counted = metrics.FALLBACKS.labels(source="runtime_settings", target="earlier")
    before = counted._value.get()
    assert modes.MODE.value == "read_only"
    assert counted._value.get() == before + 1


def test_log_level_follows(change):
    root = logging.getLogger()
    before = root.level
    try:
        change("log_level", "ERROR")
        assert log_level.LOG_LEVEL.value == "ERROR"
        assert root.level == logging.ERROR
        change("log_level", "DEBUG")
        assert log_level.LOG_LEVEL.value == "DEBUG"
        assert root.level == logging.DEBUG
    finally:
        root.setLevel(before)


@pytest.mark.parametrize("setting", runtime_settings.declared(), ids=lambda s: s.name)
def test_each_setting_has_a_row_bounds_and_a_default_that_it_may_have(setting: Setting[Any]):
    assert RuntimeSetting.objects.filter(pk=setting.name, value__isnull=True).exists()
    assert setting.checked(setting.default_value) == setting.default_value
    assert setting.about.endswith(".")
    if setting.kind is int:
        assert setting.minimum is not None
        assert setting.maximum is not None


def test_staff_change_it_in_the_admin_with_a_reason(
    client: Client, grace: Person, django_capture_on_commit_callbacks
):
    client.force_login(grace.user)
    listed = client.get(reverse("admin:core_runtimesetting_changelist")).content.decode()
    assert modes.MODE.about in listed
    page = reverse("admin:core_runtimesetting_change", args=["service_mode_retry_after_s"])
    assert "1 to 86400" in client.get(page).content.decode()

    for form in ({"value": "0", "reason": WHY}, {"value": "9", "reason": "so"}, {"value": "9"}):
        refused = client.post(page, form)
        assert refused.status_code == 200
        assert refused.context["errors"]
    assert _stored() == {}

    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(page, {"value": "9", "reason": WHY}).status_code == 302
    assert modes.RETRY_AFTER_S.value == 9
    event = AuditEvent.objects.get(action="setting.change")
    assert (event.actor_id, event.data["reason"]) == (grace.user.pk, WHY)

    press = {
        "action": "restore",
        "_selected_action": "service_mode_retry_after_s",
        "confirmed": "yes",
        "reason": "the test is over",
    }
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("admin:core_runtimesetting_changelist"), press)
    assert modes.RETRY_AFTER_S.value == 120


@pytest.mark.parametrize("role", ["auditor", "support"])
def test_who_may_only_look_changes_nothing_in_the_admin(client: Client, role):
    client.force_login(make_person("eve@example.org", role=role).user)
    page = reverse("admin:core_runtimesetting_change", args=["service_mode"])
    assert client.post(page, {"value": "maintenance", "reason": WHY}).status_code == 403
    assert _stored() == {}


def test_commands_show_and_change(capsys, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        call_command("setting_set", "webhook_attempts_max", "7", "--reason", WHY)
    call_command("settings_show", "--json")
    shown = json.loads(capsys.readouterr().out.partition("{")[2].join(["{", ""]))
    assert shown["webhook_attempts_max"] == {"value": 7, "default": 5}
    call_command("settings_show")
    assert "webhook_attempts_max = 7  (changed)" in capsys.readouterr().out
    with pytest.raises(CommandError, match="1 to 20"):
        call_command("setting_set", "webhook_attempts_max", "21", "--reason", WHY)
    with pytest.raises(CommandError, match="No setting"):
        call_command("setting_set", "nonsense", "21", "--reason", WHY)
