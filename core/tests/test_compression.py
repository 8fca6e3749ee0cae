"""Long answers shrink where that gives nothing away."""

from __future__ import annotations

import zlib

import brotli
import pytest
import zstandard
from django.test import Client

from core import compression
from sessions_app.services import start_session
from tests.people import Person
from transactions.tests.money import open_account

pytestmark = pytest.mark.django_db
UNPACK = {
    "gzip": lambda packed: zlib.decompress(packed, wbits=31),
    "br": brotli.decompress,
    "zstd": lambda packed: zstandard.ZstdDecompressor().decompressobj().decompress(packed),
}


@pytest.fixture
def by_ada(ada: Person) -> Client:
    _, token = start_session(user=ada.user)
    for _ in range(30):
        open_account(ada.principal)
    return Client(headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("coding", sorted(UNPACK))
@pytest.mark.parametrize("kind", ["json", "csv"])
def test_list_is_the_same_and_much_smaller(by_ada, coding, kind):
    path = f"/api/v1/ledger-accounts/?format={kind}&limit=30"
    if kind == "csv":
        path = f"/api/v1/ledger-accounts/?format={kind}"
    plain = by_ada.get(path).getvalue()
    packed = by_ada.get(path, headers={"Accept-Encoding": coding})
    assert packed["Content-Encoding"] == coding
    assert "Accept-Encoding" in packed["Vary"]
    content = packed.getvalue()
    assert UNPACK[coding](content) == plain
    assert len(content) < 0.3 * len(plain)


def test_credentials_are_never_compressed(ada: Person, monkeypatch):
    monkeypatch.setattr(compression, "LENGTH_MIN", 1)
    answer = Client().post(
        "/api/v1/auth/login/",
        {"email": "ada@example.org", "password": ada.password},
        content_type="application/json",
        headers={"Accept-Encoding": "gzip, br, zstd"},
    )
    assert answer.status_code == 200
    assert not answer.has_header("Content-Encoding")


def test_short_answers_and_strong_tags_are_left_alone(by_ada, monkeypatch):
    accepting = {"Accept-Encoding": "gzip"}
    assert not by_ada.get("/health/ready", headers=accepting).has_header("Content-Encoding")
    monkeypatch.setattr(compression, "LENGTH_MIN", 1)
    mine = by_ada.get("/api/v1/me/", headers=accepting)
    assert mine["ETag"].startswith('"')
    assert not mine.has_header("Content-Encoding")


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("", None),
        ("identity", None),
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("gzip;q=0", None),
        ("*", "zstd"),
        ("*;q=0.1, identity", None),
        ("zstd;q=0, *", "br"),
        ("gzip;q=banana", None),
        ("\x00, gzip", "gzip"),
    ],
)
def test_coding_is_the_one_the_client_likes_best(accepted, expected):
    assert compression.preferred(accepted) == expected
