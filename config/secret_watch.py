"""Is the secret store there, and does it still say what this process was started with?

A running process needs the store no more: what it read holds until the next reload. But the next
start will need it, and a new value takes effect only then, so both are measured.
"""

from __future__ import annotations

import threading
from typing import Final

import structlog
from django.conf import settings
from procrastinate.contrib.django import app

from config.secret_stores import Store, StoreUnavailable, fingerprint
from core import clock, metrics

ASK_EVERY_MS: Final = 15_000

log = structlog.get_logger(__name__)


class _Watch:
    """Asks at most every fifteen seconds in each process: a scrape must not wait for each other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_at_ms = -float(ASK_EVERY_MS)

    def look(self) -> None:
        """Measure the store, if there is one and it is time."""
        store = settings.SECRET_STORE
        if store is None or not self._lock.acquire(blocking=False):
            return
        try:
            if clock.monotonic_ms() - self._asked_at_ms >= ASK_EVERY_MS:
                self._asked_at_ms = clock.monotonic_ms()
                self._ask(store)
        finally:
            self._lock.release()

    def _ask(self, store: Store) -> None:
        kind = settings.ENV.secrets_from
        try:
            now = fingerprint(store.read())
        except StoreUnavailable as exc:
            failed(str(exc))
            return
        metrics.SECRETS_UP.labels(store=kind).set(1)
        metrics.SECRETS_CHANGED.labels(store=kind).set(now != settings.SECRETS_AT_START)


look = _Watch().look


def failed(why: str) -> None:
    """Tell that the store was asked in vain; what was read at the start goes on to hold."""
    kind = settings.ENV.secrets_from
    metrics.SECRETS_UP.labels(store=kind).set(0)
    metrics.SECRETS_FAILURES.labels(store=kind).inc()
    metrics.FALLBACKS.labels(source="secret_store", target="earlier").inc()
    log.warning("secret_store_failed", why=why)


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="renew_store_token", pass_context=False)
def renew_store_token(timestamp: int) -> None:  # noqa: ARG001 - every periodic job is told the time
    """Let the token that opens the secret store live on."""
    if settings.SECRET_STORE is None:
        return
    try:
        settings.SECRET_STORE.renew()
    except StoreUnavailable as exc:
        failed(str(exc))
