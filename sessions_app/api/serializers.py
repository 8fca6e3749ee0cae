"""Shapes of the session endpoints."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from typing_extensions import override

from accounts import constants, device_tokens
from accounts.api.serializers import AccountOutput
from core import fields
from sessions_app.models import Session

SESSION_EXAMPLE = {
    "id": "01a1fc61-0203-703c-973a-a31d52667ef1",
    "kind": "user",
    "created_at": "2026-11-20T10:00:00.000000Z",
    "last_seen_at": "2026-11-20T10:12:00.000000Z",
    "expires_at": "2026-11-21T10:00:00.000000Z",
    "client_address": "203.0.113.7",
    "user_agent": "curl/8.10.1",
}


REFRESH_TOKEN_LENGTH_MAX = 256


class SessionOutput(serializers.Serializer[Session]):
    id = fields.StrictUUIDField()
    kind = serializers.CharField()
    created_at = fields.InstantField()
    last_seen_at = fields.InstantField(help_text="Exact to one minute.")
    expires_at = fields.InstantField()
    client_address = serializers.CharField(allow_null=True)
    user_agent = serializers.CharField()


class HandoverInput(fields.StrictSerializer):
    """What every request that may begin a session can ask for."""

    refresh = fields.StrictBooleanField(
        required=False,
        default=False,
        help_text="Answer a short-lived token and a refresh token: for apps that stay logged in.",
    )
    cookie = fields.StrictBooleanField(
        required=False,
        default=False,
        help_text="Set the token as a cookie instead of answering it: for pages in a browser. "
        "Needs the CSRF token of auth/csrf in X-CSRFToken.",
    )

    @override
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A cookie is kept by the browser, a refresh token by the client: one of them."""
        if attrs["refresh"] and attrs["cookie"]:
            raise serializers.ValidationError(
                {"cookie": "Ask for a cookie or for a refresh token, not both."},
                code="handover_invalid",
            )
        return attrs


class LoginInput(HandoverInput):
    email = fields.StrictTextField(max_length=constants.EMAIL_LENGTH_MAX)
    password = fields.SecretField(max_bytes=constants.PASSWORD_BYTES_MAX)
    device_token = fields.SecretField(
        max_bytes=device_tokens.LENGTH_MAX,
        required=False,
        help_text="From an earlier login on this device: lets it in while strangers are throttled.",
    )


class LoginOutput(serializers.Serializer[Any]):
    """A session that has begun."""

    token = serializers.CharField(
        help_text="Shown only now. Send it as a bearer token. Empty with `cookie`."
    )
    expires_in = serializers.IntegerField(
        required=False, help_text="Seconds until the token must be refreshed. Only with `refresh`."
    )
    refresh_token = serializers.CharField(
        required=False, help_text="Shown only now. For auth/refresh. Only with `refresh`."
    )
    csrf_token = serializers.CharField(
        required=False, help_text="For X-CSRFToken of every unsafe request. Only with `cookie`."
    )
    device_token = serializers.CharField(
        help_text="Keep it on this device and send it with the next login. It opens nothing alone."
    )
    session = SessionOutput()
    account = AccountOutput()


class RefreshInput(fields.StrictSerializer):
    refresh_token = fields.SecretField(max_bytes=REFRESH_TOKEN_LENGTH_MAX)


class RefreshOutput(serializers.Serializer[Any]):
    token = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")
    refresh_token = serializers.CharField(help_text="Keep it in the place of the one sent.")
    session = SessionOutput()


class AccessTokenInput(fields.StrictSerializer):
    audience = fields.StrictTextField(
        max_length=256,
        required=False,
        help_text="The service it is for: one of JWT_AUDIENCES; by default this one.",
    )


class AccessTokenOutput(serializers.Serializer[Any]):
    access_token = serializers.CharField(help_text="A JWT of type at+jwt, signed with EdDSA.")
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")
    audience = serializers.CharField()


class CsrfOutput(serializers.Serializer[Any]):
    csrf_token = serializers.CharField()


class SessionPage(serializers.Serializer[Any]):
    items = SessionOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class EndedOutput(serializers.Serializer[Any]):
    ended = serializers.IntegerField()
