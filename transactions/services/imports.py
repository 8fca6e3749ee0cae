"""Loading a bank's history: people, accounts and every row as a transaction."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from accounts import services as people
from core import audit, clock, db, ids
from core.errors import DomainError
from core.principals import SYSTEM
from transactions import constants, importing, selectors
from transactions.importing import Row, RowFault
from transactions.models import Balance, Ledger, LedgerAccount
from transactions.services.accounts import ensure_house_account
from transactions.services.bulk import post_all_or_none
from transactions.services.posting import Draft, PostedTransaction, Posting


@dataclasses.dataclass(slots=True)
class Survey:
    """What a file holds: enough to open its accounts before the first row is posted."""

    rows: int = 0
    owners: dict[str, str] = dataclasses.field(default_factory=dict)
    currencies: dict[str, str] = dataclasses.field(default_factory=dict)
    lowest_minor: dict[str, int] = dataclasses.field(default_factory=dict)
    house: set[tuple[str, str]] = dataclasses.field(default_factory=set)


@dataclasses.dataclass(slots=True)
class ImportReport:
    """What an import did. ``equal_balances`` counts rows whose balance was the bank's."""

    rows: int = 0
    accounts: int = 0
    posted: int = 0
    skipped: int = 0
    compared: int = 0
    equal_balances: int = 0


def survey(path: Path) -> Survey:
    """Read the whole file without posting anything.

    Raises:
        RowFault: the first row that cannot be taken; so nothing of a faulty file is posted.
    """
    found = Survey()
    seen: set[str] = set()
    for row in importing.rows(path):
        if row.external_id in seen:
            raise RowFault(row.line, f"external_id {row.external_id} is there twice")
        seen.add(row.external_id)
        if found.owners.setdefault(row.account, row.owner) != row.owner:
            raise RowFault(row.line, f"account {row.account} has another owner above")
        if found.currencies.setdefault(row.account, row.currency) != row.currency:
            raise RowFault(row.line, f"account {row.account} has another currency above")
        if row.balance_after_minor is not None:
            lowest = found.lowest_minor.get(row.account, 0)
            found.lowest_minor[row.account] = min(lowest, row.balance_after_minor)
        found.house.add((row.house_account, row.currency))
        found.rows += 1
    return found


def import_file(
    *,
    path: Path,
    ledger: Ledger,
    email_domain: str,
    progress: Callable[[int], object] = lambda _count: None,
    batch_size: int = constants.BATCH_MAX,
) -> ImportReport:
    """Load a file in batches, each in one transaction of its own; safe to run again.

    A row is known by its ``external_id``, which becomes the transaction's reference: rows that
    are there already are skipped, so an interrupted import goes on where it stopped.

    Raises:
        AssetNotFound: a currency that is no asset.
        RowFault: a row that cannot be taken; it and the rows after it are not posted.
    """
    found = survey(path)
    for currency in sorted(set(found.currencies.values())):
        selectors.get_asset(currency)
    accounts = _open_accounts(found, ledger, email_domain)
    house = {
        key: ensure_house_account(ledger=ledger, code=key[0], asset=selectors.get_asset(key[1]))
        for key in sorted(found.house)
    }
    report = ImportReport(rows=found.rows, accounts=len(accounts))
    for batch in _batches(importing.rows(path), batch_size):
        known = selectors.known_references(ledger.pk, [row.external_id for row in batch])
        fresh = [row for row in batch if row.external_id not in known]
        if fresh:
            _post(fresh, accounts, house, ledger)
        _compare(batch, accounts, ledger, report)
        report.posted += len(fresh)
        report.skipped += len(batch) - len(fresh)
        progress(len(batch))
    return report


def _post(
    batch: Sequence[Row],
    accounts: dict[str, uuid.UUID],
    house: dict[tuple[str, str], uuid.UUID],
    ledger: Ledger,
) -> list[PostedTransaction]:
    drafts = [
        Draft(
            postings=[_posting(row, accounts[row.account], house)],
            reference=row.external_id,
            description=row.description,
            effective_at=row.effective_at,
        )
        for row in batch
    ]
    try:
        return post_all_or_none(
            drafts=drafts, ledger_id=ledger.pk, actor=SYSTEM, kind=constants.KIND_IMPORT
        )
    except DomainError as exc:
        faulty: int | None = exc.extensions.get("transaction")
        if faulty is None:
            raise
        # What comes before the faulty row is posted, and the faulty one named.
        if faulty:
            _post(batch[:faulty], accounts, house, ledger)
        raise RowFault(batch[faulty].line, f"{exc.code}: {exc.detail}") from exc


def _posting(row: Row, account: uuid.UUID, house: dict[tuple[str, str], uuid.UUID]) -> Posting:
    other = house[row.house_account, row.currency]
    if row.amount_minor > 0:
        return Posting(other, account, row.amount_minor, row.currency)
    return Posting(account, other, -row.amount_minor, row.currency)


def _compare(
    batch: Sequence[Row], accounts: dict[str, uuid.UUID], ledger: Ledger, report: ImportReport
) -> None:
    """Compare what is stored, posted just now or long ago, with the balances of the file."""
    compared = [row for row in batch if row.balance_after_minor is not None]
    stored = selectors.balances_after(ledger.pk, [row.external_id for row in compared])
    report.compared += len(compared)
    report.equal_balances += sum(
        stored.get((row.external_id, accounts[row.account])) == row.balance_after_minor
        for row in compared
    )


def _open_accounts(found: Survey, ledger: Ledger, email_domain: str) -> dict[str, uuid.UUID]:
    """Make the people and accounts that are missing, all of them in one transaction."""

    def open_missing() -> dict[str, uuid.UUID]:
        owners = people.import_people(names=sorted(set(found.owners.values())), domain=email_domain)
        known = selectors.account_ids(ledger.pk, owner_ids=list(owners.values()))
        missing = [
            code for code, owner in found.owners.items() if (owners[owner], code) not in known
        ]
        opened = [
            LedgerAccount(
                id=identifier,
                user_id=owners[found.owners[code]],
                ledger=ledger,
                code=code,
                asset_id=found.currencies[code],
                type=constants.LIABILITY,
                created_at=clock.now(),
            )
            for code, identifier in zip(missing, ids.uuid7s(len(missing)), strict=True)
        ]
        LedgerAccount.objects.bulk_create(opened, batch_size=1_000)
        Balance.objects.bulk_create(
            [
                Balance(
                    account_id=account.pk,
                    user_id=account.user_id,
                    ledger_id=ledger.pk,
                    asset_code=account.asset_id,
                    floor=found.lowest_minor.get(account.code, 0),
                )
                for account in opened
            ],
            batch_size=1_000,
        )
        if opened:
            audit.record(
                action="ledger_account.import",
                actor=SYSTEM,
                user_id=SYSTEM.user_id,
                target_type="ledger",
                target_id=ledger.pk,
                accounts=len(opened),
            )
        known.update({(account.user_id, account.code): account.pk for account in opened})
        return {code: known[owners[owner], code] for code, owner in found.owners.items()}

    return db.run_in_transaction(open_missing)


def _batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch
