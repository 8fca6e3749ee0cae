"""What is counted to keep limits: in ``REDIS_STATE_URL``, or else in the cache's Valkey.

A cache that is full forgets what was not used lately. Whoever is near a limit could make it forget
their counter, so counters can live where nothing is evicted.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings

from core import cache
from core.valkey import Valkey

IS_APART: Final = bool(settings.ENV.redis_state_url)
SERVER: Final = Valkey("state") if IS_APART else cache.SERVER
