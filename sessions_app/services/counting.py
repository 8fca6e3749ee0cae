"""How many sessions and cookies there are: too dear for each scrape, so a job counts them."""

from __future__ import annotations

from django.db import connection, models, transaction

from core import clock
from core.operations import measurements
from sessions_app.models import Cookie, JarCookie, Session


def note_counts() -> dict[str, int]:
    """Count what is alive, keep it as what was measured last, and return it by name.

    Reads each table once, as long as that takes, and blocks nobody. Commits its own transaction.
    """
    now = clock.now()
    ends_later = models.Q(expires_at=None) | models.Q(expires_at__gt=now)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
        counts = {
            measurements.SESSIONS_LIVE: Session.objects.live(now).not_idle(now).count(),
            measurements.COOKIES_ISSUED: Cookie.objects.live(now).count(),
            measurements.COOKIES_IN_JARS: JarCookie.objects.filter(ends_later).count(),
        }
        for name, count in counts.items():
            measurements.note(name, count)
    return counts
