"""Static files are looked for once in each process, as when the service starts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import Redirect, StaticFile


@pytest.fixture(scope="session", autouse=True)
def _found_once() -> Iterator[None]:
    """Each client of a test loads the middleware anew, which would look through all packages."""
    found: dict[str, StaticFile | Redirect] = {}
    look = WhiteNoiseMiddleware.add_files_from_finders

    def look_once(self: WhiteNoiseMiddleware) -> None:
        if not found:
            look(self)
            found.update(self.files)
        self.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", look_once)
        yield
