"""Which representation a client gets: what it prefers among what the view offers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from typing_extensions import override

T = TypeVar("T", bound=BaseRenderer | type[BaseRenderer])


def offered(renderers: Iterable[T], view: object, method: str | None) -> list[T]:
    """Return the renderers that can write an answer to ``method``: CSV is for reading lists.

    A method that the view does not know is refused as such, whatever it wants back.
    """
    is_reading = method in {"GET", "HEAD"} or not hasattr(view, str(method).lower())
    return [one for one in renderers if is_reading or one.format != "csv"]


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
        choices = offered(renderers, (request.parser_context or {})["view"], request.method)
        wanted = request.query_params.get("format")
        if wanted is not None:
            found = next((one for one in choices if one.format == wanted), None)
        elif choices and request.headers.get("Accept", "*/*") in ("*/*", choices[0].media_type):
            # What nearly everybody says, and need not be taken apart.
            found = choices[0]
        else:
            preferred = request._request.get_preferred_type(  # noqa: SLF001 - DRF wraps Django's
                [str(one.media_type) for one in choices]
            )
            found = next((one for one in choices if one.media_type == preferred), None)
        if found is None:
            raise exceptions.NotAcceptable(available_renderers=choices)
        return found, str(found.media_type)
