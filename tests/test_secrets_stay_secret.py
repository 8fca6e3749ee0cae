"""Every flow there is over the real service, then a search for every secret it gave away.

Nothing that opens anything may be read from a dump of the database, from the logs or from a mail,
but for the one-time link in the one mail to its owner.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import email
import email.policy
import re
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from accounts import constants, totp
from accounts.tests.authenticator import SoftwarePasskey
from tests.http import Client
from tests.serving import Service
from tests.spilled import dumped, found_in

API = "/api/v1"
PASSWORD = "correct horse battery staple, and more"
NEWER = "a completely different sentence this time"
NEWEST = "and now for something completely different"
HEADERS = {"user_agent": "a-test/1.0"}
# Members of answers, at any depth, that open something.
SECRET_MEMBERS = frozenset(
    {"token", "refresh_token", "access_token", "device_token", "csrf_token", "key", "secret"}
    | {"set_cookie", "codes", "recovery_codes", "uri", "challenge"}
)
SECRET_LENGTH_MIN = 12
LINK = re.compile(r"https?://\S+#token=([A-Za-z0-9_-]+)")


class Flows:
    """A person who does everything, and all that must not be found afterwards."""

    def __init__(self, service: Service, mail_folder: Path) -> None:
        self.service = service
        self.mail_folder = mail_folder
        self.client = Client(service.url)
        self.staff_password = ""
        self.jobs_log = ""
        self.secrets: dict[str, str] = {}
        self.link_tokens: dict[str, str] = {}

    def keep(self, name: str, secret: str) -> str:
        """Remember a secret under a name that may be shown."""
        assert len(secret) >= SECRET_LENGTH_MIN, name
        self.secrets[secret] = name
        return secret

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request that must succeed; keep the secrets of its answer."""
        status, found, answer = self.client.call(method, f"{API}/{path}", body, **headers)
        assert status < 300, (method, path, status, answer)
        self._keep_all(f"{method} {path}", answer)
        self._keep_cookies(f"{method} {path}", found.get("set-cookie", ""))
        return answer

    def work(self) -> None:
        """Let the worker do what waits, such as sending mails."""
        done = self.service.command("procrastinate", "worker", "--one-shot")
        self.jobs_log += done.stdout + done.stderr

    def link_to(self, address: str) -> str:
        """Return the token in the newest mail to ``address``."""
        self.work()
        mails = [mail for mail in self.mails() if address in mail["To"]]
        token = LINK.findall(_text(mails[-1]))[-1]
        self.link_tokens[token] = address
        return str(token)

    def mails(self) -> list[Any]:
        """Return every mail that was sent, oldest first."""
        files = sorted(self.mail_folder.glob("*"), key=lambda file: file.stat().st_mtime_ns)
        return [
            email.message_from_bytes(part.strip() + b"\n", policy=email.policy.default)
            for file in files
            for part in file.read_bytes().split(b"-" * 79)
            if part.strip()
        ]

    def log_in(self, address: str, password: str, **wishes: bool) -> Any:
        """Log in; later calls go in this name, once a second factor was given too."""
        self.client.token = ""
        body = {"email": address, "password": password, **wishes}
        answer = self.call("POST", "auth/login/", body)
        self.client.token = answer.get("token", "")
        return answer

    def answer(self, path: str, **body: Any) -> None:
        """Answer a question that a login asked; later calls go in this name."""
        self.client.token = self.call("POST", path, body)["token"]

    def from_page(self, path: str, body: Any = None, *, cookies: str = "") -> str:
        """Send what a page in a browser sends; return the cookies it sends then."""
        self.client.token = ""
        _, found, answer = self.client.call("GET", f"{API}/auth/csrf/")
        sent = "; ".join(filter(None, [cookies, found["set-cookie"].partition(";")[0]]))
        headers = {"X_CSRFToken": answer["csrf_token"], "Cookie": sent, "Origin": self.service.url}
        status, found, answer = self.client.call("POST", f"{API}/{path}", body, **headers)
        assert status == 200, (path, status, answer)
        self._keep_all(path, answer)
        return "; ".join(self._keep_cookies(path, found["set-cookie"]))

    def register(self, address: str) -> None:
        """Register somebody and prove the address."""
        self.call("POST", "auth/register/", {"email": address, "password": PASSWORD})
        self.call("POST", "auth/verify-email/", {"token": self.link_to(address)})

    def service_key(self, name: str, *scopes: str) -> str:
        """Make a key for a service."""
        wanted = [part for scope in scopes for part in ("--scope", scope)]
        made = self.service.command("service_key_create", name, *wanted)
        return self.keep(f"key of {name}", made.stdout.rsplit(": ", 1)[1].strip())

    def _keep_cookies(self, where: str, lines: str) -> list[str]:
        pairs = [line.partition(";")[0].strip() for line in lines.split(",")]
        kept = [pair for pair in pairs if len(_value_in(pair)) >= SECRET_LENGTH_MIN]
        for pair in kept:
            self.keep(f"{where}: cookie", _value_in(pair))
        return kept

    def _keep_all(self, where: str, node: Any, name: str = "") -> None:
        if isinstance(node, dict):
            for member, child in node.items():
                self._keep_all(where, child, member)
        elif isinstance(node, list):
            for child in node:
                self._keep_all(where, child, name)
        elif isinstance(node, str) and name == "set_cookie":
            self._keep_cookies(where, node)
        elif isinstance(node, str) and name in SECRET_MEMBERS and len(node) >= SECRET_LENGTH_MIN:
            self.keep(f"{where}: {name}", node)


def _value_in(pair: str) -> str:
    return pair.partition("=")[2].strip('"')


def _text(mail: Any) -> str:
    return "".join(
        part.get_content() for part in mail.walk() if part.get_content_type()[:4] == "text"
    )


def join(flows: Flows) -> None:
    """Register, verify, log in, refresh, project, log out."""
    flows.keep("password", PASSWORD)
    flows.register("ada@example.org")
    with contextlib.suppress(AssertionError):
        flows.log_in("ada@example.org", "a wrong password, but a long one")
    answer = flows.log_in("ada@example.org", PASSWORD, refresh=True)
    flows.client.token = flows.call(
        "POST", "auth/refresh/", {"refresh_token": answer["refresh_token"]}
    )["token"]
    jwt = flows.call("POST", "auth/token/", {})["access_token"]
    session, flows.client.token = flows.client.token, jwt
    flows.call("GET", "me/")
    flows.client.token = session
    flows.call("POST", "auth/logout/")
    flows.client.call("POST", f"{API}/auth/logout/")


def stay_on_a_device(flows: Flows) -> None:
    """Log in as a browser that is remembered, and come back twice."""
    login = {"email": "ada@example.org", "password": PASSWORD, "cookie": True, "remember": True}
    cookies = flows.from_page("auth/login/", login)
    for _ in range(2):
        remembered = [pair for pair in cookies.split("; ") if "remember" in pair.partition("=")[0]]
        assert remembered
        cookies = flows.from_page("auth/remembered/", cookies="; ".join(remembered))


def prove_two_things(flows: Flows) -> None:
    """Enrol an app and use it, use a recovery code, make new ones, lose it all."""
    flows.register("cora@example.org")
    flows.log_in("cora@example.org", PASSWORD)
    begun = flows.call("POST", "me/mfa/factors/", {"kind": "totp", "label": "Telephone"})
    step = int(time.time()) // constants.TOTP_STEP_S
    early, now = (totp.code_of_step(begun["app"]["secret"], step + at) for at in (-1, 0))
    codes = flows.call("POST", f"me/mfa/factors/{begun['id']}/confirm/", {"code": early})
    assert len(codes["recovery_codes"]) == 10
    for code in (now, codes["recovery_codes"][0]):
        asked = flows.log_in("cora@example.org", PASSWORD)
        flows.answer("auth/mfa/verify/", challenge=asked["challenge"], code=code)
    flows.call("POST", "me/mfa/recovery-codes/")
    # A wrong answer and one that was used before are logged too.
    asked = flows.log_in("cora@example.org", PASSWORD)
    for code in (codes["recovery_codes"][0], "000000"):
        body = {"challenge": asked["challenge"], "code": code}
        assert flows.client.call("POST", f"{API}/auth/mfa/verify/", body)[0] == 401


def use_a_passkey(flows: Flows) -> None:
    """Add a passkey, and log in by it alone."""
    flows.register("dora@example.org")
    flows.log_in("dora@example.org", PASSWORD)
    begun = flows.call("POST", "me/mfa/factors/", {"kind": "passkey", "label": "Key"})
    passkey = SoftwarePasskey()
    proof = {"credential": passkey.create(begun["passkey"])}
    flows.call("POST", f"me/mfa/factors/{begun['id']}/confirm/", proof)
    flows.client.token = ""
    asked = flows.call("POST", "auth/webauthn/login/options/")
    proof = {"credential": passkey.get(asked["passkey"])}
    flows.answer("auth/webauthn/login/complete/", challenge=asked["challenge"], **proof)
    flows.call("GET", "me/")


def come_as_a_guest(flows: Flows) -> None:
    """Put something aside as a guest, log in and take it over; a service asks who that is."""
    key = flows.service_key("shop", "sessions:write", "sessions:introspect")
    flows.client.token = key
    guest = flows.call("POST", "sessions/")
    flows.log_in("ada@example.org", PASSWORD)
    attach = f"sessions/{guest['session']['id']}/attach/"
    token = flows.call("POST", attach, {"guest_token": guest["token"]})["token"]
    flows.client.token = key
    assert flows.call("POST", "sessions/introspect/", {"token": token})["active"] is True


def be_acted_for(flows: Flows) -> None:
    """Let staff act in the person's name, and stop."""
    flows.log_in("ada@example.org", PASSWORD)
    whom = flows.call("GET", "me/")["id"]
    flows.log_in("root@staff.example", flows.staff_password)
    flows.answer(f"users/{whom}/impersonate/", reason="Ticket 4711: a test")
    flows.call("DELETE", "impersonation/")


def get_cookies(flows: Flows) -> None:
    """Issue a cookie with a value behind it, and resolve it twice."""
    flows.log_in("root@staff.example", flows.staff_password)
    basket = {"name": "basket", "category": "necessary", "purpose": "Keeps the basket."}
    flows.call("POST", "cookie-definitions/", {**basket, "max_age_s": 86_400})
    flows.client.token = flows.service_key("cookies", "cookies:issue", "cookies:resolve")
    value = flows.keep("value behind a cookie", "two pounds of tea, and a discount")
    handed = flows.call("POST", "cookies/issue/", {"name": "basket", "value": value})
    for _ in range(2):
        token = _value_in(handed["set_cookie"].partition(";")[0])
        handed = flows.call("POST", "cookies/resolve/", {"name": "basket", "token": token})
        assert handed["value"] == value


def change_secrets(flows: Flows) -> None:
    """Change the password, reset it, change the address."""
    flows.keep("newer password", NEWER)
    flows.keep("newest password", NEWEST)
    flows.log_in("ada@example.org", PASSWORD)
    flows.call("POST", "auth/password/change/", {"old_password": PASSWORD, "password": NEWER})
    flows.call("POST", "auth/password/forgot/", {"email": "ada@example.org"})
    token = flows.link_to("ada@example.org")
    flows.call("POST", "auth/password/reset/", {"token": token, "password": NEWEST})
    flows.log_in("ada@example.org", NEWEST)
    flows.call("POST", "me/email/", {"email": "ada@elsewhere.example"})
    flows.call("POST", "auth/email/confirm/", {"token": flows.link_to("ada@elsewhere.example")})


def use_keys(flows: Flows) -> None:
    """Make, use, rotate and revoke an API key."""
    flows.log_in("ada@elsewhere.example", NEWEST)
    session = flows.client.token
    made = flows.call("POST", "me/api-keys/", {"name": "export", "scopes": ["account:read"]})
    rotated = flows.call("POST", f"me/api-keys/{made['api_key']['id']}/rotate/", {"overlap_s": 60})
    for key in (made["key"], rotated["key"]):
        flows.client.token = key
        flows.call("GET", "me/")
        flows.client.call("POST", f"{API}/me/api-keys/", {"name": "no", "scopes": ["x"]})
    flows.client.token = session
    flows.call("DELETE", f"me/api-keys/{made['api_key']['id']}/")
    flows.service_key("nightly", "account:read")


def keep_cookies(flows: Flows) -> None:
    """Keep other people's cookies in a jar."""
    value = flows.keep("cookie in a jar", "kept-for-ada-0123456789")
    jar = flows.call("POST", "jars/", {"label": "crawler"})["id"]
    site = "https://www.example.org/"
    lines = [f"sid={value}; Path=/; Secure; HttpOnly"]
    flows.call("POST", f"jars/{jar}/store/", {"url": site, "set_cookie": lines})
    flows.call("POST", f"jars/{jar}/header/", {"url": site})


def hear_events(flows: Flows) -> None:
    """Make a webhook and change its secret."""
    made = flows.call("POST", "webhooks/", {"url": "https://8.8.8.8/", "topics": ["*"]})
    flows.call("POST", f"webhooks/{made['id']}/rotate-secret/", {})
    # Nobody is called from a test.
    flows.call("PATCH", f"webhooks/{made['id']}/", {"is_enabled": False}, If_Match='"v2"')


def staff_come_in(flows: Flows) -> None:
    """Make a member of staff, who imports people with their hashes and invites somebody."""
    made = flows.service.command("staff_create", "--email", "root@staff.example", "--role", "admin")
    flows.staff_password = flows.keep("staff password", made.stdout.rsplit("): ", 1)[1].strip())
    flows.log_in("root@staff.example", flows.staff_password)
    choice = {"old_password": flows.staff_password, "password": "a sentence of my own choosing"}
    flows.call("POST", "auth/password/change/", choice)
    flows.staff_password = flows.keep("password of staff's own", choice["password"])
    digest = flows.keep("imported digest", "DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3")
    rows = [{"email": "eve@example.org", "password_hash": f"{{SSHA}}{digest}"}]
    flows.call("POST", "users/import/", {"rows": rows})
    flows.work()
    flows.call("POST", "invitations/", {"email": "fay@example.org"})
    invited = {"token": flows.link_to("fay@example.org"), "password": PASSWORD}
    flows.call("POST", "invitations/accept/", invited)


FLOWS = (
    *(staff_come_in, join, stay_on_a_device, prove_two_things, use_a_passkey, come_as_a_guest),
    *(be_acted_for, get_cookies, change_secrets, use_keys, keep_cookies, hear_events),
)


@pytest.fixture
def flows(serve, settings, tmp_path: Path) -> Flows:
    folder = tmp_path / "mails"
    service = serve(workers=1, LOG_LEVEL="DEBUG", MAIL_TRANSPORT="file", MAIL_FOLDER=str(folder))
    # The passkey signs where it is used.
    settings.ENV = dataclasses.replace(settings.ENV, public_url=service.url)
    return Flows(service, folder)


def test_nothing_that_opens_anything_is_in_database_logs_or_mails(flows: Flows):
    waiting = ""
    for flow in FLOWS:
        flow(flows)
        waiting += dumped(flows.service.database)
    flows.work()
    everything = {**flows.secrets, **dict.fromkeys(flows.link_tokens, "link")}
    assert len(everything) > 60
    assert found_in(waiting + dumped(flows.service.database), everything) == set()
    logs = flows.service.log.read_text() + flows.jobs_log
    assert "/api/v1/auth/login/" in logs
    assert found_in(logs, everything) == set()
    mails = [_text(mail) for mail in flows.mails()]
    assert found_in("".join(mails), flows.secrets) == set()
    for token in flows.link_tokens:
        assert sum(token in mail for mail in mails) == 1


def test_search_finds_what_lies_open():
    secret = "srk_" + uuid.uuid4().hex * 2
    for form in (secret, secret.encode().hex(), base64.b64encode(secret.encode()).decode()):
        assert found_in(f"x {form} y", {secret: "it"}) == {"it"}
    assert found_in("nothing", {secret: "it"}) == set()
