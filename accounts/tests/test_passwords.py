"""What passwords are taken, and that they are taken as they are."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib

import pytest
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from accounts import breached, constants, errors, hashers, services
from accounts.checks import breach_filter_is_readable
from accounts.models import PasswordBefore
from accounts.services import passwords
from core import clock
from core.bloom import BloomFilter
from tests.people import PASSWORD, Person


@pytest.fixture
def filter_file(monkeypatch, tmp_path):
    """Use another filter; returns how, by its list."""

    def use(content: bytes) -> None:
        source, output = tmp_path / "list", tmp_path / "filter"
        source.write_bytes(content)
        call_command("breach_filter_build", str(source), str(output))
        env = dataclasses.replace(settings.ENV, breach_filter_file=str(output))
        monkeypatch.setattr(settings, "ENV", env)
        breached.the_filter.cache_clear()

    yield use
    breached.the_filter.cache_clear()


def _faults(password: str, **about) -> list[str]:
    try:
        services.require_strong_password(password, **about)
    except errors.PasswordWeak as exc:
        return [fault["code"] for fault in exc.extensions["errors"]]
    return []


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("fourteen chars", ["password_too_short"]),
        ("fifteen charact", []),
        ("x" * 1_023 + "y", []),
        ("x" * 1_024 + "y", ["password_too_long"]),
        ("é" * 512 + "y", ["password_too_long"]),
        ("a" * 20, ["password_repetitive"]),
        ("horse" * 4, ["password_repetitive"]),
        ("horse battery horse battery", []),
        ("password1234", ["password_too_short", "password_breached"]),
        ("1q2w3e4r5t6y7u8i9o0p", ["password_breached"]),
        ("1Q2W3E4R5T6Y7U8I9O0P", ["password_breached"]),
        ("ada@example.org", ["password_guessable"]),
        ("Ada.Lovelace-1815", ["password_guessable"]),
        ("Strongroom2026!!", ["password_guessable"]),
        ("lovelace rows the boat", []),
        ("   spaces   count   ", []),
        ("🔐🔑🚪🪟🧱🔐🔑🚪🪟🧱🏠🏡🏢🏬🏣", []),
    ],
)
def test_rules(password, expected):
    words = ("ada@example.org", "Ada Lovelace")
    assert _faults(password, context_words=words) == expected


@pytest.mark.parametrize(("password", "expected"), [("q7-Lm+z", 1), ("q7-Lm+zE", 0)])
def test_eight_characters_are_enough_with_an_enforced_factor(password, expected):
    assert len(_faults(password, is_mfa_enforced=True)) == expected
    assert _faults(password) == ["password_too_short"]


def test_short_common_passwords_are_refused_where_eight_are_enough():
    assert "password_breached" in _faults("trustno1", is_mfa_enforced=True)
    assert "password_breached" in _faults("TrustNo1", is_mfa_enforced=True)


@pytest.mark.parametrize("form", ["words", "sha1", "pwned"])
def test_filter_is_made_of_words_or_of_published_hashes(filter_file, form):
    known = ["correct horse battery staple", "ein ganz langes passwort"]
    hashed = [hashlib.sha1(word.encode()).hexdigest().upper() for word in known]
    lines = {
        "words": known,
        "sha1": hashed,
        "pwned": [f"{sha1}:{count}" for count, sha1 in enumerate(hashed, 1)],
    }[form]
    assert _faults(known[0]) == []
    filter_file("\r\n".join(lines).encode())
    assert _faults(known[0]) == _faults(known[1]) == ["password_breached"]
    assert _faults("correct horse battery stapler") == []


def test_filter_forgets_nothing_and_seldom_errs(tmp_path):
    def digests(prefix: str) -> list[bytes]:
        return [hashlib.sha1(f"{prefix}{number}".encode()).digest() for number in range(5_000)]

    BloomFilter.write(tmp_path / "filter", digests("in"), count=5_000)
    known = BloomFilter.open(tmp_path / "filter")
    assert all(digest in known for digest in digests("in"))
    assert sum(digest in known for digest in digests("out")) < 25
    assert [path.name for path in tmp_path.iterdir()] == ["filter"]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"SRBLOOM1" + b"\0" * 30])
def test_broken_filter_stops_the_start(monkeypatch, tmp_path, content):
    path = tmp_path / "filter"
    path.write_bytes(content)
    env = dataclasses.replace(settings.ENV, breach_filter_file=str(path))
    monkeypatch.setattr(settings, "ENV", env)
    breached.the_filter.cache_clear()
    (fault,) = breach_filter_is_readable()
    assert fault.id == "accounts.E001"


def test_building_from_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("breach_filter_build", str(tmp_path / "none"), str(tmp_path / "out"))


@pytest.mark.django_db
def test_admin_and_commands_hold_to_the_same_rules(ada: Person):
    with pytest.raises(ValidationError) as refused:
        validate_password("ada@example.org", ada.user)
    assert "Must not be made of" in str(refused.value)
    validate_password("quite another passphrase", ada.user)


@pytest.mark.django_db
def test_last_five_passwords_are_not_taken_again(ada: Person):
    chosen = [f"passphrase of the year {number}" for number in range(6)]
    for password in chosen:
        encoded = passwords.prepare_password(user=ada.user, password=password)
        passwords.remember_password(user=ada.user)
        ada.user.password = encoded
        ada.user.save(update_fields=["password"])
    for reused in chosen[1:]:
        with pytest.raises(errors.PasswordWeak) as refused:
            passwords.prepare_password(user=ada.user, password=reused)
        assert refused.value.extensions["errors"][0]["code"] == "password_reused"
    assert passwords.prepare_password(user=ada.user, password=chosen[0])
    kept = PasswordBefore.objects.filter(user=ada.user)
    assert kept.count() == constants.PASSWORDS_REMEMBERED - 1


@pytest.mark.django_db
def test_password_does_not_grow_old(ada: Person, client, monkeypatch):
    later = clock.now() + dt.timedelta(days=3_650)
    monkeypatch.setattr(clock, "now", lambda: later)
    body = {"email": "ada@example.org", "password": PASSWORD}
    answer = client.post("/api/v1/auth/login/", body, content_type="application/json")
    assert (answer.status_code, bool(answer.json()["token"])) == (200, True)


@pytest.mark.django_db
@pytest.mark.parametrize("size", [100_000, 2_000_000])
def test_attack_32_huge_password_is_refused_before_hashing(client, monkeypatch, size):
    def hashed(*_args, **_kwargs):
        raise AssertionError("somebody hashed it")

    monkeypatch.setattr(hashers, "hashing", hashed)
    body = {"email": "ada@example.org", "password": "x" * size}
    for path in ("login", "register"):
        answer = client.post(f"/api/v1/auth/{path}/", body, content_type="application/json")
        assert answer.status_code == (400 if size < 1_000_000 else 413)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "password",
    ["ends with spaces   ", "n" * 64 + "o" * 65, "🔐 emoji and e\u0301 decomposed 🔐"],
    ids=["spaces", "129 characters", "emoji"],
)
def test_attack_35_password_is_verified_as_it_was_sent(ada: Person, client, password):
    ada.user.password = passwords.prepare_password(user=ada.user, password=password)
    ada.user.save(update_fields=["password"])

    def status(tried: str) -> int:
        body = {"email": "ada@example.org", "password": tried}
        answer = client.post("/api/v1/auth/login/", body, content_type="application/json")
        return answer.status_code

    assert status(password) == 200
    for other in {password.strip(), password[:128], password.replace("e\u0301", "é")} - {password}:
        assert status(other) == 401
    assert status(PASSWORD) == 401
