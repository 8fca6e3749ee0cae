"""From checked bodies to drafts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.principals import Principal
from transactions import services


def drafts_of(
    bodies: Sequence[dict[str, Any]], *, ledger: str, actor: Principal
) -> list[services.Draft]:
    """Return the drafts that ``bodies`` describe, with all names of accounts resolved at once."""
    accounts = services.account_ids_of(
        names={
            (posting[side], posting["asset"])
            for body in bodies
            for posting in body["postings"]
            for side in ("source", "destination")
        },
        ledger_code=ledger,
        actor=actor,
    )
    return [
        services.Draft(
            postings=[
                services.Posting(
                    accounts[posting["source"], posting["asset"]],
                    accounts[posting["destination"], posting["asset"]],
                    posting["amount"],
                    posting["asset"],
                )
                for posting in body["postings"]
            ],
            reference=body.get("reference"),
            description=body.get("description"),
            effective_at=body.get("effective_at"),
            metadata=body.get("metadata"),
            expectations=[
                services.Expectation(known["account"], known["entry_seq"])
                for known in body.get("expect", ())
            ],
        )
        for body in bodies
    ]
