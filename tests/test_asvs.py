"""The self-assessment against OWASP ASVS 5.0.0 is whole, and names only what there is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from core import self_assessment

ROOT = Path(__file__).parent.parent
TESTED_MIN = 110
# The standard's levels of the requirements that this service is built against.
LEVELS = {
    1: """1.2.4 1.2.5 1.3.2 2.2.1 2.2.2 2.3.1 3.2.1 3.3.1 3.4.1 3.4.2 3.5.1 3.5.2 3.5.3 4.1.1
        6.1.1 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.8 6.3.1 6.3.2 6.4.1 7.2.1 7.2.2 7.2.3 7.2.4
        7.4.1 7.4.2 8.1.1 8.2.1 8.2.2 8.3.1 9.1.1 9.1.2 9.1.3 9.2.1 11.3.1 11.3.2 12.1.1 12.2.1
        13.4.1 14.2.1 14.3.1 15.1.1 15.2.1 15.3.1""",
    2: """1.3.3 1.3.6 1.3.10 1.3.11 1.4.2 1.5.2 2.2.3 2.3.2 2.3.3 2.3.4 2.4.1 3.3.2 3.3.3 3.3.4
        3.4.3 3.4.4 3.4.5 3.4.6 3.7.2 4.1.2 4.1.3 4.2.1 6.2.9 6.2.10 6.2.11 6.2.12 6.3.3 6.3.4
        6.4.3 6.5.1 6.5.2 6.5.3 6.5.4 6.5.5 6.6.2 6.6.3 7.1.1 7.1.2 7.3.1 7.3.2 7.4.3 7.4.5
        7.5.1 7.5.2 8.1.2 8.2.3 8.4.1 9.2.2 9.2.3 11.1.1 11.1.2 11.2.1 11.2.2 11.2.3 11.3.3
        11.4.2 11.5.1 12.3.1 12.3.2 13.1.1 13.2.3 13.2.4 13.2.5 13.3.1 13.3.2 13.4.2 13.4.4
        13.4.5 14.1.1 14.2.2 14.2.4 14.3.2 15.1.2 15.2.2 15.2.3 15.3.3 15.3.4 15.3.5 15.3.7
        16.1.1 16.2.1 16.2.2 16.2.4 16.2.5 16.3.1 16.3.2 16.3.3 16.3.4 16.4.1 16.4.2 16.5.1
        16.5.2 16.5.3""",
    3: """1.2.10 1.3.12 1.5.3 2.3.5 3.3.5 3.4.8 4.1.4 4.2.5 6.3.7 6.3.8 6.4.6 7.5.3 8.3.2 11.3.4
        13.4.6 14.2.7 15.4.1 15.4.2 15.4.3 16.5.4""",
}
NAMED = re.compile(r"([\w/]+\.py)::(\w+)")
LINK = re.compile(r"\]\(([\w./-]+\.(?:md|yaml))(?:#([\w-]+))?\)")
# What does cryptography; ``secrets`` only makes what others use.
CRYPTOGRAPHY = {
    *("argon2", "bcrypt", "cryptography", "hashlib", "hmac", "jwt", "pyotp", "pyrage"),
    *("secrets", "webauthn"),
}
ASSESSED = self_assessment.requirements()


def test_every_requirement_is_there_once_with_its_level():
    wanted = {identifier: level for level, ids in LEVELS.items() for identifier in ids.split()}
    assert len(wanted) == 161
    assert [one.id for one in ASSESSED] == sorted(wanted, key=_numbers)
    assert {one.id: one.level for one in ASSESSED} == wanted
    text = self_assessment.DOCUMENT.read_text(encoding="utf-8")
    assert len(re.findall(r"^\| \d+\.\d+\.\d+ ", text, re.MULTILINE)) == len(ASSESSED)


def _numbers(identifier: str) -> list[int]:
    return [int(number) for number in identifier.split(".")]


@pytest.mark.parametrize("one", ASSESSED, ids=lambda one: one.id)
def test_each_requirement_is_met_by_what_exists_or_says_why_not(one):
    assert one.way in self_assessment.WAYS
    tests, links = NAMED.findall(one.proof), LINK.findall(one.proof)
    for file, test in tests:
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), (file, test)
    for file, section in links:
        text = (ROOT / "docs" / file).read_text(encoding="utf-8")
        assert not section or section in _sections(text), (file, section)
    assert len(tests) == one.proof.count("::")
    if one.way == self_assessment.TEST:
        assert tests
    elif one.way == self_assessment.NOT_MET:
        assert len(one.proof) > 40
    else:
        assert links
        assert not tests


def _sections(text: str) -> set[str]:
    """Return the anchors of a document's headings, as they are made on GitHub."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_most_requirements_have_a_test_and_the_counts_are_told():
    counts = self_assessment.counts(ASSESSED)
    assert counts[self_assessment.TEST] >= TESTED_MIN
    assert sum(counts.values()) == len(ASSESSED)
    told = self_assessment.in_words(ASSESSED)
    assert all(str(count) in told for count in counts.values())
    assert "no third party" in told


def test_each_risk_of_the_api_names_a_test_that_exists():
    text = self_assessment.DOCUMENT.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (API\d+) \| [^|]+ \| ([\w/]+\.py)::(\w+) \|$", text, re.MULTILINE)
    assert [risk for risk, _, _ in rows] == [f"API{number}" for number in range(1, 11)]
    for risk, file, test in rows:
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), risk


def test_each_module_that_does_cryptography_is_in_the_inventory():
    told = (ROOT / "docs" / "cryptography.md").read_text(encoding="utf-8")
    named = set(
        re.findall(r"`((?:config|core|accounts|sessions_app|transactions)/[\w/]+\.py)`", told)
    )
    does = {
        str(path.relative_to(ROOT))
        for app in ("config", "core", "accounts", "sessions_app", "transactions")
        for path in (ROOT / app).rglob("*.py")
        if not {"tests", "migrations"} & set(path.parts) and _does_cryptography(path)
    }
    assert does - named == set(), "not in the inventory"
    assert named - does == set(), "in the inventory, and does none"


def _does_cryptography(path: Path) -> bool:
    source = path.read_text(encoding="utf-8")
    if not any(name in source for name in CRYPTOGRAPHY):
        return False
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules = {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            modules = {(node.module or "").partition(".")[0]}
        else:
            continue
        if modules & CRYPTOGRAPHY:
            return True
    return False
