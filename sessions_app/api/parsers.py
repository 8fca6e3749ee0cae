"""Bodies that are not plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, Final

from django.http import QueryDict
from rest_framework.parsers import BaseParser
from typing_extensions import override

from core import errors
from core.parsers import StrictJSONParser

FORM_BYTES_MAX: Final = 8_192


class MergePatchParser(StrictJSONParser):
    """An object to be merged (RFC 7396)."""

    media_type = "application/merge-patch+json"


class StrictFormParser(BaseParser):
    """A short form in UTF-8 whose parameters each appear once (RFC 6749, section 3.1)."""

    media_type = "application/x-www-form-urlencoded"

    @override
    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the parameters of the form."""
        raw = stream.read(FORM_BYTES_MAX + 1)
        if len(raw) > FORM_BYTES_MAX:
            raise errors.BodyTooLarge(f"A form may have at most {FORM_BYTES_MAX} bytes.")
        try:
            form = QueryDict(raw.decode("ascii"), encoding="utf-8")
        except UnicodeDecodeError:
            raise errors.MalformedBody("A form is ASCII; escape the rest.") from None
        if any(len(values) > 1 for _, values in form.lists()):
            raise errors.DuplicateKey("Each parameter may appear once.")
        return form.dict()
