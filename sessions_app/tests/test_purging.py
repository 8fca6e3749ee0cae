"""Cookies that are over are forgotten, in chunks, and no others."""

from __future__ import annotations

import pytest

from sessions_app import services, tasks
from sessions_app.models import Cookie, JarCookie
from sessions_app.services import purging
from sessions_app.tests.cookies import define, filled_jar, issue
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
