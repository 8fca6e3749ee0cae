"""Shapes of the session endpoints."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts import constants, device_tokens
from accounts.api.serializers import AccountOutput
from core import fields
from sessions_app.models import Session


class LoginInput(fields.StrictSerializer):
    email = fields.StrictTextField(max_length=constants.EMAIL_LENGTH_MAX)
    password = fields.SecretField(max_bytes=constants.PASSWORD_BYTES_MAX)
    device_token = fields.SecretField(
        max_bytes=device_tokens.LENGTH_MAX,
        required=False,
        help_text="From an earlier login on this device: lets it in while strangers are throttled.",
    )


class SessionOutput(serializers.Serializer[Session]):
    id = fields.StrictUUIDField()
    kind = serializers.CharField()
    created_at = fields.InstantField()
    last_seen_at = fields.InstantField(help_text="Exact to one minute.")
    expires_at = fields.InstantField()
    client_address = serializers.CharField(allow_null=True)
    user_agent = serializers.CharField()


class LoginOutput(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Shown only now. Send it as a bearer token.")
    device_token = serializers.CharField(
        help_text="Keep it on this device and send it with the next login. It opens nothing alone."
    )
    session = SessionOutput()
    account = AccountOutput()


class SessionPage(serializers.Serializer[Any]):
    items = SessionOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class EndedOutput(serializers.Serializer[Any]):
    ended = serializers.IntegerField()
