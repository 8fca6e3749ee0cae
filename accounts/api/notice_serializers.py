"""Shapes of the endpoints of notices."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers
from typing_extensions import override

from accounts import constants
from accounts.models import Notice
from core import fields

VERSION_MAX = 1_000_000


class NoticeInput(fields.StrictSerializer):
    """One wording that somebody was shown."""

    kind = fields.StrictChoiceField(choices=[kind for kind, _ in constants.NOTICE_KINDS])
    version = fields.StrictIntegerField(minimum=1, maximum=VERSION_MAX)

    @override
    def validate(self, attrs: dict[str, Any]) -> Any:
        """Return the kind and the version, as services take them."""
        return attrs["kind"], attrs["version"]


class AcceptNoticesInput(fields.StrictSerializer):
    notices = fields.StrictListField(
        child=NoticeInput(), min_length=1, max_length=len(constants.NOTICE_KINDS)
    )


class NoticeOutput(serializers.Serializer[Notice]):
    kind = serializers.CharField()
    version = serializers.IntegerField()
    published_at = fields.InstantField(help_text="In force since.")
    path = serializers.SerializerMethodField(help_text="Where a browser shows its words.")

    def get_path(self, notice: Notice) -> str:
        """Return where the words are."""
        return reverse(f"{notice.kind}-version", args=[notice.version])


class NoticeList(serializers.Serializer[Any]):
    items = NoticeOutput(many=True)


class MyNoticeOutput(NoticeOutput):
    accepted_at = fields.InstantField(allow_null=True, help_text="null: still to be accepted.")


class MyNoticeList(serializers.Serializer[Any]):
    items = MyNoticeOutput(many=True)
