"""Who asks, under which request id, and until when: known everywhere without being passed on."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from contextvars import ContextVar

from core import clock
from core.principals import Principal


@dataclasses.dataclass(slots=True)
class Context:
    """What one request, job or command knows about itself.

    ``deadline_ms`` is on the clock of :func:`core.clock.monotonic_ms`; ``None`` is no deadline.
    ``answer_headers`` go out with the answer, whatever it becomes. ``reason`` is why, where
    somebody said so. ``job`` and ``command`` are the
    names of what runs outside a request; ``queries`` and ``database_ms`` what it asked of
    PostgreSQL so far.
    """

    request_id: str
    deadline_ms: float | None = None
    principal: Principal | None = None
    client_address: str = ""
    user_agent: str = ""
    error_code: str = ""
    answer_headers: dict[str, str] = dataclasses.field(default_factory=dict)
    reason: str = ""
    job: str = ""
    job_id: int | None = None
    command: str = ""
    queries: int = 0
    database_ms: float = 0.0

    def remaining_ms(self) -> float | None:
        """Return the milliseconds left, zero or less when the deadline has passed."""
        return None if self.deadline_ms is None else self.deadline_ms - clock.monotonic_ms()


_NOBODY = Context(request_id="")
_current: ContextVar[Context] = ContextVar("strongroom_context", default=_NOBODY)


def current() -> Context:
    """Return the context of the running request, job or command."""
    return _current.get()


def note_reason(reason: str) -> None:
    """Keep why the running request does what it does, for the audit trail of rows."""
    if (running := _current.get()) is not _NOBODY:
        running.reason = reason


@contextlib.contextmanager
def entered(context: Context) -> Iterator[Context]:
    """Make ``context`` the current one for the duration of a ``with`` block."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
