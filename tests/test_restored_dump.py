"""A dump that is restored elsewhere is the same ledger, sealed as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg

from tests import database, services
from tests.database import url_of
from tests.people import make_person
from transactions.services import refresh_snapshots, seal_history
from transactions.tests.money import move, open_account, post


def test_dump_restored_elsewhere_verifies(committed_db: str, tmp_path: Path):
    ada = make_person("ada@example.org").principal
    source, destination = open_account(ada, balance=1_000), open_account(ada)
    for number in range(6):
        post(move(source, destination, 10, metadata={"n": str(number)}))
    database.await_final()
    refresh_snapshots()
    assert seal_history() == 7
    programs = services.cluster_at(tmp_path).programs
    copy, file = f"{committed_db}_restored", tmp_path / "dump"
    with psycopg.connect(url_of("superuser", "postgres"), autocommit=True) as superuser:
        superuser.execute(f"CREATE DATABASE {copy} OWNER strongroom_owner")
    try:
        original, target = url_of("superuser", committed_db), url_of("superuser", copy)
        subprocess.run([programs / "pg_dump", "-Fc", f"--file={file}", original], check=True)
        subprocess.run([programs / "pg_restore", f"--dbname={target}", file], check=True)
        urls = {"DATABASE_URL": url_of("app", copy), "DATABASE_OWNER_URL": url_of("owner", copy)}
        done = subprocess.run(
            [sys.executable, "manage.py", "ledger_verify", "--seals", "--json"],
            env={**os.environ, **urls},
            cwd=services.ROOT,
            check=True,
            capture_output=True,
        )
    finally:
        database.drop(copy)
    report = json.loads(done.stdout)
    assert report["clean"]
    assert report["seals"]["transactions"] == 7
