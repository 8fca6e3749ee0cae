"""Tells drf-spectacular what our strict serializers and their fields accept."""

from __future__ import annotations

import abc
from typing import Any

from drf_spectacular.extensions import (
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_basic_type
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import Direction
from typing_extensions import override

from core import fields


class StrictSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]  # untyped metaclass
    """A request body without members that nobody knows."""

    target_class = fields.StrictSerializer
    match_subclasses = True

    @override
    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        schema: dict[str, Any] = auto_schema._map_serializer(  # type: ignore[no-untyped-call]  # noqa: SLF001 - untyped library
            self.target, direction, bypass_extensions=True
        )
        return {**schema, "additionalProperties": False} if direction == "request" else schema


class _FieldSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # untyped metaclass
    """Maps one field class (subclasses included) to its JSON schema."""

    match_subclasses = True

    @abc.abstractmethod
    def describe(self, field: Any) -> dict[str, Any]:
        """Return the JSON schema of ``field``."""

    @override
    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        return self.describe(self.target)


def _basic(kind: OpenApiTypes) -> dict[str, Any]:
    return dict(build_basic_type(kind) or {})


class IntegerSchema(_FieldSchema):  # type: ignore[no-untyped-call]  # untyped metaclass
    """An integer with its bounds."""

    target_class = fields.StrictIntegerField

    @override
    def describe(self, field: fields.StrictIntegerField) -> dict[str, Any]:
        return {
            "type": "integer",
            "format": "int64",
            "minimum": field.minimum,
            "maximum": field.maximum,
        }


class TextSchema(_FieldSchema):  # type: ignore[no-untyped-call]  # untyped metaclass
    """A string with its lengths and pattern."""

    target_class = fields.StrictTextField

    @override
    def describe(self, field: fields.StrictTextField) -> dict[str, Any]:
        return {
            "type": "string",
            "minLength": field.min_length,
            "maxLength": field.max_length,
            "pattern": f"^(?:{field.pattern})$" if field.pattern else fields.SAFE_TEXT_FORM,
        }


class SecretSchema(_FieldSchema):  # type: ignore[no-untyped-call]  # untyped metaclass
    """A password or token."""

    target_class = fields.SecretField
    priority = 1

    @override
    def describe(self, field: fields.SecretField) -> dict[str, Any]:
        return {
            "type": "string",
            "format": "password",
            "minLength": 1,
            "maxLength": field.max_bytes,
        }


class UUIDSchema(_FieldSchema):  # type: ignore[no-untyped-call]  # untyped metaclass
    """A UUID."""

    target_class = fields.StrictUUIDField

    @override
    def describe(self, field: fields.StrictUUIDField) -> dict[str, Any]:
        return _basic(OpenApiTypes.UUID)


class InstantSchema(_FieldSchema):  # type: ignore[no-untyped-call]  # untyped metaclass
    """An instant."""

    target_class = fields.InstantField

    @override
    def describe(self, field: fields.InstantField) -> dict[str, Any]:
        return _basic(OpenApiTypes.DATETIME)


class BooleanSchema(_FieldSchema):  # type: ignore[no-untyped-call]  # untyped metaclass
    """A boolean."""

    target_class = fields.StrictBooleanField

    @override
    def describe(self, field: fields.StrictBooleanField) -> dict[str, Any]:
        return _basic(OpenApiTypes.BOOL)


class ChoiceSchema(_FieldSchema):  # type: ignore[no-untyped-call]  # untyped metaclass
    """One of a few strings."""

    target_class = fields.StrictChoiceField

    @override
    def describe(self, field: fields.StrictChoiceField) -> dict[str, Any]:
        return {"type": "string", "enum": list(field.choices)}


class MetadataSchema(_FieldSchema):  # type: ignore[no-untyped-call]  # untyped metaclass
    """A flat object of texts."""

    target_class = fields.MetadataField

    @override
    def describe(self, field: fields.MetadataField) -> dict[str, Any]:
        return {
            "type": "object",
            "propertyNames": {
                "minLength": 1,
                "maxLength": fields.METADATA_KEY_LENGTH_MAX,
                "pattern": fields.SAFE_TEXT_FORM,
            },
            "additionalProperties": {
                "type": "string",
                "maxLength": fields.METADATA_VALUE_LENGTH_MAX,
                "pattern": fields.SAFE_TEXT_FORM,
            },
            "maxProperties": fields.METADATA_KEYS_MAX,
        }


class ForeignObjectSchema(_FieldSchema):  # type: ignore[no-untyped-call]  # untyped metaclass
    """An object of another standard."""

    target_class = fields.ForeignObjectField

    @override
    def describe(self, field: fields.ForeignObjectField) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": True}
