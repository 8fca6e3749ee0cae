"""The strict JSON parser: what it does not understand it refuses, it never repairs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any, Final, NoReturn

from django.conf import settings
from rest_framework.parsers import BaseParser
from typing_extensions import override

from core import errors

DEPTH_MAX: Final = 64
NUMBER_LENGTH_MAX: Final = 400
_UTF8_NAMES: Final = frozenset({"utf-8", "utf8"})


class StrictJSONParser(BaseParser):
    """UTF-8, one object, no member twice, no NaN, at most 1 MiB and 64 levels (RFC 8259)."""

    media_type = "application/json"
    # A view that takes more has a subclass of its own.
    bytes_max: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    @override
    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the members of the body; integers stay ``int``, other numbers ``float``."""
        request = (parser_context or {})["request"]
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise errors.EncodingUnsupported("Send the body without Content-Encoding.")
        _require_utf8(_charset_of(request.content_type or ""))
        return parse_object(_read(stream, request.META.get("CONTENT_LENGTH"), self.bytes_max))


class CSVParser(BaseParser):
    """CSV in UTF-8 (RFC 4180) of at most 5 MiB; the body is ``{"csv": text}``, not yet read."""

    media_type = "text/csv"
    bytes_max: int = 5 * 1024 * 1024

    @override
    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the text."""
        request = (parser_context or {})["request"]
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise errors.EncodingUnsupported("Send the body without Content-Encoding.")
        _require_utf8(_charset_of(request.content_type or ""))
        raw = _read(stream, request.META.get("CONTENT_LENGTH"), self.bytes_max)
        try:
            return {"csv": raw.decode("utf-8-sig")}
        except UnicodeDecodeError as exc:
            raise errors.CharsetUnreadable("The body is not UTF-8.") from exc


def parse_object(raw: bytes) -> dict[str, Any]:
    """Parse ``raw`` under the rules of :class:`StrictJSONParser`.

    Raises:
        MalformedBody: or one of its subclasses, each with its own code.
    """
    if not raw.strip():
        raise errors.BodyRequired("Send a JSON object.")
    text = _decoded(raw)
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise errors.TooDeep(f"At most {DEPTH_MAX} levels are accepted.") from None
    except json.JSONDecodeError as exc:
        raise errors.MalformedBody(f"{exc.msg} at line {exc.lineno}, column {exc.colno}.") from exc
    if not isinstance(value, dict):
        raise errors.BodyNotObject("Send a JSON object, not another value.")
    if raw.count(b"{") + raw.count(b"[") > DEPTH_MAX:
        _require_depth(value)
    if b"\\u" in raw:
        _require_unicode(text, value)
    return value


def _decoded(raw: bytes) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in raw:
        raise errors.CharsetUnreadable("The body is UTF-16 or UTF-32; send UTF-8.")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise errors.MalformedBody("The body is not valid UTF-8.") from exc


def _read(stream: IO[bytes], content_length: str | None, limit: int) -> bytes:
    too_large = errors.BodyTooLarge(f"The body may have at most {limit} bytes.")
    if content_length and content_length.isdigit() and int(content_length) > limit:
        raise too_large
    try:
        raw = stream.read(limit + 1)
    except OSError as exc:
        raise errors.ClientTooSlow("The body did not come within the time.") from exc
    if len(raw) > limit:
        raise too_large
    if content_length and content_length.isdigit() and len(raw) < int(content_length):
        raise errors.MalformedBody("The body ended before its Content-Length.")
    return raw


def _charset_of(content_type: str) -> str | None:
    for part in content_type.split(";")[1:]:
        name, _, value = part.strip().partition("=")
        if name.lower() == "charset":
            return value.strip('"')
    return None


def _require_utf8(charset: str | None) -> None:
    if charset is not None and charset.lower() not in _UTF8_NAMES:
        raise errors.CharsetUnsupported("Send the body as UTF-8.")


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise errors.DuplicateKey("Each member of an object may appear once.")
    return members


def _integer(digits: str) -> int:
    if len(digits) > NUMBER_LENGTH_MAX + 1:
        raise errors.NumberTooLong(f"A number may have at most {NUMBER_LENGTH_MAX} digits.")
    return int(digits)


def _refuse_constant(name: str) -> NoReturn:
    raise errors.MalformedBody(f"{name} is not JSON.")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique_members, parse_int=_integer, parse_constant=_refuse_constant
)


def _require_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEPTH_MAX):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise errors.TooDeep(f"At most {DEPTH_MAX} levels are accepted.")


def _require_unicode(text: str, value: Any) -> None:
    """Refuse an escaped surrogate without its other half: it cannot be stored or answered."""
    if "\\ud" not in text and "\\uD" not in text:
        return
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise errors.LoneSurrogate("A text holds half of a surrogate pair.") from None
