"""No text, however made, makes a regular expression of ours think for long."""

from __future__ import annotations

import ast
import contextlib
import importlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.validators import RegexValidator
from django.db.models import Model

from core import tokens

ROOT = Path(__file__).parent.parent
APPS = ("config", "core", "accounts", "sessions_app", "transactions")
# A straight one takes a thousandth of a second for these at most; one that goes back much more.
LENGTH = 6_000
SECONDS_MAX = 0.05
PIECES = (
    *("a", "A", "0", " ", "\t", "-", "_", ".", ",", ":", "/", "=", "?", "|", "~", "@", "\\", "%"),
    *("'", '"', "(", "[", "a.", "a@", "a-", "0,", "1,111", "1 ", "0-", " ,", "?,", "a b", "''"),
    *("eyJa.", "://", "://a:", "a:", "Bearer ", "whsec_", "/*", "--", "$$", "$a$", "E'", "=(", "é"),
)
ENDS = ("", "!")
# Configuration of gunicorn and the door to it, which read an environment of their own.
NOT_IMPORTED = {("config", "gunicorn"), ("config", "wsgi")}
# The others begin anywhere in a text, which is the harder thing.
FROM_THE_START = {"fullmatch", "match"}


class Used(NamedTuple):
    """An expression of ours, where it is, and whether it may begin anywhere in a text."""

    where: str
    pattern: re.Pattern[Any]
    anywhere: bool

    def seconds(self, text: str) -> float:
        given: Any = text.encode() if isinstance(self.pattern.pattern, bytes) else text
        look = self.pattern.search if self.anywhere else self.pattern.fullmatch
        started = time.thread_time()
        look(given)
        return time.thread_time() - started


def _modules() -> Iterator[tuple[Any, str]]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if {"tests", "migrations"} & set(parts) or parts in NOT_IMPORTED:
                continue
            name = ".".join(parts).removesuffix(".__init__")
            yield importlib.import_module(name), path.read_text(encoding="utf-8")


def _written_in_place(module: Any, source: str) -> Iterator[Used]:
    """Yield what is given to a function of ``re``, or as the ``pattern`` of a field."""
    if "import re\n" not in source and "pattern=" not in source:
        return
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        function = ast.unparse(node.func)
        given = [word.value for word in node.keywords if word.arg == "pattern"]
        is_of_re = function.startswith("re.") and function != "re.compile"
        for expression in node.args[:1] if is_of_re else given:
            code = compile(ast.Expression(expression), "<pattern>", "eval")
            text = None
            with contextlib.suppress(NameError):  # of a caller's, who is looked at elsewhere
                text = eval(code, vars(module))
            if isinstance(text, str):
                anywhere = is_of_re and function.removeprefix("re.") not in FROM_THE_START
                yield Used(module.__name__, re.compile(text), anywhere)


def _kept(module: Any, everything: str) -> Iterator[Used]:
    """Yield what a module has compiled, and its fields check by."""
    for name, value in vars(module).items():
        if isinstance(value, re.Pattern):
            methods = set(re.findall(rf"\b{name}\.(\w+)\(", everything))
            yield Used(module.__name__, value, not methods or bool(methods - FROM_THE_START))
        elif isinstance(value, type) and issubclass(value, Model) and hasattr(value, "_meta"):
            for validator in [one for field in value._meta.fields for one in field.validators]:
                if isinstance(validator, RegexValidator):
                    yield Used(module.__name__, re.compile(validator.regex), anywhere=True)


def _expressions() -> list[Used]:
    modules = list(_modules())
    everything = "".join(source for _, source in modules)
    made_once_each = [Used("core.tokens", tokens._pattern("srs"), anywhere=False)]
    return made_once_each + [
        used
        for module, source in modules
        for used in (*_kept(module, everything), *_written_in_place(module, source))
    ]


def _slow_text(used: Used) -> str:
    """Return how a text begins that takes too long, each time again; or nothing."""
    for piece in PIECES:
        for end in ENDS:
            text = piece * (LENGTH // len(piece)) + end
            if all(used.seconds(text) > SECONDS_MAX for _ in range(3)):
                return f"{piece}...{end}"
    return ""


def test_no_text_makes_an_expression_think_for_long():
    expressions = _expressions()
    assert len({used.pattern for used in expressions}) > 60
    slow = {(used.where, used.pattern.pattern): _slow_text(used) for used in expressions}
    assert {name: text for name, text in slow.items() if text} == {}


@pytest.mark.parametrize("text", [r"[^\s@]+@[^\s@]+\.\w+", r"\s+$"])
def test_expression_that_goes_back_is_seen(text: str):
    assert _slow_text(Used("", re.compile(text), anywhere=True))
