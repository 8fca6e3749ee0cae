"""The user agent: what it keeps, what it refuses and by which clause, what it sends."""

from __future__ import annotations

import contextlib
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions_app import conformance
from sessions_app.rfc6265 import hosts
from sessions_app.rfc6265.cookies import AGE_MAX, Ignored
from sessions_app.rfc6265.dates import parse_cookie_date
from sessions_app.rfc6265.exchanges import NotAUrl, exchange_with, place_of
from sessions_app.rfc6265.jar import PER_DOMAIN_MAX, PER_JAR_MAX, Jar, header_of
from sessions_app.rfc6265.paths import default_path, path_matches

NOW = dt.datetime(2026, 11, 21, 9, tzinfo=dt.UTC)
SITE = "https://www.example.org/shop/cart"


def kept(*lines: str, url: str = SITE, jar: Jar | None = None, **how) -> Jar:
    jar = jar or Jar()
    for line in lines:
        jar.receive(line, exchange_with(url, **how), at=NOW)
    return jar


def sent(jar: Jar, url: str = SITE, *, at: dt.datetime = NOW, **how) -> str:
    return header_of(jar.choose(exchange_with(url, **how), at=at))


def refusal(line: str, url: str = SITE, jar: Jar | None = None, **how) -> str:
    jar = jar or Jar()
    before = dict(jar.cookies)
    with pytest.raises(Ignored) as raised:
        jar.receive(line, exchange_with(url, **how), at=NOW)
    assert jar.cookies == before
    return raised.value.code


VECTORS = list(conformance.vectors())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_public_vector(vector):
    agrees = conformance.answer_to(vector) == vector.expected
    assert agrees == (vector.name not in conformance.DIFFERENCES)


def test_all_public_vectors_are_there_and_counted():
    assert len(VECTORS) == 222
    assert set(conformance.DIFFERENCES) <= {vector.name for vector in VECTORS}
    assert "**195 of 222**" in conformance.table()
    assert "unexplained" not in conformance.table()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("a=b\r\nSet-Cookie: c=d", "COOKIE_CONTROL_CHARACTER"),
        ("a=b\nc", "COOKIE_CONTROL_CHARACTER"),
        ("a=b\0", "COOKIE_CONTROL_CHARACTER"),
        ("a=b; Path=/\x7f", "COOKIE_CONTROL_CHARACTER"),
        ("=", "COOKIE_EMPTY"),
        (f"a={'b' * 4096}", "COOKIE_TOO_LARGE"),
        (f"a={'é' * 2048}", "COOKIE_TOO_LARGE"),
        ("a=b; Domain=org", "COOKIE_PUBLIC_SUFFIX"),
        ("a=b; Domain=.ORG", "COOKIE_PUBLIC_SUFFIX"),
        ("a=b; Domain=other.org", "COOKIE_DOMAIN"),
        ("a=b; Domain=bücher.example", "COOKIE_DOMAIN"),
        ("a=b; Domain=www.example.org.", "COOKIE_DOMAIN"),
        ("a=b; SameSite=None", "COOKIE_SAME_SITE"),
        ("a=b; Partitioned", "COOKIE_PARTITIONED"),
        ("__Secure-a=b", "COOKIE_PREFIX"),
        ("__sEcUrE-a=b", "COOKIE_PREFIX"),
        ("__Host-a=b; Path=/", "COOKIE_PREFIX"),
        ("__host-a=b; Secure", "COOKIE_PREFIX"),
        ("__HOST-a=b; Secure; Path=/shop", "COOKIE_PREFIX"),
        ("__host-a=b; Secure; Path=/; Domain=example.org", "COOKIE_PREFIX"),
        ("__Host-a", "COOKIE_PREFIX"),
        ("=__secure-a=b", "COOKIE_PREFIX"),
    ],
)
def test_attack_27_refused_with_its_reason_and_nothing_kept(line, code):
    assert refusal(line) == code


def test_largest_pair_is_kept_and_long_attributes_are_not():
    jar = kept(f"a={'b' * 4095}; Path=/{'p' * 1024}")
    (key,) = jar.cookies
    assert key.path == "/shop"


def test_suffix_lists_know_registries_and_hosters():
    assert refusal("a=b; Domain=co.uk", "https://www.example.co.uk/") == "COOKIE_PUBLIC_SUFFIX"
    assert refusal("a=b; Domain=github.io", "https://ada.github.io/") == "COOKIE_PUBLIC_SUFFIX"
    (own,) = kept("a=b; Domain=github.io", url="https://github.io/").cookies
    assert own.host_only


def test_attack_27_host_only_stays_and_domain_reaches_down():
    jar = kept("host=1", "domain=2; Domain=example.org")
    assert sent(jar) == "host=1; domain=2"
    assert sent(jar, "https://deep.www.example.org/shop/") == "domain=2"
    assert sent(jar, "https://example.org/shop/") == "domain=2"
    assert sent(jar, "https://notexample.org/shop/") == ""


def test_address_has_no_subdomains():
    jar = kept("a=b; Domain=10.0.0.1", url="http://10.0.0.1/")
    assert sent(jar, "http://10.0.0.1/") == "a=b"
    assert refusal("a=b; Domain=0.0.1", "http://10.0.0.1/") == "COOKIE_DOMAIN"
    assert sent(kept("a=b", url="http://[::1]/"), "http://[0:0::1]/") == "a=b"


def test_attack_27_secure_neither_comes_nor_goes_in_the_clear():
    plain = "http://www.example.org/shop/"
    assert refusal("a=b; Secure", plain) == "COOKIE_SECURE"
    jar = kept("a=b; Secure; Path=/")
    assert sent(jar, plain) == ""
    assert sent(jar) == "a=b"
    assert sent(kept("a=b; Secure", url="http://localhost/"), "http://localhost/") == "a=b"


def test_what_came_in_the_clear_hides_no_secure_cookie():
    jar = kept("sid=good; Secure; Path=/login")
    plain = "http://evil.www.example.org/login/en"
    jar_with_domain = kept("sid=good; Secure; Path=/login; Domain=example.org", jar=jar)
    assert refusal("sid=bad", plain, jar_with_domain) == "COOKIE_OVERLAYS_SECURE"
    kept("sid=other; Path=/", url=plain, jar=jar_with_domain)


def test_scripts_neither_see_nor_replace_http_only():
    jar = kept("a=b; HttpOnly", "c=d")
    assert sent(jar, is_http=False) == "c=d"
    assert refusal("a=x", jar=jar, is_http=False) == "COOKIE_HTTP_ONLY"
    assert refusal("z=x; HttpOnly", jar=jar, is_http=False) == "COOKIE_HTTP_ONLY"


def test_same_site_by_context():
    jar = kept("s=1; SameSite=Strict", "l=2; SameSite=lax", "d=3", "n=4; SameSite=None; Secure")
    other = "https://other.example/"
    assert sent(jar, initiator="https://example.org/") == "s=1; l=2; d=3; n=4"
    assert sent(jar, initiator=other, is_navigation=True) == "l=2; d=3; n=4"
    assert sent(jar, initiator=other, is_navigation=True, method="POST") == "n=4"
    assert sent(jar, initiator=other) == "n=4"
    assert sent(jar, initiator="http://example.org/") == "n=4"
    assert sent(jar, initiator="https://example.org/", top_level=other) == "n=4"
    assert refusal("x=1; SameSite=Lax", initiator=other) == "COOKIE_SAME_SITE"
    kept("x=1; SameSite=Strict", initiator=other, is_navigation=True)


def test_partitioned_stays_with_the_site_it_was_set_under():
    one, two = "https://one.example/", "https://two.example/"
    line = "__Host-p=1; Secure; Path=/; SameSite=None; Partitioned"
    jar = kept(line, initiator=one)
    assert sent(jar, initiator=one) == "__Host-p=1"
    assert sent(jar, initiator=two) == ""
    assert sent(jar, is_navigation=True) == ""
    kept(line.replace("=1", "=2"), jar=jar, initiator=two)
    assert len(jar.cookies) == 2


def test_order_is_longest_path_then_oldest_and_an_update_stays_old():
    jar = kept("a=1; Path=/", "b=2; Path=/", "c=3; Path=/shop")
    jar.receive("a=9; Path=/", exchange_with(SITE), at=NOW + dt.timedelta(hours=1))
    assert sent(jar) == "c=3; a=9; b=2"
    assert len(jar.cookies) == 3


@pytest.mark.parametrize(
    ("attributes", "lives_s"),
    [
        ("Max-Age=60", 60),
        ("Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 60),
        (f"Max-Age={'9' * 900}", AGE_MAX.total_seconds()),
        ("Expires=Fri, 31 Dec 9999 23:59:59 GMT", AGE_MAX.total_seconds()),
        ("Expires=Sat, 21 Nov 2026 09:00:30 GMT", 30),
        ("Expires=never", None),
        ("Max-Age=1.5", None),
        ("Max-Age=", None),
        ("Max-Age=٣", None),
    ],
)
def test_lifetime(attributes, lives_s):
    (cookie,) = kept(f"a=b; {attributes}").cookies.values()
    if lives_s is None:
        assert cookie.expires_at is None
    else:
        assert cookie.expires_at == NOW + dt.timedelta(seconds=lives_s)
        jar = Jar([cookie])
        assert sent(jar, at=cookie.expires_at - dt.timedelta(seconds=1)) == "a=b"
        assert sent(jar, at=cookie.expires_at) == ""


@pytest.mark.parametrize(
    "over", ["Max-Age=0", "Max-Age=-1", "Expires=Thu, 01 Jan 1970 00:00:00 GMT"]
)
def test_expired_line_removes(over):
    jar = kept("a=b")
    kept(f"a=; {over}", jar=jar)
    assert jar.cookies == {}


def test_excess_goes_by_priority():
    jar = Jar()
    receive = lambda name, extra="", host="a.example": jar.receive(  # noqa: E731
        f"{name}=1{extra}", exchange_with(f"https://{host}/"), at=NOW
    )
    receive("safe", "; Secure")
    for number in range(PER_DOMAIN_MAX):
        receive(f"n{number}")
    jar.evict(at=NOW)
    names = {key.name for key in jar.cookies}
    assert len(names) == PER_DOMAIN_MAX
    assert "safe" in names
    assert "n0" not in names
    for number in range(PER_JAR_MAX):
        receive("one", host=f"h{number}.example")
    jar.evict(at=NOW)
    assert len(jar.cookies) == PER_JAR_MAX
    jar.evict(at=NOW + AGE_MAX)
    assert len(jar.cookies) == PER_JAR_MAX  # none of these has an end


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fri, 07 Aug 2027 08:04:19 GMT", (2027, 8, 7, 8, 4, 19)),
        ("Sunday, 18-Apr-27 21:06:29 GMT", (2027, 4, 18, 21, 6, 29)),
        ("1:2:3 4 jan 1970", (1970, 1, 4, 1, 2, 3)),
        ("1:2:3 4 jan 69", (2069, 1, 4, 1, 2, 3)),
        ("1:2:3 4 jan 70", (1970, 1, 4, 1, 2, 3)),
        ("1:2:3 30 feb 2027", None),
        ("24:00:00 1 jan 2027", None),
        ("1:2:3 4 jan 1600", None),
        ("1:2:3 0 jan 2027", None),
        ("4 jan 2027", None),
        ("", None),
    ],
)
def test_dates(text, expected):
    date = parse_cookie_date(text)
    assert (date and date.timetuple()[:6]) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("WWW.Example.ORG", "www.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("my_host.example", "my_host.example"),
        ("xn--0.example", None),
        ("-a.example", None),
        ("a..example", None),
        ("example.org.", None),
        ("", None),
        ("a b", None),
        ("127.0.0.1", "127.0.0.1"),
        ("0:0::1", "::1"),
    ],
)
def test_canonical_hosts(host, expected):
    assert hosts.canonical_host(host) == expected


NOT_URLS = [
    "/path",
    "ftp://a.example/",
    "https://",
    "https://a.example:x/",
    "https://a.example\\@b.example/",
    "javascript:alert(1)",
    "https://[::1/",
    "https://a..example/",
]


@pytest.mark.parametrize("url", ["", "http://a b/", "https://a\nb.example/", *NOT_URLS])
def test_not_a_url(url):
    with pytest.raises(NotAUrl):
        place_of(url)


def test_paths():
    assert [default_path(path) for path in ("", "a", "/", "/a", "/a/", "/a/b")] == [
        *("/", "/", "/", "/", "/a", "/a")
    ]
    assert path_matches("/a/b", "/a")
    assert path_matches("/a/b", "/a/")
    assert not path_matches("/ab", "/a")


@given(st.text(max_size=300))
def test_no_line_breaks_the_user_agent_or_the_header(line):
    jar = Jar()
    try:
        cookie = jar.receive(line, exchange_with(SITE), at=NOW)
    except Ignored:
        assert jar.cookies == {}
        return
    header = sent(jar, f"https://www.example.org{cookie.key.path}")
    assert not set(header) & set("\r\n\0;")
    assert header in ("", cookie.pair())


@given(
    st.text(st.characters(exclude_characters=";=", exclude_categories=["Cc", "Cs"]), max_size=40),
    st.text(st.characters(exclude_characters=";", exclude_categories=["Cc", "Cs"]), max_size=40),
)
def test_accepted_pair_comes_back_byte_for_byte(name, value):
    name, value = name.strip(" \t"), value.strip(" \t")
    if not name or name.lower().startswith("__"):
        return
    jar = kept(f"{name}={value}; Path=/")
    assert sent(jar) == f"{name}={value}"


@given(st.text(max_size=60))
def test_no_text_breaks_dates_hosts_or_urls(text):
    parse_cookie_date(text)
    host = hosts.canonical_host(text)
    assert host is None or hosts.canonical_host(host) == host
    with contextlib.suppress(NotAUrl):
        place_of(f"https://{text}/")
