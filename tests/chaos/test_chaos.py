"""Workers, connections and PostgreSQL itself die under load: nothing is lost, nothing doubled."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import ROOT

HERE = Path(__file__).parent
SECONDS = 15
# Acknowledged operations in each plan, on a busy machine with two cores.
LEAST = 100


@pytest.mark.long
@pytest.mark.xdist_group("chaos")
def test_nothing_is_lost_or_doubled_whatever_is_killed():
    command = ["-m", "tests.chaos", f"--seconds={SECONDS}", f"--least={LEAST}"]
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    proof, *lines = done.stdout.splitlines()
    assert proof == "PROVED=5/5"
    assert [line.rpartition("PLAN=")[2] for line in lines] == ["workers", "backends", "postmaster"]
    for line in lines:
        facts = dict(fact.split("=") for fact in line.split())
        assert [facts[name] for name in ("LOST", "DUP", "UNKNOWN", "IMBALANCE")] == ["0"] * 4
        assert int(facts["ops"]) >= LEAST
        assert int(facts["hits"]) >= 2
        # Clients felt it: they had no answer, or were told to come again.
        assert int(facts.get("no_answer", 0)) + int(facts.get("503", 0)) > 0
        assert int(facts["replayed"]) > 0


def test_checker_shares_nothing_with_the_service():
    tree = ast.parse((HERE / "checker.py").read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported - sys.stdlib_module_names == {"psycopg"}
