"""Lists checked by columns: never another outcome than one object after the other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers
from typing_extensions import override

from core import columns, fields

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**63 - 2, max_value=2**63 + 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


class MoveInput(fields.StrictSerializer):
    source = fields.StrictTextField(max_length=12)  # type: ignore[assignment]  # the API's word
    amount = fields.AmountField(minimum=1)
    asset = fields.StrictTextField(max_length=4, pattern="[A-Z]+")


class ItemInput(fields.StrictSerializer):
    moves = fields.StrictListField(child=MoveInput(), min_length=1, max_length=2)
    note = fields.StrictTextField(max_length=5, required=False)
    ledger = fields.StrictTextField(max_length=5, required=False, default="main")
    at = fields.InstantField(required=False)
    of = fields.StrictUUIDField(required=False)
    metadata = fields.MetadataField(required=False)
    kind = fields.StrictChoiceField(choices=["a", "b"], required=False)
    count = fields.StrictIntegerField(required=False, allow_null=True, maximum=9)
    told = serializers.BooleanField(read_only=True)


MOVES = [{"source": "purse", "amount": 5, "asset": "USD"}]
SOUND: dict[str, Any] = {
    "moves": MOVES,
    "note": "hello",
    "at": "2026-11-20T10:00:00Z",
    "of": "01a1fc81-77d0-7aa2-b0b5-6d2f8e9c3b32",
    "metadata": {"a": "b"},
    "kind": "a",
    "count": 3,
}


@st.composite
def items(draw: st.DrawFn) -> Any:
    """Return an item that is sound but for a few places, or anything at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(JSON)
    item: dict[str, Any] = {**SOUND, "moves": [dict(move) for move in MOVES]}
    for name in draw(st.sets(st.sampled_from(sorted(set(SOUND) - {"moves"})))):
        del item[name]
    for _ in range(draw(st.integers(0, 2))):
        where = item if draw(st.booleans()) else item["moves"]
        if isinstance(where, list) and where and isinstance(where[0], dict):
            where = where[0]
        if isinstance(where, dict):
            name = draw(st.sampled_from([*where, "ledger", "told", "strange"]))
            where[name] = draw(JSON)
        if not isinstance(item.get("moves"), list):
            break
    return item


def _outcome(field: serializers.ListField, data: Any) -> tuple[str, Any]:
    field.bind("items", serializers.Serializer())
    try:
        return "sound", field.run_validation(data)
    except serializers.ValidationError as exc:
        return "faulty", exc.get_full_details()


@given(st.lists(items(), max_size=4) | JSON)
def test_columns_decide_like_the_serializer(data):
    one_by_one = fields.StrictListField(child=ItemInput(), max_length=3)
    by_columns = columns.ColumnListField(child=ItemInput(), max_length=3)
    assert _outcome(by_columns, data) == _outcome(one_by_one, data)


def test_sound_objects_are_decided_by_columns_alone():
    rows = [SOUND, {"moves": MOVES * 2}]
    made = columns.checked(ItemInput(), rows)
    assert made == [ItemInput().run_validation(row) for row in rows]
    assert [list(row) for row in made] == [list(ItemInput().run_validation(row)) for row in rows]


class WithRule(ItemInput):
    @override
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse everything."""
        raise serializers.ValidationError("no")


class WithFieldRule(ItemInput):
    def validate_note(self, value: str) -> str:
        """Refuse everything."""
        raise serializers.ValidationError("no")


@pytest.mark.parametrize("shape", [WithRule, WithFieldRule])
def test_rules_of_whole_objects_are_left_to_the_serializer(shape):
    assert columns.checked(shape(), [SOUND]) is None
