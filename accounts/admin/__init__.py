"""How staff look after people and what they prove themselves with."""

from accounts.admin import api_keys, factors, imports, notices, people

__all__ = ["api_keys", "factors", "imports", "notices", "people"]
