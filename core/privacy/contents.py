"""What is in a copy of a person's data: a ZIP of JSON and CSV, with a schema of its own."""

from __future__ import annotations

import base64
import csv
import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from typing import Any, Final

from django.db import models

from core import clock
from core.files import storage
from core.models import StoredFile
from core.principals import HOUSE_USER_ID
from core.privacy import data_map
from core.privacy.data_map import Table
from core.privacy.rows import rows_of
from core.renderers import cell

FORMAT: Final = "strongroom/export/1"
ROWS_AT_ONCE: Final = 500


def write(archive: zipfile.ZipFile, user_id: uuid.UUID) -> int:
    """Write everything that is this person's into ``archive``; return how many rows that was."""
    counts: dict[str, int] = {}
    for model, table in data_map.mapped_models():
        if table.whose:
            name = model._meta.db_table  # noqa: SLF001 - Django's documented Model._meta API
            counts[name] = _write_json(archive, f"{name}.json", _rows(model, table, user_id))
            _write_csv(archive, f"{name}.csv", table, _rows(model, table, user_id))
    for file in StoredFile.objects.filter(user_id=user_id).iterator():
        path = storage.path_of(file.stored_as)
        if path.is_file():
            archive.write(path, f"files/{file.pk}")
    archive.writestr("schema.json", _json(schema()))
    about = {
        "format": FORMAT,
        "person": str(user_id),
        "made_at": clock.as_rfc3339(clock.now()),
        "rows": counts,
    }
    archive.writestr("about.json", _json(about))
    return sum(counts.values())


def schema() -> dict[str, Any]:
    """Return what each table is for and a JSON Schema (2020-12) of its rows."""
    return {
        model._meta.db_table: {  # noqa: SLF001 - as above
            "purpose": table.purpose,
            "basis": table.basis,
            "retention": table.retention,
            "rows": {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": table.handed_out(),
                    "properties": {
                        column: _type_of(data_map.field_of(model, column), table, column)
                        for column in table.handed_out()
                    },
                },
            },
        }
        for model, table in data_map.mapped_models()
        if table.whose
    }


def _rows(model: type[models.Model], table: Table, user_id: uuid.UUID) -> Iterator[dict[str, Any]]:
    columns = table.handed_out()
    names = [data_map.field_of(model, column).attname for column in columns]
    rows = rows_of(model, table, user_id).order_by("pk").values_list(*names)
    for values in rows.iterator(chunk_size=ROWS_AT_ONCE):
        row = dict(zip(columns, values, strict=True))
        hidden = _of_others(row, table, user_id)
        yield {name: None if name in hidden else _plain(value) for name, value in row.items()}


def _of_others(row: dict[str, Any], table: Table, user_id: uuid.UUID) -> set[str]:
    """Return the columns of a row that say who else did something, and anything of them."""
    others = {
        name for name in table.doers.split() if row[name] not in (None, user_id, HOUSE_USER_ID)
    }
    return others | set(table.of_doers.split()) if others else others


def _write_json(archive: zipfile.ZipFile, name: str, rows: Iterator[dict[str, Any]]) -> int:
    """Write rows as a JSON array, one at a time; return how many there are."""
    count = 0
    with archive.open(name, "w", force_zip64=True) as file:
        file.write(b"[")
        for row in rows:
            file.write((b",\n" if count else b"\n") + _json(row))
            count += 1
        file.write(b"\n]\n")
    return count


def _write_csv(
    archive: zipfile.ZipFile, name: str, table: Table, rows: Iterator[dict[str, Any]]
) -> None:
    with archive.open(name, "w", force_zip64=True) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        lines = csv.writer(text)
        lines.writerow(table.handed_out())
        for row in rows:
            lines.writerow([cell(value) for value in row.values()])
        text.flush()
        text.detach()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, dict | list | str | int | float | bool) or value is None:
        return value
    return clock.as_rfc3339(value) if hasattr(value, "tzinfo") else str(value)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def _type_of(field: models.Field[Any, Any], table: Table, column: str) -> dict[str, Any]:
    name = _TYPES.get(field.get_internal_type(), "string")
    may_be_null = field.null or column in table.in_deeds().split()
    types: Any = [name, "null"] if may_be_null and name else name
    return {
        **({"type": types} if name else {}),
        "title": str(field.verbose_name),
        "kind": table.kind_of(column),
    }


# JSON columns hold whatever they hold; ids, instants and bytes are texts.
_TYPES: Final = {
    "BooleanField": "boolean",
    "JSONField": "",
    "ArrayField": "array",
    "ForeignKey": "string",
    **dict.fromkeys(
        (
            "AutoField",
            "BigAutoField",
            "BigIntegerField",
            "IntegerField",
            "PositiveIntegerField",
            "PositiveSmallIntegerField",
            "SmallIntegerField",
        ),
        "integer",
    ),
}
