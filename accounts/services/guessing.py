"""How often somebody may guess at a secret."""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from collections.abc import Iterator
from typing import Final

from django.conf import settings

from core import client_address, context, errors, metrics, rates
from core.runtime_settings import Setting, declare

PER_ACCOUNT_MAX: Final = declare(
    Setting(
        name="guesses_per_account_max",
        default=lambda: settings.ENV.guesses_per_account_max,
        minimum=1,
        maximum=1_000,
        about="Wrong passwords or codes for one account before the next one has to wait.",
    )
)
PER_ADDRESS_MAX: Final = declare(
    Setting(
        name="guesses_per_address_max",
        default=lambda: settings.ENV.guesses_per_address_max,
        minimum=1,
        maximum=100_000,
        about="The same from one address, whichever the account.",
    )
)


@contextlib.contextmanager
def counted_guess(
    *, purpose: str, subject: object, device_id: uuid.UUID | None = None
) -> Iterator[None]:
    """Count the block as one guess at the secret of ``subject``, unless it proves right.

    A guess is counted before it is judged, so that parallel ones cannot all be the last, for the
    caller's address and for ``subject``. What raises ``NotAuthenticated`` was wrong and stays
    counted; a right one gives back its own token and no other: it clears nothing. A known
    device has a counter of its own, which strangers cannot fill.

    Raises:
        RateLimited: too many wrong ones; ``Retry-After`` says when the next is heard.
    """
    counters = _counters(purpose, subject, device_id)
    _take_one(counters, purpose)
    was_wrong = False
    try:
        yield
    except errors.NotAuthenticated:
        was_wrong = True
        raise
    finally:
        if not was_wrong:
            for key, limit in counters:
                rates.give_back(key, limit=limit, period_s=settings.ENV.guess_period_s)


def limit_requests(*, purpose: str, subject: object = None) -> None:
    """Count one request that costs us or its ``subject`` something, such as a mail.

    Unlike a guess it counts however it ends. Without a ``subject`` only the address counts.

    Raises:
        RateLimited: too many from this address or for this subject.
    """
    _take_one(_counters(purpose, subject, None), purpose)


def _take_one(counters: list[tuple[str, int]], purpose: str) -> None:
    for key, limit in counters:
        verdict = rates.take(key, limit=limit, period_s=settings.ENV.guess_period_s)
        if not verdict.is_allowed:
            metrics.GUESSES_REFUSED.labels(purpose=purpose).inc()
            raise errors.RateLimited(
                "Too many attempts. Wait before the next one.",
                retry_after_s=verdict.retry_after_s,
            )


def _counters(purpose: str, subject: object, device_id: uuid.UUID | None) -> list[tuple[str, int]]:
    if device_id is not None:
        return [(_key(purpose, "device", device_id), PER_ACCOUNT_MAX.value)]
    address = client_address.neighbourhood(context.current().client_address)
    counters = [(_key(purpose, "address", address), PER_ADDRESS_MAX.value)]
    if subject is not None:
        counters.append((_key(purpose, "subject", subject), PER_ACCOUNT_MAX.value))
    return counters


def _key(purpose: str, kind: str, value: object) -> str:
    """Return a counter's name; hashed, so that the cache holds no addresses or e-mails."""
    return f"{purpose}:{kind}:{hashlib.sha256(str(value).encode()).hexdigest()}"
