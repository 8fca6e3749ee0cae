"""Shapes of the API key endpoints."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from accounts import constants
from accounts.models import ApiKey
from core import fields
from core.scopes import Scope

API_KEY_EXAMPLE: Final = {
    "id": "01a1fc90-3c1e-7a43-9d0e-5b7c2f1d8e60",
    "name": "Nightly export",
    "begins_with": "srk_AaH8kDweekOdDltXLx2OYAGh_HaPc3D1o7yXcYNHidA",
    "scopes": ["account:read"],
    "allowed_cidrs": ["203.0.113.0/24"],
    "audience": "",
    "created_at": "2026-11-20T10:00:00.000000Z",
    "expires_at": "2027-11-20T10:00:00.000000Z",
    "last_used_at": None,
    "last_used_address": None,
    "replaced_by": None,
    "overlap_until": None,
    "revoked_at": None,
}
NEW_KEY_EXAMPLE: Final = {
    "key": "srk_AaH8kDweekOdDltXLx2OYAGh_HaPc3D1o7yXcYNHidA_...",
    "api_key": API_KEY_EXAMPLE,
}


class ApiKeyInput(fields.StrictSerializer):
    name = fields.StrictTextField(max_length=constants.API_KEY_NAME_LENGTH_MAX)
    scopes = fields.StrictListField(
        child=fields.StrictTextField(max_length=constants.SCOPE_LENGTH_MAX),
        min_length=1,
        max_length=constants.API_KEY_SCOPES_MAX,
        help_text="What the key may do; `GET scopes/` lists them.",
    )
    allowed_cidrs = fields.StrictListField(
        child=fields.StrictTextField(max_length=64),
        max_length=constants.API_KEY_NETWORKS_MAX,
        required=False,
        default=list,
        help_text="Networks the key may be used from; none: from anywhere.",
    )
    audience = fields.StrictTextField(
        max_length=constants.AUDIENCE_LENGTH_MAX,
        required=False,
        default="",
        help_text="One of `JWT_AUDIENCES`: a key with `sessions:introspect` hears only of JWTs "
        "made for it. Empty: of sessions, and JWTs for this service.",
    )
    lifetime_days = fields.StrictIntegerField(
        minimum=1,
        maximum=constants.API_KEY_LIFETIME_DAYS_MAX,
        required=False,
        default=constants.API_KEY_LIFETIME_DAYS_MAX,
    )


class RotateInput(fields.StrictSerializer):
    overlap_s = fields.StrictIntegerField(
        maximum=constants.API_KEY_OVERLAP_S_MAX,
        required=False,
        default=constants.API_KEY_OVERLAP_S_DEFAULT,
        help_text="How long the old key goes on working beside the new one, at most seven days.",
    )


class ApiKeyOutput(serializers.Serializer[ApiKey]):
    id = fields.StrictUUIDField()
    name = serializers.CharField()
    begins_with = serializers.CharField(help_text="To recognise the key where it is used.")
    scopes = serializers.ListField(child=serializers.CharField())
    allowed_cidrs = serializers.ListField(child=serializers.CharField())
    audience = serializers.CharField(help_text="Whose tokens it may ask about; empty: ours.")
    created_at = fields.InstantField()
    expires_at = fields.InstantField(allow_null=True)
    last_used_at = fields.InstantField(allow_null=True, help_text="Exact to one minute.")
    last_used_address = serializers.CharField(allow_null=True)
    replaced_by = fields.StrictUUIDField(source="replaced_by_id", allow_null=True)
    overlap_until = fields.InstantField(allow_null=True)
    revoked_at = fields.InstantField(allow_null=True)


class NewApiKeyOutput(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="Shown only now. Send it as a bearer token.")
    api_key = ApiKeyOutput()


class ApiKeyPage(serializers.Serializer[Any]):
    items = ApiKeyOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class ScopeOutput(serializers.Serializer[Scope]):
    name = serializers.CharField()
    about = serializers.CharField(help_text="Completes the sentence: this key may ...")


class ScopeList(serializers.Serializer[Any]):
    items = ScopeOutput(many=True)
