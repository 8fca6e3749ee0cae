"""Erasing a person: what says who they are goes, the books stay whole under their id.

What each table loses is in the data map. The person is in the erasure journal before the commit,
so that :func:`replay_erasures` erases them again in a backup that is brought back.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import connection, models, transaction
from django.db.models.functions import Cast, Concat

from core import audit, clock, db, hooks
from core.files import storage
from core.models import DataExport, DeletionRequest, StoredFile
from core.principals import SYSTEM, Principal
from core.privacy import data_map, holds, journal, sealed_files
from core.privacy.data_map import CLEAR, DELETE, Table
from core.privacy.errors import ErasureHeld
from core.privacy.rows import in_order_of_deletion, require_person, rows_of

ADDRESS_OF_ERASED: Final = "@erased.invalid"


def erase_user(*, user_id: uuid.UUID, reason: str, actor: Principal = SYSTEM) -> None:
    """Leave nothing of a person but what must be kept, for good. Commits or joins.

    Their logins, keys and cookies end in the same commit. Erasing somebody again changes nothing.

    Raises:
        PersonUnknown: nobody has this id, or it is the house's.
        ErasureHeld: a legal hold keeps their data.
    """
    require_person(user_id)
    if holds.is_held(user_id):
        raise ErasureHeld("End the legal hold first.")

    def erase() -> None:
        _lock(user_id)
        journal.append(user_id)
        _erase(user_id, reason, actor)

    db.run_in_transaction(erase)


def replay_erasures() -> list[uuid.UUID]:
    """Erase again whom the journal names and this database still knows; return who that was.

    For a database that was restored; each person in a transaction of their own. A legal hold that
    came back with it does not protect: they were erased once.

    Raises:
        JournalBroken: the journal is not what was written; nobody was erased.
    """
    again = [user_id for user_id in journal.entries() if _is_known(user_id)]
    for user_id in again:
        db.run_in_transaction(lambda: _erase(user_id, "replayed after a restore", SYSTEM))  # noqa: B023 - it runs at once
    return again


def _erase(user_id: uuid.UUID, reason: str, actor: Principal) -> None:
    _forget_files(user_id)
    hooks.fire(hooks.USER_ERASED, user_id=user_id)
    for model, table in in_order_of_deletion():
        rows = rows_of(model, table, user_id)
        if table.erasure == DELETE:
            rows._raw_delete(rows.db)  # noqa: SLF001 - the map decides for each table; nothing cascades
        elif table.erasure == CLEAR and table.emptied():
            rows.update(**_emptied(model, table))
    DeletionRequest.objects.filter(user_id=user_id, cancelled_at=None, erased_at=None).update(
        erased_at=clock.now()
    )
    audit.record(
        action="account.erase",
        actor=actor,
        user_id=user_id,
        target_type="user",
        target_id=user_id,
        reason=reason,
    )


def _emptied(model: type[models.Model], table: Table) -> dict[str, Any]:
    """Return what each column becomes that says something of the person."""
    values: dict[str, Any] = {}
    for column in table.emptied():
        field = data_map.field_of(model, column)
        if column in table.replaced:
            values[field.attname] = _filled(table.replaced[column])
        else:
            values[field.attname] = None if field.null else field.to_python(_NOTHING[type(field)])
    return values


# Where NULL will not do.
_NOTHING: Final[dict[type[models.Field[Any, Any]], Any]] = {
    models.CharField: "",
    models.EmailField: "",
    models.TextField: "",
    models.JSONField: {},
}


def _filled(text: str) -> Any:
    """Return the expression that puts each row's id where ``{id}`` is."""
    before, mark, after = text.partition("{id}")
    if not mark:
        return text
    as_text = Cast("id", models.CharField())
    return Concat(models.Value(before), as_text, models.Value(after))


def _forget_files(user_id: uuid.UUID) -> None:
    """Remove what lies in folders, once the rows are gone."""
    handed_in = list(StoredFile.objects.filter(user_id=user_id).values_list("stored_as", flat=True))
    exports = list(DataExport.objects.filter(user_id=user_id).values_list("stored_as", flat=True))

    def remove() -> None:
        for name in handed_in:
            storage.remove(name)
        for name in filter(None, exports):
            sealed_files.remove(name)

    transaction.on_commit(remove)


def _lock(user_id: uuid.UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"erase:{user_id}"]
        )


def _is_known(user_id: uuid.UUID) -> bool:
    """Return whether a row here still says who this was."""
    people = get_user_model().objects.filter(pk=user_id)
    return bool(people.exclude(email=f"{user_id}{ADDRESS_OF_ERASED}").exists())
