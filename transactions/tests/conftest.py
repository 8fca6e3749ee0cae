from __future__ import annotations

import pytest

from tests.people import Person
from transactions.tests.callers import Caller
from transactions.tests.volume import volume

__all__ = ["volume"]


@pytest.fixture
def by_ada(ada: Person) -> Caller:
    return Caller(ada)


@pytest.fixture
def by_bob(bob: Person) -> Caller:
    return Caller(bob)


@pytest.fixture
def by_grace(grace: Person) -> Caller:
    return Caller(grace)
