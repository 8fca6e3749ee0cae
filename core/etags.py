"""Strong entity tags from row versions (RFC 9110, sections 8.8.3 and 13.1.1)."""

from __future__ import annotations

import re
from typing import Final

from rest_framework.request import Request

from core import errors

TAG_FORM: Final = r'"v([1-9][0-9]{0,8})"'
_TAG: Final = re.compile(TAG_FORM)


def of_version(version: int) -> str:
    """Return the tag of a row's ``version``."""
    return f'"v{version}"'


def required_version(request: Request) -> int:
    """Return the version that ``If-Match`` names; the service compares it inside its UPDATE.

    Raises:
        PreconditionRequired: no If-Match.
        PreconditionFailed: a tag that no version of ours can have, ``*`` or a weak one included:
            none proves that the caller has seen the current state.
    """
    given = request.headers.get("If-Match")
    if given is None:
        raise errors.PreconditionRequired("Send If-Match with the ETag you last received.")
    match = _TAG.fullmatch(given.strip())
    if match is None:
        raise errors.PreconditionFailed("If-Match must be one ETag of this resource, unchanged.")
    return int(match[1])
