"""A metadata key that lists may be filtered by gets its indexes at the next migrate."""

from __future__ import annotations

import dataclasses

from django.conf import settings
from django.db import connection

from transactions.services import metadata_indexes


def test_newly_allowed_key_gets_its_indexes_beside_writers(committed_db, monkeypatch):
    environment = dataclasses.replace(settings.ENV, metadata_indexed_keys=["order", "colour"])
    monkeypatch.setattr(settings, "ENV", environment)
    metadata_indexes.ensure()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_index WHERE indrelid = ANY (SELECT inhrelid FROM pg_inherits "
            "WHERE inhparent = '\"transaction\"'::regclass) AND indisvalid "
            "AND pg_get_indexdef(indexrelid) LIKE '%%colour%%'"
        )
        (built,) = cursor.fetchone()
        cursor.execute(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = '\"transaction\"'::regclass"
        )
        assert cursor.fetchone() == (built,)
        cursor.execute("SELECT 'transaction_metadata_colour'::regclass::oid")
        (before,) = cursor.fetchone()
        metadata_indexes.ensure()
        cursor.execute("SELECT 'transaction_metadata_colour'::regclass::oid")
        assert cursor.fetchone() == (before,)
