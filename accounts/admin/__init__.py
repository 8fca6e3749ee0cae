"""How staff look after people and what they prove themselves with."""

from accounts.admin import api_keys, factors, imports, people

__all__ = ["api_keys", "factors", "imports", "people"]
