"""Each kind of job is asked for in the transaction of its cause: both happen, or neither."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django import app

from accounts import services as accounts
from core import context, mail, tasks
from core.principals import SYSTEM
from core.privacy import exports
from tests.callers import fresh
from tests.deliveries import make_delivery, make_endpoint
from tests.people import Person

pytestmark = pytest.mark.django_db
REQUEST_ID = "the-request-that-asked"


def _mail(_ada: Person) -> None:
    mail.enqueue(template="password_changed", to="ada@example.org", facts={})


def _link(_ada: Person) -> None:
    accounts.ask_for_reset(email="ada@example.org")


def _export(ada: Person) -> None:
    exports.ask_for_export(actor=fresh(ada))


def _import(_ada: Person) -> None:
    people = [accounts.NewPerson(email="new@example.org")]
    accounts.start_people_import(people=people, actor=SYSTEM)


def _delivery(ada: Person) -> None:
    make_delivery(make_endpoint(ada.user.pk))
    tasks.relay_events(timestamp=0)


CAUSES: dict[str, Callable[[Person], None]] = {
    "deliver_mail": _mail,
    "answer_stranger": _link,
    "make_data_export": _export,
    "run_people_import": _import,
    "core.tasks.send_webhooks": _delivery,
}
# The clock causes it, as it does periodic jobs: it belongs to no request.
NOT_OF_A_REQUEST = {"core.tasks.send_webhooks"}


def _jobs(name: str) -> list[dict[str, object]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT args FROM procrastinate_jobs WHERE task_name = %s", [name])
        return [json.loads(args) for (args,) in cursor.fetchall()]


def test_every_job_that_somebody_causes_is_here():
    app.perform_import_paths()
    by_the_clock = {each.task.name for each in app.periodic_registry.periodic_tasks.values()}
    own = {name for name in app.tasks if not name.startswith(("builtin:", "procrastinate."))}
    assert own - by_the_clock == set(CAUSES)


@pytest.mark.parametrize("name", CAUSES)
def test_job_is_there_with_its_cause_and_knows_who_asked(name: str, ada: Person):
    with context.entered(context.Context(request_id=REQUEST_ID)), transaction.atomic():
        CAUSES[name](ada)
    (args,) = _jobs(name)
    if name not in NOT_OF_A_REQUEST:
        assert args["_origin"] == {"request_id": REQUEST_ID}


@pytest.mark.parametrize("name", CAUSES)
def test_cause_that_is_undone_leaves_no_job(name: str, ada: Person):
    with transaction.atomic():
        CAUSES[name](ada)
        assert len(_jobs(name)) == 1
        transaction.set_rollback(True)
    assert _jobs(name) == []
