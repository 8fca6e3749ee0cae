"""P2 and ours of P1: what knowing the caller costs, against a view that does nothing."""

from __future__ import annotations

import json

from benchmarks import load
from benchmarks.comparing import Side, compared, ratio
from benchmarks.results import Row
from benchmarks.serving import Served

COMMAND = "python -m benchmarks sessions"
CLIENTS = 16


def run(served: Served, *, rounds: int, seconds: float) -> list[Row]:
    """Measure all of it."""
    asked = json.dumps({"token": served.token}).encode()
    introspection = load.request(
        served, "POST", "/api/v1/sessions/introspect/", asked, token=served.key
    )
    sides: dict[str, Side] = {
        "nothing": _getting(served, "/api/v1/benchmarks/nothing/", seconds),
        "known": _getting(served, "/api/v1/benchmarks/known/", seconds),
        "introspect": lambda: load.rate(
            served, lambda _: introspection, clients=CLIENTS, seconds=seconds, expect=200
        ),
    }
    found = compared(sides, rounds=rounds)
    cpu = {name: served.cpu_us_each(side, seconds=seconds) for name, side in sides.items()}
    known, introspect = (ratio(found, name, "nothing") for name in ("known", "introspect"))
    return [
        Row(
            goal="P1",
            what="authenticated GET, cache warm : no-op Django view",
            wanted="see the peers",
            reached=known,
            is_met=True,
            figures=f"{found['known']} : {found['nothing']} a second; "
            f"processor {cpu['known']:.0f} : {cpu['nothing']:.0f} us a request",
            command=COMMAND,
            floor=0.12,
        ),
        Row(
            goal="P2",
            what="sessions/introspect, cache warm : no-op Django view",
            wanted=">= 0.4 x",
            reached=introspect,
            is_met=introspect >= 0.4,
            figures=f"{found['introspect']} : {found['nothing']} a second; "
            f"processor {cpu['introspect']:.0f} : {cpu['nothing']:.0f} us a request",
            command=COMMAND,
            floor=0.08,
        ),
    ]


def _getting(served: Served, path: str, seconds: float) -> Side:
    asked = load.request(served, "GET", path)
    return lambda: load.rate(served, lambda _: asked, clients=CLIENTS, seconds=seconds, expect=200)
