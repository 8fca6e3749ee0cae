"""Passwords that everybody has seen, looked up without asking anybody.

``BREACH_FILTER_FILE`` names a filter made by ``manage.py breach_filter_build``. Without one, the
list of common passwords that comes with Django is taken.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator

from core.bloom import BloomFilter

# A line of the published files: SHA-1, and how often it was seen.
_SHA1_LINE: Final = re.compile(rb"([0-9A-Fa-f]{40})(:\d+)?\s*\Z")


def is_breached(password: str) -> bool:
    """Return whether ``password``, as it is or in small letters, is (very likely) a known one."""
    known = the_filter()
    forms = {password, password.casefold()}
    return any(_digest(form.encode("utf-8", "surrogatepass")) in known for form in forms)


@functools.cache
def the_filter() -> BloomFilter:
    """Return the filter in use.

    Raises:
        OSError: the file of ``BREACH_FILTER_FILE`` cannot be read.
        ValueError: it is no filter.
    """
    if settings.ENV.breach_filter_file:
        return BloomFilter.open(Path(settings.ENV.breach_filter_file))
    words = CommonPasswordValidator().passwords
    return BloomFilter.of((_digest(word.encode()) for word in words), count=len(words))


def digests_in(path: Path) -> Iterator[bytes]:
    """Yield the SHA-1 of each line of ``path``: a list of SHA-1 texts, or of passwords."""
    with path.open("rb") as lines:
        for line in lines:
            hashed = _SHA1_LINE.match(line)
            if hashed:
                yield bytes.fromhex(hashed[1].decode())
            elif word := line.rstrip(b"\r\n"):
                yield _digest(word)


def _digest(password: bytes) -> bytes:
    return hashlib.sha1(password, usedforsecurity=False).digest()
