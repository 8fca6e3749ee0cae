"""What limits each goal, and what was tried: told beside every row that misses it."""

from __future__ import annotations

from typing import Final

LIMITS: Final = {
    "P1": (
        "On a quiet machine our view that does nothing answers 2.3 times as often as knox's with "
        "its look-up: even a session check for nothing could not reach five. Half of the request "
        "is spent before anybody asks who calls: gunicorn's hand-over between threads, "
        "middleware, one log line, metrics. The rest is two round trips to Valkey, for the "
        "session and for the limit, which the peers do not have, and DRF's frame. Tried: one "
        "request middleware, no page middleware for the API, Valkey without the client's metrics "
        "and retries and over one connection of each thread, all limits in one script, common "
        "headers parsed once, log lines without copies (1,676 Python calls, of 2,039). Not taken: "
        "the limit counted by the script that finds the session (whether a forbidden request "
        "counts would then depend on what the cache remembers), sessions cached in the process, "
        "which would outlive their revocation; a stateless JWT asks nobody whether the session "
        "still lives."
    ),
    "P2": (
        "Three round trips to Valkey: the caller's key, its limit, the session asked about; none "
        "is cached in the process, so that each ends at once. 2,029 Python calls, instead of "
        "2,549. Tried: as for P1."
    ),
    "P3": (
        "Web, Valkey, PostgreSQL and the load share two cores. A posting takes 3,029 Python calls "
        "(3,960 before), the no-op somewhat more than half: psycopg packing 25 parameters, then "
        "the wait for a durable commit of one prepared statement. Tried: serializers that a "
        "thread keeps instead of copying their fields, fewer round trips, kept plans of the audit "
        "trigger, entries in the order of their key, 4 or 2 threads instead of 8 (no faster). "
        "django-hordak keeps no key, event, audit, limit or running balance."
    ),
    "P4": (
        "Python beside PostgreSQL: a third waits for the statement, then checking, drafts, "
        "packing arrays, rendering. Tried: frozen garbage collection (0.63 of the processor "
        "time), checks by columns, binary answers. Items on their own merits are also decided one "
        "after the other, with all accounts locked."
    ),
    "P5": (
        "As P3: the row is locked only within the statement, so a single posting is as slow here "
        "as anywhere."
    ),
    "P6": (
        "Plans do not change with size (transactions/tests/test_plans.py). The second half is "
        "measured right after a million postings, when not every page is in memory; a balance "
        "reads so little that one page more is seen."
    ),
    "P7": (
        "The import takes about 2 s of a core in Python and 1.6 s in PostgreSQL, one after the "
        "other; whoever else uses the cores slows it by as much. Tried: rows read by position, "
        "arrays instead of a thousand parameters, no search of loaded modules for garbage "
        "(together about 0.6 of the time in Python). Not taken: leaving out the comparison with "
        "every stored balance. A generated million is written and indexed in PostgreSQL, and "
        "slowed in the same way."
    ),
    "P8": (
        "Two entries, a transaction and an event, with 13 UUIDs in rows and 11 in indexes, as "
        "each row and key carries its owner. The event goes once it is delivered and pruned. "
        "Tried: inserts in the order of the key (146 to 118 bytes for it), partial indexes; BRIN "
        "does not serve look-ups by account."
    ),
    "P9": ("What is loaded at the start; requests add nothing to it."),
    "P10": ("Answers other than 201, 429 and 503, or money that was not moved exactly once."),
    "P11": (
        "Two hashes at a time in each of two processes, each 0.1 s of a core, beside the load and "
        "nginx on two cores. Tried: hashing in threads that step back for all others (from 754 to "
        "38 ms, the former on a machine that others used, too), a cap on hashes, 503 with Retry- "
        "After for the rest, clients that heed it."
    ),
    "A1": (
        "The trigger looks at every row that a statement changes. Tried: plans that are kept, and "
        "a single row compared without a join."
    ),
    "A2": "As A1: a lone UPDATE does little else.",
}
