"""The way to the mail server, which is left alone like any other that fails too often."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from typing import Final

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend
from typing_extensions import override

from core import breaker, outbound

# The server works; it is this mail that it does not take.
_OF_THE_MAIL: Final = (
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPSenderRefused,
    smtplib.SMTPDataError,
)


class GuardedEmailBackend(EmailBackend):
    """SMTP behind the circuit breaker of its server."""

    @override
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send them, and tell the breaker how it went.

        Raises:
            Resting: the server failed too often; nothing was sent.
            OSError: it is away, silent, or refused (:mod:`smtplib`).
        """
        permit = breaker.ask(f"smtp://{self.host}:{self.port}")
        try:
            sent: int = super().send_messages(email_messages)
        except _OF_THE_MAIL:
            breaker.succeeded(permit)
            raise
        except OSError as exc:
            breaker.failed(permit, fault=outbound.in_words(exc))
            raise
        breaker.succeeded(permit)
        return sent
