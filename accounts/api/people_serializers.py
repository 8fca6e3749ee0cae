"""Shapes of the endpoints for staff who look after people."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts import constants
from accounts.api.serializers import ACCOUNT_EXAMPLE, AccountOutput, ProfileInput, not_too_large
from accounts.models import OneTimeToken, User
from core import fields

ROLES = tuple(constants.ROLE_PERMISSIONS)
PERSON_EXAMPLE = {
    **ACCOUNT_EXAMPLE,
    "roles": [],
    "is_active": True,
    "locked_at": None,
    "lock_reason": "",
    "private_metadata": {"customer_number": "4711"},
}
INVITATION_EXAMPLE = {
    "id": "01a1fc76-8f73-70f5-a3bc-9771834789b5",
    "user_id": ACCOUNT_EXAMPLE["id"],
    "email": "ada@example.org",
    "name": "Ada",
    "role": None,
    "sent_at": "2026-11-20T10:00:00.000000Z",
    "expires_at": "2026-11-27T10:00:00.000000Z",
}


class RoleInput(fields.ReasonInput):
    role = fields.StrictChoiceField(choices=ROLES, allow_null=True)


class InviteInput(fields.StrictSerializer):
    email = fields.StrictTextField(max_length=constants.EMAIL_LENGTH_MAX)
    name = fields.StrictTextField(
        max_length=constants.NAME_LENGTH_MAX, min_length=0, required=False, default=""
    )
    role = fields.StrictChoiceField(
        choices=ROLES, required=False, allow_null=True, help_text="Makes them staff."
    )


class AcceptInput(fields.StrictSerializer):
    token = fields.SecretField(max_bytes=constants.LINK_TOKEN_LENGTH_MAX)
    password = fields.SecretField(max_bytes=constants.PASSWORD_BYTES_MAX)


class PersonChange(ProfileInput):
    private_metadata = fields.MetadataField(required=False, validators=[not_too_large])


class PersonOutput(AccountOutput):
    roles = serializers.SerializerMethodField()
    is_active = serializers.BooleanField()
    locked_at = fields.InstantField(allow_null=True)
    lock_reason = serializers.CharField()
    private_metadata = fields.MetadataField()

    def get_roles(self, user: User) -> list[str]:
        """Return the names of the person's roles."""
        return [group.name for group in user.groups.all()]


class PersonPage(serializers.Serializer[Any]):
    items = PersonOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class InvitationOutput(serializers.Serializer[OneTimeToken]):
    id = fields.StrictUUIDField()
    user_id = fields.StrictUUIDField()
    email = serializers.CharField(source="user.email")
    name = serializers.CharField(source="user.name")
    role = serializers.SerializerMethodField()
    sent_at = fields.InstantField(source="created_at")
    expires_at = fields.InstantField()

    def get_role(self, invitation: OneTimeToken) -> str | None:
        """Return the role the person will have."""
        return next((group.name for group in invitation.user.groups.all()), None)


class InvitationPage(serializers.Serializer[Any]):
    items = InvitationOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
