"""What the database refuses, and what is found when somebody got around it."""

from __future__ import annotations

import psycopg
import pytest
from django.core.management import CommandError, call_command

from sessions_app import constants, selectors
from sessions_app.tests.cookies import agree


@pytest.fixture
def ledger(committed_db):
    """Three consents of a visitor, really there."""
    for _ in range(3):
        agree(constants.MARKETING, anonymous_id="visitor-0123456789")


@pytest.mark.parametrize("role", ["app", "owner", "superuser"])
def test_attack_29_history_cannot_be_changed_whoever_asks(ledger, connect, role):
    with connect(role) as as_role:
        for table in ("consent_record", "cookie_policy_version"):
            for change in ("UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"):
                with pytest.raises(psycopg.DatabaseError) as raised:
                    as_role.execute(change.format(table))
                assert raised.value.sqlstate in {"42501", "SR001"}
    assert list(selectors.consent_faults()) == []


@pytest.mark.parametrize(
    ("tampering", "finding"),
    [
        ("UPDATE consent_record SET gpc = NOT gpc WHERE sequence = 2", "it was changed"),
        (
            "UPDATE consent_record SET choices = '{}' WHERE sequence = 3",
            "it was changed",
        ),
        ("DELETE FROM consent_record WHERE sequence = 2", "number 2 is missing"),
        ("DELETE FROM consent_record WHERE sequence = 3", "1 records are missing at the end"),
        (
            "UPDATE consent_record SET previous_hash = hash WHERE sequence = 2",
            "does not follow the record before it",
        ),
        (
            "INSERT INTO consent_record SELECT gen_random_uuid(), subject_id, 4, choices, "
            "mechanism, source, gpc, locale, client_network, created_at, previous_hash, hash, "
            "policy_id FROM consent_record WHERE sequence = 3",
            "never said it",
        ),
        ("UPDATE cookie_policy_version SET text = 'All is fine.'", "not the one that was"),
        ("UPDATE consent_subject SET head_hash = 'x'", "not the one that was written"),
    ],
)
def test_attack_29_tampering_is_found_and_named(ledger, connect, capsys, tampering, finding):
    with connect("superuser") as thief:
        # What the triggers cannot see: replication does not fire them.
        thief.execute("SET session_replication_role = replica")
        assert thief.execute(tampering).rowcount
    with pytest.raises(CommandError):
        call_command("consents_verify")
    assert finding in capsys.readouterr().out
