"""The same scenario mix for Locust; loadtests/scenario.json says what happens how often."""

from __future__ import annotations

import json
import os
import random
import uuid
from pathlib import Path
from typing import Any

from locust import HttpUser, events, task
from typing_extensions import override

MIX = json.loads((Path(__file__).parent / "scenario.json").read_text())
WORLD = json.loads(Path(os.environ["WORLD"]).read_text())
WEIGHTS: dict[str, int] = MIX["weights"]


class Somebody(HttpUser):
    """A member of staff at work."""

    host = WORLD["url"]

    @override
    def on_start(self) -> None:
        self.client.headers["Authorization"] = f"Bearer {WORLD['token']}"

    @task(WEIGHTS["balance"])
    def balance(self) -> None:
        """Ask how much there is."""
        self._get("/api/v1/ledger-accounts/{}/balance/", "balance")

    @task(WEIGHTS["statement"])
    def statement(self) -> None:
        """Read what happened on an account."""
        self._get("/api/v1/ledger-accounts/{}/statement/?limit=50", "statement")

    @task(WEIGHTS["list"])
    def newest(self) -> None:
        """Read what happened at all."""
        self._get("/api/v1/transactions/?limit=50", "list")

    @task(WEIGHTS["post"])
    def post(self) -> None:
        """Move money."""
        self._post("/api/v1/transactions/", _posting(), "post")

    @task(WEIGHTS["bulk"])
    def bulk(self) -> None:
        """Move money many times at once."""
        items = [_posting() for _ in range(MIX["bulk_items"])]
        self._post("/api/v1/transactions/bulk/", {"items": items}, "bulk")

    def _get(self, path: str, name: str) -> None:
        self.client.get(path.format(random.choice(WORLD["accounts"])), name=name)

    def _post(self, path: str, body: dict[str, Any], name: str) -> None:
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        self.client.post(path, json={"ledger": "generated", **body}, headers=headers, name=name)


def _posting() -> dict[str, Any]:
    source, destination = random.sample(WORLD["accounts"], 2)
    return {
        "postings": [{"source": source, "destination": destination, "amount": 1, "asset": "USD"}]
    }


@events.quitting.add_listener
def judge(environment: Any, **_: Any) -> None:
    """End with 1 when a threshold is passed."""
    total, wanted = environment.stats.total, MIX["thresholds"]
    is_slow = (total.get_response_time_percentile(0.95) or 0) > wanted["p95_ms"]
    is_wrong = total.fail_ratio > wanted["failed_share"] or not total.num_requests
    environment.process_exit_code = int(is_slow or is_wrong)
