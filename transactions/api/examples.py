"""What the OpenAPI document shows of the money endpoints."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample

_AT = "2026-11-20T10:00:00.000000Z"
_ADA = "01a1fc76-8f73-70f5-a3bc-9771834789b4"
_PURSE = "01a1fc80-2b4a-7c1e-9d0a-5a1f0c6d7e10"
_FEES = "01a1fc80-2b4b-7d20-8c77-0e3b9a4f5d21"
_ID = "01a1fc81-77d0-7aa2-b0b5-6d2f8e9c3b32"

_DOLLAR = {"code": "USD", "name": "US Dollar", "exponent": 2, "iso_numeric": 840}
_POINTS = {"code": "POINTS", "name": "Points", "exponent": 0}
_LEDGER = {"id": _ID, "code": "main", "name": "Main ledger", "created_at": _AT}
_ACCOUNT = {
    "id": _PURSE,
    "owner": _ADA,
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
    "created_at": _AT,
}
_ENTRY = {
    "transaction": _ID,
    "account": _PURSE,
    "asset": "USD",
    "amount": -1250,
    "account_seq": 18,
    "balance_after": 8750,
    "recorded_at": _AT,
    "effective_at": None,
}
_POSTED = {
    "id": _ID,
    "status": "posted",
    "ledger": "main",
    "reference": "order-42",
    "description": None,
    "postings": [{"source": _PURSE, "destination": _FEES, "amount": 1250, "asset": "USD"}],
    "entries": [
        {"account": _PURSE, "amount": -1250, "account_seq": 18, "balance_after": 8750},
        {"account": _FEES, "amount": 1250, "account_seq": 7, "balance_after": 91250},
    ],
    "metadata": {"order": "42"},
    "effective_at": _AT,
    "recorded_at": _AT,
}


def _answer(name: str, value: object) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True)


def _request(name: str, value: object) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True)


def _page(item: object) -> dict[str, object]:
    return {"items": [item], "next": None, "previous": None}


LEDGERS = _answer("The main ledger", {"items": [_LEDGER]})
NEW_LEDGER = _request("A second book", {"code": "gift-cards", "name": "Gift cards"})
LEDGER = _answer("Open", _LEDGER)
ASSETS = _answer("US dollar", {"items": [_DOLLAR]})
NEW_ASSET = _request("Loyalty points", _POINTS)
ASSET = _answer("Added", {**_POINTS, "iso_numeric": None})
ACCOUNTS = _answer("Ada's accounts", _page(_ACCOUNT))
ACCOUNT = _answer("Ada's purse", _ACCOUNT)
NEW_ACCOUNT = _request("A purse", {"code": "purse", "asset": "USD", "name": "Ada's purse"})
FREEZE = _request("Freeze", {"status": "frozen"})
BALANCE = _answer(
    "Now",
    {
        "account": _PURSE,
        "asset": "USD",
        "posted": 8750,
        "available": 8750,
        "held_out": 0,
        "held_in": 0,
        "entry_seq": 18,
    },
)
ENTRIES = _answer("One entry", _page(_ENTRY))
NEW_TRANSACTION = _request(
    "A purchase",
    {
        "reference": "order-42",
        "postings": [{"source": "purse", "destination": "fees", "amount": 1250, "asset": "USD"}],
        "metadata": {"order": "42"},
    },
)
TRANSACTION = _answer("Posted", _POSTED)
TRANSACTIONS = _answer(
    "One transaction",
    _page(
        {
            "id": _ID,
            "ledger": "main",
            "kind": "posting",
            "reference": "order-42",
            "description": None,
            "effective_at": _AT,
            "recorded_at": _AT,
        }
    ),
)
STATEMENT = _answer(
    "One line",
    {
        "account": _PURSE,
        "asset": "USD",
        "since": "2026-11-01T00:00:00.000000Z",
        "until": "2026-12-01T00:00:00.000000Z",
        "clock": "recorded",
        "opening_balance": 10000,
        "closing_balance": 8750,
        "items": [
            {
                "at": _AT,
                "transaction": _ID,
                "reference": "order-42",
                "description": None,
                "amount": -1250,
                "balance": 8750,
                "account_seq": 18,
            }
        ],
        "next": None,
    },
)
