"""Looking for secrets where they must not be."""

from __future__ import annotations

import base64
import contextlib
import os
import subprocess

from core.embedded import binaries
from tests.database import url_of


def dumped(database: str) -> str:
    """Return a database as ``pg_dump`` writes it."""
    programs = binaries.postgres_programs(os.environ.get("PG_BIN_DIR"), binaries.service_identity())
    done = subprocess.run(
        [programs / "pg_dump", "--no-owner", url_of("superuser", database)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "COPY public.users" in done.stdout
    return done.stdout


def forms_of(secret: str) -> set[str]:
    """Return how ``secret``, or the half of it that opens things, may lie somewhere."""
    raw = secret.encode()
    forms = {secret, raw.hex(), base64.b64encode(raw).decode().rstrip("=")}
    forms.add(secret[len(secret) // 2 :] if len(secret) > 30 and " " not in secret else secret)
    with contextlib.suppress(ValueError):
        forms.add(base64.b32decode(secret + "=" * (-len(secret) % 8)).hex())
    return forms


def found_in(text: str, secrets: dict[str, str]) -> set[str]:
    """Return the names of the secrets that ``text`` gives away."""
    return {
        name for secret, name in secrets.items() if any(form in text for form in forms_of(secret))
    }
