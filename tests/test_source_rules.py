"""What no source of ours does, because it opens holes: each rule sees what is planted."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [
    path
    for app in ("config", "core", "accounts", "sessions_app", "transactions")
    for path in sorted((ROOT / app).rglob("*.py"))
    if "tests" not in path.parts
]
UNKNOWN_CRYPTOGRAPHY = {"Crypto", "Cryptodome", "crypt", "ecdsa", "nacl", "passlib", "rsa"}
Rule = Callable[[ast.AST], bool]


def _called(node: ast.AST) -> str:
    """Return the dotted name of what ``node`` calls, as far as it has one."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def _keyword(node: ast.AST, name: str) -> ast.expr | None:
    found = [one.value for one in node.keywords if one.arg == name] if _is_call(node) else []  # type: ignore[attr-defined]  # it is a call
    return found[0] if found else None


def _is_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call)


def _imported(node: ast.AST) -> set[str]:
    """Return the top-level modules that ``node`` imports."""
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").partition(".")[0]}
    return set()


def _is(node: ast.AST, *names: str) -> bool:
    return _called(node) in names


def _ends(node: ast.AST, *names: str) -> bool:
    return _called(node).endswith(tuple(f".{name}" for name in names))


def _is_false(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value in (False, None, "")


def _builds_text(node: ast.expr) -> bool:
    """Whether an expression makes text out of parts: an f-string, ``+``, ``%`` or ``format``."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add | ast.Mod)
    return _called(node).endswith(".format") and not _called(node).startswith("sql.SQL")


def _is_sql_of_parts(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not node.args:
        return False
    takes_sql = _ends(node, "execute", "executemany", "RunSQL", "copy") or _is(node, "RawSQL")
    return takes_sql and _builds_text(node.args[0])


def _is_text_with_foreign_form(node: ast.AST) -> bool:
    """``form.format(...)`` of a form that is no literal: it reads what attributes it likes."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    form = node.func.value
    text = ast.unparse(form)
    # A formatter of the log is asked by the name of the same word.
    is_ours = isinstance(form, ast.Constant | ast.JoinedStr) or text.isupper() or text == "super()"
    return node.func.attr in ("format", "format_map") and not is_ours and "sql.SQL" not in text


RULES: dict[str, tuple[Rule, str]] = {
    "no ORM word that takes SQL as text": (
        lambda node: _ends(node, "raw", "extra"),
        "User.objects.raw(text)",
    ),
    "no SQL out of parts": (_is_sql_of_parts, "cursor.execute(f'SELECT {name}')"),
    "no code out of text": (
        lambda node: _is(node, "eval", "exec", "compile", "__import__"),
        "eval(text)",
    ),
    "no shell": (
        lambda node: (
            _is(node, "os.system", "os.popen", "subprocess.getoutput")
            or (_keyword(node, "shell") is not None and not _is_false(_keyword(node, "shell")))
        ),
        "subprocess.run(text, shell=True)",
    ),
    "no form that is not of ours": (
        _is_text_with_foreign_form,
        "given['form'].format(request=request)",
    ),
    "nothing that runs what it reads": (
        lambda node: (
            bool(_imported(node) & {"pickle", "marshal", "shelve", "dill", "jsonpickle"})
            or (_is(node, "yaml.load", "yaml.unsafe_load") and "Safe" not in ast.unparse(node))
        ),
        "import pickle",
    ),
    "no XML": (
        lambda node: bool(_imported(node) & {"xml", "lxml", "xmlrpc"}),
        "from xml.etree import ElementTree",
    ),
    "no chance that can be guessed": (
        # What spreads a wait may be guessed.
        lambda node: (
            _called(node).startswith("random.")
            and not _is(node, "random.uniform", "random.Random", "random.SystemRandom")
        ),
        "token = random.choice(letters)",
    ),
    "no ids that are guessed": (lambda node: _is(node, "uuid.uuid1", "uuid.uuid3"), "uuid.uuid1()"),
    "no weak digest that is to prove something": (
        lambda node: (
            _is(node, "hashlib.md5", "hashlib.sha1")
            and not _is_false(_keyword(node, "usedforsecurity"))
        ),
        "hashlib.sha1(token).digest()",
    ),
    "no weak cipher or mode": (
        lambda node: (
            _called(node).rpartition(".")[2]
            in {"ECB", "CBC", "CFB", "OFB", "CTR", "ARC4", "TripleDES", "Blowfish", "PKCS1v15"}
        ),
        "Cipher(algorithms.AES(key), modes.ECB())",
    ),
    "no cryptography of unknown hands": (
        lambda node: bool(_imported(node) & UNKNOWN_CRYPTOGRAPHY),
        "from Crypto.Cipher import AES",
    ),
    "no TLS that believes everybody": (
        lambda node: (
            getattr(node, "attr", "") in ("CERT_NONE", "_create_unverified_context")
            or (_keyword(node, "verify") is not None and _is_false(_keyword(node, "verify")))
        ),
        "client.get(url, verify=False)",
    ),
    "no JWT by whatever algorithm": (
        lambda node: _is(node, "jwt.decode") and _keyword(node, "algorithms") is None,
        "jwt.decode(token, key)",
    ),
    "no view without its CSRF check": (
        lambda node: "csrf_exempt" in (getattr(node, "attr", ""), getattr(node, "id", "")),
        "@csrf_exempt\ndef view(request): ...",
    ),
    "no markup out of text": (
        lambda node: (
            _is(node, "mark_safe", "SafeString", "format_html_join") and not _literal(node)
        ),
        "mark_safe(person.name)",
    ),
    "no temporary file whose name is guessed": (
        lambda node: _is(node, "tempfile.mktemp"),
        "tempfile.mktemp()",
    ),
    "no secret compared byte by byte": (
        lambda node: (
            isinstance(node, ast.Compare)
            and any(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops)
            and bool(re.search(r"\b(secret|signature|password|validator)\b", ast.unparse(node)))
        ),
        "if signature == expected: pass",
    ),
}
# What breaks a rule and may, with the reason.
MAY = {
    ("no SQL out of parts", "core/privileges.py"): "names of our own tables",
    ("no SQL out of parts", "core/trail/seals.py"): "a name that psycopg quotes",
    ("no SQL out of parts", "core/trail/triggers.py"): "two texts of ours",
    ("no SQL out of parts", "transactions/selectors/history.py"): "conditions of ours",
    ("no SQL out of parts", "transactions/services/generation.py"): "names of our own tables",
    ("no weak cipher or mode", "accounts/foreign_hashes.py"): "how Firebase hashes passwords",
    ("no chance that can be guessed", "transactions/generating.py"): "history that is made up",
    ("no form that is not of ours", "core/operations/charts.py"): "a text of ours",
    ("no form that is not of ours", "core/trail/seals.py"): "SQL of psycopg",
    ("no form that is not of ours", "core/versioning.py"): "a path of ours",
    (
        "no form that is not of ours",
        "transactions/selectors/balances.py",
    ): "SQL of ours",
    (
        "no form that is not of ours",
        "transactions/selectors/trial_balances.py",
    ): "SQL of ours",
    (
        "no secret compared byte by byte",
        "config/admin_password.py",
    ): "two words that one person typed",
}


def _literal(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and all(isinstance(one, ast.Constant) for one in node.args)


@functools.cache
def _nodes() -> list[tuple[str, ast.AST]]:
    """Return every node of every source, with the name of its file."""
    return [
        (str(path.relative_to(ROOT)), node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    ]


@pytest.mark.parametrize("name", RULES)
def test_no_source_breaks_a_rule(name: str):
    rule, planted = RULES[name]
    assert any(rule(node) for node in ast.walk(ast.parse(planted))), "the rule sees nothing"
    found = {file: node for file, node in _nodes() if rule(node)}
    may = {file for rule_name, file in MAY if rule_name == name}
    assert {file: ast.unparse(found[file]) for file in found.keys() - may} == {}
    assert may <= found.keys(), "an exception that nothing needs"


def test_rules_look_at_everything():
    assert len(SOURCES) > 200
    assert len(RULES) >= 15
    assert len(_nodes()) > 100_000


def test_templates_escape_what_they_show():
    pages = sorted(path for path in (ROOT / "templates").rglob("*") if path.is_file())
    assert len(pages) > 10
    loose = re.compile(r"\|\s*safe\b|autoescape\s+off|\bon\w+\s*=\s*[\"']|javascript:")
    assert loose.search("{{ name|safe }}")
    assert loose.search('<a onclick="x()">')
    assert [
        str(path)
        for path in pages
        if path.suffix == ".html" and loose.search(path.read_text(encoding="utf-8"))
    ] == []
