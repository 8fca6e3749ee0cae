"""Books, ledger accounts and their balances. Money is ``bigint`` minor units."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from core import ids
from transactions import constants
from transactions.querysets import LedgerAccountQuerySet


class Asset(models.Model):
    """A currency or custom unit; ``exponent`` says how many decimals its minor unit is."""

    code = models.CharField(primary_key=True, max_length=16)
    name = models.CharField(max_length=constants.NAME_LENGTH_MAX)
    exponent = models.PositiveSmallIntegerField("decimals")
    iso_numeric = models.PositiveSmallIntegerField("ISO number", null=True, blank=True)

    class Meta:
        db_table = "asset"
        ordering: ClassVar = ["code"]
        default_permissions: ClassVar = ["view", "add"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="asset_code_form",
                condition=models.Q(code__regex=rf"^{constants.ASSET_PATTERN}$"),
            ),
            models.CheckConstraint(
                name="asset_exponent_range",
                condition=models.Q(exponent__lte=constants.ASSET_EXPONENT_MAX),
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.code


class Ledger(models.Model):
    """One book; money never moves between books."""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    code = models.CharField(max_length=constants.CODE_LENGTH_MAX)
    name = models.CharField(max_length=constants.NAME_LENGTH_MAX)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "ledger"
        ordering: ClassVar = ["code"]
        default_permissions: ClassVar = ["view", "add"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="ledger_code_once", fields=["code"]),
        ]

    @override
    def __str__(self) -> str:
        return self.code


class LedgerAccount(models.Model):
    """A place money is. ``user`` owns it; the house's accounts are named by their code.

    ``status_before_lock`` is what the account goes back to once its locked owner is let in again.

    The foreign keys are made by the migration, checked at the statement and not at the commit.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="owner",
        on_delete=models.PROTECT,
        db_index=False,
        db_constraint=False,
        related_name="ledger_accounts",
    )
    ledger = models.ForeignKey(
        Ledger, on_delete=models.PROTECT, db_index=False, db_constraint=False
    )
    code = models.CharField(max_length=constants.CODE_LENGTH_MAX)
    name = models.CharField(max_length=constants.NAME_LENGTH_MAX, blank=True)
    asset = models.ForeignKey(
        Asset,
        on_delete=models.PROTECT,
        db_column="asset_code",
        db_index=False,
        db_constraint=False,
    )
    type = models.CharField(
        max_length=16, choices=[(name, name.title()) for name in constants.ACCOUNT_TYPES]
    )
    status = models.CharField(
        max_length=16,
        choices=[(name, name.replace("_", " ")) for name in constants.STATUSES],
        default=constants.OPEN,
    )
    status_before_lock = models.CharField(max_length=16, blank=True, default="")
    metadata = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField("opened", db_default=Now(), editable=False)

    objects = LedgerAccountQuerySet.as_manager()

    class Meta:
        db_table = "ledger_account"
        verbose_name = "ledger account"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view", "add", "change"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="ledger_account_code_once", fields=["code", "user", "ledger", "asset"]
            ),
            models.CheckConstraint(
                name="ledger_account_status_known",
                condition=models.Q(status__in=constants.STATUSES),
            ),
            models.CheckConstraint(
                name="ledger_account_type_known",
                condition=models.Q(type__in=constants.ACCOUNT_TYPES),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], name="ledger_account_owner"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.code} ({self.asset_id})"


class Balance(models.Model):
    """The narrow row that a posting locks: the only mutable money there is.

    ``floor`` and ``ceiling`` bound what may be spent and received, holds counted; null is no
    bound. ``may_debit`` and ``may_credit`` mirror the account's status, so that freezing is seen
    under the row lock.
    """

    account = models.OneToOneField(
        LedgerAccount,
        primary_key=True,
        on_delete=models.PROTECT,
        db_constraint=False,
        related_name="balance",
    )
    user_id = models.UUIDField()
    ledger_id = models.UUIDField()
    asset_code = models.CharField(max_length=16)
    posted = models.BigIntegerField(default=0)
    held_out = models.BigIntegerField(default=0)
    held_in = models.BigIntegerField(default=0)
    floor = models.BigIntegerField(null=True, default=0)
    ceiling = models.BigIntegerField(null=True)
    entry_seq = models.BigIntegerField(default=0)
    may_debit = models.BooleanField(default=True)
    may_credit = models.BooleanField(default=True)

    class Meta:
        db_table = "balance"
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="balance_floor",
                condition=models.Q(floor=None)
                | models.Q(posted__gte=models.F("floor") + models.F("held_out")),
            ),
            models.CheckConstraint(
                name="balance_ceiling",
                condition=models.Q(ceiling=None)
                | models.Q(posted__lte=models.F("ceiling") - models.F("held_in")),
            ),
            models.CheckConstraint(
                name="balance_held_not_negative",
                condition=models.Q(held_out__gte=0, held_in__gte=0),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.posted} {self.asset_code}"
