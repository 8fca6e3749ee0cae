"""Mails: written as jobs in the same transaction as what they tell of, sent by the worker.

A mail may carry a one-time link, so its facts lie encrypted in the job's row. Templates are
``templates/mail/<name>.txt`` (first line: the subject) and, where there is one, ``.html``.
"""

from __future__ import annotations

import base64
from typing import Any

import orjson
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from core import crypto

_BOUND_TO = "job:deliver_mail"


def enqueue(*, template: str, to: str, facts: dict[str, Any]) -> None:
    """Send the mail ``template`` to one address, after and only if the transaction commits.

    ``facts`` are JSON values for the template.
    """
    packed = orjson.dumps({"template": template, "to": to, "facts": facts})
    sealed = crypto.seal(packed, bound_to=_BOUND_TO)
    deliver_mail.defer(sealed=base64.b64encode(sealed).decode())


@app.task(retry=RetryStrategy(max_attempts=8, exponential_wait=4))
def deliver_mail(sealed: str) -> None:
    """Render and send one mail; a mail server that is away is tried again, ever later."""
    mail = orjson.loads(crypto.unseal(base64.b64decode(sealed), bound_to=_BOUND_TO))
    facts = {**mail["facts"], "public_url": settings.ENV.public_url}
    subject, _, text = render_to_string(f"mail/{mail['template']}.txt", facts).partition("\n")
    message = EmailMultiAlternatives(subject.strip(), text.lstrip("\n"), to=[mail["to"]])
    try:
        html = render_to_string(f"mail/{mail['template']}.html", facts)
        message.attach_alternative(html, "text/html")
    except TemplateDoesNotExist:
        pass  # a mail that only machines and developers get
    message.send()
