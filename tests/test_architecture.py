"""The shape of the code: short files and functions, documented verbs, documents that are true."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

from accounts import services as accounts
from accounts.constants import ROLE_PERMISSIONS
from core import errors
from sessions_app import services as sessions
from transactions import services as transactions

ROOT = Path(__file__).parent.parent
APPS = ("config", "core", "accounts", "sessions_app", "transactions")
LINES_MAX = 420
FUNCTION_LINES_MAX = 60
SOURCES = [
    path
    for app in APPS
    for path in sorted((ROOT / app).rglob("*.py"))
    if not {"tests", "migrations"} & set(path.parts)
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_short(path: Path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LINES_MAX
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_LINES_MAX, f"{node.name} has {length} lines"


@pytest.mark.parametrize("module", [accounts, sessions, transactions])
def test_verbs_say_what_they_do_and_take_names(module):
    verbs = [
        verb
        for name, verb in vars(module).items()
        if inspect.isfunction(verb)
        and not name.startswith("_")
        and verb.__module__.startswith(module.__name__)
    ]
    assert verbs
    for verb in verbs:
        assert verb.__doc__, verb.__name__


def test_error_codes_have_families_and_one_status_each():
    families = {
        *("AUTH", "ACCOUNT", "SESSION", "COOKIE", "LEDGER", "TXN", "HOLD", "IDEMPOTENCY"),
        *("RATE", "VALIDATION", "DB", "EXTERNAL", "TIMEOUT", "MAINT", "SETTING"),
    }
    for error in errors.registered_errors():
        assert re.fullmatch(r"[A-Z][A-Z_]+", error.code)
        assert error.code.split("_")[0] in families
        assert 400 <= error.status < 600
        assert error.title


def test_migrations_have_names():
    loader = MigrationLoader(None)
    names = [name for app, name in loader.disk_migrations if app in APPS]
    assert names
    assert not [name for name in names if "auto" in name]


@pytest.mark.django_db
def test_roles_hold_only_permissions_that_exist():
    for role, names in ROLE_PERMISSIONS.items():
        group = Group.objects.get(name=role)
        held = {
            f"{permission.content_type.app_label}.{permission.codename}"
            for permission in group.permissions.select_related("content_type")
        }
        assert held == set(names)


def _rows(document: str, form: str) -> list[tuple[str, ...]]:
    """Return the rows of a table, whose last two cells in ``form`` are a test that must exist."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    rows = re.findall(form, text, re.MULTILINE)
    for *named, test_file, test in rows:
        assert f"def {test}(" in (ROOT / test_file).read_text(encoding="utf-8"), (named, test)
    return rows


def test_traceability_names_only_what_exists():
    rows = _rows("traceability.md", r"^\| (R\d+) \| .+? \| (\S+) \| (\S+)::(\w+) \|$")
    assert len(rows) > 30
    for identifier, code, _, _ in rows:
        assert (ROOT / code).is_file(), (identifier, code)


def test_each_invariant_names_a_test_that_exists():
    rows = _rows("proofs.md", r"^\| I(\d+) \| .+? \| (\S+)::(\w+) \|$")
    assert [int(number) for number, _, _ in rows] == list(range(1, 16))


def test_each_fault_names_a_test_that_exists():
    rows = _rows("faults.md", r"^\| F(\d+) \| .+? \| .+? \| (\S+)::(\w+) \|$")
    assert sorted({int(number) for number, _, _ in rows}) == list(range(1, 31))


def test_each_trap_names_a_test_that_exists():
    rows = _rows("traps.md", r"^\| T(\d+) \| .+? \| .+? \| (\S+)::(\w+) \|$")
    assert [int(number) for number, _, _ in rows] == list(range(1, 51))


def test_each_control_names_a_test_that_exists():
    text = (ROOT / "docs" / "compliance.md").read_text(encoding="utf-8")
    controls = re.findall(r"^\| .+? \| .+? \| ([\w/]+\.py)(?:::(\w+))? \|$", text, re.MULTILINE)
    assert len(controls) == len(re.findall(r"/test_\w+\.py", text)) > 20
    for file, test in controls:
        assert f"def {test or 'test_'}" in (ROOT / file).read_text(encoding="utf-8"), (file, test)


def test_each_test_can_fail():
    """It asserts, or expects a refusal, or calls something of ours for tests that does."""
    trees = [
        (path, ast.parse(path.read_text(encoding="utf-8")))
        for path in sorted(ROOT.rglob("*.py"))
        if "tests" in (parts := path.relative_to(ROOT).parts) and not {".venv", "var"} & {*parts}
    ]
    functions = [
        (path, node)
        for path, tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    judging = {"raises", "warns", "run_state_machine_as_test"}
    while True:
        more = {node.name for _, node in functions if _judges(node, judging)} - judging
        if not more:
            break
        judging |= more
    assert [
        f"{path.relative_to(ROOT)}::{node.name}"
        for path, node in functions
        if path.name.startswith("test_")
        and node.name.startswith("test_")
        and node.name not in judging
    ] == []


def _judges(function: ast.AST, judging: set[str]) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in judging:
                return True
    return False


def test_generated_documents_are_current(capsys):
    # What is declared in a module that nothing has loaded yet would come and go with the order.
    for path in SOURCES:
        module = path.relative_to(ROOT).with_suffix("")
        if module.parts[0] != "config":
            importlib.import_module(".".join(module.parts).removesuffix(".__init__"))
    call_command("docs_generate", "--check")
    assert "current" in capsys.readouterr().out


def test_links_between_documents_lead_somewhere():
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (path.parent / target).exists(), f"{path.name} -> {target}"
