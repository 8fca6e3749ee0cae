"""Shapes of the cookie jar endpoints."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers
from typing_extensions import override

from core import clock, fields
from sessions_app import constants
from sessions_app.models import CookieJar, JarCookie
from sessions_app.services import Verdict

JAR_EXAMPLE: Final = {
    "id": "01a1fcb2-6f0a-7c11-8e5d-2f6f0d1c9a77",
    "label": "crawler",
    "created_at": "2026-11-20T10:00:00.000000Z",
}
COOKIE_EXAMPLE: Final = {
    "id": "01a1fcb3-1a2b-7c3d-9e4f-5a6b7c8d9e0f",
    "name": "sid",
    "domain": "www.example.org",
    "host_only": True,
    "path": "/",
    "secure": True,
    "http_only": True,
    "same_site": "Lax",
    "partition": "",
    "expires_at": "2026-11-21T10:00:00.000000Z",
    "created_at": "2026-11-20T10:00:00.000000Z",
}


def _url(about: str, *, required: bool = True) -> fields.SecretField:
    """Return a field for a URL: exactly as sent, and never shown again, since it may hold keys."""
    return fields.SecretField(max_bytes=constants.URL_BYTES_MAX, required=required, help_text=about)


class JarInput(fields.StrictSerializer):
    label = fields.StrictTextField(  # type: ignore[assignment]  # DRF has an attribute of this name
        max_length=constants.JAR_LABEL_LENGTH_MAX
    )


class HttpExchangeInput(fields.StrictSerializer):
    """The request that the cookies come from, or go with."""

    url = _url("Absolute URL of the request.")
    method = fields.StrictTextField(max_length=32, pattern=r"[A-Za-z]+", required=False)
    initiator = _url(
        "URL of the page that asks. Without it the program itself does, which is never cross-site.",
        required=False,
    )
    top_level = _url("URL in the address bar, when that is another page.", required=False)
    is_navigation = fields.StrictBooleanField(
        required=False, help_text="The whole tab goes there (a link, not an image or a call)."
    )
    is_script = fields.StrictBooleanField(
        required=False, help_text="As `document.cookie`: neither sees nor sets HttpOnly."
    )


class StoreInput(HttpExchangeInput):
    set_cookie = fields.StrictListField(
        child=fields.SecretField(max_bytes=constants.JAR_LINE_BYTES_MAX),
        min_length=1,
        max_length=constants.JAR_LINES_MAX,
        help_text="The value of each `Set-Cookie` field, in order.",
    )


class ImportInput(fields.StrictSerializer):
    format = fields.StrictChoiceField(choices=("netscape", "playwright"))
    file = fields.SecretField(
        max_bytes=constants.JAR_FILE_BYTES_MAX, required=False, help_text="Text of a cookies.txt."
    )
    state = serializers.DictField(
        required=False, write_only=True, help_text="A Playwright storageState."
    )

    @override
    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        """Ask for the member that goes with the format, and no other."""
        needed, other = ("file", "state") if given["format"] == "netscape" else ("state", "file")
        if needed not in given:
            raise serializers.ValidationError({needed: "This format needs it."}, code="required")
        if other in given:
            raise serializers.ValidationError(
                {other: "Not with this format."}, code="field_conflict"
            )
        return given


class JarOutput(serializers.Serializer[CookieJar]):
    id = fields.StrictUUIDField()
    label = serializers.CharField()  # type: ignore[assignment]  # as above
    created_at = fields.InstantField()


class JarPage(serializers.Serializer[Any]):
    items = JarOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class JarCookieOutput(serializers.Serializer[JarCookie]):
    """A cookie without its value."""

    id = fields.StrictUUIDField()
    name = serializers.CharField()
    domain = serializers.CharField()
    host_only = serializers.BooleanField()
    path = serializers.CharField()
    secure = serializers.BooleanField()
    http_only = serializers.BooleanField()
    same_site = serializers.CharField()
    partition = serializers.CharField(help_text="The site a Partitioned cookie was set under.")
    expires_at = fields.InstantField(allow_null=True)
    created_at = fields.InstantField()


class JarCookiePage(serializers.Serializer[Any]):
    items = JarCookieOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class VerdictOutput(serializers.Serializer[Verdict]):
    """What became of one `Set-Cookie` line."""

    index = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=("kept", "removed", "refused"))
    name = serializers.CharField(required=False)
    domain = serializers.CharField(required=False)
    path = serializers.CharField(required=False)
    expires_at = fields.InstantField(required=False, allow_null=True)
    code = serializers.CharField(required=False, help_text="Why it was refused.")
    clause = serializers.CharField(required=False, help_text="Of RFC 6265bis.")
    detail = serializers.CharField(required=False)

    @override
    def to_representation(self, instance: Verdict) -> dict[str, Any]:
        """Say of a cookie where it belongs, of a refusal why; never a value."""
        if instance.refusal is not None:
            why = instance.refusal
            said = {"code": why.code, "clause": why.clause, "detail": why.why}
            return {"index": instance.index, "outcome": "refused", **said}
        assert instance.cookie is not None
        cookie = instance.cookie
        ends_at = None if instance.is_removed else cookie.expires_at
        return {
            "index": instance.index,
            "outcome": "removed" if instance.is_removed else "kept",
            "name": cookie.key.name,
            "domain": cookie.key.domain,
            "path": cookie.key.path,
            "expires_at": ends_at and clock.as_rfc3339(ends_at),
        }


class StoreOutput(serializers.Serializer[Any]):
    results = VerdictOutput(many=True)


class HeaderOutput(serializers.Serializer[Any]):
    cookie = serializers.CharField(
        allow_null=True, help_text="Value of the `Cookie` field; null: send none."
    )


class ImportOutput(serializers.Serializer[Any]):
    imported = serializers.IntegerField()
    expired = serializers.IntegerField(help_text="Left out: they had ended already.")
