"""One caller of each kind, and something of Ada's for each part of a path that can vary."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from accounts import services as accounts
from accounts import totp
from accounts.constants import ROLE_PERMISSIONS
from accounts.models import Factor
from core import clock, ids, scopes
from core.models import WebhookEndpoint
from core.personal_keys import Box
from core.principals import SYSTEM, Principal
from sessions_app.models import JarCookie, Session
from sessions_app.services import (
    authenticate,
    start_guest_session,
    start_impersonation,
    start_session,
)
from sessions_app.tests.cookies import define, filled_jar
from tests.deliveries import make_delivery, make_endpoint
from tests.people import Person, make_person
from transactions.models import ReconciliationLine
from transactions.tests.derived import reconciled
from transactions.tests.money import hold_on, move, open_account, post

NO_SCOPE = scopes.Scope("test:nothing", "do nothing at all")
STAFF = (*ROLE_PERMISSIONS, "superuser")


@dataclasses.dataclass(frozen=True)
class Callers:
    """Bearer tokens by kind of caller, and the ids of what Ada owns by path parameter."""

    tokens: Mapping[str, str | None]
    things: Mapping[str, object]
    bodies: Mapping[str, Any]


def things_of(person: Person) -> dict[str, object]:
    """Make one thing of the person's for each part of a path that varies; return their ids."""
    return {name: make(person) for name, make in _THINGS.items()}


def fresh(person: Person) -> Principal:
    """Return who the person is right after a login."""
    return dataclasses.replace(person.principal, authenticated_at=clock.now())


def key_of(person: Person, *names: str) -> str:
    """Make an API key of a person and return its text."""
    return accounts.create_api_key(name="test", scope_names=names, actor=fresh(person))[1]


@pytest.fixture
def callers(ada: Person, bob: Person, monkeypatch) -> Callers:
    """Everybody who may knock, and Ada's things to knock for."""
    monkeypatch.setitem(scopes._scopes, NO_SCOPE.name, NO_SCOPE)
    every = [scope.name for scope in scopes.known()]
    _, service_key = accounts.create_service_key(name="test", scope_names=every, actor=SYSTEM)
    staff = {
        role: make_person(
            f"{role}@staff.example",
            role=None if role == "superuser" else role,
            is_superuser=role == "superuser",
        )
        for role in STAFF
    }
    things = things_of(ada)
    return Callers(
        tokens={
            "nobody": None,
            "key without the scope": key_of(ada, NO_SCOPE.name),
            "key": key_of(ada, *scopes.within(every, permissions=())),
            "service key": service_key,
            "owner": start_session(user=ada.user)[1],
            "stranger": start_session(user=bob.user)[1],
            **{role: start_session(user=person.user)[1] for role, person in staff.items()},
            "guest": start_guest_session(actor=SYSTEM)[1],
            "impersonator": _acting_as(ada, staff["admin"]),
        },
        things=things,
        bodies={name: make(things) for name, make in _BODIES.items()},
    )


def _acting_as(person: Person, staff: Person) -> str:
    actor = authenticate(start_session(user=staff.user)[1])
    reason = "Ticket 4711: a test"
    return start_impersonation(user_id=person.user.pk, reason=reason, actor=actor)[1]


def an_app(person: Person, **facts: Any) -> Factor:
    """Give a person an authenticator app."""
    app = Factor(user=person.user, kind="totp", label="an app", **facts)
    app.seed_sealed = Box(person.user.pk).seal(totp.make_seed().encode(), bound_to=app.seed_place)
    app.save(force_insert=True)
    return app


def _session(person: Person) -> object:
    start_session(user=person.user)
    return Session.objects.filter(user=person.user).latest("id").pk


def _api_key(person: Person) -> object:
    return accounts.create_api_key(name="Ada's", scope_names=[NO_SCOPE.name], actor=fresh(person))[
        0
    ].pk


def _import(person: Person) -> object:
    # The rows of an import are nobody's but the staff's.
    people = [accounts.NewPerson(email="new@example.org")]
    return accounts.start_people_import(people=people, actor=SYSTEM).pk


def _endpoint(person: Person) -> object:
    return make_endpoint(person.user.pk).pk


def _delivery(person: Person) -> object:
    endpoint = WebhookEndpoint.objects.get(user_id=person.user.pk)
    return make_delivery(endpoint, state="dead").pk


def _hold(person: Person) -> object:
    source = open_account(person.principal, balance=10)
    return hold_on(source, open_account(person.principal), 1).pk


def _transaction(person: Person) -> object:
    source = open_account(person.principal, balance=10)
    return post(move(source, open_account(person.principal), 1)).id


# A new name in a path needs a line here; each may look for what those above it made.
_THINGS: dict[str, Callable[[Person], object]] = {
    "session_id": _session,
    "user_id": lambda person: person.user.pk,
    "key_id": _api_key,
    "jar_id": lambda person: filled_jar(person.principal),
    "definition_id": lambda person: define(f"app-{ids.uuid7().hex}").pk,
    "cookie_id": lambda person: JarCookie.objects.filter(user_id=person.user.pk).latest("id").pk,
    "import_id": _import,
    "endpoint_id": _endpoint,
    "delivery_id": _delivery,
    "hold_id": _hold,
    "factor_id": lambda person: an_app(person).pk,
    # Nothing of Ada's stands behind these: whoever asks is told that there is nothing.
    **dict.fromkeys(("export_id", "file_id", "report_id", "schedule_id"), lambda _: ids.uuid7()),
    "account_id": lambda person: open_account(person.principal),
    "transaction_id": _transaction,
    "reconciliation_id": lambda person: reconciled(open_account(person.principal)).pk,
    "line_id": lambda person: ReconciliationLine.objects.get(user_id=person.user.pk).pk,
    "invitation_id": lambda _person: accounts.invite(email="eve@example.org", actor=SYSTEM).pk,
}


def _posting(things: Mapping[str, object]) -> dict[str, Any]:
    source = str(things["account_id"])
    return {"source": source, "destination": "fees", "amount": 1, "asset": "USD"}


# Where the example of the document names what is not there.
_BODIES: dict[str, Callable[[Mapping[str, object]], Any]] = {
    "POST holds/": _posting,
    "POST transactions/": lambda things: {"postings": [_posting(things)]},
    "POST transactions/bulk/": lambda things: {"items": [{"postings": [_posting(things)]}]},
    "POST transactions/validate/": lambda things: {"postings": [_posting(things)]},
}
