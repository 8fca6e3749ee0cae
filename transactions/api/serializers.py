"""Shapes of the money endpoints."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers

from core import fields
from transactions import constants
from transactions.models import Asset, Entry, Ledger, LedgerAccount

LIMIT_MAX = fields.INT64_MAX


class LedgerInput(fields.StrictSerializer):
    code = fields.StrictTextField(
        max_length=constants.CODE_LENGTH_MAX, pattern=constants.CODE_PATTERN
    )
    name = fields.StrictTextField(max_length=constants.NAME_LENGTH_MAX)


class LedgerOutput(serializers.Serializer[Ledger]):
    id = fields.StrictUUIDField()
    code = serializers.CharField()
    name = serializers.CharField()
    created_at = fields.InstantField()


class AssetInput(fields.StrictSerializer):
    code = fields.StrictTextField(max_length=16, pattern=constants.ASSET_PATTERN)
    name = fields.StrictTextField(max_length=constants.NAME_LENGTH_MAX)
    exponent = fields.StrictIntegerField(minimum=0, maximum=constants.ASSET_EXPONENT_MAX)


class AssetOutput(serializers.Serializer[Asset]):
    code = serializers.CharField()
    name = serializers.CharField()
    exponent = serializers.IntegerField(help_text="Decimals of the minor unit.")
    iso_numeric = serializers.IntegerField(allow_null=True)


class LedgerAccountInput(fields.StrictSerializer):
    ledger = fields.StrictTextField(
        max_length=constants.CODE_LENGTH_MAX, required=False, default=constants.DEFAULT_LEDGER
    )
    code = fields.StrictTextField(
        max_length=constants.CODE_LENGTH_MAX, pattern=constants.CODE_PATTERN
    )
    asset = fields.StrictTextField(max_length=16, pattern=constants.ASSET_PATTERN)
    name = fields.StrictTextField(
        max_length=constants.NAME_LENGTH_MAX, min_length=0, required=False, default=""
    )
    owner = fields.StrictUUIDField(required=False, help_text="Staff only; default: the caller.")
    type = fields.StrictChoiceField(
        choices=constants.ACCOUNT_TYPES, required=False, default=constants.LIABILITY
    )
    floor = fields.StrictIntegerField(
        minimum=-LIMIT_MAX,
        required=False,
        default=0,
        allow_null=True,
        help_text="Lowest balance in minor units; null: none. Staff only.",
    )
    ceiling = fields.StrictIntegerField(
        minimum=-LIMIT_MAX,
        required=False,
        default=None,
        allow_null=True,
        help_text="Highest balance in minor units; null: none. Staff only.",
    )
    metadata = fields.MetadataField(required=False)


class LedgerAccountChange(fields.StrictSerializer):
    name = fields.StrictTextField(
        max_length=constants.NAME_LENGTH_MAX, min_length=0, required=False
    )
    status = fields.StrictChoiceField(
        choices=(constants.OPEN, constants.FROZEN_DEBIT, constants.FROZEN), required=False
    )
    floor = fields.StrictIntegerField(minimum=-LIMIT_MAX, required=False, allow_null=True)
    ceiling = fields.StrictIntegerField(minimum=-LIMIT_MAX, required=False, allow_null=True)
    metadata = fields.MetadataField(required=False)
    reason = fields.StrictTextField(
        max_length=constants.REASON_LENGTH_MAX, required=False, help_text="For the audit trail."
    )


class CloseInput(fields.StrictSerializer):
    reason = fields.StrictTextField(
        max_length=constants.REASON_LENGTH_MAX, required=False, help_text="For the audit trail."
    )


class BalanceOutput(serializers.Serializer[Any]):
    account = fields.StrictUUIDField()
    asset = serializers.CharField()
    posted = fields.StrictIntegerField(minimum=-LIMIT_MAX)
    available = fields.StrictIntegerField(
        minimum=-LIMIT_MAX, allow_null=True, help_text="Spendable now; null: without bound."
    )
    held_out = fields.StrictIntegerField()
    held_in = fields.StrictIntegerField()
    entry_seq = fields.StrictIntegerField(help_text="Number of the account's newest entry.")


class BalanceAtOutput(serializers.Serializer[Any]):
    account = fields.StrictUUIDField()
    asset = serializers.CharField()
    posted = fields.StrictIntegerField(minimum=-LIMIT_MAX)
    at = fields.InstantField()
    clock = serializers.CharField()


BalanceNowOrThen: Final = PolymorphicProxySerializer(
    component_name="BalanceNowOrThen",
    serializers=[BalanceOutput, BalanceAtOutput],
    resource_type_field_name=None,
)


class LedgerAccountOutput(serializers.Serializer[LedgerAccount]):
    id = fields.StrictUUIDField()
    owner = fields.StrictUUIDField(source="user_id")
    ledger = serializers.CharField(source="ledger.code")
    code = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    asset = serializers.CharField(source="asset_id")
    type = serializers.CharField()
    status = serializers.CharField()
    floor = fields.StrictIntegerField(minimum=-LIMIT_MAX, source="balance.floor", allow_null=True)
    ceiling = fields.StrictIntegerField(
        minimum=-LIMIT_MAX, source="balance.ceiling", allow_null=True
    )
    posted = fields.StrictIntegerField(minimum=-LIMIT_MAX, source="balance.posted")
    metadata = fields.MetadataField()
    created_at = fields.InstantField()


class PostingInput(fields.StrictSerializer):
    source = fields.StrictTextField(  # type: ignore[assignment]  # the API's word
        max_length=constants.CODE_LENGTH_MAX, help_text="Ledger account id, or a code."
    )
    destination = fields.StrictTextField(
        max_length=constants.CODE_LENGTH_MAX, help_text="Ledger account id, or a code."
    )
    amount = fields.AmountField(minimum=1, help_text="Minor units.")
    asset = fields.StrictTextField(max_length=16, pattern=constants.ASSET_PATTERN)


class ExpectationInput(fields.StrictSerializer):
    account = fields.StrictUUIDField()
    entry_seq = fields.StrictIntegerField()


class TransactionInput(fields.StrictSerializer):
    ledger = fields.StrictTextField(
        max_length=constants.CODE_LENGTH_MAX, required=False, default=constants.DEFAULT_LEDGER
    )
    postings = fields.StrictListField(
        child=PostingInput(), min_length=1, max_length=constants.POSTINGS_MAX
    )
    reference = fields.StrictTextField(
        max_length=constants.REFERENCE_LENGTH_MAX,
        required=False,
        help_text="Unique in the ledger for ever.",
    )
    description = fields.StrictTextField(
        max_length=constants.DESCRIPTION_LENGTH_MAX, required=False
    )
    effective_at = fields.InstantField(required=False)
    metadata = fields.MetadataField(required=False)
    expect = fields.StrictListField(
        child=ExpectationInput(), max_length=constants.EXPECTATIONS_MAX, required=False
    )


class EntryOutput(serializers.Serializer[Entry]):
    transaction = fields.StrictUUIDField(source="transaction_id")
    account = fields.StrictUUIDField(source="account_id")
    asset = serializers.CharField(source="asset_code")
    amount = fields.StrictIntegerField(minimum=-LIMIT_MAX)
    account_seq = fields.StrictIntegerField()
    balance_after = fields.StrictIntegerField(minimum=-LIMIT_MAX)
    recorded_at = fields.InstantField()
    effective_at = fields.InstantField(allow_null=True)


class LegOutput(serializers.Serializer[Any]):
    account = fields.StrictUUIDField()
    amount = fields.StrictIntegerField(minimum=-LIMIT_MAX)
    account_seq = fields.StrictIntegerField()
    balance_after = fields.StrictIntegerField(minimum=-LIMIT_MAX)


class PostedPostingOutput(serializers.Serializer[Any]):
    source = fields.StrictUUIDField()  # type: ignore[assignment]  # the API's word
    destination = fields.StrictUUIDField()
    amount = fields.StrictIntegerField()
    asset = serializers.CharField()


class TransactionOutput(serializers.Serializer[Any]):
    id = fields.StrictUUIDField()
    status = serializers.CharField()
    kind = serializers.CharField(help_text="posting, capture, reversal, exchange or import.")
    ledger = serializers.CharField()
    reference = serializers.CharField(allow_null=True)
    description = serializers.CharField(allow_null=True)
    postings = PostedPostingOutput(many=True)
    entries = LegOutput(many=True)
    metadata = fields.MetadataField()
    reverses = fields.StrictUUIDField(allow_null=True, help_text="What it gives back.")
    reversed_by = serializers.ListField(
        child=fields.StrictUUIDField(), help_text="What gives it back, oldest first."
    )
    hold = fields.StrictUUIDField(allow_null=True, help_text="The hold it captures.")
    effective_at = fields.InstantField()
    recorded_at = fields.InstantField()


class TransactionSummary(serializers.Serializer[Any]):
    id = fields.StrictUUIDField()
    ledger = serializers.CharField(source="ledger.code")
    kind = serializers.CharField()
    reference = serializers.CharField(allow_null=True)
    description = serializers.CharField(allow_null=True)
    effective_at = fields.InstantField()
    recorded_at = fields.InstantField()


class StatementLine(serializers.Serializer[Any]):
    at = fields.InstantField(help_text="By the clock asked for.")
    transaction = fields.StrictUUIDField(source="transaction_id", allow_null=True)
    entries = fields.StrictIntegerField(help_text="More than one, or no transaction: archived.")
    reference = serializers.CharField(allow_null=True)
    description = serializers.CharField(allow_null=True)
    amount = fields.StrictIntegerField(minimum=-LIMIT_MAX)
    balance = fields.StrictIntegerField(minimum=-LIMIT_MAX)
    account_seq = fields.StrictIntegerField()


class StatementOutput(serializers.Serializer[Any]):
    account = fields.StrictUUIDField()
    asset = serializers.CharField()
    since = fields.InstantField()
    until = fields.InstantField()
    clock = serializers.CharField()
    opening_balance = fields.StrictIntegerField(minimum=-LIMIT_MAX)
    closing_balance = fields.StrictIntegerField(minimum=-LIMIT_MAX)
    items = StatementLine(many=True)
    next = serializers.CharField(allow_null=True)


class LedgerList(serializers.Serializer[Any]):
    items = LedgerOutput(many=True)


class AssetList(serializers.Serializer[Any]):
    items = AssetOutput(many=True)


class LedgerAccountPage(serializers.Serializer[Any]):
    items = LedgerAccountOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class EntryPage(serializers.Serializer[Any]):
    items = EntryOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class TransactionPage(serializers.Serializer[Any]):
    items = TransactionSummary(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
