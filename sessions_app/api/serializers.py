"""Shapes of the session endpoints."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from typing_extensions import override

from accounts import constants, device_tokens
from accounts.api.factor_serializers import AnswerInput
from accounts.api.notice_serializers import NoticeInput
from accounts.api.serializers import AccountOutput
from core import fields
from sessions_app import constants as limits
from sessions_app import devices
from sessions_app.models import Session

SESSION_EXAMPLE = {
    "id": "01a1fc61-0203-703c-973a-a31d52667ef1",
    "kind": "user",
    "created_at": "2026-11-20T10:00:00.000000Z",
    "last_seen_at": "2026-11-20T10:12:00.000000Z",
    "expires_at": "2026-11-21T10:00:00.000000Z",
    "client_address": "203.0.113.7",
    "user_agent": "curl/8.10.1",
    "device": "curl 8",
    "is_impersonation": False,
}


REFRESH_TOKEN_LENGTH_MAX = 256
CHALLENGE_LENGTH_MAX = 128


class SessionOutput(serializers.Serializer[Session]):
    id = fields.StrictUUIDField()
    kind = serializers.CharField()
    created_at = fields.InstantField()
    last_seen_at = fields.InstantField(help_text="Exact to one minute.")
    expires_at = fields.InstantField()
    client_address = serializers.SerializerMethodField(help_text="null where staff act in it.")
    user_agent = serializers.SerializerMethodField(help_text="Empty where staff act in it.")
    device = serializers.SerializerMethodField(help_text="For people: such as Firefox on Windows.")
    is_impersonation = serializers.SerializerMethodField(
        help_text="Whether a member of staff acts in it."
    )

    def get_client_address(self, session: Session) -> str | None:
        """Return where the person is; where staff are is not told."""
        return None if self.get_is_impersonation(session) else session.client_address

    def get_user_agent(self, session: Session) -> str:
        """Return what the person's program says of itself; what staff use is not told."""
        return "" if self.get_is_impersonation(session) else session.user_agent

    def get_device(self, session: Session) -> str:
        """Return what a person would call the device."""
        return devices.label_of(self.get_user_agent(session))

    def get_is_impersonation(self, session: Session) -> bool:
        """Return whether somebody else acts in it."""
        return session.impersonator_id is not None


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

    remember = fields.StrictBooleanField(
        required=False,
        default=False,
        help_text="With `cookie`: let this device come back by auth/remembered for 30 days.",
    )
    trust_device = fields.StrictBooleanField(
        required=False,
        default=False,
        help_text="With `cookie`, after both factors: ask this device for one of them only, for "
        "90 days.",
    )

    @override
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A cookie is kept by the browser, a refresh token by the client: one of them."""
        for name in ("remember", "trust_device"):
            if attrs[name] and not attrs["cookie"]:
                raise serializers.ValidationError(
                    {name: "Only a browser is told so, by a cookie."}, code="handover_invalid"
                )
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


class PasswordInput(fields.StrictSerializer):
    password = fields.SecretField(max_bytes=constants.PASSWORD_BYTES_MAX)


class FactorInput(AnswerInput):
    challenge = fields.SecretField(max_bytes=CHALLENGE_LENGTH_MAX)


class FactorLoginInput(FactorInput, HandoverInput):
    """An answer that begins a session."""


class PasskeyLoginInput(HandoverInput):
    challenge = fields.SecretField(max_bytes=CHALLENGE_LENGTH_MAX)
    credential = fields.ForeignObjectField(
        help_text="What `navigator.credentials.get` gave, by its `toJSON()`."
    )


class PasskeyChallengeOutput(serializers.Serializer[Any]):
    """A question for a passkey."""

    challenge = serializers.CharField(help_text="Send it back with the answer.")
    expires_at = fields.InstantField()
    passkey = fields.ForeignObjectField(
        allow_null=True, help_text="For `navigator.credentials.get({publicKey})`, in JSON form."
    )


class ChallengeOutput(PasskeyChallengeOutput):
    """A question for a second factor."""

    status = serializers.CharField(help_text="Always `mfa_required`.")
    methods = serializers.ListField(
        child=serializers.CharField(), help_text="Of totp, passkey, recovery_code."
    )


class FreshOutput(serializers.Serializer[Any]):
    """A session that is fresh."""

    token = serializers.CharField(
        help_text="Shown only now; the one before has ended. Empty for a browser's cookie."
    )
    session = SessionOutput()


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
    needs_consent = NoticeInput(
        many=True,
        help_text="Notices in force that this person has not accepted: show and accept them.",
    )


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


class BegunInput(fields.StrictSerializer):
    kind = fields.StrictChoiceField(
        choices=limits.KINDS_OF_KEYS,
        required=False,
        default=limits.KIND_GUEST,
        help_text="For somebody who has not logged in, or for the service that asks.",
    )


class GuestOutput(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Shown only now. The session's bearer token.")
    session = SessionOutput()


class AttachInput(fields.StrictSerializer):
    guest_token = fields.SecretField(max_bytes=REFRESH_TOKEN_LENGTH_MAX)


class AttachOutput(serializers.Serializer[Any]):
    token = serializers.CharField(
        help_text="Shown only now; the one that asked has ended. Empty for a cookie, which is set."
    )
    session = SessionOutput()


class IntrospectInput(fields.StrictSerializer):
    token = fields.SecretField(max_bytes=limits.JWT_LENGTH_MAX)
    token_type_hint = fields.StrictTextField(
        max_length=64, required=False, help_text="Taken and not needed (RFC 7662, section 2.1)."
    )
    audience = fields.StrictTextField(
        max_length=256,
        required=False,
        help_text="Refused unless it is the key's own: a check of your configuration.",
    )


class IntrospectOutput(serializers.Serializer[Any]):
    """RFC 7662, section 2.2; without `active` there is nothing else."""

    active = serializers.BooleanField()
    token_type = serializers.CharField(required=False)
    iss = serializers.CharField(required=False)
    sub = serializers.CharField(required=False, help_text="The id of the person or guest.")
    sid = serializers.CharField(required=False)
    kind = serializers.CharField(required=False, help_text="user, staff, guest or service.")
    client_id = serializers.CharField(required=False, help_text="The key of a service.")
    scope = serializers.CharField(required=False, help_text="What a service may do.")
    acr = serializers.CharField(required=False, help_text="aal1 or aal2; aal0 of a guest.")
    auth_time = serializers.IntegerField(required=False)
    aud = serializers.CharField(required=False)
    exp = serializers.IntegerField(required=False)
    iat = serializers.IntegerField(required=False)
    nbf = serializers.IntegerField(required=False)
    jti = serializers.CharField(required=False)
    act = serializers.DictField(required=False, help_text="The member of staff who acts as them.")


class ImpersonateInput(fields.StrictSerializer):
    reason = fields.StrictTextField(
        min_length=limits.IMPERSONATION_REASON_LENGTH_MIN,
        max_length=limits.IMPERSONATION_REASON_LENGTH_MAX,
        help_text="Why; kept for the record.",
    )
