"""Nothing that opens anything is in the repository, and what somebody adds to it is found."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Keys of AWS, private keys, tokens of Slack, GitHub, PyPI, Google and Stripe, identities of age.
LOOKS_SECRET = (
    "AKIA[0-9A-Z]{16}|BEGIN [A-Z ]*PRIVATE KEY|xox[bp]-[0-9A-Za-z-]{10}|gh[pousr]_[0-9A-Za-z]{36}"
    "|github_pat_[0-9A-Za-z_]{40}|pypi-AgE[0-9A-Za-z_-]{50}|AIza[0-9A-Za-z_-]{35}"
    "|[rs]k_live_[0-9A-Za-z]{20}|AGE-SECRET-KEY-1[0-9A-Z]{50}"
)


def _with_secrets(folder: Path) -> list[str]:
    """Return the tracked files of a repository that hold what looks like a secret."""
    done = subprocess.run(
        ["git", "grep", "--cached", "-lE", LOOKS_SECRET],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.splitlines()


def test_repository_holds_no_secret():
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    assert _with_secrets(ROOT) == []


@pytest.mark.parametrize(
    "planted",
    [
        "AKIA" + "Q" * 16,
        "-----BEGIN EC " + "PRIVATE KEY-----",
        "xoxb-" + "1" * 12,
        "ghp_" + "a" * 36,
        "github_pat_" + "a" * 60,
        "pypi-AgE" + "I" * 60,
        "AIza" + "S" * 35,
        "sk_live_" + "4" * 24,
        "AGE-SECRET-KEY-1" + "Q" * 58,
    ],
)
def test_planted_secret_is_found(tmp_path: Path, planted: str):
    (tmp_path / "settings.py").write_text(f"KEY = {planted!r}\n")
    (tmp_path / "readme").write_text("AKIA is how theirs begin.\n")
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)
    assert _with_secrets(tmp_path) == ["settings.py"]
