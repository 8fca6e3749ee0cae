"""Every admin page: there for staff, cheap however many rows, and unable to change history."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from django.contrib import admin
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.urls import reverse

from accounts import constants
from accounts.constants import ACCOUNT_READ
from accounts.models import ApiKey, Challenge, Factor, PasswordBefore, RecoveryCode
from accounts.services import (
    NewPerson,
    create_api_key,
    run_people_import,
    start_people_import,
)
from accounts.services.links import send_link
from core import breaker, clock, ids, limits
from core.models import (
    AuditEvent,
    AuditSeal,
    DataExport,
    DeletionRequest,
    GoLiveEvidence,
    LegalHold,
    Report,
    StoredFile,
    WebhookDelivery,
    WebhookEndpoint,
)
from core.operations import measurements
from core.principals import SYSTEM
from core.privacy import sealed_files
from sessions_app.models import Cookie, Session
from sessions_app.services import (
    authenticate,
    published_keys,
    start_guest_session,
    start_refreshed_session,
    start_session,
)
from sessions_app.tests.cookies import agree, define, filled_jar, issue
from tests.people import Person, make_person
from transactions.models import EntryLine, LedgerAccount, Transaction
from transactions.tests.derived import derive
from transactions.tests.money import hold_on, move, open_account, plan, post

pytestmark = pytest.mark.django_db
OURS = {"accounts", "auth", "core", "sessions_app", "transactions"}
PAGES = sorted(
    model._meta.label_lower for model in admin.site._registry if model._meta.app_label in OURS
)
QUERIES_MAX = 15
# What staff write by form, through services.
WRITTEN = {"core.legalhold", "core.limitplan", "core.runtimesetting"}


def _url(label: str, page: str, *args: object) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_{page}", args=args)


@pytest.fixture
def by_root(db) -> Client:
    """A superuser: whatever is refused to them is refused by the page."""
    client = Client()
    client.force_login(make_person("root@example.org", is_superuser=True).user)
    return client


def _fill(person: Person, count: int) -> None:
    send_link(user=person.user, purpose=constants.RESET)
    source = open_account(person.principal, balance=1_000)
    for number in range(count):
        target = open_account(person.principal)
        plan(source, target)
        post(move(source, target, 1, reference=f"r-{number}"))
        hold_on(source, target, 1)
        filled_jar(person.principal, f"jar {ids.uuid7()}")
        issue(name=define(f"c{ids.uuid7()}").name, user_id=person.user.pk)
        agree(user_id=person.user.pk)
        start_refreshed_session(user=person.user)
        start_guest_session(actor=SYSTEM)
        published_keys()
        create_api_key(
            name=f"key {number}",
            scope_names=[ACCOUNT_READ],
            actor=dataclasses.replace(person.principal, authenticated_at=clock.now()),
        )
        derive(source)
        imported = start_people_import(people=[NewPerson(email="no address")], actor=SYSTEM)
        run_people_import(import_id=str(imported.pk))
        app = Factor.objects.create(user=person.user, kind="totp", label=f"app {number}")
        RecoveryCode.objects.create(user=person.user, code_sha256=app.pk.bytes)
        PasswordBefore.objects.create(user=person.user, password=make_password(None))
        Challenge.objects.create(
            user_id=person.user.pk,
            token_sha256=app.pk.bytes,
            purpose="login",
            expires_at=clock.now(),
        )
        _fill_privacy(person)
        limits.set_plan(scope=f"key:{number}", requests=1, window_s=1, actor=SYSTEM)
        StoredFile.objects.create(
            user_id=person.user.pk, name="a", media_type="text/plain", size_bytes=1, stored_as="x"
        )
        measurements.note(f"number {number}", number)
        Report.objects.create(user_id=person.user.pk, kind="bug", message="It is slow.")
        breaker.failed(breaker.Permit(f"https://{number}.example:443"), fault="down")
        endpoint = WebhookEndpoint.objects.create(
            user_id=person.user.pk, url="https://x.example/", topics=["*"], secret_sealed=b""
        )
        WebhookDelivery.objects.create(
            user_id=person.user.pk,
            endpoint_id=endpoint.pk,
            event_id=ids.uuid7(),
            topic="thing.happened",
            state="dead",
            next_attempt_at=clock.now(),
        )


def _fill_privacy(person: Person) -> None:
    now = clock.now()
    facts = {"user_id": person.user.pk}
    DataExport.objects.create(**facts, state="failed", expires_at=now)
    DeletionRequest.objects.create(**facts, asked_at=now, due_at=now, cancelled_at=now)
    LegalHold.objects.create(
        **facts,
        reason="Court order.",
        placed_by_id=person.user.pk,
        placed_at=now,
        ended_by_id=person.user.pk,
        ended_at=now,
    )
    sealed_files.key_for(user_id=person.user.pk, name="x")
    GoLiveEvidence.objects.create(
        item="load",
        kind="run",
        has_passed=True,
        recorded_at=now,
        expires_at=now + dt.timedelta(days=1),
    )
    AuditSeal.objects.create(
        trail="audit_change",
        number=AuditSeal.objects.count() + 1,
        rows=1,
        last_id=ids.uuid7(),
        members=bytes(48),
        key_id="test",
        mac=bytes(32),
    )


@pytest.mark.parametrize("count", [1, 12])
@pytest.mark.parametrize("label", PAGES)
def test_list_is_cheap_and_never_counts(by_root, ada, django_assert_max_num_queries, label, count):
    _fill(ada, count)
    with django_assert_max_num_queries(QUERIES_MAX) as captured:
        answer = by_root.get(_url(label, "changelist"))
    assert answer.status_code == 200
    if label.split(".")[0] != "auth":
        assert not any("COUNT(" in query["sql"] for query in captured.captured_queries)


@pytest.mark.parametrize("label", sorted(set(PAGES) - WRITTEN))
def test_nothing_can_be_added_changed_or_deleted_by_form(by_root, ada, label):
    _fill(ada, 1)
    model = next(model for model in admin.site._registry if model._meta.label_lower == label)
    row = model._default_manager.exclude(pk=None).first()
    assert row is not None
    assert by_root.post(_url(label, "add"), {}).status_code == 403
    assert by_root.post(_url(label, "change", row.pk), {}).status_code == 403
    assert by_root.post(_url(label, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert by_root.get(_url(label, "change", row.pk)).status_code == 200


def test_search_finds_by_what_staff_have_in_hand(by_root, ada):
    _fill(ada, 2)
    line = EntryLine.objects.order_by("-transaction_id", "leg").first()
    assert line is not None
    account = LedgerAccount.objects.get(pk=line.account_id)
    session = Session.objects.filter(user=ada.user).first()
    assert session is not None
    for label, words, expected in (
        ("accounts.user", "ada@", ada.user.email),
        ("accounts.user", str(ada.user.pk), ada.user.email),
        ("sessions_app.session", "ADA@example.org", ada.user.email),
        ("sessions_app.session", str(session.pk), ada.user.email),
        ("transactions.transaction", "r-1", "r-1"),
        ("transactions.transaction", str(line.transaction_id), "r-1"),
        ("transactions.entryline", account.code, account.code),
        ("transactions.ledgeraccount", account.code, account.code),
        ("transactions.ledgeraccount", "ada@example.org", account.code),
        ("transactions.asset", "usd", "US Dollar"),
        ("accounts.apikey", "ada@example.org", "key 1"),
        ("accounts.apikey", ApiKey.objects.earliest("id").begins_with, "key 0"),
        ("core.auditevent", str(line.transaction_id), "transaction.post"),
    ):
        text = by_root.get(_url(label, "changelist"), {"q": words}).content.decode()
        assert expected in text.split('id="result_list"')[1], (label, words)
    nothing = by_root.get(_url("transactions.transaction", "changelist"), {"q": "no-such"})
    assert 'id="result_list"' not in nothing.content.decode()


def test_buttons_do_what_the_services_do(by_root, ada):
    _, token = start_session(user=ada.user)

    def press(label: str, action: str, pk: object) -> None:
        answer = by_root.post(
            _url(label, "changelist"),
            {
                "action": action,
                "_selected_action": str(pk),
                "confirmed": "yes",
                "reason": "Asked by telephone.",
            },
        )
        assert answer.status_code == 302

    session_id = authenticate(token).session_id
    assert session_id is not None
    press("sessions_app.session", "end", session_id)
    assert Session.objects.get(pk=session_id).revoke_reason == "ended_by_staff"
    _fill(ada, 1)
    press("accounts.apikey", "revoke", ApiKey.objects.get().pk)
    assert ApiKey.objects.get().revoke_reason == "by_staff"
    cookie = Cookie.objects.order_by("-id")[0]
    press("sessions_app.cookie", "revoke", cookie.pk)
    cookie.refresh_from_db()
    assert cookie.revoke_reason == "by_staff"
    press("sessions_app.cookiedefinition", "retire", cookie.definition_id)
    cookie.definition.refresh_from_db()
    assert not cookie.definition.is_active
    press("accounts.user", "lock_out", ada.user.pk)
    ada.user.refresh_from_db()
    assert not ada.user.is_active
    press("accounts.user", "let_in", ada.user.pk)
    ada.user.refresh_from_db()
    assert ada.user.is_active
    done = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"session.end", "account.lock", "account.unlock"} <= done


@pytest.mark.parametrize(
    ("role", "seen", "unseen"),
    [
        ("support", "accounts.user", "core.auditevent"),
        ("auditor", "core.auditevent", "auth.group"),
    ],
)
def test_roles_see_what_they_should(role, seen, unseen):
    client = Client()
    client.force_login(make_person(f"{role}@example.org", role=role).user)
    assert client.get(_url(seen, "changelist")).status_code == 200
    assert client.get(_url(unseen, "changelist")).status_code == 403
    page = client.get(_url("transactions.ledgeraccount", "changelist")).content.decode()
    assert "Freeze" not in page


def test_statement_page_is_for_those_who_may_see_money(by_root, ada):
    account_id = open_account(ada.principal, balance=1_250)
    url = reverse("admin:transactions_ledgeraccount_statement", args=[account_id])
    assert "12.50 USD" in by_root.get(url).content.decode()
    assert by_root.get(url, {"from": "never"}).status_code == 404
    outsider = Client()
    outsider.force_login(ada.user)
    assert outsider.get(url).status_code == 302
    assert Transaction.objects.count() == 1


def test_stored_markup_is_shown_not_run(by_root, ada):
    a, b = open_account(ada.principal, balance=5), open_account(ada.principal)
    post(move(a, b, 1, description="<img src=x onerror=alert(1)>"))
    text = by_root.get(_url("transactions.transaction", "changelist")).content.decode()
    assert "<img src=x" not in text
    assert "&lt;img src=x" in text
