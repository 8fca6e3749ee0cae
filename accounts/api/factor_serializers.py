"""Shapes of the endpoints for second factors."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from typing_extensions import override

from accounts import constants
from accounts.models import Factor
from core import fields

FACTOR_ID = "01a1fc76-8f73-70f5-a3bc-9771834789b5"
FACTOR_EXAMPLE = {
    "id": FACTOR_ID,
    "kind": constants.TOTP,
    "label": "Telephone",
    "confirmed_at": "2026-11-20T10:00:00.000000Z",
    "last_used_at": None,
    "is_backed_up": False,
}
RECOVERY_CODES_EXAMPLE = ["KRUG-S4ZA-NFZS-AYJA-ORUG-65DB", "..."]
CREDENTIAL_EXAMPLE = {
    "id": "3q2-7w",
    "rawId": "3q2-7w",
    "type": "public-key",
    "response": {"clientDataJSON": "...", "authenticatorData": "...", "signature": "..."},
}


class BeginFactorInput(fields.StrictSerializer):
    kind = fields.StrictChoiceField(choices=[kind for kind, _ in constants.FACTOR_KINDS])
    label = fields.StrictTextField(  # type: ignore[assignment]  # what people call it
        max_length=constants.FACTOR_LABEL_LENGTH_MAX, help_text="How you will know it again."
    )


class AppOutput(serializers.Serializer[Any]):
    """What an authenticator app is fed with; shown only now."""

    secret = serializers.CharField(help_text="The seed in base32, for typing.")
    uri = serializers.CharField(help_text="The seed as `otpauth://`, for opening.")
    qr_code = serializers.CharField(help_text="The seed as a picture: an SVG `data:` address.")


class BegunFactorOutput(serializers.Serializer[Any]):
    id = fields.StrictUUIDField()
    kind = serializers.CharField()
    app = AppOutput(allow_null=True)
    passkey = fields.ForeignObjectField(
        allow_null=True, help_text="For `navigator.credentials.create({publicKey})`, in JSON form."
    )


class AnswerInput(fields.StrictSerializer):
    """A code, or a passkey's answer: exactly one of them."""

    default_error_messages = {"one_needed": "Give either code or credential."}

    code = fields.SecretField(
        max_bytes=constants.FACTOR_CODE_LENGTH_MAX,
        required=False,
        help_text="Of an authenticator app, or a recovery code.",
    )
    credential = fields.ForeignObjectField(
        required=False, help_text="What `navigator.credentials` gave, by its `toJSON()`."
    )

    @override
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("code" in attrs) == ("credential" in attrs):
            self.fail("one_needed")
        checked: dict[str, Any] = super().validate(attrs)
        return checked


class FactorOutput(serializers.Serializer[Factor]):
    id = fields.StrictUUIDField()
    kind = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # as above
    confirmed_at = fields.InstantField()
    last_used_at = fields.InstantField(allow_null=True)
    is_backed_up = serializers.BooleanField(
        help_text="A passkey that its maker keeps a copy of, on your other devices."
    )


class FactorList(serializers.Serializer[Any]):
    items = FactorOutput(many=True)
    recovery_codes_left = serializers.IntegerField()


class RecoveryCodesOutput(serializers.Serializer[Any]):
    recovery_codes = serializers.ListField(
        child=serializers.CharField(), help_text="Shown only now. Each works once."
    )


class ConfirmedFactorOutput(RecoveryCodesOutput):
    factor = FactorOutput()
