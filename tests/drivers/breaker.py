"""One process that asks the breaker on command, at the time it is told.

Reads lines ``ask SECONDS``, ``fail SECONDS``, ``ok SECONDS`` and answers each with one word.
"""

from __future__ import annotations

import datetime as dt
import sys

import django

django.setup()

from core import breaker, clock  # noqa: E402 - the settings come first

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def main() -> None:
    permit, moments = None, [START]
    clock.now = lambda: moments[0]
    for line in sys.stdin:
        verb, seconds = line.split()
        moments[0] = START + dt.timedelta(seconds=float(seconds))
        said = "done"
        if verb == "ask":
            try:
                permit = breaker.ask("https://example.org:443")
                said = "probe" if permit.probe_until else "yes"
            except breaker.Resting:
                said = "no"
        elif verb == "fail":
            breaker.failed(permit or breaker.Permit("https://example.org:443"), fault="down")
        else:
            breaker.succeeded(permit or breaker.Permit("https://example.org:443"))
        print(said, flush=True)


main()
