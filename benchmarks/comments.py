"""What the request's id in a comment costs a statement.

``DJANGO_SETTINGS_MODULE=config.settings .venv/bin/python -m config.local exec --
.venv/bin/python -m benchmarks.comments``, after ``make run`` has made the database. It only reads,
and ends after a minute at most.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from unittest import mock

import django

django.setup()

from accounts.models import User  # noqa: E402 - Django must be set up first
from benchmarks.comparing import Side, compared  # noqa: E402 - as above
from core import context, ids, statements  # noqa: E402 - as above
from core.principals import HOUSE_USER_ID  # noqa: E402 - as above

PAIRS, STATEMENTS, COMMENTS = 41, 300, 100_000


def main() -> None:
    """Read one person by key, with the comment and without in turn; print the ratio."""
    sides: dict[str, Side] = {
        "with": lambda: _us_each(_read, STATEMENTS),
        "without": _without_comments,
    }
    with context.entered(context.Context(request_id=str(ids.uuid7()))):
        found = compared(sides, rounds=PAIRS)
        writing_us = _us_each(lambda: statements.signed("SELECT 1"), COMMENTS)
    pairs = zip(found["with"].values, found["without"].values, strict=True)
    low, middle, high = statistics.quantiles([one / other for one, other in pairs], n=4)
    sys.stdout.write(
        f"{PAIRS} pairs of {STATEMENTS} statements, with : without {middle:.3f} "
        f"(quartiles {low:.3f} to {high:.3f}); {found['with']} : {found['without']} us each; "
        f"writing the comment alone {writing_us:.1f} us\n"
    )


def _read() -> None:
    User.objects.filter(pk=HOUSE_USER_ID).first()


def _without_comments() -> float:
    with mock.patch.object(statements, "signed", lambda sql: sql):
        return _us_each(_read, STATEMENTS)


def _us_each(work: Callable[[], object], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - started) / times * 1_000_000


if __name__ == "__main__":
    main()
