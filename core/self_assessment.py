"""What we say of ourselves against OWASP ASVS 5.0.0: the table of ``docs/asvs.md``, read."""

from __future__ import annotations

import collections
import dataclasses
import re
from pathlib import Path
from typing import Final

DOCUMENT: Final = Path(__file__).parent.parent / "docs" / "asvs.md"
STANDARD: Final = "OWASP ASVS 5.0.0"
TEST: Final = "test"
NOT_MET: Final = "not met"
WAYS: Final = (TEST, "document", "operator", NOT_MET)
_ROW: Final = re.compile(
    r"^\| (\d{1,2}\.\d{1,2}\.\d{1,2}) \| ([123]) \| ([^|]+) \| ([a-z ]+) \| ([^|]+) \|$",
    re.MULTILINE,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement, how it is met (one of ``WAYS``), and where that can be looked up."""

    id: str
    level: int
    asks: str
    way: str
    proof: str


def requirements() -> list[Requirement]:
    """Return every row of the table, in its order."""
    return [
        Requirement(identifier, int(level), asks, way, proof)
        for identifier, level, asks, way, proof in _ROW.findall(
            DOCUMENT.read_text(encoding="utf-8")
        )
    ]


def counts(assessed: list[Requirement]) -> dict[str, int]:
    """Return how many are met in each way, those of no use included."""
    found = collections.Counter(each.way for each in assessed)
    return {way: found[way] for way in WAYS}


def in_words(assessed: list[Requirement]) -> str:
    """Return the counts as a sentence, which says who counted."""
    told = counts(assessed)
    met = ", ".join(f"{told[way]} met by {_BY[way]}" for way in WAYS if way in _BY)
    return (
        f"{len(assessed)} requirements of {STANDARD}: {met}, {told[NOT_MET]} not met. "
        "Assessed by ourselves; no third party has looked."
    )


_BY: Final = {TEST: "a test", "document": "a document", "operator": "whoever runs it"}
