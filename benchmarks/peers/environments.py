"""Virtual environments of their own for what is measured against, or measures."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path


def installed(place: Path, wanted: Path) -> Path:
    """Return the Python of the environment at ``place`` with the packages ``wanted`` lists."""
    python = place / "bin" / "python"
    noted = place / "installed.txt"
    if not noted.exists() or noted.read_text() != wanted.read_text():
        venv.create(place, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(wanted)], check=True)
        noted.write_text(wanted.read_text())
    return python
