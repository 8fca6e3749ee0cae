"""Cookie jars: encrypted, one's own, locked, limited, and readable by other programs."""

from __future__ import annotations

import datetime as dt
import http.cookiejar
import json
import urllib.request
from functools import partial

import pytest
from django.db import connection

from core import clock, crypto
from core.models import AuditEvent
from core.personal_keys import Box
from core.principals import HOUSE_USER_ID, Principal
from sessions_app import conformance, constants, selectors, services
from sessions_app.errors import CookiesRefused, JarExists, JarNotFound, TooManyJars
from sessions_app.models import CookieJar, JarCookie
from sessions_app.services import jars
from sessions_app.tests.cookies import LINES, SITE, filled_jar, header
from tests.people import Person

pytestmark = pytest.mark.django_db


def test_what_is_stored_is_sent_again(ada: Person):
    jar_id = filled_jar(ada.principal)
    assert header(ada.principal, jar_id) == "sid=secret-of-sid; theme=dark"
    assert header(ada.principal, jar_id, "http://example.org/shop/") == "theme=dark"
    assert header(ada.principal, jar_id, "https://other.example/") == ""


def test_value_lies_encrypted_and_opens_in_its_own_row_only(ada: Person):
    filled_jar(ada.principal)
    with connection.cursor() as cursor:
        cursor.execute("SELECT c::text, encode(value_sealed, 'escape') FROM jar_cookie c")
        assert "secret-of-sid" not in str(cursor.fetchall())
    sid, theme = JarCookie.objects.order_by("id")
    box = Box(ada.user.pk)
    assert jars.value_of(sid, box) == "secret-of-sid"
    theme.value_sealed = sid.value_sealed
    with pytest.raises(crypto.SealBroken):
        jars.value_of(theme, box)


@pytest.mark.parametrize(
    "reach",
    [
        partial(services.cookie_header, exchange=services.exchange_at(url=SITE)),
        partial(services.store_cookies, lines=["sid=x"], exchange=services.exchange_at(url=SITE)),
        services.export_netscape,
        services.export_playwright,
        partial(services.import_netscape, text=""),
        services.delete_jar,
        selectors.get_jar,
    ],
)
def test_nobody_else_reaches_into_a_jar(ada: Person, bob: Person, grace: Person, reach):
    jar_id = filled_jar(ada.principal)
    for other in (bob, grace):
        with pytest.raises(JarNotFound):
            reach(jar_id=jar_id, actor=other.principal)
    assert header(ada.principal, jar_id) == "sid=secret-of-sid; theme=dark"


def test_services_share_the_jars_of_the_house():
    one = Principal(kind="key", user_id=HOUSE_USER_ID)
    assert header(one, filled_jar(one)) == "sid=secret-of-sid; theme=dark"


def test_same_cookie_twice_is_one_row_with_its_age(ada: Person):
    jar_id = filled_jar(ada.principal)
    before = JarCookie.objects.get(name="sid")
    [verdict] = services.store_cookies(
        jar_id=jar_id,
        lines=["sid=other; Path=/; Secure"],
        exchange=services.exchange_at(url=SITE),
        actor=ada.principal,
    )
    after = JarCookie.objects.get(name="sid")
    assert verdict.cookie is not None
    assert (after.pk, after.created_at) == (before.pk, before.created_at)
    assert after.http_only is False
    assert header(ada.principal, jar_id).startswith("sid=other")


def test_refused_line_stops_no_other_but_all_refused_is_an_error(ada: Person):
    jar_id = filled_jar(ada.principal, "mixed", "a=b", "c=d; Domain=org")
    assert header(ada.principal, jar_id) == "a=b"
    before = list(JarCookie.objects.values_list("pk", "accessed_at"))
    with pytest.raises(CookiesRefused) as raised:
        services.store_cookies(
            jar_id=jar_id,
            lines=["a=x; Domain=other.org", "a=1\r\nSet-Cookie: b=2"],
            exchange=services.exchange_at(url=SITE),
            actor=ada.principal,
        )
    assert [(fault["pointer"], fault["code"]) for fault in raised.value.extensions["errors"]] == [
        ("#/set_cookie/0", "COOKIE_DOMAIN"),
        ("#/set_cookie/1", "COOKIE_CONTROL_CHARACTER"),
    ]
    assert list(JarCookie.objects.values_list("pk", "accessed_at")) == before


def test_expired_line_removes_the_row(ada: Person):
    jar_id = filled_jar(ada.principal)
    [verdict] = services.store_cookies(
        jar_id=jar_id,
        lines=["sid=; Path=/; Max-Age=0; Secure"],
        exchange=services.exchange_at(url=SITE),
        actor=ada.principal,
    )
    assert verdict.is_removed
    assert not JarCookie.objects.filter(name="sid").exists()


@pytest.mark.parametrize("vector", list(conformance.vectors()), ids=lambda vector: vector.name)
def test_stored_jar_answers_public_vectors_as_the_rules_do(vector, ada: Person, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: conformance.RUN_AT)
    jar = services.create_jar(label=vector.name, actor=ada.principal)
    for line in vector.lines:
        try:
            services.store_cookies(
                jar_id=jar.pk, lines=[line], exchange=vector.received_by, actor=ada.principal
            )
        except CookiesRefused:
            continue
    sent = services.cookie_header(jar_id=jar.pk, exchange=vector.followed_by, actor=ada.principal)
    assert sent == conformance.answer_to(vector)


def test_header_of_a_thousand_cookies_is_one_query(ada: Person, django_assert_num_queries):
    jar_id = filled_jar(ada.principal)
    for site in range(10):
        services.store_cookies(
            jar_id=jar_id,
            lines=[f"c{number}=v" for number in range(100)],
            exchange=services.exchange_at(url=f"https://s{site}.example/"),
            actor=ada.principal,
        )
    assert JarCookie.objects.count() == 1_002
    # And one for the key of the owner.
    with django_assert_num_queries(2):
        assert header(ada.principal, jar_id) == "sid=secret-of-sid; theme=dark"
    empty = services.create_jar(label="empty", actor=ada.principal)
    with django_assert_num_queries(1):
        assert header(ada.principal, empty.pk) == ""


def test_last_use_is_written_once_an_hour(ada: Person, django_assert_num_queries, monkeypatch):
    jar_id = filled_jar(ada.principal)
    later = clock.now() + dt.timedelta(seconds=constants.JAR_ACCESS_PRECISION_S)
    monkeypatch.setattr(clock, "now", lambda: later)
    with django_assert_num_queries(3):
        header(ada.principal, jar_id)
    assert set(JarCookie.objects.values_list("accessed_at", flat=True)) == {later}
    with django_assert_num_queries(2):
        header(ada.principal, jar_id)


def test_jar_keeps_no_more_than_its_limit_per_domain(ada: Person):
    lines = [f"n{number}=v" for number in range(constants.JAR_LINES_MAX)]
    jar_id = filled_jar(ada.principal, "full", *lines)
    services.store_cookies(
        jar_id=jar_id,
        lines=["late=v"],
        exchange=services.exchange_at(url=SITE),
        actor=ada.principal,
    )
    names = set(JarCookie.objects.values_list("name", flat=True))
    assert len(names) == 180
    assert "late" in names
    assert "n0" not in names


def test_labels_are_taken_once_and_jars_are_limited(ada: Person, bob: Person, monkeypatch):
    services.create_jar(label="one", actor=ada.principal)
    services.create_jar(label="one", actor=bob.principal)
    with pytest.raises(JarExists):
        services.create_jar(label="one", actor=ada.principal)
    monkeypatch.setattr(constants, "JARS_PER_OWNER_MAX", 1)
    with pytest.raises(TooManyJars):
        services.create_jar(label="two", actor=ada.principal)
    assert CookieJar.objects.count() == 2


def test_deleted_jar_takes_its_cookies_along(ada: Person):
    jar_id = filled_jar(ada.principal)
    kept_id = filled_jar(ada.principal, "kept")
    services.delete_jar(jar_id=jar_id, actor=ada.principal)
    assert set(JarCookie.objects.values_list("jar_id", flat=True)) == {kept_id}
    actions = AuditEvent.objects.filter(target_id=str(jar_id)).values_list("action", flat=True)
    assert set(actions) == {"cookie_jar.create", "cookie_jar.delete"}


def test_netscape_file_comes_back_as_it_went(ada: Person):
    jar_id = filled_jar(ada.principal, "a", *LINES, "keep=1; Max-Age=3600", "bare")
    text = services.export_netscape(jar_id=jar_id, actor=ada.principal)
    assert text.startswith("# Netscape HTTP Cookie File\n")
    assert "#HttpOnly_www.example.org\tFALSE\t/\tTRUE\t0\tsid\tsecret-of-sid\n" in text
    assert ".example.org\tTRUE\t/\tFALSE\t0\ttheme\tdark\n" in text
    other = services.create_jar(label="b", actor=ada.principal)
    counts = services.import_netscape(jar_id=other.pk, text=text, actor=ada.principal)
    assert counts == (4, 0)
    assert services.export_netscape(jar_id=other.pk, actor=ada.principal) == text


def test_playwright_state_comes_back_as_it_went(ada: Person):
    partitioned = "__Host-p=1; Secure; Path=/; SameSite=None; Partitioned"
    jar_id = filled_jar(ada.principal, "a", *LINES, "k=1; Max-Age=60; SameSite=Strict", partitioned)
    state = services.export_playwright(jar_id=jar_id, actor=ada.principal)
    assert [cookie["sameSite"] for cookie in state["cookies"]] == ["Lax", "Lax", "Strict", "None"]
    assert state["cookies"][3]["partitionKey"] == "https://example.org"
    other = services.create_jar(label="b", actor=ada.principal)
    assert services.import_playwright(
        jar_id=other.pk, state=json.loads(json.dumps(state)), actor=ada.principal
    ) == (4, 0)
    assert services.export_playwright(jar_id=other.pk, actor=ada.principal) == state


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("example.org\tFALSE\t/\tFALSE\t0\ta\tb;c", "COOKIE_SEMICOLON"),
        ("example.org\tFALSE\t/\tFALSE\t0\ta=b\tc", "COOKIE_NAME"),
        ("example.org\tFALSE\t/\tFALSE\t0\ta\tb\0", "COOKIE_CONTROL_CHARACTER"),
        ("example.org\tFALSE\t/\tFALSE\t0\ta\tb\rc", "COOKIE_CONTROL_CHARACTER"),
        (f"example.org\tFALSE\t/\tFALSE\t0\ta\t{'b' * 5000}", "COOKIE_TOO_LARGE"),
        (".co.uk\tTRUE\t/\tFALSE\t0\ta\tb", "COOKIE_PUBLIC_SUFFIX"),
        ("exa mple.org\tFALSE\t/\tFALSE\t0\ta\tb", "COOKIE_DOMAIN"),
        ("example.org\tFALSE\tshop\tFALSE\t0\ta\tb", "COOKIE_PATH"),
        ("example.org\tFALSE\t/\tFALSE\t0\t__Secure-a\tb", "COOKIE_PREFIX"),
        ("example.org\tFALSE\t/\tFALSE\t0\ta\t b", "COOKIE_WHITESPACE"),
        ("example.org\tMAYBE\t/\tFALSE\t0\ta\tb", "COOKIE_LINE"),
        ("example.org\tFALSE\t/\tFALSE\tsoon\ta\tb", "COOKIE_LINE"),
        ("example.org FALSE / FALSE 0 a b", "COOKIE_LINE"),
    ],
)
def test_file_with_a_bad_line_is_refused_whole(ada: Person, line, code):
    jar = services.create_jar(label="a", actor=ada.principal)
    good = "example.org\tFALSE\t/\tFALSE\t0\tgood\t1\n"
    with pytest.raises(CookiesRefused) as raised:
        services.import_netscape(jar_id=jar.pk, text=f"{good}{line}\n", actor=ada.principal)
    [fault] = raised.value.extensions["errors"]
    assert (fault["pointer"], fault["code"]) == ("#/file/1", code)
    assert not JarCookie.objects.exists()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"value": "a\r\nSet-Cookie: b=c"}, "COOKIE_CONTROL_CHARACTER"),
        ({"value": "a;b"}, "COOKIE_SEMICOLON"),
        ({"value": "b" * 5_000}, "COOKIE_TOO_LARGE"),
        ({"domain": ".github.io"}, "COOKIE_PUBLIC_SUFFIX"),
        ({"sameSite": "None", "secure": False}, "COOKIE_SAME_SITE"),
        ({"name": "__host-a", "domain": ".example.org"}, "COOKIE_PREFIX"),
        ({"partitionKey": "https://a.example", "secure": False}, "COOKIE_PARTITIONED"),
        ({"sameSite": "lax"}, "COOKIE_ENTRY"),
        ({"secure": 1}, "COOKIE_ENTRY"),
        ({"expires": True}, "COOKIE_ENTRY"),
        ({"priority": "High"}, "COOKIE_ENTRY"),
        ({"value": None}, "COOKIE_ENTRY"),
    ],
)
def test_state_with_a_bad_cookie_is_refused(ada: Person, change, code):
    jar = services.create_jar(label="a", actor=ada.principal)
    entry = {
        "name": "a",
        "value": "b",
        "domain": "example.org",
        "path": "/",
        "expires": -1,
        "httpOnly": False,
        "secure": True,
        "sameSite": "Lax",
        **change,
    }
    with pytest.raises(CookiesRefused) as raised:
        services.import_playwright(
            jar_id=jar.pk, state={"cookies": [entry], "origins": []}, actor=ada.principal
        )
    [fault] = raised.value.extensions["errors"]
    assert (fault["pointer"], fault["code"]) == ("#/state/cookies/0", code)
    assert not JarCookie.objects.exists()


def test_import_leaves_out_the_expired_and_cuts_long_lives(ada: Person):
    jar = services.create_jar(label="a", actor=ada.principal)
    text = "".join(
        f"example.org\tFALSE\t/\tFALSE\t{ends}\tc{ends}\tv\n" for ends in (1, 99_999_999_999_999)
    )
    assert services.import_netscape(jar_id=jar.pk, text=text, actor=ada.principal) == (1, 1)
    row = JarCookie.objects.get()
    assert row.expires_at is not None
    assert row.expires_at <= clock.now() + dt.timedelta(days=400)


def test_python_reads_what_export_writes_and_writes_what_import_reads(ada: Person, tmp_path):
    lines = (*LINES, "keep=1; Max-Age=3600; Path=/")
    jar_id = filled_jar(ada.principal, "a", *lines)
    path = tmp_path / "cookies.txt"
    path.write_text(services.export_netscape(jar_id=jar_id, actor=ada.principal, for_python=True))
    theirs = http.cookiejar.MozillaCookieJar(path)
    theirs.load(ignore_discard=True)
    request = urllib.request.Request(SITE)
    theirs.add_cookie_header(request)
    ours = header(ada.principal, jar_id)
    assert set(request.get_header("Cookie", "").split("; ")) == set(ours.split("; "))
    theirs.save(ignore_discard=True)
    other = services.create_jar(label="b", actor=ada.principal)
    services.import_netscape(jar_id=other.pk, text=path.read_text(), actor=ada.principal)
    assert set(header(ada.principal, other.pk).split("; ")) == set(ours.split("; "))
