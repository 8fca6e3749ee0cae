"""Clients that never give up: the same request under the same key until somebody knows its end."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from pathlib import Path

from typing_extensions import override

from tests.chaos.deeds import Deed, Memory, made, next_deed
from tests.chaos.journal import Journal
from tests.http import Client

SETTLE_S = 60
WAIT_S = 0.05
# Sent again although the answer is known, so that answers are compared in calm times too.
ASKED_TWICE = 0.1
COME_AGAIN = frozenset({408, 429, 503})
REFUSALS = frozenset({404, 409, 410, 422})


class Customer(threading.Thread):
    """One client with its own connection, journal and dice."""

    def __init__(
        self, *, name: str, url: str, token: str, memory: Memory, folder: Path, seed: str
    ) -> None:
        super().__init__(name=name)
        self.client = Client(url, token, timeout=10)
        self.journal = Journal(folder / f"{name}.jsonl")
        self.memory = memory
        self.choose = random.Random(seed)
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.statuses: Counter[str] = Counter()

    @override
    def run(self) -> None:
        number = 0
        while self.may_go_on.is_set():
            number += 1
            mark = f"{self.name}-{number}"
            deed = next_deed(self.memory, self.choose, mark)
            if self.settle(mark, deed) and self.choose.random() < ASKED_TWICE:
                self.settle(mark, deed)
        self.client.close()
        self.journal.close()

    def settle(self, mark: str, deed: Deed) -> bool:
        """Send ``deed`` until it is answered for good; return whether it ever was."""
        deadline = time.monotonic() + SETTLE_S
        while time.monotonic() < deadline:
            self.journal.sent(mark, deed.wants)
            end = self._attempt(mark, deed)
            if end is not None:
                self.journal.settled(mark, end)
                for want, identifier in zip(deed.wants, end, strict=True):
                    self.memory.remember(want, identifier)
                return True
            time.sleep(self.choose.uniform(WAIT_S / 2, WAIT_S * 2))
        return False

    def _attempt(self, mark: str, deed: Deed) -> list[str | None] | None:
        """Return the ids the answer gives, or nothing when it is missing or not the last word."""
        path = f"/api/v1/{deed.path}"
        try:
            status, headers, answer = self.client.call(
                "POST", path, deed.body, Idempotency_Key=mark
            )
        except (OSError, http.client.HTTPException) as exc:
            self.statuses["no answer"] += 1
            self.journal.failed(mark, repr(exc))
            return None
        code = answer.get("code", "") if isinstance(answer, dict) else ""
        self.statuses[str(status)] += 1
        self.statuses["replayed"] += "idempotency-replayed" in headers
        if status < 300 or (status in REFUSALS and not code.startswith("IDEMPOTENCY_")):
            return made(deed, status, answer)
        self.journal.failed(mark, f"{status} {code} {json.dumps(answer, default=repr)[:300]}")
        if status not in COME_AGAIN and code != "IDEMPOTENCY_IN_PROGRESS":
            # Whatever dies behind it, a client is told to come again, and nothing else.
            self.statuses["wrong"] += 1
            self.may_go_on.clear()
        return None
