"""What schemathesis needs to know of us: who calls, which things are there, what no schema says.

The process that schemathesis runs in has the environment of the served instance, so that it can
make people and things in its database.
"""

from __future__ import annotations

import functools
import itertools
import uuid
from typing import Any, Final, TypeAlias

import django
import msgpack
import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response
from schemathesis.hooks import HookContext
from schemathesis.openapi.checks import JsonSchemaError, RejectedPositiveData

django.setup()

from accounts import services as accounts  # noqa: E402 - models need the set-up
from core import scopes  # noqa: E402
from core.principals import SYSTEM  # noqa: E402
from sessions_app.services import start_session  # noqa: E402
from tests import callers  # noqa: E402
from tests.people import Person, make_person  # noqa: E402
from transactions import selectors  # noqa: E402
from transactions import services as ledger  # noqa: E402
from transactions.tests import money  # noqa: E402

scopes._scopes[callers.NO_SCOPE.name] = callers.NO_SCOPE
UNAUTHORIZED: Final = 401
Case: TypeAlias = schemathesis.Case[Any]
# Only the key of a service may.
OF_SERVICES: Final = frozenset({"/api/v1/cookies/resolve/", "/api/v1/sessions/introspect/"})
# What is wrong with requests that the document allows, because no schema can say it: code, pointer
# to the fault, or the last word about it.
UNSAYABLE: Final = {
    "?cursor": "it is signed by us",
    "?from": "it may not be after `to`",
    "#/file": "some formats need it",
    "bytes.": "how many a text may have: a schema counts characters",
    "VALIDATION_BODY_REQUIRED": "an empty file is none",
    "#/state": "one format needs it",
    "VALIDATION_NOT_INTEGER": "to JSON Schema 1.0 is an integer, to us it is not",
    "VALIDATION_AMOUNT_NOT_INTEGER": "the same",
    "SESSION_DATA_INVALID": "any JSON that PostgreSQL can hold",
    "VALIDATION_HANDOVER_INVALID": "trust_device is for browsers, who want their token in a cookie",
    "VALIDATION_ONE_NEEDED": "one of two members, never both",
    "VALIDATION_FIELD_CONFLICT": "a member that another one excludes",
    "ACCOUNT_PASSWORD_WRONG": "the old password is what it is",
    "ACCOUNT_PASSWORD_WEAK": "which passwords are known or guessable",
    "ACCOUNT_EMAIL_INVALID": "`format: email` allows what no mail server takes",
    "ACCOUNT_NETWORK_INVALID": "there is no format for networks",
    "TXN_EFFECTIVE_AT_OUT_OF_RANGE": "the window moves with the clock",
    "EXTERNAL_ADDRESS_REFUSED": "where a name leads is asked of the DNS",
}
_numbers = itertools.count(1)


class Caller:
    """A superuser, or a service with every scope; somebody new when the login has ended."""

    token: str | None = None

    def get(self, case: Case, context: schemathesis.AuthContext) -> str:
        if case.operation.path in OF_SERVICES:
            return _service_key()
        if Caller.token is None:
            Caller.token = start_session(user=_somebody().user)[1]
        return Caller.token

    def set(self, case: Case, data: str, context: schemathesis.AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


schemathesis.auth(refresh_interval=None)(Caller)


@schemathesis.hook
def after_call(context: HookContext, case: Case, response: Response) -> None:
    """Come as somebody new after a request that ended the login."""
    if response.status_code == UNAUTHORIZED:
        Caller.token = None


@schemathesis.hook
def map_path_parameters(context: HookContext, path_parameters: dict[str, Any]) -> dict[str, Any]:
    """Name things that are there, half of the times where an id has the form of one."""
    return {name: _named(name, value) for name, value in (path_parameters or {}).items()}


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Drop what a schema cannot say, and nothing else."""
    if isinstance(failure, RejectedPositiveData):
        return not _is_unsayable(response)
    # Which members an answer has follows from `fields`; their shapes are checked without it.
    return not (isinstance(failure, JsonSchemaError) and "fields" in (case.query or {}))


@schemathesis.deserializer("application/msgpack")
def unpacked(context: schemathesis.DeserializationContext, response: Response) -> Any:
    """Read MessagePack, so that its shape is checked too."""
    return msgpack.unpackb(response.content)


def _is_unsayable(response: Response) -> bool:
    """Return whether each fault that the answer names is one of these."""
    if "json" not in response.headers.get("content-type", [""])[0]:
        return False
    problem = response.json()
    faults = problem.get("errors") or [{"pointer": "", "code": problem["code"]}]
    return all(
        {problem["code"], fault["pointer"], fault["code"], fault.get("detail", "").split(" ")[-1]}
        & UNSAYABLE.keys()
        for fault in faults
    )


def _somebody() -> Person:
    return make_person(f"person-{next(_numbers)}@example.org", is_superuser=True)


@functools.cache
def _service_key() -> str:
    every = [scope.name for scope in scopes.known()]
    return accounts.create_service_key(name="fuzz", scope_names=every, actor=SYSTEM)[1]


def _things() -> dict[str, str]:
    owner = _somebody()
    made = callers.things_of(owner)
    # Who asks must not be who is locked, closed and given roles.
    made["user_id"] = _somebody().user.pk
    return {name: str(value) for name, value in made.items()}


def _named(name: str, value: Any) -> Any:
    try:
        half = uuid.UUID(value).int % 2
    except (TypeError, ValueError, AttributeError):
        return value
    return value if half else THINGS[name]


def _open_purse() -> None:
    """Open the account that the examples of the document take from, with money in it."""
    main, dollars = selectors.get_ledger("main"), selectors.get_asset("USD")
    world = ledger.ensure_house_account(ledger=main, code="world", asset=dollars)
    ledger.ensure_house_account(ledger=main, code="fees", asset=dollars)
    purse = ledger.open_ledger_account(
        ledger=main, code="purse", asset=dollars, owner_id=_somebody().user.pk, actor=SYSTEM
    )
    money.post(money.move(world, purse.pk, 1_000_000))


# Now, before the first request takes a name that they need.
_open_purse()
THINGS: Final = _things()
