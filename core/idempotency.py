"""At most once: a request with an ``Idempotency-Key`` happens once, however often it is sent.

The key's row is written in the transaction of the deed, so a crash leaves both or neither. A
second request with the same key waits on that row and then answers what the first one did.
2xx and business refusals (4xx) are kept; 5xx never, because they changed nothing and may be
tried again.

Source: draft-ietf-httpapi-idempotency-key-header-07 for the header and its statuses.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import re
import uuid
from collections.abc import Callable
from typing import Any, Final

import orjson
from django.db import OperationalError, connection, transaction
from rest_framework.request import Request

from core import clock, db, errors
from core.models import IdempotencyKey
from core.principals import Principal

HEADER: Final = "Idempotency-Key"
REPLAYED_HEADER: Final = "Idempotency-Replayed"
KEY_FORM: Final = "[!-~]{1,255}"
KEPT_STATUSES: Final = frozenset({400, 404, 409, 410, 422})
REFUSAL_STATUS_MIN: Final = 400
FORGOTTEN_AT_ONCE: Final = 1_000
# The status and body that a piece of keyed work answers with.
Outcome = tuple[int, dict[str, Any] | None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """The identity of one keyed request.

    ``key_hash`` is the first 128 bits of SHA-256 over the caller and the key; ``fingerprint``
    SHA-256 over method, path and canonical body.
    """

    user_id: uuid.UUID
    key_hash: uuid.UUID
    fingerprint: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a keyed request was, or is, answered with."""

    status: int
    body: dict[str, Any] | None
    is_replay: bool = False


def from_request(request: Request, *, required: bool = False) -> Keyed | None:
    """Return the identity of ``request``, or ``None`` when it carries no key.

    Raises:
        IdempotencyKeyMissing: ``required`` and absent.
        IdempotencyKeyInvalid: not 1 to 255 visible ASCII characters.
    """
    key = request.headers.get(HEADER)
    if key is None:
        if required:
            raise errors.IdempotencyKeyMissing(
                "Send an Idempotency-Key, so that a repeated request moves money once."
            )
        return None
    if not re.fullmatch(KEY_FORM, key):
        raise errors.IdempotencyKeyInvalid("It must be 1 to 255 visible ASCII characters.")
    principal: object = request.user
    assert isinstance(principal, Principal), "keys belong to authenticated callers"
    return keyed(
        principal=principal,
        key=key,
        method=request.method or "",
        path=request.path,
        body=request.data,
    )


def keyed(*, principal: Principal, key: str, method: str, path: str, body: object) -> Keyed:
    """Build the identity of a request; two callers may use the same key independently."""
    scope = f"{principal.user_id}\n{key}".encode()
    # Not orjson: the body is not validated yet and may hold integers beyond 64 bits.
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    return Keyed(
        user_id=principal.user_id,
        key_hash=uuid.UUID(bytes=hashlib.sha256(scope).digest()[:16]),
        fingerprint=hashlib.sha256(f"{method} {path}\n".encode() + canonical).digest(),
    )


def answer_once(identity: Keyed | None, work: Callable[[], Outcome]) -> Answer:
    """Run ``work`` in one transaction with its key, or answer what an earlier run answered.

    A :class:`core.errors.DomainError` with a 4xx status that ``work`` raises is kept too, and
    raised again on a replay, so that a late retry cannot turn a refusal into a success.

    Raises:
        IdempotencyKeyReused: the key belongs to a request with another method, path or body.
        IdempotencyInProgress: the first request did not end within the lock timeout.
        DomainError: what ``work`` raises, or once raised.
    """
    if identity is None:
        status, body = db.run_in_transaction(work)
        return Answer(status=status, body=body)
    outcome = db.run_in_transaction(lambda: _first_or_replay(identity, work))
    if isinstance(outcome, errors.DomainError):
        raise outcome
    return outcome


def claim(identity: Keyed, *, status: int = 0, body: bytes | None = None) -> bool:
    """Insert the key's row; ``False`` when another request with the key has committed its own.

    Waits for a request with the same key that is still running. Needs an open transaction.

    Raises:
        IdempotencyInProgress: that request did not end within the lock timeout.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO idempotency_key (user_id, key_hash, fingerprint, status, body) "
                "VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                [identity.user_id, identity.key_hash, identity.fingerprint, status, body],
            )
            return bool(cursor.rowcount == 1)
    except OperationalError as exc:
        if db.sqlstate(exc) != "55P03":
            raise
        raise errors.IdempotencyInProgress(
            "The first request with this key is still running.", retry_after_s=1
        ) from exc


def replay(identity: Keyed) -> Answer | errors.DomainError:
    """Return the answer, or the refusal, that the key's committed row keeps.

    Raises:
        IdempotencyKeyReused: the row belongs to another request.
    """
    row = kept_row(identity)
    require_same_request(identity, bytes(row.fingerprint))
    return restored(row.status, bytes(row.body) if row.body is not None else None)


def kept_row(identity: Keyed) -> IdempotencyKey:
    """Return the committed row of this key."""
    return IdempotencyKey.objects.get(user_id=identity.user_id, key_hash=identity.key_hash)


def restored(status: int, body: bytes | None) -> Answer | errors.DomainError:
    """Turn what a row keeps into the answer or the refusal it stands for."""
    content = orjson.loads(body) if body is not None else None
    if status >= REFUSAL_STATUS_MIN:
        return KeptRefusal(status=status, kept=content or {})
    return Answer(status=status, body=content, is_replay=True)


def require_same_request(identity: Keyed, fingerprint: bytes) -> None:
    """Raise :class:`core.errors.IdempotencyKeyReused` when the stored request is another one."""
    if fingerprint != identity.fingerprint:
        raise errors.IdempotencyKeyReused("Use a new key for a new request.")


def forget_older_than(*, days: int) -> int:
    """Delete the rows of requests answered more than ``days`` ago, in short transactions.

    A transaction's ``reference`` stays unique for ever, so a late repetition is still refused.
    Returns how many were forgotten.
    """
    limit = clock.now() - dt.timedelta(days=days)
    forgotten: int = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM idempotency_key WHERE (user_id, key_hash) IN ("
                "SELECT user_id, key_hash FROM idempotency_key WHERE created_at < %s LIMIT %s)",
                [limit, FORGOTTEN_AT_ONCE],
            )
            forgotten += cursor.rowcount
            if cursor.rowcount < FORGOTTEN_AT_ONCE:
                return int(forgotten)


def is_kept(refusal: errors.DomainError) -> bool:
    """Return whether ``refusal`` is a verdict on the request, to be given again as it is."""
    return refusal.status in KEPT_STATUSES and not refusal.code.startswith("IDEMPOTENCY_")


def refusal_as_body(refusal: errors.DomainError) -> bytes:
    """Pack what is needed to refuse in the same words again."""
    return orjson.dumps(
        {
            "code": refusal.code,
            "title": refusal.title,
            "detail": refusal.detail,
            "extensions": refusal.extensions,
        },
        default=str,
    )


class KeptRefusal(errors.DomainError):
    """A refusal given again from its record, in the first one's words."""

    code = "IDEMPOTENCY_KEPT_REFUSAL"

    def __init__(self, *, status: int, kept: dict[str, Any]) -> None:
        super().__init__(kept["detail"], **kept["extensions"])
        # On the instance: this error speaks for the one that was kept.
        vars(self).update(code=kept["code"], title=kept["title"], status=status)


def _first_or_replay(identity: Keyed, work: Callable[[], Outcome]) -> Answer | errors.DomainError:
    if not claim(identity):
        return replay(identity)
    try:
        # The savepoint lets a refusal undo the work and still keep the key with its verdict.
        with transaction.atomic():
            status, body = work()
    except errors.DomainError as refusal:
        if not is_kept(refusal):
            raise
        _settle(identity, refusal.status, refusal_as_body(refusal))
        return refusal
    _settle(identity, status, orjson.dumps(body) if body is not None else None)
    return Answer(status=status, body=body)


def _settle(identity: Keyed, status: int, body: bytes | None) -> None:
    IdempotencyKey.objects.filter(user_id=identity.user_id, key_hash=identity.key_hash).update(
        status=status, body=body
    )
