"""Cookies that are over are forgotten, in chunks, and no others."""

from __future__ import annotations

import pytest

from core import hooks
from sessions_app import services, tasks
from sessions_app.models import ConsentRecord, ConsentSubject, Cookie, CookieJar, JarCookie
from sessions_app.services import purging
from sessions_app.tests.cookies import agree, define, filled_jar, issue
from tests.people import Person

pytestmark = pytest.mark.django_db


def test_expired_cookies_go_in_chunks_and_live_ones_stay(ada: Person, held_clock, monkeypatch):
    monkeypatch.setattr(purging, "ROWS_AT_ONCE", 2)
    filled_jar(ada.principal, "a", *(f"c{number}=v; Max-Age=60" for number in range(5)), "stays=v")
    held_clock(seconds=59)
    assert services.purge_cookies() == 0
    held_clock(seconds=1)
    assert services.purge_cookies() == 5
    assert [row.name for row in JarCookie.objects.all()] == ["stays"]


def test_issued_cookies_are_kept_for_a_month_after_their_end(ada: Person, held_clock):
    define(max_age_s=300 * 86_400)
    issue("expires", max_age_s=60)
    revoked = issue("revoked", user_id=ada.user.pk).cookie
    services.revoke_cookie(cookie_id=revoked.pk, actor=ada.principal)
    issue("lives")
    held_clock(days=29)
    assert services.purge_cookies() == 0
    held_clock(days=2)
    tasks.purge_cookies.func(0)
    assert Cookie.objects.count() == 1


def test_erased_person_leaves_no_cookies_and_nobody_else_loses_any(ada: Person, bob: Person):
    define()
    for person in (ada, bob):
        filled_jar(person.principal)
        issue(user_id=person.user.pk)
        agree(user_id=person.user.pk)
    hooks.fire(hooks.USER_ERASED, user_id=ada.user.pk)
    for model in (Cookie, CookieJar, JarCookie, ConsentSubject):
        owners = set(model.objects.values_list("user_id", flat=True))
        assert owners - {None} == {bob.user.pk}, model
    assert ConsentRecord.objects.count() == 2
