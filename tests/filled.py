"""Something of everything that the admin shows."""

from __future__ import annotations

import dataclasses
import datetime as dt

from django.contrib.auth.hashers import make_password

from accounts import constants
from accounts.constants import ACCOUNT_READ
from accounts.models import Challenge, Factor, PasswordBefore, RecoveryCode
from accounts.services import (
    NewPerson,
    accept_notices,
    create_api_key,
    run_people_import,
    start_people_import,
)
from accounts.services.links import send_link
from core import breaker, clock, ids, limits
from core.models import (
    AuditSeal,
    DataExport,
    DeletionRequest,
    GoLiveEvidence,
    LegalHold,
    Report,
    StoredFile,
)
from core.operations import measurements
from core.principals import SYSTEM
from core.privacy import sealed_files
from sessions_app.services import (
    published_keys,
    start_guest_session,
    start_refreshed_session,
)
from sessions_app.tests.cookies import agree, define, filled_jar, issue
from tests.deliveries import make_delivery, make_endpoint
from tests.people import Person
from transactions.tests.derived import derive
from transactions.tests.money import hold_on, move, open_account, plan, post


def fill(person: Person, count: int) -> None:
    """Make ``count`` rows, or more, of every kind that staff may look at."""
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
        accept_notices(versions=[("privacy", 1)], actor=person.principal)
        _fill_privacy(person)
        limits.set_plan(scope=f"key:{number}", requests=1, window_s=1, actor=SYSTEM)
        StoredFile.objects.create(
            user_id=person.user.pk, name="a", media_type="text/plain", size_bytes=1, stored_as="x"
        )
        measurements.note(f"number {number}", number)
        Report.objects.create(user_id=person.user.pk, kind="bug", message="It is slow.")
        breaker.failed(breaker.Permit(f"https://{number}.example:443"), fault="down")
        make_delivery(make_endpoint(person.user.pk), state="dead")


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
