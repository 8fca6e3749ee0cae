"""Another key for what lies encrypted: old rows stay readable, then need the old key no more."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from core import crypto, encryption_keys, reencryption
from core.models import PersonalKey
from core.personal_keys import FORMAT, Box
from sessions_app import services
from sessions_app.models import Cookie, JarCookie
from sessions_app.services import jars
from sessions_app.tests.cookies import define, filled_jar, issue
from tests.people import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def old_and_new(ring) -> tuple[str, str]:
    """A ring with one key, and the key that will replace it."""
    old, new = encryption_keys.make_key(), encryption_keys.make_key()
    ring(old)
    return old, new


def _left_under_other_keys() -> int:
    head = crypto.head_of(crypto.current_key_id())
    cookies = Cookie.objects.values_list("value_sealed", flat=True)
    keys = PersonalKey.objects.values_list("key_sealed", flat=True)
    return sum(not bytes(value or b"").startswith(head) for value in (*cookies, *keys))


def test_old_rows_are_readable_then_moved_then_free_of_the_old_key(
    ring, old_and_new, ada: Person, monkeypatch, capsys
):
    monkeypatch.setattr(reencryption, "ROWS_AT_ONCE", 3)
    old, new = old_and_new
    define()
    cookies = [issue(f"value {number}").cookie for number in range(7)]
    filled_jar(ada.principal)
    ring(new, old)
    assert services.Handed(cookies[0], "", 0).value == "value 0"
    assert _left_under_other_keys() == 8
    call_command("keys_reencrypt")
    assert "cookie.value_sealed: 7 moved" in capsys.readouterr().out
    assert _left_under_other_keys() == 0
    call_command("keys_reencrypt")
    assert "cookie.value_sealed: 0 moved" in capsys.readouterr().out
    ring(new)
    for number, cookie in enumerate(cookies):
        cookie.refresh_from_db()
        assert services.Handed(cookie, "", 0).value == f"value {number}"
    assert {jars.value_of(row, Box(row.user_id)) for row in JarCookie.objects.all()} == {
        "secret-of-sid",
        "dark",
    }


def test_what_the_ring_sealed_for_a_person_moves_to_their_own_key(ada: Person, capsys):
    filled_jar(ada.principal)
    rows = list(JarCookie.objects.order_by("id"))
    for row in rows:
        place = f"jar_cookie.value_sealed:{row.pk}"
        row.value_sealed = crypto.seal(row.name.encode(), bound_to=place)
        row.save(update_fields=["value_sealed"])
        assert jars.value_of(row, Box(ada.user.pk)) == row.name
    call_command("keys_reencrypt")
    assert "jar_cookie.value_sealed: 2 moved" in capsys.readouterr().out
    for row in rows:
        row.refresh_from_db()
        assert bytes(row.value_sealed).startswith(FORMAT)
        assert jars.value_of(row, Box(ada.user.pk)) == row.name


def test_value_that_does_not_open_is_named_and_stops_nothing(ring, old_and_new, capsys):
    old, new = old_and_new
    define()
    one, other = issue("one").cookie, issue("other").cookie
    Cookie.objects.filter(pk=one.pk).update(value_sealed=other.value_sealed)
    ring(new, old)
    with pytest.raises(CommandError):
        call_command("keys_reencrypt")
    assert f"{one.pk} does not open" in capsys.readouterr().out
    assert _left_under_other_keys() == 1


def test_every_sealed_column_is_known():
    names = {f"{column.table}.{column.name}" for column in reencryption.sealed_columns()}
    assert {
        "cookie.value_sealed",
        "factor.seed_sealed",
        "jar_cookie.value_sealed",
        "signing_key.private_sealed",
        "webhook_endpoint.secret_sealed",
    } <= names
