"""What clients of a run of chaos ask for: postings, holds, captures, releases, reversals, bulks.

Each deed carries its mark into the database, where nothing makes it unique: a request that was
carried out twice would be there twice.
"""

from __future__ import annotations

import collections
import dataclasses
import random
from typing import Any

from tests.http import posting

AMOUNT_MAX = 900
BULK_MAX = 8
REMEMBERED = 64
Want = dict[str, Any]
Known = collections.deque[tuple[str, Want]]


@dataclasses.dataclass
class Deed:
    """A request and what it is to bring about, as the checker reads it."""

    path: str
    body: dict[str, Any]
    wants: list[Want]


@dataclasses.dataclass
class Memory:
    """Ids that the clients have seen, for each other to come back to."""

    accounts: list[str]
    holds: Known = dataclasses.field(default_factory=lambda: Known(maxlen=REMEMBERED))
    sales: Known = dataclasses.field(default_factory=lambda: Known(maxlen=REMEMBERED))

    def remember(self, want: Want, identifier: str | None) -> None:
        """Keep what can be captured, released or reversed; forget the oldest."""
        kept = {"hold": self.holds, "posting": self.sales}.get(want["kind"])
        if kept is not None and identifier is not None:
            kept.append((identifier, want))


def next_deed(memory: Memory, choose: random.Random, mark: str) -> Deed:
    """Return the next thing to ask for."""
    kinds = [post, post, post, hold, hold, bulk]
    if memory.holds:
        kinds += [capture, capture, release]
    if memory.sales:
        kinds += [reverse]
    return choose.choice(kinds)(memory, choose, mark)


def post(memory: Memory, choose: random.Random, mark: str) -> Deed:
    source, destination = choose.sample(memory.accounts, 2)
    amount = choose.randint(1, AMOUNT_MAX)
    body = {**posting(source, destination, amount), "description": f"{mark}/0"}
    return Deed("transactions/", body, [_want("posting", source, destination, amount)])


def hold(memory: Memory, choose: random.Random, mark: str) -> Deed:
    source, destination = choose.sample(memory.accounts, 2)
    amount = choose.randint(1, AMOUNT_MAX)
    (body,) = posting(source, destination, amount)["postings"]
    body["description"] = f"{mark}/0"
    return Deed("holds/", body, [_want("hold", source, destination, amount)])


def capture(memory: Memory, choose: random.Random, mark: str) -> Deed:
    identifier, held = choose.choice(memory.holds)
    (source, _), (destination, amount) = held["entries"]
    amount, final = choose.randint(1, amount), choose.random() < 0.5
    want = {**_want("capture", source, destination, amount, about=identifier), "final": final}
    body = {"amount": amount, "final": final, "description": f"{mark}/0"}
    return Deed(f"holds/{identifier}/capture/", body, [want])


def release(memory: Memory, choose: random.Random, mark: str) -> Deed:
    identifier, _ = choose.choice(memory.holds)
    want = {"kind": "release", "about": identifier, "entries": []}
    return Deed(f"holds/{identifier}/release/", {"reason": f"{mark}/0"}, [want])


def reverse(memory: Memory, choose: random.Random, mark: str) -> Deed:
    identifier, sold = choose.choice(memory.sales)
    (source, _), (destination, amount) = sold["entries"]
    amount = choose.randint(1, amount)
    want = _want("reversal", destination, source, amount, about=identifier)
    body = {"amount": amount, "reason": f"{mark}/0"}
    return Deed(f"transactions/{identifier}/reverse/", body, [want])


def bulk(memory: Memory, choose: random.Random, mark: str) -> Deed:
    parts = [post(memory, choose, mark) for _ in range(choose.randint(2, BULK_MAX))]
    items = [{**part.body, "description": f"{mark}/{n}"} for n, part in enumerate(parts)]
    body = {"atomic": choose.random() < 0.5, "items": items}
    return Deed("transactions/bulk/", body, [part.wants[0] for part in parts])


def made(deed: Deed, status: int, answer: dict[str, Any]) -> list[str | None]:
    """Return the id of each effect that the answer acknowledges."""
    if status >= 400:
        return [None] * len(deed.wants)
    if "items" in answer:
        return [item.get("id") for item in answer["items"]]
    return [answer.get("transaction") or answer["id"]]


def _want(kind: str, source: str, destination: str, amount: int, about: str | None = None) -> Want:
    entries = [[source, -amount], [destination, amount]]
    return {"kind": kind, "about": about, "entries": entries}
