"""Begin anew in the same process, with the configuration of now, once a trial has passed.

A process keeps every value that it read when it started. So one that is told to reload (SIGHUP)
asks another process whether the new configuration would start at all, finishes what it has, and
executes itself under the same process id.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import Final, NoReturn

TRIAL_TIMEOUT_S: Final = 120
TRIAL_OPTION: Final = "--check-config"


def faults_of_a_trial() -> str:
    """Load the configuration of now in another process; return what it complains of."""
    # Its numbers are nobody's.
    with tempfile.TemporaryDirectory() as elsewhere:
        try:
            trial = subprocess.run(  # noqa: S603 - ourselves
                [*_as_started(), TRIAL_OPTION],
                env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": elsewhere},  # noqa: TID251 - handed on, not read
                capture_output=True,
                check=False,
                text=True,
                timeout=TRIAL_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            return f"It did not start within {TRIAL_TIMEOUT_S} s."
    return "" if trial.returncode == 0 else (trial.stderr.strip() or "It does not start.")


def begin_anew() -> NoReturn:
    """Become what was started, with the environment of now; nothing after it runs."""
    os.execv(sys.executable, _as_started())  # noqa: S606 - ourselves


def _as_started() -> list[str]:
    """Return the command line of this process: ``sys.argv`` no longer knows of ``-m``."""
    return [sys.executable, *sys.orig_argv[1:]]
