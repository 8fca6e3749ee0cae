"""What an API key may be allowed to do: every scope of every app, in one place.

An app declares its own in ``AppConfig.ready``. A scope may carry permissions: a key with the scope
acts with them, and only who holds all of them can make such a key. A scope without permissions
reaches no further than the key's owner.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable
from typing import Final


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """One thing a key may do; ``about`` completes the sentence "This key may"."""

    name: str
    about: str
    permissions: frozenset[str] = frozenset()


_scopes: Final[dict[str, Scope]] = {}


def declare(scopes: Iterable[Scope]) -> None:
    """Make ``scopes`` known; declaring one twice in the same words changes nothing."""
    for scope in scopes:
        assert _scopes.setdefault(scope.name, scope) == scope, f"two scopes named {scope.name}"


def known() -> list[Scope]:
    """Return every scope, by name."""
    return sorted(_scopes.values(), key=lambda scope: scope.name)


def within(names: Iterable[str], *, permissions: Collection[str] | None) -> frozenset[str]:
    """Return those of ``names`` that a holder of ``permissions`` reaches; ``None`` is of all."""
    return frozenset(
        name
        for name in names
        if name in _scopes
        and (permissions is None or _scopes[name].permissions <= frozenset(permissions))
    )


def permissions_of(names: Iterable[str]) -> frozenset[str]:
    """Return the permissions that known scopes carry together."""
    return frozenset[str]().union(*(_scopes[name].permissions for name in names if name in _scopes))
