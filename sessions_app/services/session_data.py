"""What client apps keep with a session: one JSON object, versioned."""

from __future__ import annotations

import math
from typing import Any, Final

import orjson

from core import db, errors
from core.fields import INT64_MAX
from core.principals import Principal
from sessions_app import constants, selectors
from sessions_app.errors import SessionDataInvalid, SessionDataTooLarge
from sessions_app.models import Session

_UNSTORABLE: Final = "\x00"


def merge_session_data(
    *, patch: dict[str, Any], version: int, actor: Principal
) -> tuple[dict[str, Any], int]:
    """Merge ``patch`` into the data of the session that asks (RFC 7396); return it and its version.

    ``null`` removes a member; arrays are replaced. Compares ``version`` inside the UPDATE. Commits
    its own transaction or joins the caller's.

    Raises:
        SessionNotFound: the caller came without a session.
        PreconditionFailed: another request changed it first.
        SessionDataTooLarge: more than 32 KiB of JSON.
        SessionDataInvalid: holds what cannot be kept as it is.
    """

    def merge() -> tuple[dict[str, Any], int]:
        session = selectors.current_session(actor=actor)
        merged = merged_with(session.data, patch)
        require_storable(merged)
        changed = (
            Session.objects.unless_ended(session)
            .filter(data_version=version)
            .update(data=merged, data_version=version + 1)
        )
        if not changed:
            raise errors.PreconditionFailed("The session data has changed. Read it again.")
        return merged, version + 1

    return db.run_in_transaction(merge)


def merged_with(target: Any, patch: Any) -> Any:
    """Return ``target`` with ``patch`` merged into it (RFC 7396, section 2)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merged_with(merged.get(name), value)
    return merged


def require_storable(data: dict[str, Any]) -> None:
    """Refuse what PostgreSQL would refuse or change.

    Raises:
        SessionDataInvalid: a NUL character, a number beyond 64 bits, or one that is not finite.
        SessionDataTooLarge: more than 32 KiB of JSON.
    """
    if not _is_storable(data):
        raise SessionDataInvalid("No NUL characters and no numbers beyond 64 bits.")
    if len(orjson.dumps(data)) > constants.DATA_BYTES_MAX:
        raise SessionDataTooLarge(f"At most {constants.DATA_BYTES_MAX} bytes of JSON.")


def _is_storable(value: Any) -> bool:
    if isinstance(value, str):
        return _UNSTORABLE not in value
    if isinstance(value, dict):
        return all(_is_storable(name) and _is_storable(part) for name, part in value.items())
    if isinstance(value, list):
        return all(_is_storable(part) for part in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or abs(value) <= INT64_MAX
