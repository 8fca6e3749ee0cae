"""What can be done with people's accounts."""

from __future__ import annotations

import secrets
import unicodedata
import uuid
from collections.abc import Sequence
from typing import Final

import email_validator
import structlog
from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError

from accounts import constants, errors
from accounts.models import User
from core import audit, db, hooks, ids, metrics, outbox
from core.principals import SYSTEM, Principal

ONE_TIME_PASSWORD_BYTES: Final = 18

log = structlog.get_logger(__name__)


def register_user(*, email: str, password: str, name: str = "") -> None:
    """Create an account, or do nothing when the e-mail has one: the caller cannot tell which.

    Both ways hash one password, so the answer takes the same time. Commits its own transaction
    (or joins the caller's): person, audit row and event together.

    Raises:
        EmailInvalid: not an address.
        PasswordWeak: the password breaks a rule; extension ``errors``.
    """
    normalized = normalize_email(email)
    require_strong_password(password, context_words=(normalized, name))
    encoded = make_password(password)
    try:
        db.run_in_transaction(
            lambda: _create_user(
                email=email, email_normalized=normalized, password=encoded, name=name, actor=None
            )
        )
    except IntegrityError as exc:
        if db.violated_constraint(exc) != "users_email_once":
            raise
        log.info("registration_of_known_email")


def create_staff_user(
    *, email: str, role: str, actor: Principal = SYSTEM, is_superuser: bool = False
) -> str:
    """Create a member of staff and return the one-time password, which is kept nowhere else.

    Raises:
        EmailInvalid: not an address.
        EmailTaken: somebody has this address.
    """
    normalized = normalize_email(email)
    password = secrets.token_urlsafe(ONE_TIME_PASSWORD_BYTES)
    encoded = make_password(password)

    def create() -> None:
        user = _create_user(
            email=email,
            email_normalized=normalized,
            password=encoded,
            actor=actor,
            is_staff=True,
            is_superuser=is_superuser,
        )
        user.groups.add(Group.objects.get(name=role))

    try:
        db.run_in_transaction(create)
    except IntegrityError as exc:
        if db.violated_constraint(exc) != "users_email_once":
            raise
        raise errors.EmailTaken("Somebody has this e-mail address.") from exc
    return password


def verify_login(*, email: str, password: str) -> User:
    """Return the person whose e-mail and password these are.

    Unknown, wrong and deactivated are one refusal after the same work. A password hashed with
    earlier parameters is hashed again.

    Raises:
        LoginRefused: always with the same words.
    """
    user: User | None = User.objects.filter(email_normalized=_comparable_email(email)).first()
    if user is None:
        make_password(password)
    elif _password_matches(user, password) and user.is_active:
        metrics.LOGINS.labels(outcome="accepted").inc()
        return user
    metrics.LOGINS.labels(outcome="refused").inc()
    raise errors.LoginRefused("The e-mail or the password is wrong.")


def set_active(*, user: User, is_active: bool, actor: Principal) -> None:
    """Lock a person out, or let them in again; locking ends all their sessions in the same commit.

    Commits its own transaction or joins the caller's.
    """

    def change() -> None:
        user.is_active = is_active
        if not is_active:
            user.session_epoch += 1
        user.save(update_fields=["is_active", "session_epoch"])
        hooks.fire(hooks.USER_ACCESS_CHANGED, user_id=user.pk)
        audit.record(
            action="account.unlock" if is_active else "account.lock",
            actor=actor,
            user_id=user.pk,
            target_type="user",
            target_id=user.pk,
        )

    db.run_in_transaction(change)


def import_people(*, names: Sequence[str], domain: str) -> dict[str, uuid.UUID]:
    """Make a person of each name that is not known yet; nobody of them can log in.

    A person's e-mail is ``name@domain``. Joins the caller's transaction. Returns ids by name.
    """
    emails = {f"{name}@{domain}".casefold(): name for name in names}
    known = dict(
        User.objects.filter(email_normalized__in=list(emails)).values_list("email_normalized", "pk")
    )
    missing = [email for email in emails if email not in known]
    made = [
        User(
            id=identifier,
            email=email,
            email_normalized=email,
            name=emails[email],
            password=make_password(None),
        )
        for email, identifier in zip(missing, ids.uuid7s(len(missing)), strict=True)
    ]
    User.objects.bulk_create(made, batch_size=1_000)
    if made:
        audit.record(
            action="account.import",
            actor=SYSTEM,
            user_id=SYSTEM.user_id,
            target_type="user",
            target_id=domain,
            people=len(made),
        )
    known.update({user.email_normalized: user.pk for user in made})
    return {name: known[email] for email, name in emails.items()}


def sync_roles() -> None:
    """Make the groups and their permissions equal to :data:`constants.ROLE_PERMISSIONS`."""
    known = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.using("owner").select_related("content_type")
    }
    for role, names in constants.ROLE_PERMISSIONS.items():
        group, _ = Group.objects.using("owner").get_or_create(name=role)
        group.permissions.set([known[name] for name in names])


def normalize_email(email: str) -> str:
    """Return the form of ``email`` that decides who is who: NFKC, valid, case folded.

    Normalising comes before validating, or a look-alike of ``@`` would be judged as a letter.

    Raises:
        EmailInvalid: not an address.
    """
    try:
        checked = email_validator.validate_email(
            unicodedata.normalize("NFKC", email), check_deliverability=False
        )
    except email_validator.EmailNotValidError as exc:
        detail = "Must be an e-mail address."
        fault = {"pointer": "#/email", "code": errors.EmailInvalid.code, "detail": detail}
        raise errors.EmailInvalid(detail, errors=[fault]) from exc
    return unicodedata.normalize("NFKC", checked.normalized.casefold())


def require_strong_password(password: str, *, context_words: tuple[str, ...] = ()) -> None:
    """Refuse a short, overlong or obvious password; no composition rules (NIST SP 800-63B-4).

    Raises:
        PasswordWeak: extension ``errors`` with one fault for each broken rule.
    """
    length_min: int = settings.ENV.password_length_min
    broken = []
    if len(password) < length_min:
        broken.append(f"Must have at least {length_min} characters.")
    if len(password.encode("utf-8", "surrogatepass")) > constants.PASSWORD_BYTES_MAX:
        broken.append(f"Must have at most {constants.PASSWORD_BYTES_MAX} bytes.")
    folded = password.casefold()
    if len(set(folded)) == 1 or folded in {word.casefold() for word in context_words if word}:
        broken.append("Must not be one repeated character, your name or your e-mail address.")
    if broken:
        raise errors.PasswordWeak(
            broken[0],
            errors=[
                {"pointer": "#/password", "code": errors.PasswordWeak.code, "detail": detail}
                for detail in broken
            ],
        )


def _comparable_email(email: str) -> str:
    try:
        return normalize_email(email)
    except errors.EmailInvalid:
        return ""


def _password_matches(user: User, password: str) -> bool:
    def store_again(raw: str) -> None:
        user.password = make_password(raw)
        user.save(update_fields=["password"])

    return check_password(password, user.password, store_again)


def _create_user(  # noqa: PLR0913 - a person's fields, one by one
    *,
    email: str,
    email_normalized: str,
    password: str,
    actor: Principal | None,
    name: str = "",
    is_staff: bool = False,
    is_superuser: bool = False,
) -> User:
    user: User = User.objects.create(
        email=email,
        email_normalized=email_normalized,
        password=password,
        name=name,
        is_staff=is_staff,
        is_superuser=is_superuser,
    )
    audit.record(
        action="account.create",
        actor=actor or Principal(kind="user", user_id=user.pk),
        user_id=user.pk,
        target_type="user",
        target_id=user.pk,
    )
    outbox.announce(topic="account.created", user_id=user.pk, object_id=user.pk)
    return user
