"""Which representation a client gets: what it prefers among what the view offers."""

from __future__ import annotations

from collections.abc import Iterable

from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from typing_extensions import override


class Negotiation(BaseContentNegotiation):
    """``Accept`` with its q-values (RFC 9110, section 12.5.1); ``?format=`` overrules it."""

    @override
    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """Return the parser for the media type of the body, parameters apart."""
        media_type = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media_type), None)

    @override
    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """Return the renderer and its media type.

        Raises:
            NotAcceptable: the client wants nothing of what there is.
        """
        offered = list(renderers)
        wanted = request.query_params.get("format")
        if wanted is not None:
            found = next((one for one in offered if one.format == wanted), None)
        else:
            preferred = request._request.get_preferred_type(  # noqa: SLF001 - DRF wraps Django's
                [str(one.media_type) for one in offered]
            )
            found = next((one for one in offered if one.media_type == preferred), None)
        if found is None:
            raise exceptions.NotAcceptable(available_renderers=offered)
        return found, str(found.media_type)
