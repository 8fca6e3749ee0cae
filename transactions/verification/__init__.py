"""Does the ledger hold? Nothing in here shares code with what wrote the rows it reads."""

from transactions.verification.invariants import Check, Finding, totals, verify
from transactions.verification.seals import SealFault, SealReport, verify_seals

__all__ = [
    "Check",
    "Finding",
    "SealFault",
    "SealReport",
    "totals",
    "verify",
    "verify_seals",
]
