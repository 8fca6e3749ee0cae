"""Work done by many threads at one moment, each with a connection of its own."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from django.db import connection

from core.errors import DomainError


def race(works: list[Callable[[], object]]) -> Counter[str]:
    """Start all of ``works`` together; count how they ended: ``done``, a code, or another fault."""
    ends: Counter[str] = Counter()
    gate = threading.Barrier(len(works))
    lock = threading.Lock()

    def run(work: Callable[[], object]) -> None:
        gate.wait()
        try:
            work()
            end = "done"
        except DomainError as refusal:
            end = refusal.code
        except Exception as exc:  # noqa: BLE001 - any other end is counted, for the test to refuse
            end = repr(exc)
        finally:
            connection.close()
        with lock:
            ends[end] += 1

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends
