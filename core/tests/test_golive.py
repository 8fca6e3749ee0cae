"""Three states and no fourth: verified by a run, attested by a person, not covered."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
import zipfile

import pytest
from django.core.management import CommandError, call_command, get_commands
from packaging.utils import canonicalize_name

from core import clock, evidence, golive, libraries, security_audit
from core.errors import InvalidInput
from core.golive import Item
from core.models import AuditEvent, GoLiveEvidence
from core.models.golive import ATTESTED, RUN

pytestmark = pytest.mark.django_db


def stand(name: str) -> tuple[str, str]:
    return next((each.state, each.detail) for each in golive.states() if each.item.name == name)


@pytest.fixture
def items(monkeypatch):
    """A check that passes, one that fails, one that breaks, one without a command, and a word."""
    monkeypatch.setattr(
        golive,
        "ITEMS",
        (
            Item("good", "passes", ("check",)),
            Item("bad", "fails", ("user_erase", "nobody")),
            Item("absent", "is not written yet", ("no_such_command",)),
            Item("word", "somebody knows"),
        ),
    )


@pytest.fixture
def held_clock(monkeypatch):
    moment = [clock.now()]
    monkeypatch.setattr(clock, "now", lambda: moment[0])

    def advance(**by: int) -> None:
        moment[0] += dt.timedelta(**by)

    return advance


def test_nothing_is_covered_before_anything_ran(items):
    assert {state.state for state in golive.states()} == {golive.NOT_COVERED}
    assert stand("good")[1] == "never run"
    assert stand("word")[1] == "nobody vouched for it"


def test_run_covers_what_passes_for_as_long_as_it_is_fresh(items, held_clock):
    golive.run_checks()
    assert stand("good") == (golive.VERIFIED, "0 hours ago")
    assert stand("bad")[0] == golive.NOT_COVERED
    assert stand("bad")[1].startswith("failed 0 hours ago: ")
    assert stand("absent") == (golive.NOT_COVERED, "there is no command no_such_command")
    held_clock(hours=23)
    assert stand("good") == (golive.VERIFIED, "23 hours ago")
    held_clock(hours=1)
    assert stand("good") == (golive.NOT_COVERED, "too long ago: 24 hours")


def test_word_of_a_named_person_counts_until_its_day(items, held_clock):
    for by, days in (("", 9), ("  ", 9), ("Ada Lovelace", 0), ("Ada Lovelace", 367)):
        with pytest.raises(InvalidInput):
            golive.attest(name="word", by=by, days=days, note="")
    with pytest.raises(InvalidInput, match="no item"):
        golive.attest(name="weather", by="Ada Lovelace", days=9, note="")
    with pytest.raises(InvalidInput, match="by a run"):
        golive.attest(name="good", by="Ada Lovelace", days=9, note="")
    assert not GoLiveEvidence.objects.exists()
    assert not AuditEvent.objects.exists()
    golive.attest(name="word", by="Ada Lovelace", days=9, note="Letter of 3 November")
    state, detail = stand("word")
    assert state == golive.VOUCHED
    assert detail.startswith("by Ada Lovelace, until ")
    event = AuditEvent.objects.get(action="golive.attest")
    assert event.target_id == str(GoLiveEvidence.objects.get().pk)
    assert (event.data["item"], event.data["by"]) == ("word", "Ada Lovelace")
    assert event.data["note"] == "Letter of 3 November"
    held_clock(days=9)
    assert stand("word") == (golive.NOT_COVERED, "too long ago: 9 days")


def test_there_is_no_fourth_state(items, held_clock):
    """Whatever evidence lies there: of a run, of a person, of a failure, fresh or old."""
    for item, kind, has_passed, is_fresh in itertools.product(
        golive.ITEMS, (RUN, ATTESTED), (True, False), (True, False)
    ):
        held_clock(days=400)
        golive._keep(
            item, kind=kind, has_passed=has_passed, note="", days=2, by="Ada" * (kind == ATTESTED)
        )
        held_clock(days=1 if is_fresh else 2)
        covers = has_passed and is_fresh and item.name != "absent"
        expected = golive.NOT_COVERED
        if covers and item.command and kind == RUN:
            expected = golive.VERIFIED
        elif covers and not item.command and kind == ATTESTED:
            expected = golive.VOUCHED
        assert stand(item.name)[0] == expected, (item.name, kind, has_passed, is_fresh)


def test_what_a_failed_check_said_is_one_line(items, monkeypatch, capsys):
    def fail(*_, stdout, **__):
        stdout.write("users: open\n\nkeys: open\n")
        raise CommandError("Two\nfindings.")

    monkeypatch.setattr(golive, "call_command", fail)
    golive.run_checks()
    assert stand("good")[1].endswith(": Two findings. users: open; keys: open")


def test_later_failure_takes_an_earlier_success_back(items, monkeypatch):
    golive.run_checks()
    monkeypatch.setattr(golive, "_ran", lambda item: (False, "broken"))
    golive.run_checks()
    assert stand("good")[0] == golive.NOT_COVERED


def test_command_fails_while_anything_is_open(items, capsys, monkeypatch):
    with pytest.raises(CommandError, match="4 of 4"):
        call_command("golive", "--json")
    assert len(json.loads(capsys.readouterr().out)) == 4
    with pytest.raises(CommandError, match="2 of 4"):
        call_command("golive", "--run", "--attest", "word", "--by", "Ada Lovelace")
    monkeypatch.setattr(golive, "ITEMS", (golive.ITEMS[0], golive.ITEMS[3]))
    call_command("golive")
    assert "attested: word (somebody knows): by Ada Lovelace" in capsys.readouterr().out


def test_every_item_that_a_run_verifies_names_a_command_or_is_open():
    known = get_commands()
    without = {item.name for item in golive.ITEMS if item.command and item.command[0] not in known}
    assert without <= {"backups"}
    assert len({item.name for item in golive.ITEMS}) == len(golive.ITEMS)


def test_bill_of_materials_lists_every_locked_library():
    told = libraries.bill_of_materials(security_audit.LOCK)
    lock = security_audit.LOCK.read_text()
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    assert {(each["name"], each["version"]) for each in told["components"]} == {
        (canonicalize_name(name), version) for name, version in libraries.LOCKED.findall(lock)
    }
    hashes = [file["hashes"] for each in told["components"] for file in each["externalReferences"]]
    assert all(hashes)
    assert sum(map(len, hashes)) == lock.count("--hash=sha256:") > 100
    installed = libraries.installed()
    here = {each["name"] for each in told["components"]} & installed.keys()
    assert len(here) > 30
    assert len({each["purl"] for each in told["components"]}) == len(told["components"])


def test_evidence_lists_what_is_in_it_with_hashes(items, tmp_path, capsys):
    golive.run_checks()
    bundle = tmp_path / "evidence.zip"
    call_command("evidence", "--to", str(bundle))
    lines = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    told = {name: digest for digest, name in lines}
    with zipfile.ZipFile(bundle) as archive:
        assert set(archive.namelist()) == {*told, evidence.INDEX}
        for name, digest in told.items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == digest
        states = json.loads(archive.read("golive.json"))
        index = json.loads(archive.read(evidence.INDEX))
        assessed = json.loads(archive.read("asvs.json"))
        assert archive.read("docs/asvs.md")
    assert {each["state"] for each in states} == {golive.VERIFIED, golive.NOT_COVERED}
    assert index["sha256"] == told
    assert sum(assessed.values()) == 161
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("evidence", "--to", str(tmp_path / "nowhere" / "evidence.zip"))
