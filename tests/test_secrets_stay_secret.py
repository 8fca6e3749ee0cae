"""Every flow there is over the real service, then a search for every secret it gave away.

Nothing that opens anything may be read from a dump of the database, from the logs or from a mail,
but for the one-time link in the one mail to its owner.
"""

from __future__ import annotations

import base64
import contextlib
import email
import email.policy
import os
import re
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest

from core.embedded import binaries
from tests.database import url_of
from tests.http import Client
from tests.serving import Service

API = "/api/v1"
PASSWORD = "correct horse battery staple, and more"
NEWER = "a completely different sentence this time"
NEWEST = "and now for something completely different"
HEADERS = {"user_agent": "a-test/1.0"}
# Members of answers, at any depth, that open something.
SECRET_MEMBERS = frozenset(
    {"token", "refresh_token", "access_token", "device_token", "csrf_token", "key", "secret"}
    | {"set_cookie", "codes", "recovery_codes", "uri"}
)
SECRET_LENGTH_MIN = 12
LINK = re.compile(r"https?://\S+#token=([A-Za-z0-9_-]+)")


class Flows:
    """A person who does everything, and all that must not be found afterwards."""

    def __init__(self, service: Service, mail_folder: Path) -> None:
        self.service = service
        self.mail_folder = mail_folder
        self.client = Client(service.url)
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
        for cookie in found.get("set-cookie", "").split(","):
            value = cookie.partition("=")[2].partition(";")[0].strip('" ')
            if len(value) >= SECRET_LENGTH_MIN:
                self.keep(f"{method} {path}: cookie", value)
        return answer

    def work(self) -> None:
        """Let the worker do what waits, such as sending mails."""
        self.service.command("procrastinate", "worker", "--one-shot")

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
        """Log in; later calls go in this name."""
        self.client.token = ""
        body = {"email": address, "password": password, **wishes}
        answer = self.call("POST", "auth/login/", body)
        self.client.token = answer["token"]
        return answer

    def log_in_by_page(self, address: str, password: str) -> None:
        """Log in as a browser does: the token comes as a cookie."""
        self.client.token = ""
        _, found, answer = self.client.call("GET", f"{API}/auth/csrf/")
        cookie = found["set-cookie"].partition(";")[0]
        body = {"email": address, "password": password, "cookie": True}
        headers = {"X_CSRFToken": answer["csrf_token"], "Cookie": cookie}
        self.call("POST", "auth/login/", body, Origin=self.service.url, **headers)

    def _keep_all(self, where: str, node: Any, name: str = "") -> None:
        if isinstance(node, dict):
            for member, child in node.items():
                self._keep_all(where, child, member)
        elif isinstance(node, list):
            for child in node:
                self._keep_all(where, child, name)
        elif isinstance(node, str) and name in SECRET_MEMBERS and len(node) >= SECRET_LENGTH_MIN:
            self.keep(f"{where}: {name}", node)


def _text(mail: Any) -> str:
    return "".join(
        part.get_content() for part in mail.walk() if part.get_content_type()[:4] == "text"
    )


def join(flows: Flows) -> None:
    """Register, verify, log in, refresh, project, log out."""
    flows.keep("password", PASSWORD)
    flows.call("POST", "auth/register/", {"email": "ada@example.org", "password": PASSWORD})
    flows.call("POST", "auth/verify-email/", {"token": flows.link_to("ada@example.org")})
    with contextlib.suppress(AssertionError):
        flows.log_in("ada@example.org", "a wrong password, but a long one")
    answer = flows.log_in("ada@example.org", PASSWORD, refresh=True)
    flows.client.token = flows.call(
        "POST", "auth/refresh/", {"refresh_token": answer["refresh_token"]}
    )["token"]
    flows.call("POST", "auth/logout/")
    flows.client.call("POST", f"{API}/auth/logout/")
    flows.log_in_by_page("ada@example.org", PASSWORD)


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
    command = flows.service.command("service_key_create", "nightly", "--scope", "account:read")
    flows.keep("service key", command.stdout.rsplit(": ", 1)[1].strip())


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
    """Make a member of staff, who imports people with their hashes."""
    made = flows.service.command("staff_create", "--email", "root@staff.example", "--role", "admin")
    password = flows.keep("staff password", made.stdout.rsplit("): ", 1)[1].strip())
    flows.log_in("root@staff.example", password)
    digest = flows.keep("imported digest", "DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3")
    rows = [{"email": "eve@example.org", "password_hash": f"{{SSHA}}{digest}"}]
    flows.call("POST", "users/import/", {"rows": rows})
    flows.work()


FLOWS = (staff_come_in, join, change_secrets, use_keys, keep_cookies, hear_events)


def dump(service: Service) -> str:
    """Return the database as ``pg_dump`` writes it."""
    programs = binaries.postgres_programs(os.environ.get("PG_BIN_DIR"), binaries.service_identity())
    done = subprocess.run(
        [programs / "pg_dump", "--no-owner", url_of("superuser", service.database)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "COPY public.users" in done.stdout
    return done.stdout


def forms_of(secret: str) -> set[str]:
    """Return how ``secret``, or the half of it that opens things, may lie somewhere."""
    raw = secret.encode()
    forms = {secret, raw.hex(), base64.b64encode(raw).decode().rstrip("=")}
    forms.add(secret[len(secret) // 2 :] if len(secret) > 30 and " " not in secret else secret)
    with contextlib.suppress(ValueError):
        forms.add(base64.b32decode(secret + "=" * (-len(secret) % 8)).hex())
    return forms


def found_in(text: str, secrets: dict[str, str]) -> set[str]:
    """Return the names of the secrets that ``text`` gives away."""
    return {
        name for secret, name in secrets.items() if any(form in text for form in forms_of(secret))
    }


@pytest.fixture
def flows(serve, tmp_path: Path) -> Flows:
    folder = tmp_path / "mails"
    return Flows(
        serve(workers=1, LOG_LEVEL="DEBUG", MAIL_TRANSPORT="file", MAIL_FOLDER=str(folder)),
        folder,
    )


def test_nothing_that_opens_anything_is_in_database_logs_or_mails(flows: Flows):
    waiting = ""
    for flow in FLOWS:
        flow(flows)
        waiting += dump(flows.service)
    flows.work()
    everything = {**flows.secrets, **dict.fromkeys(flows.link_tokens, "link")}
    assert len(everything) > 20
    assert found_in(waiting + dump(flows.service), everything) == set()
    logs = flows.service.log.read_text()
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
