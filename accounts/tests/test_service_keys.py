"""Keys of the house: made by staff and by command, reported when they grow old."""

from __future__ import annotations

import csv
import datetime as dt
import re

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts import services
from accounts.constants import ACCOUNT_READ
from accounts.models import ApiKey
from core import clock
from core.principals import HOUSE_USER_ID, SYSTEM
from tests.people import Person, make_person

pytestmark = pytest.mark.django_db
WISH = {"name": "introspector", "scope_names": [ACCOUNT_READ], "networks": "", "lifetime_days": ""}


@pytest.fixture
def by_grace(grace: Person) -> Client:
    client = Client()
    client.force_login(grace.user)
    return client


def new_key_page() -> str:
    return reverse("admin:accounts_apikey_service")


def test_staff_make_a_service_key_and_see_it_once(by_grace: Client, grace: Person):
    changelist = reverse("admin:accounts_apikey_changelist")
    assert new_key_page() in by_grace.get(changelist).content.decode()
    answer = by_grace.post(new_key_page(), {**WISH, "networks": "203.0.113.0/24\n2001:db8::1"})
    assert "no-store" in answer["Cache-Control"]
    found = re.search(r'id="key-text">(srk_[^<]+)<', answer.content.decode())
    assert found is not None
    key = ApiKey.objects.get()
    assert (key.user_id, key.created_by_id, key.expires_at) == (HOUSE_USER_ID, grace.user.pk, None)
    assert key.allowed_cidrs == ["203.0.113.0/24", "2001:db8::1/128"]
    assert found[1] not in by_grace.get(changelist).content.decode()


@pytest.mark.parametrize(
    "change", [{"scope_names": ["no:such"]}, {"networks": "nowhere"}, {"lifetime_days": "0"}]
)
def test_what_cannot_be_is_said_on_the_form(by_grace: Client, change: dict[str, object]):
    answer = by_grace.post(new_key_page(), {**WISH, **change})
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("role", ["operator", "support", "auditor"])
def test_other_roles_make_no_service_keys(role: str):
    client = Client()
    client.force_login(make_person(f"{role}@example.org", role=role).user)
    assert client.get(new_key_page()).status_code == 403
    assert client.post(new_key_page(), WISH).status_code == 403
    page = client.get(reverse("admin:accounts_apikey_changelist")).content.decode()
    assert new_key_page() not in page
    assert not ApiKey.objects.exists()


def test_command_makes_a_service_key_that_works(capsys):
    call_command("service_key_create", "nightly", "--scope", ACCOUNT_READ, "--never-ends")
    text = capsys.readouterr().out.rsplit(": ", 1)[1].strip()
    assert services.authenticate_key(text).user_id == HOUSE_USER_ID
    with pytest.raises(CommandError, match="no:such"):
        call_command("service_key_create", "nightly", "--scope", "no:such")


def test_old_keys_are_reported_and_counted(capsys, settings, client):
    def made(name: str, *, days_ago: int) -> ApiKey:
        key, _ = services.create_service_key(name=name, scope_names=[ACCOUNT_READ], actor=SYSTEM)
        ApiKey.objects.filter(pk=key.pk).update(
            created_at=clock.now() - dt.timedelta(days=days_ago)
        )
        return key

    older, old = made("older", days_ago=200), made("old", days_ago=91)
    made("young", days_ago=89)
    services.revoke_api_key(key_id=made("revoked", days_ago=300).pk, actor=SYSTEM)
    services.rotate_api_key(key_id=made("rotated", days_ago=300).pk, actor=SYSTEM)
    call_command("api_keys_report", "--older-than", "90")
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["begins_with"] for row in rows] == [older.begins_with, old.begins_with]
    assert rows[0]["last_used"] == "never"
    page = client.get(
        "/metrics", headers={"Authorization": f"Bearer {settings.ENV.metrics_token}"}
    ).content.decode()
    assert "strongroom_api_keys_past_max_age 2.0" in page
