"""Cookie jars over HTTP: shapes, scopes, strangers, and that nothing breaks them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.models import AuditEvent, IdempotencyKey
from sessions_app import constants
from sessions_app.models import CookieJar, JarCookie
from sessions_app.services import start_session
from sessions_app.tests.api import call
from sessions_app.tests.cookies import LINES, SITE, filled_jar
from tests.people import Person

pytestmark = pytest.mark.django_db
JARS = "jars/"


@pytest.fixture
def by_ada(ada: Person) -> str:
    return start_session(user=ada.user)[1]


@pytest.fixture
def jar(by_ada: str) -> str:
    """The path of a jar of Ada's."""
    made = call(by_ada, "POST", JARS, {"label": "crawler"})
    assert made.status_code == 201, made.json()
    return f"{JARS}{made.json()['id']}/"


def store(token: str, jar: str, *lines: str, **context):
    body = {"url": SITE, "set_cookie": list(lines), **context}
    return call(token, "POST", f"{jar}store/", body)


def test_from_set_cookie_to_cookie(by_ada: str, jar: str):
    stored = store(by_ada, jar, *LINES, "a=b; Domain=org")
    assert stored.status_code == 200
    outcomes = [row["outcome"] for row in stored.json()["results"]]
    assert outcomes == ["kept", "kept", "refused"]
    assert stored.json()["results"][2]["clause"] == "5.7 step 9"
    sent = call(by_ada, "POST", f"{jar}header/", {"url": SITE})
    assert sent.json() == {"cookie": "sid=secret-of-sid; theme=dark"}
    assert sent["Cache-Control"] == "no-store"
    nothing = call(by_ada, "POST", f"{jar}header/", {"url": "https://other.example/"})
    assert nothing.json() == {"cookie": None}


def test_lists_hold_no_values(by_ada: str, jar: str, caplog):
    store(by_ada, jar, *LINES)
    listed = call(by_ada, "GET", f"{jar}cookies/")
    assert [row["name"] for row in listed.json()["items"]] == ["theme", "sid"]
    assert "secret-of-sid" not in listed.content.decode() + caplog.text
    below = call(by_ada, "GET", f"{jar}cookies/?host=deep.example.org")
    assert [row["name"] for row in below.json()["items"]] == ["theme"]
    assert "value" not in str(list(AuditEvent.objects.values_list("data", flat=True)))


def test_one_cookie_is_removed(by_ada: str, jar: str):
    store(by_ada, jar, *LINES)
    first = call(by_ada, "GET", f"{jar}cookies/").json()["items"][0]["id"]
    assert call(by_ada, "DELETE", f"{jar}cookies/{first}/").status_code == 204
    assert call(by_ada, "DELETE", f"{jar}cookies/{first}/").status_code == 404
    assert JarCookie.objects.count() == 1


def test_files_leave_and_enter(by_ada: str, jar: str):
    store(by_ada, jar, *LINES)
    text = call(by_ada, "GET", f"{jar}export/?format=netscape")
    assert text["Content-Type"].startswith("text/plain")
    assert "\tsid\tsecret-of-sid\n" in text.content.decode()
    assert "\tTRUE\t\tsid\t" in call(by_ada, "GET", f"{jar}export/?format=python").content.decode()
    state = call(by_ada, "GET", f"{jar}export/")
    assert state.json()["origins"] == []
    for body in (
        {"format": "netscape", "file": text.content.decode()},
        {"format": "playwright", "state": state.json()},
    ):
        answer = call(by_ada, "POST", f"{jar}import/", body)
        assert answer.json() == {"imported": 2, "expired": 0}
    assert AuditEvent.objects.filter(action="cookie_jar.export").count() == 3
    assert JarCookie.objects.count() == 2


@pytest.mark.parametrize(
    "body",
    [
        {"format": "netscape"},
        {"format": "playwright", "file": ""},
        {"format": "netscape", "file": "x", "state": {}},
        {"format": "csv", "file": "x"},
        {"format": "playwright", "state": []},
    ],
)
def test_import_without_what_its_format_needs_is_400(by_ada: str, jar: str, body):
    assert call(by_ada, "POST", f"{jar}import/", body).status_code == 400


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("a=b\r\nX: y", "COOKIE_CONTROL_CHARACTER"),
        ("a=b\nX: y", "COOKIE_CONTROL_CHARACTER"),
        ("a=\0", "COOKIE_CONTROL_CHARACTER"),
        (f"a={'b' * 5_000}", "COOKIE_TOO_LARGE"),
        ("a=b; Domain=co.uk", "COOKIE_PUBLIC_SUFFIX"),
        ("__hOsT-a=b; Path=/", "COOKIE_PREFIX"),
    ],
)
def test_bad_line_alone_is_422_with_its_reason(by_ada: str, jar: str, line, code):
    answer = store(by_ada, jar, line)
    assert answer.status_code == 422
    assert answer.json()["code"] == "COOKIE_REFUSED"
    assert [fault["code"] for fault in answer.json()["errors"]] == [code]
    assert not JarCookie.objects.exists()


@pytest.mark.parametrize(
    "url", ["", "ftp://a.example/", "https://a b/", "//a.example/", "x" * 9_000]
)
def test_bad_url_is_refused(by_ada: str, jar: str, url):
    answer = call(by_ada, "POST", f"{jar}header/", {"url": url})
    assert answer.status_code in (400, 422)
    assert "url" in answer.content.decode().lower()


def test_strangers_find_nothing(by_ada: str, jar: str, bob: Person):
    by_bob = start_session(user=bob.user)[1]
    store(by_ada, jar, *LINES)
    for method, path, body in (
        ("GET", jar, None),
        ("DELETE", jar, None),
        ("GET", f"{jar}cookies/", None),
        ("GET", f"{jar}export/", None),
        ("POST", f"{jar}store/", {"url": SITE, "set_cookie": ["a=b"]}),
        ("POST", f"{jar}header/", {"url": SITE}),
        ("POST", f"{jar}import/", {"format": "netscape", "file": "# none"}),
    ):
        assert call(by_bob, method, path, body).status_code == 404, path
    assert call(by_bob, "GET", JARS).json()["items"] == []
    assert JarCookie.objects.count() == 2


def test_key_needs_the_scope(by_ada: str, jar: str):
    made = call(by_ada, "POST", "me/api-keys/", {"name": "r", "scopes": [constants.JARS_READ]})
    key = made.json()["key"]
    assert call(key, "GET", jar).status_code == 200
    assert call(key, "POST", f"{jar}header/", {"url": SITE}).status_code == 200
    refused = store(key, jar, "a=b")
    assert (refused.status_code, refused.json()["scope"]) == (403, constants.JARS_WRITE)
    assert call(key, "DELETE", jar).status_code == 403
    assert not JarCookie.objects.exists()


def test_jar_is_made_once_for_a_key(by_ada: str):
    for _ in range(2):
        answer = call(by_ada, "POST", JARS, {"label": "a"}, **{"Idempotency-Key": "once"})
        assert answer.status_code == 201
    assert CookieJar.objects.count() == 1
    assert IdempotencyKey.objects.count() == 1
    assert call(by_ada, "POST", JARS, {"label": "a"}).json()["code"] == "COOKIE_JAR_EXISTS"


@settings(max_examples=60)
@given(
    lines=st.lists(st.text(max_size=80), min_size=1, max_size=4),
    url=st.one_of(st.text(max_size=40), st.just(SITE)),
)
def test_no_input_breaks_a_jar(by_ada: str, ada: Person, lines, url):
    jar_id = CookieJar.objects.filter(label="any").values_list("pk", flat=True).first()
    jar = f"{JARS}{jar_id or filled_jar(ada.principal, 'any')}/"
    body = {"url": url, "set_cookie": lines}
    assert call(by_ada, "POST", f"{jar}store/", body).status_code in (200, 400, 422)
    sent = call(by_ada, "POST", f"{jar}header/", {"url": url})
    assert sent.status_code in (200, 400, 422)
    if sent.status_code == 200:
        assert not set(sent.json()["cookie"] or "") & set("\r\n\0")
    assert call(by_ada, "GET", f"{jar}export/?format=netscape").status_code == 200
