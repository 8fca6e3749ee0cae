"""Shapes of the account endpoints."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts import constants
from accounts.models import User
from core import fields

ACCOUNT_EXAMPLE = {
    "id": "01a1fc76-8f73-70f5-a3bc-9771834789b4",
    "email": "ada@example.org",
    "name": "Ada",
    "is_staff": False,
    "created_at": "2026-11-20T10:00:00.000000Z",
}


class RegisterInput(fields.StrictSerializer):
    email = fields.StrictTextField(max_length=constants.EMAIL_LENGTH_MAX)
    password = fields.SecretField(max_bytes=constants.PASSWORD_BYTES_MAX)
    name = fields.StrictTextField(
        max_length=constants.NAME_LENGTH_MAX, min_length=0, required=False, default=""
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


class AccountOutput(serializers.Serializer[User]):
    id = fields.StrictUUIDField()
    email = serializers.CharField()
    name = serializers.CharField()
    is_staff = serializers.BooleanField()
    created_at = fields.InstantField()
