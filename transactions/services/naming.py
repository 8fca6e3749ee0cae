"""Which ledger accounts a request means: by id, by house code, by own code."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from core import fields
from core.principals import Principal
from transactions import constants, errors, selectors
from transactions.services.accounts import ensure_house_account


def account_ids_of(
    *, names: Iterable[tuple[str, str]], ledger_code: str, actor: Principal
) -> dict[tuple[str, str], uuid.UUID]:
    """Return the account that each name means, by name and asset; one query at most.

    A well-known house account (cash, clearing, fees, interest, world) is opened when it is first
    named. A name that nobody has means the nil UUID, which no account has either: what uses it is
    refused where it stands.

    Raises:
        LedgerNotFound: there is no such ledger.
    """
    ledger_id = selectors.ledger_id(ledger_code)
    wanted = set(names)
    found = {
        (name, asset): uuid.UUID(name) for name, asset in wanted if fields.UUID_TEXT.match(name)
    }
    missing = wanted - set(found)
    if missing:
        found.update(selectors.named_account_ids(ledger_id, missing, owner_id=actor.user_id))
    for name, asset in missing - set(found):
        found[name, asset] = _opened(name, asset, ledger_code)
    return found


def _opened(name: str, asset_code: str, ledger_code: str) -> uuid.UUID:
    if name not in constants.HOUSE_TYPES:
        return constants.NOBODYS_ACCOUNT
    try:
        asset = selectors.get_asset(asset_code)
    except errors.AssetNotFound:
        return constants.NOBODYS_ACCOUNT
    return ensure_house_account(ledger=selectors.get_ledger(ledger_code), code=name, asset=asset)
