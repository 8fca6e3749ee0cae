"""Counters of limits in a Valkey of their own, which forgets none of them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings

from core import counted, rates
from core.embedded.valkey import ValkeyServer
from core.valkey import PREFIX, Valkey
from tests.services import ROOT, valkey_at

CACHE_BYTES, VALUE = 8 * 2**20, b"x" * 2**16


@pytest.fixture
def servers() -> Iterator[tuple[ValkeyServer, ValkeyServer]]:
    """One that evicts what was not used lately, as a cache does, and one that evicts nothing."""
    with tempfile.TemporaryDirectory() as folder:
        homes = [Path(folder) / name for name in ("cache", "state")]
        Path(folder).chmod(0o711)
        for home in homes:
            home.mkdir()
            home.chmod(0o711)
        cache, state = (valkey_at(home) for home in homes)
        try:
            for server, policy in ((cache, "allkeys-lru"), (state, "noeviction")):
                server.start()
                with redis.Redis.from_url(server.url) as client:
                    client.config_set("maxmemory", CACHE_BYTES)
                    client.config_set("maxmemory-policy", policy)
            yield cache, state
        finally:
            cache.stop()
            state.stop()


def _take() -> rates.Verdict:
    return rates.take("k", limit=3, period_s=86_400)


def test_full_cache_forgets_no_counter_that_is_apart(servers, monkeypatch):
    for server, forgets in zip(servers, (True, False), strict=True):
        alias = f"test {forgets}"
        monkeypatch.setitem(
            settings.CACHES, alias, {**settings.CACHES["default"], "LOCATION": server.url}
        )
        monkeypatch.setattr(counted, "SERVER", Valkey(alias))
        assert [_take().is_allowed for _ in range(4)] == [True, True, True, False]
        with redis.Redis.from_url(servers[0].url) as cache:
            for number in range(8 * CACHE_BYTES // len(VALUE)):
                cache.set(f"{alias}{number}", VALUE)
            assert cache.info()["evicted_keys"] > 0
        assert _take().is_allowed is forgets
        counted.SERVER.close()


def test_service_counts_where_it_is_told_to(servers):
    cache, state = servers
    program = (
        "import django; django.setup()\n"
        "from core import cache, rates\n"
        "rates.take('k', limit=3, period_s=60)\n"
        "cache.put('k', b'v', ttl_s=60)\n"
    )
    subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "REDIS_URL": cache.url, "REDIS_STATE_URL": state.url},
        cwd=ROOT,
        check=True,
    )
    for server, key in ((cache, "k"), (state, "rate:k")):
        with redis.Redis.from_url(server.url) as client:
            assert client.keys() == [f"{PREFIX}{key}".encode()]
