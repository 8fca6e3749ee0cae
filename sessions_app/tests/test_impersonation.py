"""Staff who act as a person: with a reason, seen by everybody, and with next to no power."""

from __future__ import annotations

import dataclasses

import jwt
import pytest
from django.test import Client
from django.urls import reverse

from accounts import services as accounts
from accounts.errors import AccountNotFound
from core import audit, ids
from core.errors import PermissionRefused, StepUpRequired
from core.models import AuditChange, AuditEvent, OutboxEvent
from sessions_app import services
from sessions_app.errors import ImpersonationRefused, TokenInvalid
from sessions_app.models import Session
from sessions_app.tests.cookies import filled_jar
from tests import endpoints
from tests.mailbox import mails_to
from tests.people import Person, make_person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits_at_once")]
REASON = "Ticket 4711: cannot find a transfer"


@pytest.fixture
def own_token(grace: Person) -> str:
    """Grace's own, from a login of a moment ago."""
    return services.start_session(user=grace.user)[1]


@pytest.fixture
def acting(ada: Person, own_token: str) -> str:
    """The token with which Grace acts as Ada."""
    actor = services.authenticate(own_token)
    return services.start_impersonation(user_id=ada.user.pk, reason=REASON, actor=actor)[1]


def _get(token: str, path: str = "me/"):
    return Client().get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {token}"})


def test_acting_is_written_down_announced_and_told(ada: Person, grace: Person, acting: str):
    row = Session.objects.get(kind="impersonation")
    assert (row.user_id, row.impersonator_id) == (ada.user.pk, grace.user.pk)
    assert row.impersonation_reason == REASON
    event = AuditEvent.objects.get(action="session.impersonate")
    assert (event.actor_id, event.user_id, event.data["reason"]) == (
        grace.user.pk,
        ada.user.pk,
        REASON,
    )
    assert OutboxEvent.objects.filter(topic="session.impersonated").count() == 1
    (mail,) = mails_to("ada@example.org")
    assert "acted in your name" in str(mail.body)
    assert REASON not in str(mail.body)


def test_acting_sees_what_the_person_sees_under_a_banner(ada: Person, grace: Person, acting: str):
    me = _get(acting).json()
    assert (me["email"], me["impersonated_by"]) == ("ada@example.org", str(grace.user.pk))
    assert _get(services.start_session(user=ada.user)[1]).json()["impersonated_by"] is None
    shown = {
        row["id"]: row["is_impersonation"] for row in _get(acting, "sessions/").json()["items"]
    }
    assert sorted(shown.values()) == [False, True]


def test_acting_ends_after_half_an_hour_though_used(acting: str, held_clock, settings):
    for _ in range(settings.ENV.impersonation_timeout_s // 600 - 1):
        held_clock(seconds=600)
        services.authenticate(acting)
    held_clock(seconds=601)
    with pytest.raises(TokenInvalid):
        services.authenticate(acting)


def test_everything_done_while_acting_names_who_did_it(ada: Person, grace: Person, acting: str):
    headers = {"Authorization": f"Bearer {acting}", "X-Request-ID": "done-while-acting"}
    assert Client().delete("/api/v1/impersonation/", headers=headers).status_code == 204
    event = AuditEvent.objects.get(action="session.end")
    rows = AuditChange.objects.filter(request_id="done-while-acting")
    # Both names, on what was done and on each row that changed by it.
    both = (ada.user.pk, grace.user.pk)
    assert (event.actor_id, event.impersonator_id) == both
    assert set(rows.values_list("actor_id", "impersonator_id")) == {both}
    # Ada sees that it was not her, and not who it was.
    told = _get(services.start_session(user=ada.user)[1], "me/audit/")
    by = {item["action"]: item["by"] for item in told.json()["items"]}
    assert (by["session.impersonate"], by["session.end"]) == ("staff", "staff")
    assert str(grace.user.pk) not in told.content.decode()
    audit.record(
        action="test", actor=ada.principal, user_id=ada.user.pk, target_type="t", target_id="1"
    )
    assert AuditEvent.objects.get(action="test").impersonator_id is None
    staff = Client()
    staff.force_login(grace.user)
    page = reverse("admin:core_auditevent_changelist")
    assert str(event.target_id) in staff.get(page, {"q": str(grace.user.pk)}).content.decode()


OPEN_TO_IMPERSONATORS = {
    "POST auth/logout/",
    "POST auth/token/",
    "DELETE impersonation/",
}


def test_attack_30_acting_changes_nothing_anywhere(ada: Person, acting: str):
    """Every unsafe operation there is, by the URL map."""
    refused = 0
    for operation in endpoints.operations():
        if operation.method == "get" or operation.is_public:
            continue
        values = {name: ada.user.pk for _, name in operation.parameters}
        if str(operation) in OPEN_TO_IMPERSONATORS:
            continue
        answer = operation.ask(acting, values, operation.example)
        assert answer.status_code in (403, 405), (str(operation), answer.content)
        refused += 1
    assert refused > 20
    assert services.authenticate(acting).impersonator_id is not None


def test_attack_30_acting_reads_no_cookie_values(ada: Person, acting: str):
    jar_id = filled_jar(ada.principal)
    headers = {"Authorization": f"Bearer {acting}"}
    looked = Client().get(f"/api/v1/jars/{jar_id}/cookies/", headers=headers)
    assert looked.status_code == 200
    taken = Client().get(f"/api/v1/jars/{jar_id}/export/", headers=headers)
    assert (taken.status_code, "value" in taken.content.decode()) == (403, False)


@pytest.mark.parametrize("path", ["auth/refresh/"])
def test_attack_30_acting_cannot_be_prolonged(acting: str, path: str):
    answer = Client().post(
        f"/api/v1/{path}", {"refresh_token": acting}, content_type="application/json"
    )
    assert answer.status_code == 401


@pytest.mark.parametrize("role", ["support", "admin", "root"])
def test_attack_30_staff_are_never_acted_as(own_token: str, role: str):
    target = make_person(
        "target@example.org", role=None if role == "root" else role, is_superuser=role == "root"
    )
    with pytest.raises(ImpersonationRefused):
        services.start_impersonation(
            user_id=target.user.pk, reason=REASON, actor=services.authenticate(own_token)
        )
    assert not Session.objects.filter(kind="impersonation").exists()


@pytest.mark.parametrize("how", ["logout", "lock", "others", "person locked"])
def test_attack_30_acting_ends_with_the_logout_of_who_acts(
    ada: Person, grace: Person, own_token: str, acting: str, how: str
):
    services.authenticate(acting)
    if how == "logout":
        services.end_current_session(actor=services.authenticate(own_token))
    elif how == "others":
        other = services.authenticate(services.start_session(user=grace.user)[1])
        services.end_other_sessions(actor=other)
    else:
        whom = ada if how == "person locked" else grace
        accounts.set_active(user=whom.user, is_active=False, actor=grace.principal, reason="test")
    with pytest.raises(TokenInvalid):
        services.authenticate(acting)


def test_others_logout_ends_nothing_of_it(ada: Person, bob: Person, acting: str):
    services.end_all_sessions(actor=bob.principal)
    assert services.authenticate(acting).impersonator_id is not None


def test_who_may_act(ada: Person, bob: Person, grace: Person, own_token: str, acting: str):
    def start(actor, user_id=ada.user.pk):
        services.start_impersonation(user_id=user_id, reason=REASON, actor=actor)

    fresh = services.authenticate(own_token)
    auditor = make_person("auditor@example.org", role="auditor")
    for actor in (bob.principal, auditor.principal, services.authenticate(acting)):
        with pytest.raises(PermissionRefused):
            start(actor)
    with pytest.raises(StepUpRequired):
        start(dataclasses.replace(fresh, authenticated_at=None))
    with pytest.raises(AccountNotFound):
        start(fresh, ids.uuid7())
    assert Session.objects.filter(kind="impersonation").count() == 1


def test_acting_over_http(ada: Person, own_token: str):
    def start(reason: str):
        return Client().post(
            f"/api/v1/users/{ada.user.pk}/impersonate/",
            {"reason": reason},
            content_type="application/json",
            headers={"Authorization": f"Bearer {own_token}"},
        )

    assert start("too short").status_code == 400
    begun = start(REASON)
    assert begun.status_code == 201
    token = begun.json()["token"]
    ended = Client().delete("/api/v1/impersonation/", headers={"Authorization": f"Bearer {token}"})
    assert ended.status_code == 204
    assert _get(token).status_code == 401
    own = Client().delete(
        "/api/v1/impersonation/", headers={"Authorization": f"Bearer {own_token}"}
    )
    assert own.status_code == 403
    assert _get(own_token).status_code == 200


def test_jwt_of_an_acting_session_says_who_acts(grace: Person, acting: str):
    made = services.issue_access_token(actor=services.authenticate(acting))
    claims = jwt.decode(made.text, options={"verify_signature": False})
    assert claims["act"] == {"sub": str(grace.user.pk)}
    assert "auth_time" not in claims
    assert services.authenticate_access_token(made.text).impersonator_id == grace.user.pk


def test_staff_begin_in_the_admin_and_it_ends_with_their_logout(ada: Person, grace: Person):
    staff = Client()
    staff.force_login(grace.user)
    page = reverse("admin:sessions_app_session_impersonate")
    assert (
        "Act as a person"
        in staff.get(reverse("admin:sessions_app_session_changelist")).content.decode()
    )
    assert staff.post(page, {"user_id": ada.user.pk, "reason": REASON}).status_code == 200
    assert not Session.objects.filter(kind="impersonation").exists()
    shown = staff.post(page, {"user_id": ada.user.pk, "reason": REASON, "meant": "on"})
    token = shown.context["token"]
    assert token in shown.content.decode()
    assert services.authenticate(token).impersonator_id == grace.user.pk
    refused = staff.post(page, {"user_id": grace.user.pk, "reason": REASON, "meant": "on"})
    assert "Nobody acts as staff" in refused.content.decode()
    staff.post(reverse("admin:logout"))
    with pytest.raises(TokenInvalid):
        services.authenticate(token)


def test_page_is_closed_to_roles_without_the_permission(ada: Person):
    auditor = Client()
    auditor.force_login(make_person("auditor@example.org", role="auditor").user)
    assert auditor.get(reverse("admin:sessions_app_session_impersonate")).status_code == 403
