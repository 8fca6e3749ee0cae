"""Bringing people in from another system, with the password hashes they had there.

Each row is one transaction: a person is there with everything, or not at all. An e-mail address
that somebody has already is reported and changes nothing, so the same file may be sent again.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator, Sequence

import orjson
from django.contrib.auth.hashers import make_password
from django.db import DatabaseError
from procrastinate.contrib.django import app

from accounts import constants, errors, foreign_hashers, foreign_hashes
from accounts.models import ImportedRow, PeopleImport, User
from accounts.services.emails import Email, read_email
from accounts.services.registration import create_user
from core import audit, clock, crypto, db, ids, jobs
from core.errors import DomainError, PermissionRefused
from core.principals import SYSTEM, Principal
from core.retries import SpreadRetry


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """One row: who it is, and the hash of the password they had elsewhere, if any."""

    email: str
    name: str = ""
    email_verified: bool = False
    password_hash: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of row ``number``, counted from one, or would become of it."""

    number: int
    outcome: str
    person_id: uuid.UUID | None = None
    code: str = ""
    detail: str = ""


def check_people(*, people: Sequence[NewPerson], actor: Principal) -> list[Outcome]:
    """Return what would become of each row; writes nothing.

    Raises:
        PermissionRefused: ``actor`` may not add people.
        ImportTooLarge: extension ``limit``.
    """
    _require_may_import(people, actor)
    seen: set[str] = set()
    return [_judged(number, person, seen) for number, person in enumerate(people, start=1)]


def start_people_import(*, people: Sequence[NewPerson], actor: Principal) -> PeopleImport:
    """Leave the rows to the worker; :func:`accounts.selectors.people_import` tells how far it is.

    Commits its own transaction or joins the caller's: import, audit row and job together.

    Raises:
        PermissionRefused: ``actor`` may not add people.
        ImportTooLarge: extension ``limit``.
    """
    _require_may_import(people, actor)
    packed = orjson.dumps([dataclasses.asdict(person) for person in people])

    def start() -> PeopleImport:
        identifier = ids.uuid7()
        row = PeopleImport.objects.create(
            id=identifier,
            user_id=actor.user_id,
            rows_sealed=crypto.seal(packed, bound_to=_bound_to(identifier)),
            total=len(people),
            created_at=clock.now(),
        )
        audit.record(
            action="account.import",
            actor=actor,
            user_id=actor.user_id,
            target_type="people_import",
            target_id=row.pk,
            rows=len(people),
        )
        run_people_import.defer(import_id=str(row.pk), **jobs.origin())
        return row

    return db.run_in_transaction(start)


def import_people_now(*, people: Sequence[NewPerson], actor: Principal) -> Iterator[Outcome]:
    """Import row by row, each in a transaction of its own; yield what became of each.

    Raises:
        PermissionRefused: ``actor`` may not add people.
        ImportTooLarge: extension ``limit``.
    """
    _require_may_import(people, actor)
    return (_imported(number, person, actor) for number, person in enumerate(people, start=1))


@app.task(
    name="run_people_import",
    retry=SpreadRetry(
        max_attempts=8, exponential_wait=4, retry_exceptions=[DatabaseError, errors.HashingBusy]
    ),
)
def run_people_import(import_id: str) -> None:
    """Go through the rows that have no outcome yet, and forget them all at the end."""
    row = PeopleImport.objects.get(pk=import_id)
    if row.rows_sealed is None:
        return
    packed = crypto.unseal(bytes(row.rows_sealed), bound_to=_bound_to(row.pk))
    actor = dataclasses.replace(SYSTEM, user_id=row.user_id)
    done = set(row.rows.values_list("number", flat=True))
    for number, fields in enumerate(orjson.loads(packed), start=1):
        if number not in done:
            _imported(number, NewPerson(**fields), actor, of=row)
    PeopleImport.objects.filter(pk=row.pk, user_id=row.user_id).update(
        finished_at=clock.now(), rows_sealed=None
    )


def _require_may_import(people: Sequence[NewPerson], actor: Principal) -> None:
    if not actor.may("accounts.add_user"):
        raise PermissionRefused("You may not add people.")
    limit = constants.IMPORT_ROWS_MAX
    if not 0 < len(people) <= limit:
        raise errors.ImportTooLarge(f"Send 1 to {limit} rows at a time.", limit=limit)


def _judged(number: int, person: NewPerson, seen: set[str]) -> Outcome:
    try:
        address = read_email(person.email)
        if person.password_hash:
            _readable(person.password_hash)
    except DomainError as refusal:
        return _refused(number, refusal)
    if address.normalized in seen or _somebody_has(address):
        return _known(number)
    seen.add(address.normalized)
    return Outcome(number=number, outcome=constants.IMPORT_CREATED)


def _imported(
    number: int, person: NewPerson, actor: Principal, *, of: PeopleImport | None = None
) -> Outcome:
    """Make the person of one row, and its report, in one transaction."""
    try:
        address = read_email(person.email)
        # Hashing takes a while: no transaction waits for it, and none is done for nothing.
        encoded = "" if _somebody_has(address) else _encoded(person.password_hash)
    except (errors.EmailInvalid, errors.HashUnknown) as refusal:
        return _reported(_refused(number, refusal), of)

    def create() -> Outcome:
        if not encoded:
            return _reported(_known(number), of)
        try:
            user = create_user(email=address, password=encoded, actor=actor, name=person.name)
        except errors.EmailTaken:
            return _reported(_known(number), of)
        if person.email_verified:
            User.objects.filter(pk=user.pk).update(email_verified_at=clock.now())
        return _reported(
            Outcome(number=number, outcome=constants.IMPORT_CREATED, person_id=user.pk), of
        )

    return db.run_in_transaction(create)


def _reported(outcome: Outcome, of: PeopleImport | None) -> Outcome:
    if of is not None:
        ImportedRow.objects.create(
            id=ids.uuid7(), user_id=of.user_id, people_import=of, **dataclasses.asdict(outcome)
        )
    return outcome


def _encoded(password_hash: str) -> str:
    if not password_hash:
        return make_password(None)
    _readable(password_hash)
    return foreign_hashers.stored_form(password_hash)


def _readable(password_hash: str) -> None:
    try:
        foreign_hashes.read(password_hash)
    except foreign_hashes.UnknownHash as exc:
        detail = str(exc)
        fault = {"pointer": "#/password_hash", "code": errors.HashUnknown.code, "detail": detail}
        raise errors.HashUnknown(detail, errors=[fault]) from exc


def _somebody_has(address: Email) -> bool:
    return bool(User.objects.filter(email_normalized=address.normalized).exists())


def _refused(number: int, refusal: DomainError) -> Outcome:
    return Outcome(
        number=number,
        outcome=constants.IMPORT_REFUSED,
        code=refusal.code,
        detail=refusal.detail,
    )


def _known(number: int) -> Outcome:
    return Outcome(
        number=number,
        outcome=constants.IMPORT_KNOWN,
        code=errors.EmailTaken.code,
        detail="Somebody has this e-mail address; nothing was changed.",
    )


def _bound_to(import_id: uuid.UUID) -> str:
    return f"people_import.rows_sealed:{import_id}"
