"""How answers are written: orjson for JSON, one row at a time for CSV."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgpack
import orjson
from django.http import StreamingHttpResponse
from rest_framework.renderers import BaseRenderer
from typing_extensions import override

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


class JSONRenderer(BaseRenderer):
    """Compact UTF-8 JSON. Money is ``int`` and stays exact; a ``Decimal`` or a set is a bug."""

    media_type = "application/json"
    format = "json"
    charset = None

    @override
    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else orjson.dumps(data)


class MessagePackRenderer(BaseRenderer):
    """The same members as JSON, packed; instants and ids stay text."""

    media_type = "application/msgpack"
    format = "msgpack"
    charset = None
    render_style = "binary"

    @override
    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else bytes(msgpack.packb(data))


class CSVRenderer(BaseRenderer):
    """Declares that a view can answer ``text/csv``; the view streams it with :func:`csv_stream`."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    @override
    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        raise TypeError("CSV answers are streamed, never rendered whole")


# For lists: views that answer one with :func:`core.api.listed`.
LIST_RENDERERS: Final = [JSONRenderer, MessagePackRenderer, CSVRenderer]


class _Echo:
    """What :mod:`csv` writes into: gives each line back."""

    def write(self, line: str) -> str:
        return line


def csv_stream(
    *, filename: str, header: Sequence[str], rows: Iterable[Sequence[object]]
) -> StreamingHttpResponse:
    """Answer ``rows`` as a CSV download, line by line, with formula cells neutralised.

    The first row is asked for at once: what fails, fails before anything is answered.
    """
    writer = csv.writer(_Echo(), lineterminator="\r\n")
    remaining = iter(rows)
    first = list(itertools.islice(remaining, 1))

    def lines() -> Iterator[str]:
        yield writer.writerow(header)
        for row in itertools.chain(first, remaining):
            yield writer.writerow([cell(value) for value in row])

    return StreamingHttpResponse(
        lines(),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{filename}"',
            "Cache-Control": "no-store",
        },
    )


def cell(value: object) -> object:
    """Return ``value`` as a cell: structures as JSON, text so that no spreadsheet runs it."""
    if isinstance(value, dict | list):
        value = orjson.dumps(value).decode()
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return "'" + value
    return value
