"""Does the time of a refused login tell whether somebody has an account? It must not.

Alternates logins with a known and with unknown addresses, all with a wrong password, against a
service of its own, and prints the medians::

    .venv/bin/python -m benchmarks.login_timing --samples 300
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django

from tests import services

# At import, as in conftest.py: the settings name the services.
_started_here = services.start_once()
django.setup()

from tests.http import Client  # noqa: E402 - see above
from tests.serving import Service, serving  # noqa: E402 - see above

WRONG = "not the password of anybody"
KNOWN = "ada@example.org"


def main() -> int:
    """Print the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=300)
    samples: int = parser.parse_args().samples
    with _service() as service:
        make = f"from tests.people import make_person; make_person({KNOWN!r})"
        service.command("shell", "-v", "0", "-c", make)
        client = Client(service.url)
        known: list[float] = []
        unknown: list[float] = []
        _log_in(client, KNOWN)
        for number in range(samples):
            # Each first in every second pair, so that neither always follows the other.
            pair = [(known, KNOWN), (unknown, f"nobody{number}@example.org")]
            for times, email in pair if number % 2 else reversed(pair):
                times.append(_log_in(client, email))
    known_ms, unknown_ms = statistics.median(known), statistics.median(unknown)
    sys.stdout.write(
        f"{samples} logins each: known {known_ms:.1f} ms, unknown {unknown_ms:.1f} ms, "
        f"ratio {known_ms / unknown_ms:.3f} (medians)\n"
    )
    return 0


def _log_in(client: Client, email: str) -> float:
    started = time.perf_counter()
    status, _, _ = client.call("POST", "/api/v1/auth/login/", {"email": email, "password": WRONG})
    assert status == 401, status
    return (time.perf_counter() - started) * 1_000


@contextmanager
def _service() -> Iterator[Service]:
    """Serve from throw-away servers, without limits on guesses."""
    limits = {"GUESSES_PER_ACCOUNT_MAX": "1000000", "GUESSES_PER_ADDRESS_MAX": "1000000"}
    try:
        with tempfile.TemporaryDirectory() as folder, serving(Path(folder), "bench") as start:
            yield start(workers=1, threads=2, **limits)
    finally:
        if _started_here is not None:
            services.remove(_started_here)


if __name__ == "__main__":
    sys.exit(main())
