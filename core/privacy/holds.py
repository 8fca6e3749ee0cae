"""Legal holds: what a court or an authority wants kept is neither erased nor aged out."""

from __future__ import annotations

import uuid

from django.db import IntegrityError
from django.db.models import QuerySet

from core import audit, clock, db, ids
from core.models import LegalHold
from core.principals import Principal
from core.privacy.errors import HoldNotFound, HoldPlaced

PLACE = "core.add_legalhold"
END = "core.change_legalhold"


def place_hold(*, user_id: uuid.UUID, reason: str, actor: Principal) -> LegalHold:
    """Keep everything of a person from now on. Commits or joins.

    Raises:
        PermissionRefused: ``actor`` may not.
        HoldPlaced: there is one already.
    """
    actor.require(PLACE)

    def place() -> LegalHold:
        hold = LegalHold(
            id=ids.uuid7(),
            user_id=user_id,
            reason=reason,
            placed_by_id=actor.user_id,
            placed_at=clock.now(),
        )
        try:
            hold.save(force_insert=True)
        except IntegrityError as exc:
            if db.violated_constraint(exc) != "legal_hold_one_open":
                raise
            raise HoldPlaced("End the hold that is there first.") from exc
        _record("place", hold, actor, reason)
        return hold

    return db.run_in_transaction(place)


def end_hold(*, hold_id: uuid.UUID, reason: str, actor: Principal) -> None:
    """Let the person's data go its usual way again. Commits or joins.

    Raises:
        PermissionRefused: ``actor`` may not.
        HoldNotFound: no such hold, or it has ended.
    """
    actor.require(END)

    def end() -> None:
        changed = LegalHold.objects.filter(pk=hold_id, ended_at=None).update(
            ended_at=clock.now(), ended_by_id=actor.user_id
        )
        if not changed:
            raise HoldNotFound("No such hold, or it has ended.")
        _record("end", LegalHold.objects.get(pk=hold_id), actor, reason)

    db.run_in_transaction(end)


def is_held(user_id: uuid.UUID) -> bool:
    """Return whether a legal hold keeps this person's data."""
    return held().filter(user_id=user_id).exists()


def held() -> QuerySet[LegalHold]:
    """Return the holds that last."""
    return LegalHold.objects.filter(ended_at=None)


def _record(word: str, hold: LegalHold, actor: Principal, reason: str) -> None:
    audit.record(
        action=f"legal_hold.{word}",
        actor=actor,
        user_id=hold.user_id,
        target_type="user",
        target_id=hold.user_id,
        reason=reason,
    )
