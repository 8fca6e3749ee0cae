"""Guessing at passwords: strangers wait, the owner's device does not, nobody learns anything."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.test import Client

from accounts import hashers
from accounts.models import User
from core import runtime_settings
from tests.people import PASSWORD, Person, make_person

pytestmark = pytest.mark.django_db
WRONG = "not the password at all"


@pytest.fixture(autouse=True)
def limits(monkeypatch):
    """Ten guesses an account and twenty an address."""

    def use(**changes: Any) -> None:
        monkeypatch.setattr(settings, "ENV", dataclasses.replace(settings.ENV, **changes))

    use(guesses_per_account_max=10, guesses_per_address_max=20, web_workers=1)
    return use


def _login(email: str, password: str, *, address: str = "203.0.113.7", **more):
    headers = more.pop("headers", {})
    return Client().post(
        "/api/v1/auth/login/",
        {"email": email, "password": password, **more},
        content_type="application/json",
        REMOTE_ADDR=address,
        headers=headers,
    )


def _statuses(count: int, email: str, **more) -> list[int]:
    return [_login(email, WRONG, **more).status_code for _ in range(count)]


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
def test_eleventh_wrong_password_waits_known_or_not(ada: Person, email):
    assert _statuses(11, email) == [401] * 10 + [429]
    answer = _login(email, PASSWORD, address="198.51.100.1")
    assert answer.status_code == 429
    assert answer.json()["code"] == "RATE_LIMITED"
    assert 0 < int(answer["Retry-After"]) <= 90


def test_spellings_of_one_address_share_a_counter(ada: Person):
    assert _statuses(10, "ada@example.org") == [401] * 10
    assert _statuses(1, "ADA@Example.org") == [429]


def test_attack_12_strangers_are_throttled_and_the_known_device_gets_in(ada: Person):
    device_token = _login("ada@example.org", PASSWORD).json()["device_token"]
    answers = [
        _login("ada@example.org", WRONG, address=f"198.51.100.{number}").status_code
        for number in range(100)
    ]
    assert answers == [401] * 10 + [429] * 90
    assert _login("ada@example.org", PASSWORD, address="198.51.100.200").status_code == 429
    known = _login("ada@example.org", PASSWORD, device_token=device_token)
    assert known.status_code == 200


def test_stolen_device_token_is_worth_ten_guesses_and_only_its_owners_account(
    ada: Person, bob: Person
):
    device_token = _login("ada@example.org", PASSWORD).json()["device_token"]
    assert _statuses(11, "ada@example.org", device_token=device_token) == [401] * 10 + [429]
    assert _statuses(10, "bob@example.org") == [401] * 10
    assert _statuses(1, "bob@example.org", device_token=device_token) == [429]


@pytest.mark.parametrize("change", ["signature", "person", "epoch", "junk"])
def test_device_token_that_was_made_up_counts_as_a_stranger(ada: Person, bob: Person, change):
    mine = _login("ada@example.org", PASSWORD).json()["device_token"]
    prefix, key_id, body, signature = mine.split(".")
    if change == "signature":
        forged = f"{prefix}.{key_id}.{body}.{'A' * len(signature)}"
    elif change == "person":
        theirs = _login("bob@example.org", PASSWORD).json()["device_token"]
        forged = f"{prefix}.{key_id}.{theirs.split('.')[2]}.{signature}"
    elif change == "epoch":
        ada.user.session_epoch += 1
        ada.user.save(update_fields=["session_epoch"])
        forged = mine
    else:
        forged = "skd.nokey.é.."
    _statuses(10, "ada@example.org")
    answer = _login("ada@example.org", PASSWORD, device_token=forged)
    assert answer.status_code == 429


def test_attack_13_a_good_login_clears_no_counter(ada: Person, bob: Person):
    for number in range(20):
        assert _login(f"victim{number}@example.org", WRONG).status_code == 401
        if number % 5 == 0:
            assert _login("bob@example.org", PASSWORD).status_code == 200
    assert _login("victim@example.org", WRONG).status_code == 429
    assert _login("bob@example.org", PASSWORD).status_code == 429


def test_good_logins_do_not_count(ada: Person):
    for _ in range(12):
        assert _login("ada@example.org", PASSWORD).status_code == 200


@pytest.mark.parametrize(("proxies", "expected"), [(0, 429), (1, 401)])
def test_attack_14_forwarded_for_counts_only_from_our_own_proxies(limits, proxies, expected):
    limits(trusted_proxy_count=proxies)
    for number in range(20):
        answer = _login(
            f"v{number}@example.org", WRONG, headers={"X-Forwarded-For": f"192.0.2.{number}"}
        )
        assert answer.status_code == 401
    again = _login("v@example.org", WRONG, headers={"X-Forwarded-For": "192.0.2.99"})
    assert again.status_code == expected


def test_one_ipv6_customer_is_one_address():
    for number in range(20):
        _login(f"v{number}@example.org", WRONG, address=f"2001:db8:1:2::{number:x}")
    again = _login("v@example.org", WRONG, address="2001:db8:1:2:ffff::1")
    assert again.status_code == 429
    assert _login("v@example.org", WRONG, address="2001:db8:1:3::1").status_code == 401


@pytest.mark.parametrize("path", ["login", "register", "password/forgot", "verify-email/resend"])
def test_attack_11_known_and_unknown_are_answered_alike(ada: Person, path):
    def answer(email: str) -> tuple[int, dict[str, Any]]:
        body = {"email": email}
        if path in ("login", "register"):
            body["password"] = "a sentence of some length"
        given = Client().post(f"/api/v1/auth/{path}/", body, content_type="application/json")
        seen = {name: value for name, value in given.json().items() if name != "request_id"}
        return given.status_code, seen

    assert answer("ada@example.org") == answer("nobody@example.org")


def test_attack_11_every_refused_login_does_the_same_work(ada: Person, bob: Person, monkeypatch):
    """One hash for each: unknown, wrong, locked, unverified, imported without a password."""
    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    unverified = make_person("carol@example.org").user
    User.objects.filter(pk=unverified.pk).update(email_verified_at=None)
    imported = make_person("dave@example.org").user
    User.objects.filter(pk=imported.pk).update(password=make_password(None))
    work: list[Callable[[], Any]] = []
    hashing = hashers.hashing

    def counted(hashed: Callable[[], Any]) -> Any:
        work.append(hashed)
        return hashing(hashed)

    monkeypatch.setattr(hashers, "hashing", counted)
    done = {}
    for name in ("nobody", "ada", "bob", "carol", "dave"):
        work.clear()
        password = WRONG if name == "ada" else PASSWORD
        assert _login(f"{name}@example.org", password).status_code == 401
        done[name] = len(work)
    assert set(done.values()) == {1}, done


def test_staff_tighten_the_limits_while_somebody_guesses(ada: Person):
    """Settings of run time win over those of the start."""
    runtime_settings.assume({"guesses_per_account_max": 2})
    assert _statuses(3, "ada@example.org") == [401, 401, 429]
    runtime_settings.assume({"guesses_per_address_max": 1})
    others = [f"{name}@example.org" for name in ("bob", "eve")]
    assert [_login(email, WRONG, address="192.0.2.1").status_code for email in others] == [401, 429]
