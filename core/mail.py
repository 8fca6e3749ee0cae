"""Mails: written as jobs in the same transaction as what they tell of, sent by the worker.

A mail may carry a one-time link, so its facts lie encrypted in the job's row. Each mail is one
text, ``templates/mail/<name>.txt``: its first line is the subject, and ``mail/base.html`` lays the
same paragraphs out, a paragraph that is a link as a link. So both forms always say the same.
"""

from __future__ import annotations

import dataclasses
import smtplib
import urllib.parse
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from procrastinate.contrib.django import app

from core import jobs, sealed_facts
from core.retries import SpreadRetry

JOB: Final = "deliver_mail"
PERMANENT_SMTP_CODE_MIN: Final = 500


class MailRefused(Exception):
    """The mail server will never take this mail; trying again would change nothing."""


@dataclasses.dataclass(frozen=True, slots=True)
class Mail:
    """A rendered mail in both of its forms."""

    subject: str
    text: str
    html: str


def link_to(page: str, *, token: str = "") -> str:
    """Return the address of one of our pages for people.

    It starts with a setting of ours, whatever host a request named. The token is in the fragment,
    which browsers send to nobody: it is in no server's log and in no Referer.
    """
    fragment = f"#token={urllib.parse.quote(token, safe='')}" if token else ""
    pages = settings.ENV.account_pages_url or f"{settings.ENV.public_url}/account"
    return f"{pages}/{page}/{fragment}"


def enqueue(*, template: str, to: str, facts: dict[str, Any]) -> None:
    """Send the mail ``template`` to one address, after and only if the transaction commits.

    ``facts`` are JSON values for the template.
    """
    mail = {"template": template, "to": to, "facts": facts}
    deliver_mail.defer(sealed=sealed_facts.seal(mail, job=JOB), **jobs.origin())


# smtplib's exceptions are OSErrors, as a server that is away is.
@app.task(
    name=JOB, retry=SpreadRetry(max_attempts=8, exponential_wait=4, retry_exceptions=[OSError])
)
def deliver_mail(sealed: str) -> None:
    """Render and send one mail; a mail server that is away is tried again, ever later.

    Raises:
        MailRefused: the server refused the address for good.
    """
    facts = sealed_facts.unseal(sealed, job=JOB)
    mail = render(facts["template"], facts["facts"])
    message = EmailMultiAlternatives(mail.subject, mail.text, to=[facts["to"]])
    message.attach_alternative(mail.html, "text/html")
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as exc:
        codes = [code for code, _ in exc.recipients.values()]
        if min(codes) < PERMANENT_SMTP_CODE_MIN:
            raise
        # Without the server's words: they hold the address.
        raise MailRefused(f"The mail server answered {codes[0]}.") from None


def render(template: str, facts: dict[str, Any]) -> Mail:
    """Return the mail that ``template`` makes of ``facts``."""
    text = render_to_string(
        f"mail/{template}.txt", {**facts, "public_url": settings.ENV.public_url}
    )
    subject, _, body = text.strip().partition("\n")
    html = render_to_string(
        "mail/base.html", {"subject": subject, "paragraphs": body.strip().split("\n\n")}
    )
    return Mail(subject=subject, text=body.strip() + "\n", html=html)
