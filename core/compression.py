"""Compressed answers, where a guess about their length can give nothing away.

Who can make a victim's browser ask, and sees only how long the answers are, can read a secret that
is compressed together with a guess (BREACH). So only safe requests are answered compressed: what
carries a fresh credential answers a POST, sets a cookie, or says ``answers_secrets``.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Protocol

import brotli
import zstandard
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

LENGTH_MIN: Final = 1_024
_TEXT: Final = re.compile(r"text/|application/(json|msgpack|javascript|vnd\.oai\.openapi|yaml)")
_CODING: Final = re.compile(r"\s*(zstd|br|gzip|identity|\*)\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*")


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _Brotli:
    """Gives brotli the two methods that the others have."""

    def __init__(self) -> None:
        self._compressor = brotli.Compressor(quality=4)

    def compress(self, data: bytes, /) -> bytes:
        return bytes(self._compressor.process(data))

    def flush(self) -> bytes:
        return bytes(self._compressor.finish())


# The best first, among those a client likes equally.
_COMPRESSORS: Final[dict[str, Callable[[], _Compressor]]] = {
    "zstd": lambda: zstandard.ZstdCompressor(level=3).compressobj(),
    "br": _Brotli,
    "gzip": lambda: zlib.compressobj(6, wbits=31),
}


class CompressionMiddleware:
    """Compresses answers to safe requests that are long enough to gain from it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer ``request``, compressed where that is safe, useful and asked for."""
        response = self.get_response(request)
        if not _may_be_compressed(request, response):
            return response
        patch_vary_headers(response, ["Accept-Encoding"])
        coding = preferred(request.headers.get("Accept-Encoding", ""))
        if coding is None:
            return response
        compressor = _COMPRESSORS[coding]()
        if isinstance(response, StreamingHttpResponse):
            response.streaming_content = _compressed(compressor, iter(response))
        elif isinstance(response, HttpResponse):
            response.content = compressor.compress(response.content) + compressor.flush()
            response.headers.pop("Content-Length", None)
        response["Content-Encoding"] = coding
        return response


def preferred(accepted: str) -> str | None:
    """Return the coding to use for an ``Accept-Encoding``, ``None`` for none of ours."""
    weights = {}
    for part in accepted.split(","):
        match = _CODING.fullmatch(part.lower())
        if match:
            weights[match[1]] = float(match[2] or 1)
    ranked = {name: weights.get(name, weights.get("*", 0.0)) for name in _COMPRESSORS}
    best = max(ranked, key=lambda name: ranked[name])
    return best if ranked[best] > 0 and ranked[best] >= weights.get("identity", 0.0) else None


def _may_be_compressed(request: HttpRequest, response: HttpResponseBase) -> bool:
    found = request.resolver_match
    view: Any = getattr(found.func, "cls", None) if found else None
    return (
        request.method in ("GET", "HEAD")
        and not response.cookies
        and not response.has_header("Content-Encoding")
        and not isinstance(response, FileResponse)
        # A strong tag names these very bytes, and If-Match needs it back unchanged.
        and not response.get("ETag", "").startswith('"')
        and _TEXT.match(response.get("Content-Type", "")) is not None
        and not getattr(view, "answers_secrets", False)
        and (response.streaming or len(getattr(response, "content", b"")) >= LENGTH_MIN)
    )


def _compressed(compressor: _Compressor, chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        if packed := compressor.compress(chunk):
            yield packed
    yield compressor.flush()
