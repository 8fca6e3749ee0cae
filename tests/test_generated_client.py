"""The OpenAPI document makes a client that works: somebody registers, logs in and pays with it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.people import PASSWORD
from tests.serving import ROOT, Service
from tests.waiting import until

TOKEN = re.compile(r"#token=([A-Za-z0-9_-]+)")
FUND = (
    "from transactions import selectors, services; "
    "from transactions.models import LedgerAccount; from transactions.tests import money; "
    "purse = LedgerAccount.objects.get(code='purse'); "
    "world = services.ensure_house_account("
    "ledger=purse.ledger, code='world', asset=selectors.get_asset('USD')); "
    "money.post(money.move(world, purse.pk, 7))"
)


def _made_client(folder: Path) -> Path:
    """Make a client of the committed document; everything in it must be understood."""
    made = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "openapi-python-client"), "generate"),
            *("--path", "docs/openapi-v1.yaml", "--output-path", str(folder / "client")),
        ],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    # The generator has no words for a CSV body; every other operation is there.
    assert made.stdout.count("WARNING") <= 1, made.stdout
    return folder / "client"


def _mailed_token(folder: Path) -> str:
    """Return the token of the link in the mail that comes."""

    def found() -> str:
        texts = [path.read_text() for path in folder.glob("*")] if folder.exists() else []
        return next((match[1] for text in texts if (match := TOKEN.search(text))), "")

    return until(found)


def _step(client: Path, service: Service, name: str, link: str = "") -> dict[str, Any]:
    """Take a step of ``tests/drivers/first_steps.py`` with the made client."""
    run = subprocess.run(
        [sys.executable, "tests/drivers/first_steps.py", service.url, PASSWORD, name, link],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(client)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    told: dict[str, Any] = json.loads(run.stdout)
    return told


def test_made_client_registers_logs_in_and_posts_a_transaction(serve, tmp_path):
    mails = tmp_path / "mails"
    service = serve(workers=1, MAIL_TRANSPORT="file", MAIL_FOLDER=str(mails))
    client = _made_client(tmp_path)
    with service.worker():
        assert _step(client, service, "register") == {"status": 202}
        token = _mailed_token(mails)
    assert _step(client, service, "verify", token) == {"status": 204}
    assert _step(client, service, "open")["code"] == "savings"
    service.command("shell", "-v", "0", "-c", FUND)
    posted = _step(client, service, "pay")
    assert posted["status"] == "posted"
    assert [entry["balance_after"] for entry in posted["entries"]] == [2, 5]
