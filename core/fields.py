"""Serializer fields that check shape without coercion: ``"5"``, ``1.0`` and ``true`` are no 5."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
import uuid
from collections.abc import Sequence
from typing import Any, Final

from rest_framework import serializers
from typing_extensions import override

from core import clock

INT64_MAX: Final = 2**63 - 1
UUID_TEXT: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
# RFC 3339: a full date, a time with seconds and an offset; nothing is guessed.
INSTANT_TEXT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})\Z"
)
# Control characters, line separators and bidirectional overrides: they break logs and screens.
_UNSAFE_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_BIDI_CONTROLS: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
# The same for a reader of the OpenAPI document: a regular expression (ECMA-262).
SAFE_TEXT_FORM: Final = r"^[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*$"
METADATA_KEYS_MAX: Final = 64
REASON_LENGTH_MIN: Final = 10
REASON_LENGTH_MAX: Final = 500
METADATA_KEY_LENGTH_MAX: Final = 64
METADATA_VALUE_LENGTH_MAX: Final = 500


def is_safe_text(text: str) -> bool:
    """Return whether ``text`` holds no control, surrogate, separator or bidi-control character."""
    if text.isascii():
        return text.isprintable() or text == ""
    return not any(
        char in _BIDI_CONTROLS or unicodedata.category(char) in _UNSAFE_CATEGORIES for char in text
    )


class StrictIntegerField(serializers.Field[int, Any, int, int]):
    """A JSON integer between ``minimum`` and ``maximum``, both included."""

    default_error_messages = {
        "not_integer": "Must be a JSON integer.",
        "out_of_range": "Must be between {minimum} and {maximum}.",
    }

    def __init__(self, *, minimum: int = 0, maximum: int = INT64_MAX, **kwargs: Any) -> None:
        self.minimum = minimum
        self.maximum = maximum
        super().__init__(**kwargs)

    @override
    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("not_integer")
        if not self.minimum <= data <= self.maximum:
            self.fail("out_of_range", minimum=self.minimum, maximum=self.maximum)
        return data

    @override
    def to_representation(self, value: int) -> int:
        return value


class AmountField(StrictIntegerField):
    """An amount of money to move: a positive integer of minor units."""

    default_error_messages = {
        "amount_not_integer": "Must be a JSON integer of minor units.",
        "amount_not_positive": "Must be greater than zero.",
        "amount_out_of_range": f"Must be at most {INT64_MAX}.",
    }

    @override
    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("amount_not_integer")
        if data <= 0:
            self.fail("amount_not_positive")
        if data > INT64_MAX:
            self.fail("amount_out_of_range")
        return data


class StrictTextField(serializers.Field[str, Any, str, str]):
    """A JSON string without control or bidi characters; never trimmed, never truncated."""

    default_error_messages = {
        "type_invalid": "Must be a string.",
        "text_invalid": "Must not hold control characters or text direction overrides.",
        "text_too_long": "Must have at most {max_length} characters.",
        "text_too_short": "Must have at least {min_length} characters.",
        "text_malformed": "Does not have the expected form.",
    }

    def __init__(
        self,
        *,
        max_length: int,
        min_length: int = 1,
        pattern: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.max_length = max_length
        self.min_length = min_length
        self.pattern = pattern
        super().__init__(**kwargs)

    @override
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("type_invalid")
        if len(data) > self.max_length:
            self.fail("text_too_long", max_length=self.max_length)
        if len(data) < self.min_length:
            self.fail("text_too_short", min_length=self.min_length)
        if not is_safe_text(data):
            self.fail("text_invalid")
        if self.pattern and not re.fullmatch(self.pattern, data):
            self.fail("text_malformed")
        return data

    @override
    def to_representation(self, value: str) -> str:
        return value


class SecretField(StrictTextField):
    """A password or token: any characters at all, taken exactly as sent, never answered."""

    def __init__(self, *, max_bytes: int, **kwargs: Any) -> None:
        self.max_bytes = max_bytes
        super().__init__(max_length=max_bytes, write_only=True, **kwargs)

    @override
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("type_invalid")
        if len(data.encode("utf-8", "surrogatepass")) > self.max_bytes:
            raise serializers.ValidationError(
                f"Must have at most {self.max_bytes} bytes.", code="text_too_long"
            )
        if not data:
            self.fail("text_too_short", min_length=1)
        return data


class StrictUUIDField(serializers.Field[uuid.UUID, Any, str, uuid.UUID]):
    """A UUID in its canonical text form; no braces, URNs, integers."""

    default_error_messages = {"id_invalid": "Must be a UUID."}

    @override
    def to_internal_value(self, data: Any) -> uuid.UUID:
        if not isinstance(data, str) or not UUID_TEXT.match(data):
            self.fail("id_invalid")
        return uuid.UUID(data)

    @override
    def to_representation(self, value: uuid.UUID) -> str:
        return str(value)


class InstantField(serializers.Field[dt.datetime, Any, str, dt.datetime]):
    """An instant in RFC 3339 with an offset; answered in UTC with microseconds."""

    default_error_messages = {
        "timestamp_invalid": "Must be RFC 3339 with an offset, such as 2026-11-20T10:00:00Z."
    }

    @override
    def to_internal_value(self, data: Any) -> dt.datetime:
        moment = parse_instant(data) if isinstance(data, str) else None
        if moment is None:
            self.fail("timestamp_invalid")
        return moment

    @override
    def to_representation(self, value: dt.datetime) -> str:
        return clock.as_rfc3339(value)


def parse_instant(text: str) -> dt.datetime | None:
    """Return the instant ``text`` names in UTC, or ``None`` when it is not RFC 3339."""
    if not INSTANT_TEXT.match(text):
        return None
    try:
        return dt.datetime.fromisoformat(text.upper()).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


class StrictBooleanField(serializers.Field[bool, Any, bool, bool]):
    """JSON ``true`` or ``false``."""

    default_error_messages = {"not_boolean": "Must be true or false."}

    @override
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("not_boolean")
        return data

    @override
    def to_representation(self, value: bool) -> bool:
        return value


class StrictChoiceField(serializers.Field[str, Any, str, str]):
    """One of a few JSON strings."""

    default_error_messages = {"choice_invalid": "Must be one of {choices}."}

    def __init__(self, *, choices: Sequence[str], **kwargs: Any) -> None:
        self.choices = choices
        super().__init__(**kwargs)

    @override
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("choice_invalid", choices=", ".join(self.choices))
        return data

    @override
    def to_representation(self, value: str) -> str:
        return value


class StrictListField(serializers.ListField):
    """A JSON array of ``child``; a list of objects names each faulty one by its index."""

    default_error_messages = {
        "not_a_list": "Must be an array.",
        "min_length": "Must have at least {min_length} elements.",
        "max_length": "Must have at most {max_length} elements.",
    }


class MetadataField(serializers.Field[dict[str, str], Any, dict[str, str], dict[str, str]]):
    """A flat object of at most 64 texts, the caller's own notes on a resource."""

    default_error_messages = {
        "type_invalid": "Must be an object whose values are strings.",
        "text_invalid": "Must not hold control characters or text direction overrides.",
        "metadata_too_large": (
            f"At most {METADATA_KEYS_MAX} keys of {METADATA_KEY_LENGTH_MAX} characters with "
            f"values of {METADATA_VALUE_LENGTH_MAX} characters."
        ),
    }

    @override
    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict) or not all(isinstance(v, str) for v in data.values()):
            self.fail("type_invalid")
        if len(data) > METADATA_KEYS_MAX or any(
            not 0 < len(key) <= METADATA_KEY_LENGTH_MAX or len(value) > METADATA_VALUE_LENGTH_MAX
            for key, value in data.items()
        ):
            self.fail("metadata_too_large")
        if not all(is_safe_text(key) and is_safe_text(value) for key, value in data.items()):
            self.fail("text_invalid")
        return data

    @override
    def to_representation(self, value: dict[str, str]) -> dict[str, str]:
        return value


class ForeignObjectField(serializers.Field[dict[str, Any], Any, dict[str, Any], dict[str, Any]]):
    """A JSON object whose members another standard defines, and its verifier judges."""

    default_error_messages = {"type_invalid": "Must be an object."}

    @override
    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("type_invalid")
        return data

    @override
    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        return value


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses members it does not know; DRF would drop them without a word."""

    @override
    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = set(data) - {
                name for name, field in self.fields.items() if not field.read_only
            }
            if unknown:
                raise serializers.ValidationError(
                    {
                        name: serializers.ErrorDetail(*self._refusal(name))
                        for name in sorted(unknown)
                    }
                )
        return super().to_internal_value(data)

    def _refusal(self, name: str) -> tuple[str, str]:
        if name in self.fields:
            return "This field cannot be written.", "field_read_only"
        return "There is no such field.", "field_unknown"


class ReasonInput(StrictSerializer):
    """Why staff do something; kept in the audit trail."""

    reason = StrictTextField(
        min_length=REASON_LENGTH_MIN,
        max_length=REASON_LENGTH_MAX,
        help_text="Kept in the audit trail.",
    )
