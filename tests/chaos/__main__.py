"""Start services for a run of chaos alone, run it, leave nothing behind: ``make chaos``."""

from __future__ import annotations

import os
import sys

import django

from tests import services

# The services of a test run that this belongs to must stay unharmed.
os.environ.pop(services.HOME_VARIABLE, None)
_home = services.start_once()
assert _home is not None
django.setup()

from tests.chaos import runs  # noqa: E402 - its models need the settings

try:
    _status = runs.main(sys.argv[1:], _home)
finally:
    services.remove(_home)
sys.exit(_status)
