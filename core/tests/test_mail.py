"""Mails: every text, both forms, each way of sending, and no secret where it does not belong."""

from __future__ import annotations

import email
import logging
import smtplib
import socketserver
import threading
from collections.abc import Iterator
from email import policy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.template import engines
from django.test import override_settings
from typing_extensions import override

from core import breaker, clock, mail, sealed_facts
from core.crypto import SealBroken
from core.models import CircuitBreaker
from tests.mailbox import run_jobs

SMTP = "core.smtp.GuardedEmailBackend"
TEMPLATES = sorted(
    path.stem
    for path in (Path(django_settings.BASE_DIR) / "templates" / "mail").glob("*.txt")
    if path.stem != "base"
)
FACTS: dict[str, Any] = {
    "when": "1 May 2026 at 10:00 UTC",
    "address": "203.0.113.7",
    "link": "https://x.example/#t",
    "kind": "passkey",
    "left": 9,
    "began": "30 April 2026 at 9:00 UTC",
    "due_on": "31 May 2026",
    "hours": 24,
}
LINK = {"link": "https://strongroom.example/account/reset-password/#token=otl_secret"}


@pytest.fixture
def missing_facts_show(monkeypatch):
    """Let a template that names what nobody gives it say so."""
    engine: Any = engines["django"]
    monkeypatch.setattr(engine.engine, "string_if_invalid", "MISSING")


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_mail_renders_in_both_forms(template, missing_facts_show):
    rendered = mail.render(template, FACTS)
    assert rendered.subject
    assert "\n" not in rendered.subject
    assert len(rendered.text) > 80
    for form in (rendered.subject, rendered.text, rendered.html):
        assert "MISSING" not in form
        assert "{" not in form
    if FACTS["link"] in rendered.text:
        assert f'<a href="{FACTS["link"]}"' in rendered.html


def test_there_are_mails_to_render():
    assert len(TEMPLATES) > 10


def test_texts_are_not_escaped_and_html_is(missing_facts_show):
    rendered = mail.render("password_reset", {"link": "https://x.example/?a=1&b=<i>"})
    assert "?a=1&b=<i>" in rendered.text
    assert "<i>" not in rendered.html


def test_link_starts_with_the_public_url_and_hides_its_token_in_the_fragment(settings):
    link = mail.link_to("reset-password", token="otl_a/b")
    assert link == f"{settings.ENV.public_url}/account/reset-password/#token=otl_a%2Fb"


@pytest.mark.django_db
def test_job_row_and_logs_hold_no_secret(caplog):
    caplog.set_level(logging.DEBUG)
    mail.enqueue(template="password_reset", to="ada@example.org", facts=LINK)
    with connection.cursor() as cursor:
        cursor.execute("SELECT j::text FROM procrastinate_jobs j")
        (row,) = cursor.fetchone()
    run_jobs()
    for text in (row, caplog.text):
        assert "otl_secret" not in text
        assert "ada@example.org" not in text


def test_facts_of_one_job_open_in_no_other():
    sealed = sealed_facts.seal({"a": 1}, job="deliver_mail")
    assert sealed_facts.unseal(sealed, job="deliver_mail") == {"a": 1}
    with pytest.raises(SealBroken):
        sealed_facts.unseal(sealed, job="another")


def test_file_transport_writes_the_whole_mail(tmp_path):
    backend = "django.core.mail.backends.filebased.EmailBackend"
    with override_settings(EMAIL_BACKEND=backend, EMAIL_FILE_PATH=str(tmp_path)):
        _deliver()
    (file,) = tmp_path.iterdir()
    _assert_is_whole(file.read_text().split("\n" + "-" * 20)[0])


def test_console_transport_prints_the_whole_mail(capsys):
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.console.EmailBackend"):
        _deliver()
    _assert_is_whole(capsys.readouterr().out.split("\n" + "-" * 20)[0])


class _SmtpHandler(socketserver.StreamRequestHandler):
    """Enough of RFC 5321 to take a mail, or to refuse its reader."""

    @override
    def handle(self) -> None:
        server: Any = self.server
        self._say("220 ready")
        while line := self.rfile.readline().decode().strip():
            word = line[:4].upper()
            if word == "DATA":
                self._say("354 go on")
                server.mails.append(self._until_dot())
            self._say(server.answers.get(word, "250 fine"))
            if word == "QUIT":
                return

    def _until_dot(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode()) != ".\r\n":
            lines.append(line)
        return "".join(lines)

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class _SmtpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _SmtpHandler)
        self.mails: list[str] = []
        self.answers = {"QUIT": "221 bye"}


@pytest.fixture
def smtp_server() -> Iterator[_SmtpServer]:
    """A mail server on this machine."""
    with _SmtpServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        with override_settings(
            EMAIL_BACKEND=SMTP, EMAIL_HOST="127.0.0.1", EMAIL_PORT=port, EMAIL_USE_TLS=False
        ):
            yield server
        server.shutdown()


@pytest.mark.django_db
def test_smtp_transport_sends_the_whole_mail(smtp_server):
    _deliver()
    (sent,) = smtp_server.mails
    _assert_is_whole(sent)


@pytest.mark.django_db
def test_reader_who_is_refused_for_good_is_not_tried_again(smtp_server):
    smtp_server.answers["RCPT"] = "550 no such mailbox: ada@example.org"
    with pytest.raises(mail.MailRefused) as refused:
        _deliver()
    assert "ada" not in str(refused.value)
    assert not _is_retried(refused.value)
    assert smtp_server.mails == []
    assert not CircuitBreaker.objects.exists(), "the server works"


@pytest.mark.django_db
def test_reader_who_is_refused_for_now_is_tried_again(smtp_server):
    smtp_server.answers["RCPT"] = "451 later"
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        _deliver()
    assert _is_retried(refused.value)


@pytest.mark.django_db
def test_server_that_is_away_is_tried_again_ever_later_and_then_left_alone():
    with override_settings(EMAIL_BACKEND=SMTP, EMAIL_HOST="127.0.0.1", EMAIL_PORT=1):
        with pytest.raises(OSError, match="refused") as away:
            _deliver()
        for _ in range(breaker.FAILURES_MAX - 1):
            with pytest.raises(OSError, match="refused"):
                _deliver()
        with pytest.raises(breaker.Resting) as rests:
            _deliver()
    assert _is_retried(rests.value, attempts=8) >= breaker.REST_S - 1, "it has not failed"
    waits = [_is_retried(away.value, attempts=number) for number in range(8)]
    assert waits == sorted(waits)
    assert waits[-1] > 3_600
    assert not _is_retried(away.value, attempts=8)


def _deliver() -> None:
    facts = {"template": "password_reset", "to": "ada@example.org", "facts": LINK}
    mail.deliver_mail.func(sealed=sealed_facts.seal(facts, job=mail.JOB))


def _assert_is_whole(raw: str) -> None:
    message = email.message_from_string(raw, policy=policy.default)
    assert message["To"] == "ada@example.org"
    assert message["Subject"] == "Choose a new password"
    for kind in ("plain", "html"):
        part = message.get_body(preferencelist=(kind,))
        assert part is not None
        assert LINK["link"] in part.get_content()


def _is_retried(exception: Exception, *, attempts: int = 0) -> int:
    """Return after how many seconds the job is tried again; 0 when never."""
    strategy: Any = mail.deliver_mail.retry_strategy
    decision = strategy.get_retry_decision(
        exception=exception, job=SimpleNamespace(attempts=attempts)
    )
    if decision is None:
        return 0
    return max(1, round((decision.retry_at - clock.now()).total_seconds()))
