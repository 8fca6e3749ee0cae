"""Exchanging one asset for another: four legs, a rate, a fee; integers throughout."""

from __future__ import annotations

import dataclasses
import uuid

from core import db, outbox
from core.errors import PermissionRefused
from core.principals import Principal
from transactions import constants, errors, selectors
from transactions.models import Asset, Exchange
from transactions.services import large
from transactions.services.accounts import ensure_house_account
from transactions.services.posting import (
    Draft,
    PostedTransaction,
    Posting,
    post_transactions,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is exchanged: ``rate`` / 10^``rate_scale`` units of the one asset for one of the other.

    ``amount_minor`` leaves the source for the exchange, ``fee_minor`` on top of it; both are
    minor units of the source's asset.
    """

    source: uuid.UUID
    source_asset: str
    destination: uuid.UUID
    destination_asset: str
    amount_minor: int
    rate: int
    rate_scale: int
    fee_minor: int = 0
    reference: str | None = None


def converted(amount_minor: int, *, terms: Terms, source: Asset, destination: Asset) -> int:
    """Return what ``amount_minor`` is worth in the destination's minor units.

    Whole minor units, halves to the even neighbour, so that many exchanges favour nobody.
    """
    above: int = amount_minor * terms.rate * 10**destination.exponent
    below: int = 10 ** (terms.rate_scale + source.exponent)
    whole, rest = divmod(above, below)
    is_up = 2 * rest > below or (2 * rest == below and whole % 2 == 1)
    return whole + is_up


def exchange(
    *, terms: Terms, ledger_code: str, actor: Principal
) -> tuple[Exchange, PostedTransaction, Draft]:
    """Move money out in one asset and in in another, through the house's exchange accounts.

    The rate is the caller's word, so it takes the permission to move any money. Commits its own
    transaction or joins the caller's: postings, terms and events together.

    Raises:
        PermissionRefused: the actor may not set rates.
        AssetNotFound, LedgerNotFound: there is no such thing.
        SameAsset: both sides are of one asset.
        AmountNotConvertible: it is worth nothing in the other asset, or more than can be stored.
        StepUpRequired, ScopeMissing: a large amount without a fresh login.
        InsufficientFunds, LedgerAccountNotFound: and all others of posting.
    """
    if not actor.may("transactions.post_any_transaction"):
        raise PermissionRefused("Setting a rate takes a permission you do not have.")
    source, destination = (
        selectors.get_asset(code) for code in (terms.source_asset, terms.destination_asset)
    )
    if source == destination:
        raise errors.SameAsset("Post a transaction instead.")
    worth = converted(terms.amount_minor, terms=terms, source=source, destination=destination)
    if not 0 < worth <= constants.AMOUNT_MAX:
        raise errors.AmountNotConvertible("It is worth nothing, or too much, in the other asset.")
    large.require_fresh_login_for(
        [(source.code, terms.amount_minor + terms.fee_minor), (destination.code, worth)],
        actor=actor,
    )
    ledger = selectors.get_ledger(ledger_code)

    def post() -> tuple[Exchange, PostedTransaction, Draft]:
        bought, sold = (
            ensure_house_account(ledger=ledger, code=constants.EXCHANGE_ACCOUNT, asset=asset)
            for asset in (source, destination)
        )
        postings = [
            Posting(terms.source, bought, terms.amount_minor, source.code),
            Posting(sold, terms.destination, worth, destination.code),
        ]
        if terms.fee_minor:
            fees = ensure_house_account(ledger=ledger, code="fees", asset=source)
            postings.append(Posting(terms.source, fees, terms.fee_minor, source.code))
        draft = Draft(postings=postings, reference=terms.reference)
        (posted,) = post_transactions(
            drafts=[draft], ledger_id=ledger.pk, actor=actor, kind=constants.KIND_EXCHANGE
        )
        stored = _stored(posted, terms, worth)
        outbox.announce(topic="exchange.posted", user_id=stored.user_id, object_id=posted.id)
        return stored, posted, draft

    return db.run_in_transaction(post)


def _stored(posted: PostedTransaction, terms: Terms, worth: int) -> Exchange:
    stored, _ = selectors.transaction_with_entries(posted.id)
    return Exchange.objects.create(
        id=posted.id,
        user_id=stored.user_id,
        source_asset=terms.source_asset,
        source_amount=terms.amount_minor,
        fee_amount=terms.fee_minor,
        destination_asset=terms.destination_asset,
        destination_amount=worth,
        rate=terms.rate,
        rate_scale=terms.rate_scale,
        created_at=posted.recorded_at,
    )
