"""What in a new OpenAPI document would break a client of an older one.

A client sends what the old document allowed and reads what it promised. So a request may only be
asked for less, and an answer may only say more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

METHODS: Final = ("get", "post", "put", "patch", "delete")
Document = Mapping[str, Any]


def breaking_changes(old: Document, new: Document) -> list[str]:
    """Return one line for each thing that clients of ``old`` could miss in ``new``."""
    return sorted(_Comparison(old, new).differences())


class _Comparison:
    """Two documents side by side; schemas that refer to themselves are looked at once."""

    def __init__(self, old: Document, new: Document) -> None:
        self.old = old
        self.new = new
        self._seen: set[tuple[str, str, bool]] = set()

    def differences(self) -> Iterator[str]:
        for path, operations in self.old["paths"].items():
            for method in METHODS:
                if method not in operations:
                    continue
                name = f"{method.upper()} {path}"
                successor = self.new["paths"].get(path, {}).get(method)
                if successor is None:
                    yield f"{name}: the operation is gone"
                else:
                    yield from self._operation(name, operations[method], successor)

    def _operation(self, name: str, old: Document, new: Document) -> Iterator[str]:
        yield from self._parameters(name, old, new)
        given, taken = _content(old.get("requestBody")), _content(new.get("requestBody"))
        for media_type, shape in given.items():
            if media_type not in taken:
                yield f"{name}: request as {media_type} is gone"
            else:
                yield from self._schema(f"{name} request", shape, taken[media_type], sent=True)
        if not given and new.get("requestBody", {}).get("required"):
            yield f"{name}: a body is required now"
        for status, answer in old["responses"].items():
            if not status.startswith("2"):
                continue
            if status not in new["responses"]:
                yield f"{name}: answer {status} is gone"
                continue
            answered = _content(new["responses"][status])
            for media_type, shape in _content(answer).items():
                where = f"{name} {status}"
                if media_type not in answered:
                    yield f"{where}: {media_type} is gone"
                else:
                    yield from self._schema(where, shape, answered[media_type], sent=False)

    def _parameters(self, name: str, old: Document, new: Document) -> Iterator[str]:
        known, offered = _parameters(old), _parameters(new)
        for key in known.keys() - offered.keys():
            yield f"{name}: parameter {key[0]} is gone"
        for key, parameter in offered.items():
            was_required = known.get(key, {}).get("required", False)
            if parameter.get("required") and not was_required:
                yield f"{name}: parameter {key[0]} is required now"
        for key in known.keys() & offered.keys():
            where = f"{name} parameter {key[0]}"
            yield from self._schema(
                where, known[key].get("schema", {}), offered[key].get("schema", {}), sent=True
            )

    def _schema(self, where: str, old: Document, new: Document, *, sent: bool) -> Iterator[str]:
        seen = (old.get("$ref", where), new.get("$ref", where), sent)
        if seen in self._seen:
            return
        self._seen.add(seen)
        old, new = _resolved(old, self.old), _resolved(new, self.new)
        yield from _type_change(where, old, new, sent=sent)
        yield from self._members(where, old, new, sent=sent)
        if "items" in old and "items" in new:
            yield from self._schema(f"{where}[]", old["items"], new["items"], sent=sent)
        for number, (one, other) in enumerate(
            zip(old.get("oneOf", ()), new.get("oneOf", ()), strict=False)
        ):
            yield from self._schema(f"{where}|{number}", one, other, sent=sent)

    def _members(self, where: str, old: Document, new: Document, *, sent: bool) -> Iterator[str]:
        known, offered = old.get("properties", {}), new.get("properties", {})
        for name in known.keys() - offered.keys():
            yield f"{where}.{name}: the field is gone"
        was, is_now = set(old.get("required", ())), set(new.get("required", ()))
        if sent:
            for name in is_now - was:
                yield f"{where}.{name}: the field is required now"
        else:
            for name in (was - is_now) & offered.keys():
                yield f"{where}.{name}: the field may be missing now"
        for name in known.keys() & offered.keys():
            yield from self._schema(f"{where}.{name}", known[name], offered[name], sent=sent)


def _type_change(where: str, old: Document, new: Document, *, sent: bool) -> Iterator[str]:
    before, after = _types(old), _types(new)
    # What is sent must still be taken; what is answered must still be understood.
    lost = before - after if sent else after - before
    if before and after and lost:
        yield f"{where}: the type changed from {_shown(before)} to {_shown(after)}"
    if "enum" in old and "enum" in new:
        values, now = set(map(str, old["enum"])), set(map(str, new["enum"]))
        for value in sorted(values - now if sent else now - values):
            yield f"{where}: value {value} is {'refused' if sent else 'answered'} now"
    elif "enum" in new and sent:
        yield f"{where}: only some values are accepted now"
    if sent:
        for limit, is_tighter in _LIMITS.items():
            if limit in new and (limit not in old or is_tighter(old[limit], new[limit])):
                yield f"{where}: {limit} is tighter now"


def _refuses_more(before: str, after: str) -> bool:
    """Compare two patterns; a choice of names refuses more only when one is gone from it."""
    was, is_now = _CHOICE.fullmatch(before), _CHOICE.fullmatch(after)
    if was and is_now:
        return not set(was[1].split("|")) <= set(is_now[1].split("|"))
    return after != before


# Some of these names, comma separated.
_CHOICE: Final = re.compile(r"\^\(\?:([\w|]+)\)\(\?:,\(\?:\1\)\)\*\$")
_LIMITS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "maxLength": lambda before, after: after < before,
    "maximum": lambda before, after: after < before,
    "maxItems": lambda before, after: after < before,
    "minLength": lambda before, after: after > before,
    "minimum": lambda before, after: after > before,
    "minItems": lambda before, after: after > before,
    "pattern": _refuses_more,
}


def _content(part: Document | None) -> dict[str, Document]:
    content = (part or {}).get("content", {})
    return {media_type: shape.get("schema", {}) for media_type, shape in content.items()}


def _parameters(operation: Document) -> dict[tuple[str, str], Document]:
    return {(one["name"], one["in"]): one for one in operation.get("parameters", ())}


def _resolved(schema: Document, document: Document) -> Document:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _types(schema: Document) -> set[str]:
    given = schema.get("type", [])
    return {given} if isinstance(given, str) else set(given)


def _shown(types: set[str]) -> str:
    return " or ".join(sorted(types))
