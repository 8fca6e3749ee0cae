"""Shapes of the account endpoints."""

from __future__ import annotations

import uuid
from typing import Any

import orjson
from rest_framework import serializers

from accounts import constants
from accounts.api.notice_serializers import NoticeInput
from accounts.models import User
from core import context, fields

ACCOUNT_EXAMPLE = {
    "id": "01a1fc76-8f73-70f5-a3bc-9771834789b4",
    "email": "ada@example.org",
    "email_verified_at": "2026-11-20T10:01:00.000000Z",
    "username": "ada",
    "name": "Ada",
    "locale": "en",
    "public_metadata": {"theme": "dark"},
    "is_staff": False,
    "created_at": "2026-11-20T10:00:00.000000Z",
    "impersonated_by": None,
}


class RegisterInput(fields.StrictSerializer):
    email = fields.StrictTextField(max_length=constants.EMAIL_LENGTH_MAX)
    password = fields.SecretField(max_bytes=constants.PASSWORD_BYTES_MAX)
    name = fields.StrictTextField(
        max_length=constants.NAME_LENGTH_MAX, min_length=0, required=False, default=""
    )
    accepts = fields.StrictListField(
        child=NoticeInput(),
        max_length=len(constants.NOTICE_KINDS),
        required=False,
        default=list,
        help_text="The notices that whoever registers was shown and agrees to.",
    )


class AcceptedOutput(serializers.Serializer[Any]):
    status = serializers.CharField(help_text="Always `accepted`: what follows comes by mail.")


class EmailInput(fields.StrictSerializer):
    email = fields.StrictTextField(max_length=constants.EMAIL_LENGTH_MAX)


class LinkInput(fields.StrictSerializer):
    token = fields.SecretField(max_bytes=constants.LINK_TOKEN_LENGTH_MAX)


class ResetPasswordInput(LinkInput):
    password = fields.SecretField(max_bytes=constants.PASSWORD_BYTES_MAX)


class ChangePasswordInput(fields.StrictSerializer):
    old_password = fields.SecretField(max_bytes=constants.PASSWORD_BYTES_MAX)
    password = fields.SecretField(max_bytes=constants.PASSWORD_BYTES_MAX)


def not_too_large(metadata: dict[str, str]) -> None:
    """Refuse metadata of more than 16 KiB."""
    if len(orjson.dumps(metadata)) > constants.METADATA_BYTES_MAX:
        raise serializers.ValidationError(
            f"Must have at most {constants.METADATA_BYTES_MAX} bytes as JSON.",
            code="metadata_too_large",
        )


class ProfileInput(fields.StrictSerializer):
    """What people may change of themselves; what is left out stays."""

    name = fields.StrictTextField(
        max_length=constants.NAME_LENGTH_MAX, min_length=0, required=False
    )
    username = fields.StrictTextField(
        max_length=constants.USERNAME_LENGTH_MAX,
        required=False,
        allow_null=True,
        help_text="3 to 32 ASCII letters, digits, dots, dashes and underscores; null for none.",
    )
    locale = fields.StrictTextField(
        max_length=constants.LOCALE_LENGTH_MAX, pattern=constants.LOCALE, required=False
    )
    public_metadata = fields.MetadataField(required=False, validators=[not_too_large])


class AccountOutput(serializers.Serializer[User]):
    id = fields.StrictUUIDField()
    email = serializers.CharField()
    email_verified_at = fields.InstantField(allow_null=True)
    username = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    locale = serializers.CharField()
    public_metadata = fields.MetadataField()
    is_staff = serializers.BooleanField()
    created_at = fields.InstantField()
    impersonated_by = serializers.SerializerMethodField(
        help_text="The member of staff who acts as this person right now: show a banner."
    )

    def get_impersonated_by(self, user: User) -> uuid.UUID | None:
        """Return who asks, when it is not the person themselves."""
        asking = context.current().principal
        return asking.impersonator_id if asking and asking.user_id == user.pk else None
