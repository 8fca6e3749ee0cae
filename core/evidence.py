"""What an auditor asks for first, in one file: documents, states, versions, each with its hash."""

from __future__ import annotations

import hashlib
import json
import platform
import zipfile
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from core import clock, golive, libraries, self_assessment
from core.models import AuditSeal
from core.version import VERSION

LOCK: Final = "requirements.txt"
FORMAT: Final = "strongroom/evidence/1"
DOCUMENTS: Final = (
    "docs/compliance.md",
    "docs/asvs.md",
    "docs/traceability.md",
    "docs/data-map.md",
    "docs/role-matrix.md",
    "docs/dependencies.md",
    "docs/proofs.md",
    "docs/faults.md",
    "docs/openapi-v1.yaml",
    LOCK,
)
INDEX: Final = "index.json"


def write(path: Path) -> dict[str, str]:
    """Write the bundle; return the SHA-256 of everything in it, by name. Reads, changes nothing."""
    content = {name: (settings.BASE_DIR / name).read_bytes() for name in DOCUMENTS}
    content["golive.json"] = _json(
        [
            {"item": state.item.name, "state": state.state, "detail": state.detail}
            for state in golive.states()
        ]
    )
    content["versions.json"] = _json(_versions())
    content["sbom.json"] = _json(libraries.bill_of_materials(settings.BASE_DIR / LOCK))
    content["asvs.json"] = _json(self_assessment.counts(self_assessment.requirements()))
    content["seals.json"] = _json(_heads())
    hashes = {name: hashlib.sha256(held).hexdigest() for name, held in content.items()}
    made_at = clock.as_rfc3339(clock.now())
    index = {"format": FORMAT, "made_at": made_at, "version": VERSION, "sha256": hashes}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(INDEX, _json(index))
        for name, held in content.items():
            archive.writestr(name, held)
    return hashes


def _versions() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (server,) = cursor.fetchone()
    applied = MigrationLoader(connection).applied_migrations or {}
    return {
        "strongroom": VERSION,
        "python": platform.python_version(),
        "postgresql": server,
        "migrations": sorted(f"{app}.{name}" for app, name in applied),
    }


def _heads() -> list[dict[str, Any]]:
    """Return the newest seal of each trail: later proof that nothing before was changed."""
    newest = AuditSeal.objects.order_by("trail", "-number").distinct("trail").defer("members")
    return [
        {"trail": seal.trail, "number": seal.number, "mac": bytes(seal.mac).hex()}
        for seal in newest
    ]


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode()
