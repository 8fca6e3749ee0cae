"""How answers are written: orjson for JSON, one row at a time for CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

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


class _Echo:
    """What :mod:`csv` writes into: gives each line back."""

    def write(self, line: str) -> str:
        return line


def csv_stream(
    *, filename: str, header: Sequence[str], rows: Iterable[Sequence[object]]
) -> StreamingHttpResponse:
    """Answer ``rows`` as a CSV download, line by line, with formula cells neutralised."""
    writer = csv.writer(_Echo(), lineterminator="\r\n")

    def lines() -> Iterator[str]:
        yield writer.writerow(header)
        for row in rows:
            yield writer.writerow([neutral(cell) for cell in row])

    return StreamingHttpResponse(
        lines(),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{filename}"',
            "Cache-Control": "no-store",
        },
    )


def neutral(cell: object) -> object:
    """Prefix text that a spreadsheet would run as a formula; numbers are not text."""
    if isinstance(cell, str) and cell.startswith(FORMULA_STARTS):
        return "'" + cell
    return cell
