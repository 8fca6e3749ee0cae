"""Are the libraries those that were locked, still looked after, and without known holes?"""

from __future__ import annotations

import datetime as dt
import json
import platform
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import IO, Any, Final

import django
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from core import clock
from core.version import VERSION

# The last day on which each series gets security fixes: djangoproject.com/download,
# devguide.python.org/versions and postgresql.org/support/versioning, read in November 2026.
SUPPORTED_UNTIL: Final = {
    "Django": {"5.2": dt.date(2028, 4, 30)},
    "Python": {
        "3.11": dt.date(2027, 10, 31),
        "3.12": dt.date(2028, 10, 31),
        "3.13": dt.date(2029, 10, 31),
        "3.14": dt.date(2030, 10, 31),
    },
    "PostgreSQL": {
        "15": dt.date(2027, 11, 11),
        "16": dt.date(2028, 11, 9),
        "17": dt.date(2029, 11, 8),
        "18": dt.date(2030, 11, 14),
    },
}
LOCKED: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
_LOCKED_WITH_HASHES: Final = re.compile(
    r"^([A-Za-z0-9._-]+)==([^ ;\\]+)[^\n]*\n((?: {4}--hash=\S+[^\n]*\n)*)", re.MULTILINE
)
_SHA256: Final = re.compile(r"sha256:([0-9a-f]{64})")
_PATCH: Final = re.compile(r"\.\d+$")


def installed() -> dict[str, str]:
    """Return the version of each library in this environment, by normalised name."""
    return {
        canonicalize_name(each.metadata["Name"]): each.version for each in metadata.distributions()
    }


def bill_of_materials(lock: Path) -> dict[str, Any]:
    """Return the libraries that ``lock`` names, with their hashes, as CycloneDX 1.6 has it."""
    components = []
    for name, version, hashes in _LOCKED_WITH_HASHES.findall(lock.read_text(encoding="utf-8")):
        known_as = f"pkg:pypi/{canonicalize_name(name)}@{version}"
        files = [{"alg": "SHA-256", "content": one} for one in _SHA256.findall(hashes)]
        source = {"type": "distribution", "url": f"https://pypi.org/project/{name}/{version}/"}
        components.append(
            {
                "type": "library",
                "bom-ref": known_as,
                "name": canonicalize_name(name),
                "version": version,
                "purl": known_as,
                "externalReferences": [{**source, "hashes": files}],
            }
        )
    ours = {"type": "application", "bom-ref": "strongroom", "name": "strongroom"}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": clock.as_rfc3339(clock.now()),
            "component": {**ours, "version": VERSION},
        },
        "components": components,
    }


def not_as_locked(lock: Path) -> list[str]:
    """Return a sentence for each library that is here in another version than ``lock`` says.

    What is locked and not here is for another platform or Python.
    """
    here = installed()
    wanted = {
        canonicalize_name(name): version
        for name, version in LOCKED.findall(lock.read_text(encoding="utf-8"))
    }
    return [
        f"{name} is {here[name]}, locked is {version}"
        for name, version in wanted.items()
        if name in here and Version(here[name]) != Version(version)
    ]


def unsupported(*, postgresql: int, today: dt.date) -> list[str]:
    """Return a sentence for each foundation whose series gets no security fixes any more.

    ``postgresql`` is the major version of the server.
    """
    series = {
        "Django": _PATCH.sub("", django.get_version()),
        "Python": _PATCH.sub("", platform.python_version()),
        "PostgreSQL": str(postgresql),
    }
    found = []
    for name, version in series.items():
        until = SUPPORTED_UNTIL[name].get(version)
        if until is None:
            found.append(f"{name} {version} is not among the series this was made for")
        elif until < today:
            found.append(f"{name} {version} has had no security fixes since {until}")
    return found


def with_known_holes(advisories: IO[bytes], here: Mapping[str, str]) -> list[str]:
    """Return a sentence for each library of ``here`` that an advisory is about.

    ``advisories`` is a ZIP of records in the OSV format (ossf.github.io/osv-schema), as osv.dev
    gives them for each ecosystem. Withdrawn ones say nothing.

    Raises:
        ValueError: this is no such file.
    """
    try:
        return [
            f"{name} {here[name]}: {record['id']}"
            for record in _records(advisories)
            if "withdrawn" not in record
            for name in _affected(record, here)
        ]
    except (zipfile.BadZipFile, KeyError, TypeError, AttributeError, InvalidVersion) as exc:
        raise ValueError("this is no ZIP of advisories in the OSV format") from exc


def _records(advisories: IO[bytes]) -> Iterator[dict[str, Any]]:
    with zipfile.ZipFile(advisories) as archive:
        for name in archive.namelist():
            yield json.loads(archive.read(name))


def _affected(record: dict[str, Any], here: Mapping[str, str]) -> set[str]:
    found: set[str] = set()
    for affected in record.get("affected", ()):
        package = affected["package"]
        name = canonicalize_name(package["name"])
        if package["ecosystem"] == "PyPI" and name in here and _is_meant(here[name], affected):
            found.add(name)
    return found


def _is_meant(version: str, affected: dict[str, Any]) -> bool:
    if version in affected.get("versions", ()):
        return True
    ranges = [each for each in affected.get("ranges", ()) if each["type"] == "ECOSYSTEM"]
    return any(_is_within(Version(version), each["events"]) for each in ranges)


def _is_within(version: Version, events: Iterable[dict[str, str]]) -> bool:
    """Follow the events of a range in the order of their versions, up to ``version``."""
    is_affected = False
    for what, at in sorted(
        ((what, at) for event in events for what, at in event.items()),
        key=lambda event: Version(event[1]),
    ):
        if what == "introduced" and Version(at) <= version:
            is_affected = True
        elif (what == "fixed" and Version(at) <= version) or (
            what == "last_affected" and Version(at) < version
        ):
            is_affected = False
    return is_affected
