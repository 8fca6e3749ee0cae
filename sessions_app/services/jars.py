"""Cookie jars: made, filled, asked what to send, emptied, deleted.

What is kept and sent is decided in :mod:`sessions_app.rfc6265`; here it is locked, encrypted and
written. A jar is changed under its lock, so that its limits and the order of its cookies hold.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import uuid
from collections.abc import Sequence

import orjson
from django.db import IntegrityError

from core import audit, clock, db, ids
from core.personal_keys import Box
from core.principals import Principal
from sessions_app import constants, selectors
from sessions_app.errors import (
    CookiesRefused,
    CookieUrlInvalid,
    JarExists,
    JarNotFound,
    TooManyJars,
)
from sessions_app.models import CookieJar, JarCookie
from sessions_app.rfc6265.cookies import Cookie, Ignored, Key
from sessions_app.rfc6265.exchanges import Exchange, NotAUrl, exchange_with
from sessions_app.rfc6265.jar import Jar, header_of

_UPDATED = ("value_sealed", "secure", "http_only", "same_site", "expires_at", "accessed_at")


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one line: the cookie as kept or removed, or why it was ignored."""

    index: int
    cookie: Cookie | None
    is_removed: bool = False
    refusal: Ignored | None = None


def create_jar(*, label: str, actor: Principal) -> CookieJar:
    """Make an empty jar of the caller's. Commits its own transaction or joins the caller's.

    Raises:
        JarExists: the caller has one with this label.
        TooManyJars: the caller has as many as anybody may.
    """

    def create() -> CookieJar:
        if CookieJar.objects.of_owner(actor.user_id).count() >= constants.JARS_PER_OWNER_MAX:
            raise TooManyJars(f"Nobody has more than {constants.JARS_PER_OWNER_MAX} jars.")
        jar = CookieJar.objects.create(
            id=ids.uuid7(), user_id=actor.user_id, label=label, created_at=clock.now()
        )
        _tell("cookie_jar.create", jar, actor)
        return jar

    try:
        return db.run_in_transaction(create)
    except IntegrityError as exc:
        if db.violated_constraint(exc) != "cookie_jar_label_once":
            raise
        raise JarExists(f"You have a jar with the label {label}.") from exc


def delete_jar(*, jar_id: uuid.UUID, actor: Principal) -> None:
    """Delete a jar with all its cookies. Commits its own transaction or joins the caller's.

    Raises:
        JarNotFound: no such jar, or not the caller's.
    """

    def delete() -> None:
        jar = locked_jar(jar_id, actor)
        JarCookie.objects.filter(jar_id=jar.pk, user_id=jar.user_id).delete()
        CookieJar.objects.filter(pk=jar.pk, user_id=jar.user_id).delete()
        _tell("cookie_jar.delete", jar, actor)

    db.run_in_transaction(delete)


def store_cookies(
    *, jar_id: uuid.UUID, lines: Sequence[str], exchange: Exchange, actor: Principal
) -> list[Verdict]:
    """Let the jar receive the ``Set-Cookie`` lines of one answer; return what became of each.

    As in a browser, a line that must be ignored does not stop the others. Commits its own
    transaction or joins the caller's.

    Raises:
        JarNotFound: no such jar, or not the caller's.
        CookiesRefused: every line must be ignored; nothing changed.
    """

    def store() -> list[Verdict]:
        row = locked_jar(jar_id, actor)
        now = clock.now()
        jar = loaded(row)
        before = dict(jar.cookies)
        verdicts = [_received(jar, index, line, exchange, now) for index, line in enumerate(lines)]
        if all(verdict.refusal for verdict in verdicts):
            raise refused([(v.index, v.refusal) for v in verdicts if v.refusal], "/set_cookie")
        jar.evict(at=now)
        write(row, before, jar)
        return verdicts

    return db.run_in_transaction(store)


def cookie_header(*, jar_id: uuid.UUID, exchange: Exchange, actor: Principal) -> str:
    """Return the ``Cookie`` header that the jar sends with a request; empty for none.

    One query, and one for the owner's key where it sends any. Which cookies were sent is written
    once an hour at most, for eviction.

    Raises:
        JarNotFound: no such jar, or not the caller's.
    """
    now = clock.now()
    rows = selectors.jar_cookies_near(jar_id, exchange.place.host, actor=actor)
    by_key = {key_of(row): row for row in rows}
    chosen = Jar(as_cookie(row) for row in rows).choose(exchange, at=now)
    _touch([by_key[cookie.key] for cookie in chosen], now)
    box = Box(actor.user_id)
    return header_of(
        dataclasses.replace(cookie, value=value_of(by_key[cookie.key], box)) for cookie in chosen
    )


def delete_jar_cookie(*, jar_id: uuid.UUID, cookie_id: uuid.UUID, actor: Principal) -> None:
    """Remove one cookie from a jar. Commits its own transaction or joins the caller's.

    Raises:
        JarNotFound: no such jar or cookie, or not the caller's.
    """

    def delete() -> None:
        jar = locked_jar(jar_id, actor)
        gone, _ = JarCookie.objects.filter(
            pk=cookie_id, jar_id=jar.pk, user_id=jar.user_id
        ).delete()
        if not gone:
            raise JarNotFound("There is no such cookie in this jar.")

    db.run_in_transaction(delete)


def exchange_at(
    *,
    url: str,
    method: str = "GET",
    initiator: str | None = None,
    top_level: str | None = None,
    is_navigation: bool = False,
    is_script: bool = False,
) -> Exchange:
    """Describe one request in the words of :func:`sessions_app.rfc6265.exchanges.exchange_with`.

    Raises:
        CookieUrlInvalid: one of the URLs is none.
    """
    try:
        return exchange_with(
            url,
            method=method,
            initiator=initiator,
            top_level=top_level,
            is_navigation=is_navigation,
            is_http=not is_script,
        )
    except NotAUrl as exc:
        raise CookieUrlInvalid("URLs are absolute: http, https, ws or wss and a host.") from exc


def locked_jar(jar_id: uuid.UUID, actor: Principal) -> CookieJar:
    """Return the jar, held against other changes until the transaction ends."""
    jar: CookieJar | None = (
        CookieJar.objects.of_owner(actor.user_id)
        .select_for_update(of=("self",))
        .filter(pk=jar_id)
        .first()
    )
    if jar is None:
        raise JarNotFound("There is no such jar.")
    return jar


def loaded(row: CookieJar) -> Jar:
    """Return the cookies of a jar for deciding; their values stay encrypted and are left out."""
    rows = JarCookie.objects.filter(jar_id=row.pk, user_id=row.user_id).defer("value_sealed")
    return Jar(as_cookie(cookie) for cookie in rows)


def write(row: CookieJar, before: dict[Key, Cookie], jar: Jar) -> None:
    """Make the table say what ``jar`` says; only what changed since ``before`` is written."""
    gone = [cookie.id for key, cookie in before.items() if key not in jar.cookies]
    if gone:
        JarCookie.objects.filter(pk__in=gone, user_id=row.user_id).delete()
    changed = [cookie for key, cookie in jar.cookies.items() if before.get(key) is not cookie]
    box = Box(row.user_id)
    JarCookie.objects.bulk_create(
        [_as_row(row, cookie, box) for cookie in changed],
        update_conflicts=True,
        unique_fields=["jar", "identity_sha256", "user_id"],
        update_fields=_UPDATED,
    )


def refused(faults: Sequence[tuple[int, Ignored]], pointer: str) -> CookiesRefused:
    """Return the refusal that names each faulty cookie by its index below ``pointer``."""
    return CookiesRefused(
        faults[0][1].why if len(faults) == 1 else f"{len(faults)} cookies; see errors.",
        errors=[
            {
                "pointer": f"#{pointer}/{index}",
                "code": fault.code,
                "detail": fault.why,
                "clause": fault.clause,
            }
            for index, fault in faults
        ],
    )


def as_cookie(row: JarCookie) -> Cookie:
    """Return what the rules need to know of a row, without its value."""
    return Cookie(
        id=row.pk,
        key=key_of(row),
        value="",
        secure=row.secure,
        http_only=row.http_only,
        same_site=row.same_site,  # type: ignore[arg-type]  # the database knows these words only
        expires_at=row.expires_at,
        created_at=row.created_at,
        accessed_at=row.accessed_at,
    )


def key_of(row: JarCookie) -> Key:
    """Return what makes the cookie of a row this one."""
    return Key(row.name, row.domain, row.host_only, row.path, row.partition)


def value_of(row: JarCookie, box: Box) -> str:
    """Return the value of a cookie in the clear; ``box`` is its owner's."""
    return box.unseal(bytes(row.value_sealed), bound_to=_bound_to(row.pk)).decode()


def _received(jar: Jar, index: int, line: str, exchange: Exchange, now: dt.datetime) -> Verdict:
    try:
        cookie = jar.receive(line, exchange, at=now)
    except Ignored as refusal:
        return Verdict(index, None, refusal=refusal)
    return Verdict(index, cookie, is_removed=cookie.is_expired(now))


def _as_row(jar: CookieJar, cookie: Cookie, box: Box) -> JarCookie:
    return JarCookie(
        id=cookie.id,
        user_id=jar.user_id,
        jar_id=jar.pk,
        identity_sha256=hashlib.sha256(orjson.dumps(list(cookie.key))).digest(),
        name=cookie.key.name,
        domain=cookie.key.domain,
        host_only=cookie.key.host_only,
        path=cookie.key.path,
        partition=cookie.key.partition,
        value_sealed=box.seal(cookie.value.encode(), bound_to=_bound_to(cookie.id)),
        secure=cookie.secure,
        http_only=cookie.http_only,
        same_site=cookie.same_site,
        expires_at=cookie.expires_at,
        created_at=cookie.created_at,
        accessed_at=cookie.accessed_at,
    )


def _touch(rows: list[JarCookie], now: dt.datetime) -> None:
    precision = dt.timedelta(seconds=constants.JAR_ACCESS_PRECISION_S)
    stale = [row.pk for row in rows if now - row.accessed_at >= precision]
    if stale:
        JarCookie.objects.filter(pk__in=stale, user_id=rows[0].user_id).update(accessed_at=now)


def _bound_to(cookie_id: uuid.UUID) -> str:
    return f"jar_cookie.value_sealed:{cookie_id}"


def _tell(action: str, jar: CookieJar, actor: Principal) -> None:
    audit.record(
        action=action,
        actor=actor,
        user_id=jar.user_id,
        target_type="cookie_jar",
        target_id=jar.pk,
    )
