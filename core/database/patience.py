"""A connection to PostgreSQL on which a request does not wait for ever."""

from __future__ import annotations

import select
from typing import Any, Final

import psycopg
from django.conf import settings
from psycopg.abc import RV, PQGen
from psycopg.pq import ConnStatus, TransactionStatus
from typing_extensions import override

from core import context

# PostgreSQL itself ends a statement in time; it gets this much longer to say so.
GRACE_MS: Final = 1_000


class PatientConnection(psycopg.Connection[Any]):
    """Gives up on a server that is silent for longer than it lets a statement run.

    PostgreSQL's own limits do not help when it hangs or the net swallows its answers. Commands and
    jobs have no deadline and wait.
    """

    @override
    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for the server; a connection that was given up is closed.

        Raises:
            OperationalError: no answer in time. What was sent may have been done.
        """
        limit_s = _patience_s() if timeout is None else timeout
        try:
            return super().wait(gen, interval=interval, timeout=limit_s)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                # Its answer would be taken for that of the next question.
                self.pgconn.finish()
            raise

    def is_sound(self) -> bool:
        """Tell whether the server has left an idle connection alone; it costs no round trip."""
        if self.pgconn.status != ConnStatus.OK:
            return False
        poll = select.poll()
        poll.register(self.pgconn.socket, select.POLLIN)
        # Unasked, it only says good-bye, or something that a new connection need not hear.
        return not poll.poll(0)


def _patience_s() -> float | None:
    remaining_ms = context.current().remaining_ms()
    if remaining_ms is None:
        return None
    limit_ms: float = settings.ENV.db_statement_timeout_ms
    return (max(0.0, min(remaining_ms, limit_ms)) + GRACE_MS) / 1_000
