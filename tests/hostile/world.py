"""Who and what the hostile requests are about; made the same way here and beside a server."""

from __future__ import annotations

from core.principals import SYSTEM
from sessions_app import services as sessions
from tests.people import make_person
from transactions import services
from transactions.models import LedgerAccount
from transactions.tests.money import capture, hold_on, open_account


def build() -> dict[str, str]:
    """Make Ada, Bob and their accounts; return what the cases name as ``<name>``."""
    ada, bob = make_person("ada@example.org"), make_person("bob@example.org")
    world = {
        "purse": open_account(ada.principal, balance=100),
        "target": open_account(bob.principal, balance=1),
        "frozen": open_account(ada.principal, balance=5),
        "deep": open_account(ada.principal, floor=None),
    }
    frozen = LedgerAccount.objects.select_related("balance").get(pk=world["frozen"])
    services.update_ledger_account(
        account=frozen, expected_version=1, changes={"status": "frozen"}, actor=SYSTEM
    )
    captured = hold_on(world["deep"], world["target"], 5)
    world["captured"], world["sold"] = captured.pk, capture(captured).id
    names = {name: str(identifier) for name, identifier in world.items()}
    names["ada"], names["bob"] = _token(ada), _token(bob)
    return names


def _token(person) -> str:
    _, token = sessions.start_session(user=person.user)[:2]
    return token
