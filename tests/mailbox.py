"""The worker's part inside a test: run the jobs that wait, read the mails they send."""

from __future__ import annotations

import json
import re

from django.core import mail
from django.core.mail import EmailMessage
from django.db import connection
from procrastinate.contrib.django import app

from accounts import services
from accounts.models import User
from core import jobs
from tests.people import PASSWORD

_TOKEN = re.compile(r"#token=([A-Za-z0-9_-]+)")


def run_jobs() -> int:
    """Do what the worker would do now, jobs of jobs included; return how many were done."""
    done = 0
    while waiting := _waiting():
        for number, name, arguments in waiting:
            arguments.pop(jobs.ORIGIN, None)
            app.tasks[name].func(**arguments)
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [number])
            done += 1
    return done


def mails_to(address: str) -> list[EmailMessage]:
    """Run the waiting jobs and return the mails to ``address``, oldest first."""
    run_jobs()
    return [message for message in mail.outbox if message.to == [address]]


def newest_token(address: str) -> str:
    """Return the token of the newest link that was mailed to ``address``."""
    match = _TOKEN.search(str(mails_to(address)[-1].body))
    assert match, "the newest mail has no link with a token"
    return match[1]


def join(email: str, password: str = PASSWORD) -> User:
    """Register and prove the address, the way people do."""
    services.register_user(email=email, password=password)
    services.verify_email(token=newest_token(email))
    return User.objects.get(email=email)


def _waiting() -> list[tuple[int, str, dict[str, str]]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, task_name, args::text FROM procrastinate_jobs "
            "WHERE status = 'todo' ORDER BY id"
        )
        return [(number, name, json.loads(args)) for number, name, args in cursor.fetchall()]
