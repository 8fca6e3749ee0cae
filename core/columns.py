"""Checking a long list of objects by its columns instead of one object after the other.

The rules stay where they are, in the serializer's fields. What is sound costs one pass over each
column; whatever could be a fault is left to the serializer, which names it as it always does.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any, Final

from rest_framework import serializers
from rest_framework.fields import Field, empty
from typing_extensions import override

from core import fields

Rows = list[dict[str, Any]]


class ColumnListField(fields.StrictListField):
    """A JSON array of many objects of one shape."""

    @override
    def run_child_validation(self, data: list[Any]) -> Any:
        assert isinstance(self.child, serializers.Serializer), "columns are of objects"
        made = checked(self.child, data)
        return super().run_child_validation(data) if made is None else made


def checked(shape: serializers.Serializer[Any], rows: list[Any]) -> Rows | None:
    """Return what ``shape`` makes of each of ``rows``; ``None`` when it has to look at them itself.

    Either way the outcome is that of the serializer: it decides wherever this does not.
    """
    if set(map(type, rows)) != {dict} or _has_rules_of_its_own(shape):
        return None
    writable = {name: field for name, field in shape.fields.items() if not field.read_only}
    if not set(chain.from_iterable(rows)) <= set(writable):
        return None
    made: Rows = [{} for _ in rows]
    for name, field in writable.items():
        if not _fill(made, name, field, rows):
            return None
    return made


def _fill(made: Rows, name: str, field: Field[Any, Any, Any, Any], rows: Rows) -> bool:
    """Put the column ``name`` into ``made``; ``False`` when some of it may be faulty."""
    given, targets = [], []
    for row, target in zip(rows, made, strict=True):
        if name in row:
            given.append(row[name])
            targets.append(target)
        elif field.required:
            return False
        elif field.default is not empty:
            target[name] = field.get_default()
    values = _checked_column(name, field, given) if given else given
    if values is None:
        return False
    for value, target in zip(values, targets, strict=True):
        target[name] = value
    return True


def _checked_column(
    name: str, field: Field[Any, Any, Any, Any], given: list[Any]
) -> list[Any] | None:
    check = _CHECKS.get(type(field))
    if check is None or field.source != name or (field.validators and check is not _lists):
        return None
    return check(field, given)


def _has_rules_of_its_own(shape: serializers.Serializer[Any]) -> bool:
    kind = type(shape)
    return (
        not isinstance(shape, fields.StrictSerializer)
        or kind.validate is not serializers.Serializer.validate
        or kind.to_internal_value is not fields.StrictSerializer.to_internal_value
        or kind.run_validation is not serializers.Serializer.run_validation
        or any(hasattr(shape, f"validate_{name}") for name in shape.fields)
        or bool(shape.validators)
    )


def _integers(field: Any, values: list[Any]) -> list[Any] | None:
    if set(map(type, values)) != {int}:
        return None
    # What holds for the smallest and the largest holds for all between them.
    return values if _are_sound(field, {min(values), max(values)}) else None


def _texts(field: Any, values: list[Any]) -> list[Any] | None:
    return values if set(map(type, values)) == {str} and _are_sound(field, set(values)) else None


def _converted(field: Any, values: list[Any]) -> list[Any] | None:
    if None in values:
        return None
    try:
        return [field.to_internal_value(value) for value in values]
    except serializers.ValidationError:
        return None


def _lists(field: Any, values: list[Any]) -> list[Any] | None:
    if set(map(type, values)) != {list} or not isinstance(field.child, serializers.Serializer):
        return None
    bounds = [bound for bound in (field.min_length, field.max_length) if bound is not None]
    if len(field.validators) != len(bounds) or not field.allow_empty:
        return None
    lengths = [len(value) for value in values]
    if min(lengths) < (field.min_length or 0) or (
        field.max_length is not None and max(lengths) > field.max_length
    ):
        return None
    flat = list(chain.from_iterable(values))
    made = checked(field.child, flat) if flat else []
    if made is None:
        return None
    rest = iter(made)
    return [[next(rest) for _ in range(length)] for length in lengths]


def _are_sound(field: Any, values: set[Any]) -> bool:
    try:
        for value in values:
            field.to_internal_value(value)
    except serializers.ValidationError:
        return False
    return True


_Check = Callable[[Any, list[Any]], list[Any] | None]
# A field that is not here has its objects checked one by one.
_CHECKS: Final[dict[type[Field[Any, Any, Any, Any]], _Check]] = {
    fields.StrictIntegerField: _integers,
    fields.AmountField: _integers,
    fields.StrictTextField: _texts,
    fields.StrictChoiceField: _texts,
    fields.StrictUUIDField: _converted,
    fields.InstantField: _converted,
    fields.MetadataField: _converted,
    fields.StrictListField: _lists,
}
