"""The shared cache (``REDIS_URL``). Nothing here may be lost in earnest: misses ask PostgreSQL."""

from __future__ import annotations

from typing import Final

from core.valkey import PREFIX, Valkey

__all__ = ["PREFIX", "SERVER"]

SERVER: Final = Valkey("default")

get_many = SERVER.get_many
put = SERVER.put
put_if_absent = SERVER.put_if_absent
overwrite = SERVER.overwrite
run_script = SERVER.run_script
is_reachable = SERVER.is_reachable
about = SERVER.about
close = SERVER.close
use_again = SERVER.use_again
