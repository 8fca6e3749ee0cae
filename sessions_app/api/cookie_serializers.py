"""Shapes of the endpoints for issued cookies, their registry and consents."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from core import fields
from sessions_app import constants
from sessions_app.models import ConsentRecord, Cookie, CookieDefinition

DEFINITION_EXAMPLE: Final = {
    "id": "01a1fcc0-52b1-7d40-a3a1-3f0d8c2b7e11",
    "name": "__Host-basket",
    "category": "necessary",
    "purpose": "Keeps what is in your basket.",
    "domain": "",
    "path": "/",
    "secure": True,
    "http_only": True,
    "same_site": "Lax",
    "partitioned": False,
    "max_age_s": 86400,
    "is_active": True,
    "created_at": "2026-11-20T10:00:00.000000Z",
}
COOKIE_EXAMPLE: Final = {
    "id": "01a1fcc1-0a3b-7f52-8c1d-9e2f4a5b6c7d",
    "name": "__Host-basket",
    "kind": "app",
    "category": "necessary",
    "purpose": "Keeps what is in your basket.",
    "created_at": "2026-11-20T10:00:00.000000Z",
    "last_used_at": "2026-11-20T10:12:00.000000Z",
    "expires_at": "2026-11-21T10:00:00.000000Z",
    "client_address": "203.0.113.7",
    "user_agent": "Mozilla/5.0",
}
CONSENT_EXAMPLE: Final = {
    "id": "01a1fcd0-1111-7222-8333-444455556666",
    "sequence": 2,
    "policy_version": 3,
    "choices": {"functional": True, "analytics": False, "marketing": False},
    "mechanism": "banner",
    "source": "shop.example/checkout",
    "gpc": False,
    "locale": "en",
    "created_at": "2026-11-20T10:00:00.000000Z",
    "hash": "9b1f...",
}


class DefinitionInput(fields.StrictSerializer):
    # Any text at all: the linter answers, with the clause, what browsers would make of it.
    name = fields.SecretField(max_bytes=8_192)
    category = fields.StrictChoiceField(choices=constants.COOKIE_CATEGORIES)
    purpose = fields.StrictTextField(max_length=constants.COOKIE_PURPOSE_LENGTH_MAX)
    domain = fields.SecretField(
        max_bytes=1_024, required=False, help_text="Without it, only the host that sets it."
    )
    path = fields.SecretField(max_bytes=2_048, required=False, help_text="Default: /")
    secure = fields.StrictBooleanField(required=False, help_text="Default: true")
    http_only = fields.StrictBooleanField(required=False, help_text="Always true.")
    same_site = fields.StrictChoiceField(
        choices=("Strict", "Lax", "None"), required=False, help_text="Default: Lax"
    )
    partitioned = fields.StrictBooleanField(required=False, help_text="Default: false")
    max_age_s = fields.StrictIntegerField(minimum=1, help_text="At most 400 days.")


class DefinitionChange(fields.StrictSerializer):
    purpose = fields.StrictTextField(max_length=constants.COOKIE_PURPOSE_LENGTH_MAX, required=False)
    max_age_s = fields.StrictIntegerField(
        minimum=1, maximum=constants.COOKIE_AGE_S_MAX, required=False
    )
    is_active = fields.StrictBooleanField(required=False)


class DefinitionOutput(serializers.Serializer[CookieDefinition]):
    id = fields.StrictUUIDField()
    name = serializers.CharField()
    category = serializers.CharField()
    purpose = serializers.CharField()
    domain = serializers.CharField()
    path = serializers.CharField()
    secure = serializers.BooleanField()
    http_only = serializers.BooleanField()
    same_site = serializers.CharField()
    partitioned = serializers.BooleanField()
    max_age_s = serializers.IntegerField()
    is_active = serializers.BooleanField()
    created_at = fields.InstantField()


class DefinitionPage(serializers.Serializer[Any]):
    items = DefinitionOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class SubjectInput(fields.StrictSerializer):
    """Whose it is; only the keys of services name somebody."""

    user_id = fields.StrictUUIDField(required=False)
    anonymous_id = fields.StrictTextField(
        min_length=constants.ANONYMOUS_ID_LENGTH_MIN,
        max_length=constants.ANONYMOUS_ID_LENGTH_MAX,
        required=False,
        help_text="An id you made up for a visitor: random, and the same each time.",
    )


class IssueInput(SubjectInput):
    name = fields.StrictTextField(
        max_length=constants.COOKIE_NAME_LENGTH_MAX, help_text="A name of the registry."
    )
    value = fields.SecretField(
        max_bytes=constants.COOKIE_VALUE_BYTES_MAX,
        help_text="Anything, up to 64 KiB. It stays here; the browser gets a token.",
    )
    session_id = fields.StrictUUIDField(
        required=False, help_text="A session of the person's: the cookie ends with it."
    )
    max_age_s = fields.StrictIntegerField(
        minimum=1, maximum=constants.COOKIE_AGE_S_MAX, required=False
    )
    gpc = fields.StrictBooleanField(
        required=False, help_text="The browser sends Sec-GPC: 1 (Global Privacy Control)."
    )


class IssuedOutput(serializers.Serializer[Any]):
    id = fields.StrictUUIDField()
    name = serializers.CharField()
    set_cookie = serializers.CharField(help_text="Send it as the value of Set-Cookie, as it is.")
    expires_at = fields.InstantField()


class ResolveInput(fields.StrictSerializer):
    name = fields.StrictTextField(max_length=constants.COOKIE_NAME_LENGTH_MAX)
    token = fields.SecretField(
        max_bytes=constants.COOKIE_TOKEN_LENGTH_MAX, help_text="What the browser sent as its value."
    )


class ResolvedOutput(IssuedOutput):
    value = serializers.CharField()
    user_id = fields.StrictUUIDField(allow_null=True, help_text="null: a visitor.")
    session_id = fields.StrictUUIDField(allow_null=True)


class CookieOutput(serializers.Serializer[Cookie]):
    """A cookie in one of one's browsers, without what is behind it."""

    id = fields.StrictUUIDField()
    name = serializers.CharField(source="definition.name")
    kind = serializers.CharField()
    category = serializers.CharField(source="definition.category")
    purpose = serializers.CharField(source="definition.purpose")
    created_at = fields.InstantField()
    last_used_at = fields.InstantField(source="rotated_at")
    expires_at = fields.InstantField()
    client_address = serializers.CharField(allow_null=True)
    user_agent = serializers.CharField()


class CookiePage(serializers.Serializer[Any]):
    items = CookieOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class ChoicesInput(fields.StrictSerializer):
    functional = fields.StrictBooleanField()
    analytics = fields.StrictBooleanField()
    marketing = fields.StrictBooleanField()


class ConsentInput(SubjectInput):
    policy_version = fields.StrictIntegerField(
        minimum=1, maximum=2**31 - 1, help_text="The version the person was shown."
    )
    choices = ChoicesInput()
    mechanism = fields.StrictChoiceField(choices=constants.CONSENT_MECHANISMS)
    gpc = fields.StrictBooleanField(required=False, help_text="The browser sends Sec-GPC: 1.")
    source = fields.StrictTextField(  # type: ignore[assignment]  # DRF has an attribute of this name
        max_length=constants.CONSENT_SOURCE_LENGTH_MAX, required=False, help_text="Which page."
    )
    locale = fields.StrictTextField(
        max_length=constants.CONSENT_LOCALE_LENGTH_MAX, pattern=r"[A-Za-z0-9-]+", required=False
    )


class ConsentOutput(serializers.Serializer[ConsentRecord]):
    id = fields.StrictUUIDField()
    sequence = serializers.IntegerField()
    policy_version = serializers.IntegerField(source="policy.version")
    choices = serializers.DictField(child=serializers.BooleanField())
    mechanism = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # as above
    gpc = serializers.BooleanField()
    locale = serializers.CharField()
    created_at = fields.InstantField()
    hash = serializers.SerializerMethodField(help_text="Of this record and the one before it.")

    def get_hash(self, record: ConsentRecord) -> str:
        """Return the hash in hexadecimal."""
        return bytes(record.hash).hex()


class ConsentPage(serializers.Serializer[Any]):
    items = ConsentOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class CurrentConsentOutput(serializers.Serializer[Any]):
    must_ask = serializers.BooleanField(help_text="Nothing said yet, or about another policy.")
    policy_version = serializers.IntegerField(allow_null=True)
    choices = serializers.DictField(child=serializers.BooleanField())
    consent = ConsentOutput(allow_null=True)


class PolicyInput(fields.StrictSerializer):
    text = fields.SecretField(
        max_bytes=constants.POLICY_TEXT_LENGTH_MAX, help_text="Line ends are welcome."
    )


class PolicyCookieOutput(serializers.Serializer[CookieDefinition]):
    name = serializers.CharField()
    purpose = serializers.CharField()
    max_age_s = serializers.IntegerField()


class PolicyCategoryOutput(serializers.Serializer[Any]):
    category = serializers.CharField()
    cookies = PolicyCookieOutput(many=True)


class PolicyOutput(serializers.Serializer[Any]):
    version = serializers.IntegerField(allow_null=True, help_text="null: none was published.")
    text = serializers.CharField()
    text_sha256 = serializers.CharField()
    published_at = fields.InstantField(allow_null=True)
    categories = PolicyCategoryOutput(many=True)
