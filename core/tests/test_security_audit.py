"""What is not looked at is said not to be; what is wrong fails the whole."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from core import counted, security_audit
from core.cluster import security
from tests.database import url_of
from tests.peers import Peer
from tests.ready import free_port

LOGINS = "log-ins to the database"


def states(database: str, role: str = "owner", **given) -> dict[str, str]:
    rows = security_audit.report(
        database_url=url_of(role, database), **{"url": None, "advisories": None, **given}
    )
    return {row.area: row.state for row in rows}


def test_report_says_what_it_did_not_look_at(committed_db: str):
    found = states(committed_db)
    assert (found["support"], found["locked versions"]) == ("passed", "passed")
    assert (found["known holes"], found["answers"]) == ("not looked at", "not looked at")
    # The suite runs as in development, on a PostgreSQL that does not wait for its disk.
    assert (found["settings"], found["database"]) == ("failed", "failed")
    # The owner of a database does not see who may log in to it, and how.
    assert found[LOGINS] == "not looked at"
    assert states(committed_db, role="superuser")[LOGINS] == "passed"


def test_valkey_that_may_forget_counters_is_told_so(committed_db: str, monkeypatch):
    # That of the suite, as that of `make run`, is small and keeps what was used last.
    assert states(committed_db)["valkey"] == "failed"
    told = counted.SERVER.about()
    for answer, state in (
        ({**told, "eviction": "noeviction"}, "passed"),
        ({**told, "memory_max_mb": 0}, "passed"),
        # One that somebody else runs may forbid the question.
        ({**told, "eviction": ""}, "not looked at"),
        ({}, "not looked at"),
    ):
        monkeypatch.setattr(counted.SERVER, "about", lambda answer=answer: answer)
        assert states(committed_db)["valkey"] == state
    monkeypatch.setattr(counted.SERVER, "is_reachable", lambda: False)
    assert states(committed_db)["valkey"] == "failed"


def test_fault_ends_the_command_with_failure_and_is_named(committed_db: str):
    out = io.StringIO()
    with pytest.raises(CommandError, match="settings, database"):
        call_command("security_audit", "--json", stdout=out)
    rows = {row["area"]: row for row in json.loads(out.getvalue())}
    counts, *unmet = rows["ASVS"]["faults"]
    assert rows["ASVS"]["state"] == "self-assessed"
    assert counts.startswith("161 requirements of OWASP ASVS 5.0.0: ")
    assert f" {len(unmet)} not met. Assessed by ourselves" in counts
    assert all(" not met: " in each for each in unmet)
    assert any(fault.startswith("not_durable") for fault in rows["database"]["faults"])
    (unseen,) = rows[LOGINS]["faults"]
    assert "--url-file" in unseen
    assert all(check.name in unseen for check in security.LOGINS)


def test_answer_that_tells_or_allows_too_much_fails(committed_db: str, peer: Peer):
    assert states(committed_db, url=peer.url)["answers"] == "failed"
    nobody = f"http://127.0.0.1:{free_port()}"
    assert states(committed_db, url=nobody)["answers"] == "failed"


def test_advisories_that_are_none_fail(committed_db: str, tmp_path):
    (tmp_path / "all.zip").write_text("none")
    assert states(committed_db, advisories=tmp_path / "all.zip")["known holes"] == "failed"
    assert states(committed_db, advisories=tmp_path / "gone.zip")["known holes"] == "failed"


def test_answers_of_the_service_pass(serve):
    service = serve(workers=1, threads=2)
    done = service.command("security_audit", "--json", "--url", service.url, check=False)
    rows = {row["area"]: row for row in json.loads(done.stdout)}
    assert rows["answers"] == {"area": "answers", "state": "passed", "faults": []}
    assert done.returncode == 1
