"""The data map: of every column of every table what it holds, what for, and how long.

An app declares its tables in ``AppConfig.ready``. A column that nobody classified fails a test, so
a new one is thought of when it is made. docs/data-map.md is written from this.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.apps import apps
from django.db import models

# What a column holds. Personal: says something of a person. Secret: proves or opens something, or
# is sealed; nobody is ever shown it. Money: amounts. Technical: everything else.
PERSONAL: Final = "personal"
SECRET: Final = "secret"  # noqa: S105 - the name of a kind
MONEY: Final = "money"
TECHNICAL: Final = "technical"
KINDS: Final = (PERSONAL, SECRET, MONEY, TECHNICAL)

# What erasing a person does to the rows that are theirs.
DELETE: Final = "deleted"
CLEAR: Final = "emptied of what is personal or secret"
KEEP: Final = "kept"

# Why we may hold it (GDPR, Article 6).
CONTRACT: Final = "contract"
LAW: Final = "legal obligation"
INTEREST: Final = "legitimate interest"
CONSENT: Final = "consent"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table. The kinds list its columns, separated by blanks.

    ``whose`` is the column with the person's id, empty where rows are nobody's; with ``through`` it
    refers to the ids of that table, whose rows are theirs. ``replaced`` says what an emptied column
    becomes where NULL or nothing will not do; ``{id}`` is the row's id.
    ``over`` is when a row may go by its age: SQL that compares with ``%(before)s``, the instant
    that its retention class leaves behind.
    ``kept`` are columns that stay although they are personal, and ``kept_because`` says why.
    ``doers`` are columns with the ids of people who did something, ``of_doers`` those that say
    something of whoever it was: a copy of a person's data shows both of their own deeds alone.
    ``withheld`` are columns that are in no copy, and ``withheld_because`` says why.
    ``unaudited`` is why no trigger writes the changes of this table down, ``noise`` the columns
    whose change alone is not worth an audit row.
    """

    purpose: str
    retention: str
    basis: str = ""
    erasure: str = KEEP
    over: str = ""
    whose: str = ""
    through: str = ""
    personal: str = ""
    secret: str = ""
    money: str = ""
    technical: str = ""
    replaced: Mapping[str, str] = dataclasses.field(default_factory=dict)
    kept: str = ""
    kept_because: str = ""
    doers: str = ""
    of_doers: str = ""
    withheld: str = ""
    withheld_because: str = ""
    unaudited: str = ""
    noise: str = ""

    def columns(self, *kinds: str) -> list[str]:
        """Return the names of the columns of these kinds, in the order they were declared."""
        return [name for kind in kinds for name in getattr(self, kind).split()]

    def handed_out(self) -> list[str]:
        """Return the columns that are in a copy of a person's data.

        Secrets prove something to us; they say nothing of the person.
        """
        withheld = set(self.withheld.split())
        return [name for name in self.columns(PERSONAL, MONEY, TECHNICAL) if name not in withheld]

    def in_deeds(self) -> str:
        """Return the columns that a copy shows of the person's own deeds alone."""
        return f"{self.doers} {self.of_doers}".strip()

    def emptied(self) -> list[str]:
        """Return the columns that erasing a person empties."""
        kept = set(self.kept.split())
        return [name for name in self.columns(PERSONAL, SECRET) if name not in kept]

    def kind_of(self, column: str) -> str:
        """Return the kind of ``column``.

        Raises:
            KeyError: nobody classified it.
        """
        for kind in KINDS:
            if column in self.columns(kind):
                return kind
        raise KeyError(column)


_tables: Final[dict[str, Table]] = {}


def declare(tables: Mapping[str, Table]) -> None:
    """Make ``tables`` known, by the name of each."""
    _tables.update(tables)


def table(name: str) -> Table:
    """Return what is declared of a table.

    Raises:
        KeyError: nothing is.
    """
    return _tables[name]


def tables() -> dict[str, Table]:
    """Return every declared table, by name."""
    return dict(sorted(_tables.items()))


def mapped_models() -> Iterator[tuple[type[models.Model], Table]]:
    """Return each model that has a table of its own, with what is declared of it."""
    for model in all_models():
        name = model._meta.db_table  # noqa: SLF001 - Django's documented Model._meta API
        if name in _tables:
            yield model, _tables[name]


def all_models() -> list[type[models.Model]]:
    """Return every model, those of libraries and many-to-many tables too; views have no rows."""
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if not getattr(model, "is_view", False)
    ]


def columns_of(model: type[models.Model]) -> list[str]:
    """Return the names of the columns that a model's table has."""
    return [
        field.column
        for field in model._meta.concrete_fields  # noqa: SLF001 - as above
        if field.column is not None
    ]


def faults() -> list[str]:
    """Return what the map leaves out, says twice, or says of what is not there."""
    found = []
    for model in all_models():
        name = model._meta.db_table  # noqa: SLF001 - as above
        if name not in _tables:
            found.append(f"{name}: not in the data map")
            continue
        known, listed = set(columns_of(model)), _tables[name].columns(*KINDS)
        found += [f"{name}.{column}: not classified" for column in sorted(known - set(listed))]
        found += [f"{name}.{column}: no such column" for column in sorted(set(listed) - known)]
        mentioned = set(f"{_tables[name].in_deeds()} {_tables[name].withheld}".split())
        found += [f"{name}.{column}: no such column" for column in sorted(mentioned - known)]
        found += [f"{name}.{column}: twice" for column in set(listed) if listed.count(column) > 1]
    return found


def field_of(model: type[models.Model], column: str) -> models.Field[Any, Any]:
    """Return the field behind a column."""
    return next(field for field in model._meta.concrete_fields if field.column == column)  # noqa: SLF001 - as above
