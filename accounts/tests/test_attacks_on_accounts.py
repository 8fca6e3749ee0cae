"""Attacks on registration, reset, addresses, passwords and links, by their numbers."""

from __future__ import annotations

import pytest
from django.conf import settings as django_settings
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import constants, services
from accounts.models import User
from tests.mailbox import join, mails_to, newest_token, run_jobs
from tests.people import PASSWORD, Person

pytestmark = pytest.mark.django_db
API = "/api/v1/"
NEW_PASSWORD = "a completely different sentence"


def post(path: str, body, **headers):
    """Send a request as anybody."""
    return Client().post(
        f"{API}{path}/", body, content_type="application/json", headers=headers or None
    )


def log_in(email: str, password: str):
    """Log in as anybody."""
    return post("auth/login", {"email": email, "password": password})


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("auth/register", {"password": NEW_PASSWORD, "name": "Mallory"}),
        ("auth/password/forgot", {}),
        ("auth/verify-email/resend", {}),
    ],
)
def test_attack_11_known_and_unknown_addresses_are_answered_alike(ada: Person, path, more):
    """The same answer after the same statements: the request looks at nobody's row."""
    seen = []
    # The first request of a process reads what all later ones share.
    post(path, {"email": "first@example.org", **more})
    for email in ("ada@example.org", "nobody@example.org"):
        with CaptureQueriesContext(connection) as asked:
            answer = post(path, {"email": email, **more})
        statements = [query["sql"].split("VALUES")[0].split("defer")[0] for query in asked]
        assert not any("users" in statement for statement in statements)
        seen.append((answer.status_code, answer.json(), len(statements)))
    assert seen[0] == seen[1]
    assert seen[0][0] == 202


@pytest.mark.parametrize("how", ["used", "older", "moved", "changed"])
def test_attack_17_reset_link_that_is_not_the_newest_word_opens_nothing(
    ada: Person, fresh, monkeypatch, how: str
):
    monkeypatch.setattr(constants, "LINK_PAUSE_S", -1)
    post("auth/password/forgot", {"email": "ada@example.org"})
    link = newest_token("ada@example.org")
    kept = NEW_PASSWORD
    if how == "used":
        body = {"token": link, "password": NEW_PASSWORD}
        assert post("auth/password/reset", body).status_code == 204
    elif how == "older":
        kept = PASSWORD
        post("auth/password/forgot", {"email": "ada@example.org"})
        run_jobs()
    elif how == "moved":
        kept = PASSWORD
        services.ask_for_email_change(email="ada@example.net", actor=fresh(ada))
        services.confirm_email_change(token=newest_token("ada@example.net"))
    else:
        services.change_password(old_password=PASSWORD, password=NEW_PASSWORD, actor=fresh(ada))
    refused = post("auth/password/reset", {"token": link, "password": "what Mallory wants to have"})
    assert (refused.status_code, refused.json()["code"]) == (410, "ACCOUNT_LINK_SPENT")
    ada.user.refresh_from_db()
    assert ada.user.check_password(kept)


@pytest.mark.parametrize(
    "twin",
    [
        "ADA@EXAMPLE.ORG",
        "\uff41da@example.org",
        "ada\uff20example.org",
        "ada\ufe6bexample.org",
        "ada@example\u3002org",
        "\u24d0da@example.org",
    ],
)
def test_attack_31_twins_of_an_address_are_one_account(twin: str):
    join("ada@example.org")
    assert post("auth/register", {"email": twin, "password": NEW_PASSWORD}).status_code == 202
    assert mails_to("ada@example.org")[-1].subject == "You already have an account"
    assert User.objects.people().count() == 1
    assert log_in(twin, PASSWORD).status_code == 200
    assert log_in(twin, NEW_PASSWORD).status_code == 401


@pytest.mark.parametrize("email", ["ada@example.org.", "ada@example.org ", "ada@@example.org"])
def test_attack_31_what_is_almost_an_address_is_refused(email: str):
    join("ada@example.org")
    refused = post("auth/register", {"email": email, "password": NEW_PASSWORD})
    assert (refused.status_code, refused.json()["code"]) == (400, "ACCOUNT_EMAIL_INVALID")
    assert User.objects.people().count() == 1


def test_attack_31_two_domains_that_fold_alike_stay_two():
    join("ada@stra\u00dfe.example")
    join("ada@strasse.example")
    assert User.objects.people().count() == 2


@pytest.mark.parametrize(
    "password",
    [
        "two spaces at the end  ",
        "  two spaces at the start",
        "x" * 64 + "y" * 65,
        "\U0001f510 locks \U0001f469\u200d\U0001f469 and \u00e9\u0301 marks",
        "p\u00e4ssw\u00f6rter in der Reihe",
        "a tab\tand a\nline end",
    ],
)
def test_attack_35_password_is_verified_exactly_as_it_was_sent(password: str):
    join("eve@example.org", password)
    assert log_in("eve@example.org", password).status_code == 200
    for other in {password.strip(), password[:-1], password.lower() + " ", password[:72]}:
        if other != password:
            assert log_in("eve@example.org", other).status_code in (401, 429)


def test_attack_36_links_name_our_host_whatever_the_request_says(ada: Person, settings):
    settings.ALLOWED_HOSTS = ["*"]
    headers = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "gopher",
        "Forwarded": "host=evil.example",
        "Origin": "https://evil.example",
    }
    assert post("auth/password/forgot", {"email": "ada@example.org"}, **headers).status_code == 202
    (mail,) = mails_to("ada@example.org")
    assert isinstance(mail, EmailMultiAlternatives)
    for form in (str(mail.body), str(mail.alternatives[0][0]), str(mail.message())):
        assert "evil" not in form
    assert f"{django_settings.ENV.public_url}/account/reset-password/#token=" in str(mail.body)


def test_attack_36_unknown_host_is_refused_before_anything_happens(ada: Person):
    refused = post("auth/password/forgot", {"email": "ada@example.org"}, Host="evil.example")
    assert (refused.status_code, refused.json()["code"]) == (400, "VALIDATION_HOST_INVALID")
    assert mails_to("ada@example.org") == []


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_attack_36_nobody_is_sent_elsewhere_after_a_login(grace: Person, target: str):
    login = f"/{django_settings.ENV.admin_path}/login/"
    answer = Client().post(
        f"{login}?next={target}",
        {"username": "grace@example.org", "password": PASSWORD, "next": target},
    )
    assert "evil" not in answer.get("Location", "")
    assert "javascript" not in answer.get("Location", "")


@pytest.mark.parametrize("body", ["next", "redirect_to", "return_url", "callback"])
def test_attack_36_no_request_can_choose_where_a_link_leads(ada: Person, body: str):
    refused = post(
        "auth/password/forgot", {"email": "ada@example.org", body: "https://evil.example"}
    )
    assert refused.status_code == 400
    assert mails_to("ada@example.org") == []
