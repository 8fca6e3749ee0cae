"""What the OpenAPI document shows of the money endpoints."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

AT = "2026-11-20T10:00:00.000000Z"
ADA = "01a1fc76-8f73-70f5-a3bc-9771834789b4"
PURSE = "01a1fc80-2b4a-7c1e-9d0a-5a1f0c6d7e10"
FEES = "01a1fc80-2b4b-7d20-8c77-0e3b9a4f5d21"
ID = "01a1fc81-77d0-7aa2-b0b5-6d2f8e9c3b32"

_DOLLAR = {"code": "USD", "name": "US Dollar", "exponent": 2, "iso_numeric": 840}
_POINTS = {"code": "POINTS", "name": "Points", "exponent": 0}
_LEDGER = {"id": ID, "code": "main", "name": "Main ledger", "created_at": AT}
_ACCOUNT = {
    "id": PURSE,
    "owner": ADA,
    "ledger": "main",
    "code": "purse",
    "name": "Ada's purse",
    "asset": "USD",
    "type": "liability",
    "status": "open",
    "floor": 0,
    "ceiling": None,
    "posted": 8750,
    "metadata": {},
    "created_at": AT,
}
_ENTRY = {
    "transaction": ID,
    "account": PURSE,
    "asset": "USD",
    "amount": -1250,
    "account_seq": 18,
    "balance_after": 8750,
    "recorded_at": AT,
    "effective_at": None,
}
POSTED: dict[str, Any] = {
    "id": ID,
    "status": "posted",
    "kind": "posting",
    "ledger": "main",
    "reference": "order-42",
    "description": None,
    "postings": [{"source": PURSE, "destination": FEES, "amount": 1250, "asset": "USD"}],
    "entries": [
        {"account": PURSE, "amount": -1250, "account_seq": 18, "balance_after": 8750},
        {"account": FEES, "amount": 1250, "account_seq": 7, "balance_after": 91250},
    ],
    "metadata": {"order": "42"},
    "reverses": None,
    "reversed_by": [],
    "hold": None,
    "effective_at": AT,
    "recorded_at": AT,
}


def shown(name: str, value: object, *statuses: str) -> OpenApiExample:
    """Return an example of an answer, of 200 and 201 unless ``statuses`` says."""
    return OpenApiExample(
        name, value=value, response_only=True, status_codes=statuses or ("200", "201")
    )


def sent(name: str, value: object) -> OpenApiExample:
    """Return an example of a request."""
    return OpenApiExample(name, value=value, request_only=True)


def page_of(item: object) -> dict[str, object]:
    """Return a list's only page, with ``item`` on it."""
    return {"items": [item], "next": None, "previous": None}


LEDGERS = shown("The main ledger", {"items": [_LEDGER]})
NEW_LEDGER = sent("A second book", {"code": "gift-cards", "name": "Gift cards"})
LEDGER = shown("Open", _LEDGER)
ASSETS = shown("US dollar", {"items": [_DOLLAR]})
NEW_ASSET = sent("Loyalty points", _POINTS)
ASSET = shown("Added", {**_POINTS, "iso_numeric": None})
ACCOUNTS = shown("Ada's accounts", page_of(_ACCOUNT))
ACCOUNT = shown("Ada's purse", _ACCOUNT)
NEW_ACCOUNT = sent("A purse", {"code": "purse", "asset": "USD", "name": "Ada's purse"})
FREEZE = sent("Freeze", {"status": "frozen"})
CLOSE = sent("Close", {"reason": "The customer has left."})
BALANCE = shown(
    "Now",
    {
        "account": PURSE,
        "asset": "USD",
        "posted": 8750,
        "available": 8750,
        "held_out": 0,
        "held_in": 0,
        "entry_seq": 18,
    },
)
ENTRIES = shown("One entry", page_of(_ENTRY))
NEW_TRANSACTION = sent(
    "A purchase",
    {
        "reference": "order-42",
        "postings": [{"source": "purse", "destination": "fees", "amount": 1250, "asset": "USD"}],
        "metadata": {"order": "42"},
    },
)
TRANSACTION = shown("Posted", POSTED)
TRANSACTIONS = shown(
    "One transaction",
    page_of(
        {
            "id": ID,
            "ledger": "main",
            "kind": "posting",
            "reference": "order-42",
            "description": None,
            "effective_at": AT,
            "recorded_at": AT,
        }
    ),
)
STATEMENT = shown(
    "One line",
    {
        "account": PURSE,
        "asset": "USD",
        "since": "2026-11-01T00:00:00.000000Z",
        "until": "2026-12-01T00:00:00.000000Z",
        "clock": "recorded",
        "opening_balance": 10000,
        "closing_balance": 8750,
        "items": [
            {
                "at": AT,
                "transaction": ID,
                "reference": "order-42",
                "description": None,
                "amount": -1250,
                "entries": 1,
                "balance": 8750,
                "account_seq": 18,
            }
        ],
        "next": None,
    },
)
