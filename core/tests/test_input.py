"""What may come in: the parser, the fields, the cursors, the tags, the addresses."""

from __future__ import annotations

import contextlib
import json

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.request import Request

from core import api, client_address, errors, etags, fields, pagination
from core.parsers import StrictJSONParser, parse_object

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text("abcdef", min_size=1), JSON, max_size=5))
def test_what_is_json_comes_through_unchanged(members):
    if "\x00" in json.dumps(members, ensure_ascii=False):
        return
    assert parse_object(json.dumps(members).encode()) == members


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(raw):
    with contextlib.suppress(errors.MalformedBody):
        assert isinstance(parse_object(raw), dict)


def test_depth_is_limited_on_both_sides():
    for depth, fits in ((62, True), (63, True), (64, False)):
        raw = b'{"a":' + b"[" * depth + b"]" * depth + b"}"
        if fits:
            parse_object(raw)
        else:
            with pytest.raises(errors.TooDeep):
                parse_object(raw)


@pytest.mark.parametrize("value", [0, 1.0, "1", True, None, -1, 2**63, [1], {"a": 1}])
def test_amount_takes_positive_integers_only(value):
    with pytest.raises(serializers.ValidationError):
        fields.AmountField().run_validation(value)


@pytest.mark.parametrize("value", [1, 2**63 - 1])
def test_amount_reaches_both_ends(value):
    assert fields.AmountField().run_validation(value) == value


@pytest.mark.parametrize("text", ["\x00", "a\nb", "\x07", "\u202e", "\u2028", "\u200f", "\x7f"])
def test_unsafe_text_is_refused(text):
    with pytest.raises(serializers.ValidationError):
        fields.StrictTextField(max_length=9).run_validation(text)


@pytest.mark.parametrize("text", ["a<b & 'c'", "Žluťoučký", "日本", "🔐", " x "])
def test_other_text_is_kept_as_it_is(text):
    assert fields.StrictTextField(max_length=20).run_validation(text) == text


def test_text_that_is_too_long_is_refused_and_never_cut():
    field = fields.StrictTextField(max_length=10_000)
    assert field.run_validation("x" * 10_000) == "x" * 10_000
    with pytest.raises(serializers.ValidationError):
        field.run_validation("x" * 10_001)


@pytest.mark.parametrize(
    "text", ["2026-11-20", "2026-11-20T10:00:00", "20261120T100000Z", "now", "2026-13-01T00:00:00Z"]
)
def test_instants_without_offset_or_sense_are_refused(text):
    assert fields.parse_instant(text) is None


def test_instants_are_answered_in_utc():
    moment = fields.parse_instant("2026-11-20T12:00:00.5+02:00")
    assert moment is not None
    assert fields.InstantField().to_representation(moment) == "2026-11-20T10:00:00.500000Z"


@pytest.mark.parametrize("text", ["{01a1fc61-0203-703c-973a-a31d52667ef1}", "1", "0" * 32, 5, None])
def test_ids_have_one_form(text):
    with pytest.raises(serializers.ValidationError):
        fields.StrictUUIDField().run_validation(text)


def _page(query: str, scope: str = "x") -> pagination.PageRequest:
    return pagination.PageRequest(Request(RequestFactory().get(f"/l/?{query}")), scope=scope)


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=1&limit=2", "limit=", "cursor=x"],
)
def test_pages_that_make_no_sense_are_refused(query):
    with pytest.raises(errors.PaginationInvalid):
        _page(query)


def test_cursor_leads_on_and_back_and_belongs_to_its_list():
    rows = list(range(10))

    def fetch(asked):
        if asked.position is None:
            return rows[: asked.limit + 1]
        (last,) = asked.position
        if asked.backwards:
            return [row for row in reversed(rows) if row < last][: asked.limit + 1]
        return [row for row in rows if row > last][: asked.limit + 1]

    def turn(query):
        asked = _page(query)
        return pagination.Page(fetch(asked), asked, key=lambda row: [row])

    first = turn("limit=4")
    assert (first.items, first.previous) == ([0, 1, 2, 3], None)
    second = turn(str(first.next).partition("?")[2])
    assert second.items == [4, 5, 6, 7]
    last = turn(str(second.next).partition("?")[2])
    assert (last.items, last.next) == ([8, 9], None)
    back = turn(str(second.previous).partition("?")[2])
    assert (back.items, back.previous) == ([0, 1, 2, 3], None)
    with pytest.raises(errors.PaginationInvalid):
        _page(str(first.next).partition("?")[2], scope="another list")


@pytest.mark.parametrize("tag", ["*", 'W/"v1"', "v1", '"v0"', '"v1", "v2"', '"x"'])
def test_if_match_that_proves_nothing_fails(tag):
    with pytest.raises(errors.PreconditionFailed):
        etags.required_version(Request(RequestFactory().get("/", headers={"If-Match": tag})))


def test_if_match_is_required_and_read():
    with pytest.raises(errors.PreconditionRequired):
        etags.required_version(Request(RequestFactory().get("/")))
    tagged = Request(RequestFactory().get("/", headers={"If-Match": etags.of_version(7)}))
    assert etags.required_version(tagged) == 7


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "1.2.3.4", "127.0.0.1"),
        (1, "9.9.9.9, 1.2.3.4", "1.2.3.4"),
        (2, "9.9.9.9, 1.2.3.4", "9.9.9.9"),
        (2, "1.2.3.4", "127.0.0.1"),
        (1, "a", "127.0.0.1"),
        (1, "::::", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, ", ".join(["8.8.8.8"] * 500), "8.8.8.8"),
        (1, "::ffff:1.2.3.4", "1.2.3.4"),
    ],
)
def test_client_address_believes_only_our_proxies(settings, proxies, forwarded, expected):
    settings.ENV = type("Env", (), {"trusted_proxy_count": proxies})
    request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded})
    assert client_address.of(request) == expected


class _Shape(fields.StrictSerializer):
    name = fields.StrictTextField(max_length=9)
    note = fields.StrictTextField(max_length=9, required=False)


def _checked(body: dict[str, object]) -> dict[str, object]:
    raw = RequestFactory().post("/", json.dumps(body), content_type="application/json")
    return api.given(_Shape, Request(raw, parsers=[StrictJSONParser()]))


def test_bodies_know_nothing_of_each_other():
    assert _checked({"name": "Ada", "note": "first"}) == {"name": "Ada", "note": "first"}
    for _ in range(2):
        with pytest.raises(serializers.ValidationError) as refused:
            _checked({"note": 7})
        assert set(refused.value.get_full_details()) == {"name", "note"}
    assert _checked({"name": "Bob"}) == {"name": "Bob"}
