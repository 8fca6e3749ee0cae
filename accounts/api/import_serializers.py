"""Shapes of the import endpoints."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from accounts import constants
from core import fields

_ROWS: Final = [
    {
        "number": 1,
        "outcome": "created",
        "person_id": "01a1fc76-8f73-70f5-a3bc-9771834789b4",
        "code": "",
        "detail": "",
    },
    {
        "number": 2,
        "outcome": "known",
        "person_id": None,
        "code": "ACCOUNT_EMAIL_TAKEN",
        "detail": "Somebody has this e-mail address; nothing was changed.",
    },
]
IMPORT_EXAMPLE: Final = {
    "dry_run": False,
    "rows": [
        {
            "email": "ada@example.org",
            "name": "Ada",
            "email_verified": True,
            "password_hash": "$2b$12$LQv3c1yqBWVHxkd0LHAkCOYz6TtxMQJqhN8/LewdBPj4J/HS.iK8i",
        },
        {"email": "bob@example.org", "password_hash": "{SSHA}DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3"},
    ],
}
CHECKED_EXAMPLE: Final = {
    "total": 2,
    "created": 1,
    "known": 1,
    "refused": 0,
    "rows": [{**_ROWS[0], "person_id": None}, _ROWS[1]],
}
STARTED_EXAMPLE: Final = {
    "id": "01a1fcb2-5d0e-7c3f-8a41-3f6e2b9c7d10",
    "total": 2,
    "created": 0,
    "known": 0,
    "refused": 0,
    "created_at": "2026-11-20T10:00:00.000000Z",
    "finished_at": None,
}
FINISHED_EXAMPLE: Final = {
    **STARTED_EXAMPLE,
    "created": 1,
    "known": 1,
    "finished_at": "2026-11-20T10:00:04.000000Z",
    "items": _ROWS,
    "next": None,
    "previous": None,
}


class ImportedPersonInput(fields.StrictSerializer):
    email = fields.StrictTextField(max_length=constants.EMAIL_LENGTH_MAX)
    name = fields.StrictTextField(
        max_length=constants.NAME_LENGTH_MAX, min_length=0, required=False, default=""
    )
    email_verified = fields.StrictBooleanField(
        required=False, default=False, help_text="Whether the other system had it proved."
    )
    password_hash = fields.StrictTextField(
        max_length=constants.PASSWORD_HASH_LENGTH_MAX,
        min_length=0,
        required=False,
        default="",
        help_text="bcrypt, PBKDF2, scrypt, Firebase scrypt, argon2 or an LDAP digest; never a "
        "password. Without one the person chooses a password by mail.",
    )


class PeopleImportInput(fields.StrictSerializer):
    dry_run = fields.StrictBooleanField(required=False, default=False)
    rows = fields.StrictListField(
        child=ImportedPersonInput(), min_length=1, max_length=constants.IMPORT_ROWS_MAX
    )


class ImportedRowOutput(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="Counted from one.")
    outcome = serializers.CharField(help_text="`created`, `known` or `refused`.")
    person_id = fields.StrictUUIDField(allow_null=True)
    code = serializers.CharField()
    detail = serializers.CharField()


class ImportCheckedOutput(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    created = serializers.IntegerField()
    known = serializers.IntegerField()
    refused = serializers.IntegerField()
    rows = ImportedRowOutput(many=True)


class ImportStartedOutput(serializers.Serializer[Any]):
    id = fields.StrictUUIDField()
    total = serializers.IntegerField()
    created = serializers.IntegerField(default=0)
    known = serializers.IntegerField(default=0)
    refused = serializers.IntegerField(default=0)
    created_at = fields.InstantField()
    finished_at = fields.InstantField(allow_null=True)


class PeopleImportOutput(ImportStartedOutput):
    items = ImportedRowOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
