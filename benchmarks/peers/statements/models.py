"""A small ledger as one would write it first, with the keys, the outbox and the audit of ours."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models, transaction
from typing_extensions import override


class _Numbered(models.Model):
    # Said because the type checker does not know this application, which only the peers install.
    objects: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        abstract = True

    @override
    def __str__(self) -> str:
        return str(self.pk)


class Balance(_Numbered):
    """An account and what is on it."""

    posted = models.BigIntegerField(default=0)
    entry_seq = models.BigIntegerField(default=0)


class Key(_Numbered):
    """A request that was answered."""

    key = models.CharField(max_length=64, unique=True)
    body = models.JSONField(default=dict)


class Transaction(_Numbered):
    """Money that moved."""

    recorded_at = models.DateTimeField(auto_now_add=True)


class Entry(_Numbered):
    """One side of it."""

    transaction = models.ForeignKey(Transaction, models.PROTECT)
    account = models.ForeignKey(Balance, models.PROTECT)
    amount = models.BigIntegerField()
    account_seq = models.BigIntegerField()
    balance_after = models.BigIntegerField()


class Outbox(_Numbered):
    """What others are to be told."""

    topic = models.CharField(max_length=64)
    transaction = models.ForeignKey(Transaction, models.PROTECT)


class Audit(_Numbered):
    """Who did it."""

    actor = models.CharField(max_length=64)
    transaction = models.ForeignKey(Transaction, models.PROTECT)


def posted(*, source: int, destination: int, amount: int, key: str, actor: str) -> dict[str, Any]:
    """Move ``amount`` at most once; commits its own transaction."""
    with transaction.atomic():
        kept, is_first = Key.objects.get_or_create(key=key)
        if not is_first:
            return dict(kept.body)
        rows = Balance.objects.select_for_update().order_by("pk")
        accounts = {row.pk: row for row in rows.filter(pk__in=[source, destination])}
        made = Transaction.objects.create()
        for number, change in ((source, -amount), (destination, amount)):
            account = accounts[number]
            account.posted += change
            account.entry_seq += 1
            account.save()
            Entry.objects.create(
                transaction=made,
                account=account,
                amount=change,
                account_seq=account.entry_seq,
                balance_after=account.posted,
            )
        Outbox.objects.create(topic="transaction.posted", transaction=made)
        Audit.objects.create(actor=actor, transaction=made)
        kept.body = {"id": made.pk}
        kept.save()
    return {"id": made.pk}
