"""The list of one's devices, for people."""

from __future__ import annotations

import pytest
from django.test import Client

from sessions_app import devices, services
from tests.people import Person

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("user_agent", "label"),
    [
        (FIREFOX, "Firefox 128 on Windows"),
        (IPHONE, "Mobile Safari 17 on iOS"),
        ("curl/8.10.1", "curl 8"),
        ("", devices.UNKNOWN),
        ("<script>alert(1)</script>", devices.UNKNOWN),
        ("x" * 512, devices.UNKNOWN),
    ],
)
def test_device_is_named_for_people(user_agent: str, label: str):
    assert devices.label_of(user_agent) == label


@pytest.mark.django_db
def test_own_devices_are_listed_and_nobody_elses(ada: Person, bob: Person):
    services.start_session(user=bob.user)
    _, token = services.start_session(user=ada.user)
    header = {"Authorization": f"Bearer {token}", "User-Agent": FIREFOX}
    (item,) = Client().get("/api/v1/sessions/", headers=header).json()["items"]
    assert token not in str(item)
    assert item["device"] == devices.UNKNOWN


@pytest.mark.django_db
def test_ending_others_needs_a_fresh_login_but_logging_out_does_not(
    ada: Person, held_clock, settings
):
    other, _ = services.start_session(user=ada.user)
    own, token = services.start_session(user=ada.user)
    held_clock(seconds=settings.ENV.step_up_max_age_s + 1)
    header = {"Authorization": f"Bearer {token}"}
    for method, path in (
        ("delete", f"sessions/{other.pk}/"),
        ("post", "sessions/revoke-others/"),
        ("post", "sessions/revoke-all/"),
    ):
        answer = getattr(Client(), method)(f"/api/v1/{path}", headers=header)
        assert answer.status_code == 401
        assert answer.json()["code"] == "AUTH_STEP_UP_REQUIRED"
        assert "insufficient_user_authentication" in answer["WWW-Authenticate"]
    other.refresh_from_db()
    assert other.revoked_at is None
    assert Client().delete(f"/api/v1/sessions/{own.pk}/", headers=header).status_code == 204


@pytest.mark.django_db
def test_all_sessions_end_with_the_one_that_asks(ada: Person, bob: Person, commits_at_once):
    tokens = [services.start_session(user=ada.user)[1] for _ in range(3)]
    others = services.start_session(user=bob.user)[1]
    header = {"Authorization": f"Bearer {tokens[0]}"}
    answer = Client().post("/api/v1/sessions/revoke-all/", headers=header)
    assert answer.json() == {"ended": 3}
    for token in tokens:
        assert not _opens(token)
    assert _opens(others)


def _opens(token: str) -> bool:
    header = {"Authorization": f"Bearer {token}"}
    return Client().get("/api/v1/me/", headers=header).status_code == 200
