"""The people every test knows: Ada owns, Bob is somebody else, Grace is staff."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from accounts.models import User
from core import clock
from core.principals import Principal

PASSWORD = "correct horse battery staple"
_HASHES: dict[str, str] = {}


@dataclasses.dataclass(frozen=True)
class Person:
    """A user row and who it is to the services."""

    user: User
    principal: Principal
    password: str = PASSWORD


def make_person(email: str, *, role: str | None = None, is_superuser: bool = False) -> Person:
    """Create a person; ``role`` makes them staff."""
    if PASSWORD not in _HASHES:
        _HASHES[PASSWORD] = make_password(PASSWORD)
    user = User.objects.create(
        email=email,
        email_normalized=email.casefold(),
        email_verified_at=clock.now(),
        name=email.split("@", maxsplit=1)[0].title(),
        password=_HASHES[PASSWORD],
        is_staff=role is not None or is_superuser,
        is_superuser=is_superuser,
    )
    if role:
        user.groups.add(Group.objects.get(name=role))
    permissions = frozenset(user.get_all_permissions()) if user.is_staff else frozenset()
    principal = Principal(
        kind="staff" if user.is_staff else "user", user_id=user.pk, permissions=permissions
    )
    return Person(user, principal)


@pytest.fixture
def ada(db) -> Person:
    """The owner."""
    return make_person("ada@example.org")


@pytest.fixture
def bob(db) -> Person:
    """Somebody else."""
    return make_person("bob@example.org")


@pytest.fixture
def grace(db) -> Person:
    """Staff with the admin role."""
    return make_person("grace@example.org", role="admin")


@pytest.fixture
def fresh() -> Callable[[Person], Principal]:
    """Who a person is right after logging in."""
    return lambda person: dataclasses.replace(person.principal, authenticated_at=clock.now())
