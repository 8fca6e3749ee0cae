"""The README's walk, word for word, against a running service."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_walk_works_word_for_word(serve, tmp_path):
    mails = tmp_path / "mail"
    service = serve(workers=1, MAIL_TRANSPORT="file", MAIL_FOLDER=str(mails))
    created = service.command("staff_create", "--email", "staff@example.org", "--role", "admin")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```sh\n(.*?)```", readme, re.DOTALL)
    assert found is not None
    walk = found[1].replace("http://127.0.0.1:8000", service.url).replace("var/mail", str(mails))
    with service.worker():
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", walk],
            env={**os.environ, "STAFF": created.stdout.rsplit("): ", 1)[1].strip()},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    decoder, answers, text = json.JSONDecoder(), [], done.stdout
    while text.startswith("{"):
        answer, end = decoder.raw_decode(text)
        answers.append(answer)
        text = text[end:]
    registered, deposit, first, again, balance, statement = answers
    assert registered == {"status": "accepted"}
    assert deposit["entries"][1]["balance_after"] == 10_000
    assert first == again
    assert balance["posted"] == 8_750
    assert statement["closing_balance"] == 8_750
    assert text.splitlines()[0].startswith("at,transaction,reference")
    assert len(text.splitlines()) == 3
