"""Every admin page: there for staff, cheap however many rows, and unable to change history."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import ApiKey
from core import errors
from core.models import AuditEvent
from core.operations import failed_jobs
from core.principals import SYSTEM
from sessions_app.models import Cookie, Session
from sessions_app.services import authenticate, start_session
from tests.filled import fill
from tests.people import make_person
from transactions.models import EntryLine, LedgerAccount, Transaction
from transactions.tests.money import move, open_account, post

pytestmark = pytest.mark.django_db
OURS = {"accounts", "auth", "core", "procrastinate", "sessions_app", "transactions"}
PAGES = sorted(
    model._meta.label_lower for model in admin.site._registry if model._meta.app_label in OURS
)
QUERIES_MAX = 15
# What staff write by form, through services.
WRITTEN = {"accounts.notice", "core.legalhold", "core.limitplan", "core.runtimesetting"}


def _url(label: str, page: str, *args: object) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_{page}", args=args)


@pytest.fixture
def by_root(db) -> Client:
    """A superuser: whatever is refused to them is refused by the page."""
    client = Client()
    client.force_login(make_person("root@example.org", is_superuser=True).user)
    return client


@pytest.mark.parametrize("count", [1, 12])
def test_list_is_cheap_and_never_counts(by_root, ada, count):
    fill(ada, count)
    dear = {}
    for label in PAGES:
        # Nothing is remembered from the page before.
        ContentType.objects.clear_cache()
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            answer = by_root.get(_url(label, "changelist"))
        assert answer.status_code == 200, label
        asked = [query["sql"] for query in captured.captured_queries]
        counts = label.split(".")[0] != "auth" and any("COUNT(" in sql for sql in asked)
        if counts or len(asked) > QUERIES_MAX:
            dear[label] = asked
    assert dear == {}


def test_nothing_can_be_added_changed_or_deleted_by_form(by_root, ada):
    fill(ada, 1)
    for label in sorted(set(PAGES) - WRITTEN):
        row = apps.get_model(label)._default_manager.exclude(pk=None).first()
        assert row is not None, label
        change, delete = (_url(label, page, row.pk) for page in ("change", "delete"))
        statuses = [
            by_root.post(_url(label, "add"), {}).status_code,
            by_root.post(change, {}).status_code,
            by_root.post(delete, {"post": "yes"}).status_code,
            by_root.get(change).status_code,
        ]
        assert statuses == [403, 403, 403, 200], label


def test_search_finds_by_what_staff_have_in_hand(by_root, ada):
    fill(ada, 2)
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
    fill(ada, 1)
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


def test_failed_job_is_tried_again_with_a_reason_and_no_other_is(by_root, grace):
    app.tasks["core.tasks.erase_due"].defer(timestamp=0)
    job = ProcrastinateJob.objects.latest("id")
    button = {
        "action": "retry",
        "_selected_action": str(job.pk),
        "confirmed": "yes",
        "reason": "The mail server is back.",
    }
    fail = "UPDATE procrastinate_jobs SET status = %s, attempts = 3 WHERE id = %s"

    def status() -> str:
        job.refresh_from_db()
        return job.status

    with connection.cursor() as cursor:
        cursor.execute(fail, ["succeeded", job.pk])
        by_root.post(_url("procrastinate.procrastinatejob", "changelist"), button)
        assert status() == "succeeded"
        cursor.execute(fail, ["failed", job.pk])
    with pytest.raises(errors.PermissionRefused):
        failed_jobs.retry_failed_job(job_id=job.pk, reason="Please.", actor=grace.principal)
    assert status() == "failed"
    by_root.post(_url("procrastinate.procrastinatejob", "changelist"), button)
    assert status() == "todo"
    told = AuditEvent.objects.get(action="job.retry", target_id=str(job.pk))
    assert told.data["reason"] == "The mail server is back."
    with pytest.raises(errors.NotFound):
        failed_jobs.retry_failed_job(job_id=job.pk, reason="Again.", actor=SYSTEM)


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
