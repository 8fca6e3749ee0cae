"""The documents that are written from the code, so that they cannot say something else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Final

import yaml
from django.apps import apps
from django.conf import settings
from django.db import models
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer

from core import errors, problems, runtime_settings
from core.privacy.document import data_map_document

_NOTE: Final = "<!-- Written by `make docs`; change the code, not this file. -->\n"


def openapi(version: str) -> str:
    """Return the OpenAPI document of a version, such as ``v1``."""
    generator = SchemaGenerator(api_version=version)  # type: ignore[no-untyped-call]  # untyped library
    schema = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]  # as above
    written: bytes = OpenApiYamlRenderer().render(schema, renderer_context={})  # type: ignore[no-untyped-call]  # as above
    return written.decode()


def parsed(text: str) -> dict[str, Any]:
    """Return an OpenAPI document as it was written; ten times as fast as PyYAML's own Python."""
    document: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return document


def configuration() -> str:
    """Return the table of all settings."""
    lines = [
        "# Configuration\n",
        "Every setting is an environment variable. `NAME_FILE` may name a file that holds the "
        "value, as mounted secrets do. All faults are reported at once, before anything starts.\n",
        "| variable | type | default | what it does |",
        "|---|---|---|---|",
    ]
    for field in dataclasses.fields(settings.ENV):
        about = field.metadata["about"]
        if field.metadata["choices"]:
            about += f" One of {', '.join(field.metadata['choices'])}."
        if field.metadata["secret"]:
            about += " Secret."
        lines.append(
            f"| `{field.name.upper()}` | {_TYPES[str(field.type)]} | {_default(field)} | {about} |"
        )
    return _NOTE + "\n".join(lines) + "\n"


def settings_at_run_time() -> str:
    """Return the table of all runtime settings."""
    lines = [
        "# Runtime settings\n",
        "What staff change while everything runs: in the admin under *Runtime settings*, or with "
        "`manage.py setting_set NAME VALUE --reason WHY`; `manage.py settings_show` says what "
        "holds now. A change asks for a reason, is in the audit trail, and holds on every web "
        "process and worker within ten seconds, with Valkey or without. What is not allowed is "
        "refused. Limits for scopes and single callers are [plans](limits.md).\n",
        "| setting | default | may be | what it does |",
        "|---|---|---|---|",
    ]
    for setting in runtime_settings.declared():
        default = f"`{setting.name.upper()}`" if callable(setting.default) else setting.default
        shown = {True: "yes", False: "no", "": "empty"}.get(default, default)
        lines.append(f"| `{setting.name}` | {shown} | {setting.allowed} | {setting.about} |")
    return _NOTE + "\n".join(lines) + "\n"


def error_codes() -> str:
    """Return the table of all problem codes."""
    rows: dict[str, tuple[int, str, str]] = {}
    for error in errors.registered_errors():
        rows.setdefault(error.code, (error.status, error.title, _first_line(error)))
    for status, (code, title) in problems.FRAMEWORK_ERRORS.items():
        rows.setdefault(code, (status, title, ""))
    lines = [
        "# Errors\n",
        "Every answer with a status of 400 or more is `application/problem+json` (RFC 9457) with "
        "`type`, `title`, `status`, `detail`, `instance`, `code` and `request_id`. Faults in a "
        "request are listed in `errors`, each with a JSON pointer; when all of them share one "
        "code, it is the document's code too, else that is `VALIDATION_FAILED`. Codes are added, "
        "never renamed.\n",
        "| code | status | title | meaning |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{code}` | {status} | {title} | {about} |"
        for code, (status, title, about) in sorted(rows.items())
    ]
    return _NOTE + "\n".join(lines) + "\n"


def schema() -> str:
    """Return the tables and their relations as a Mermaid diagram."""
    lines = [
        "# Tables\n",
        "Tables with a `user_id` have it in their primary key, after the id. `(append-only)` "
        "refuses UPDATE, DELETE and TRUNCATE; `(by month)` is partitioned by UUIDv7.\n",
        "```mermaid",
        "erDiagram",
    ]
    notes, relations = [], []
    ours = [model for model in apps.get_models() if model._meta.app_label in _APPS]  # noqa: SLF001 - Django's documented Model._meta API
    for model in sorted(ours, key=lambda model: model._meta.db_table):  # noqa: SLF001 - as above
        table = model._meta.db_table  # noqa: SLF001 - as above
        lines.append(f"    {table} {{")
        for field in model._meta.concrete_fields:  # noqa: SLF001 - as above
            if isinstance(field, models.CompositePrimaryKey):
                continue
            key = " PK" if field.primary_key else ""
            lines.append(f"        {_column_type(field)} {field.column}{key}")
            if field.remote_field is not None and field.related_model in ours:
                target = field.related_model._meta.db_table  # noqa: SLF001 - as above
                relations.append(f'    {target} ||--o{{ {table} : "{field.column}"')
        lines.append("    }")
        marks = [
            mark
            for attribute, mark in (("append_only", "append-only"), ("partitioned_by", "by month"))
            if getattr(model, attribute, None)
        ]
        notes.append(
            f"- `{table}`{' (' + ', '.join(marks) + ')' if marks else ''}: {_first_line(model)}"
        )
    return _NOTE + "\n".join([*lines, *sorted(relations), "```\n", *notes]) + "\n"


DOCUMENTS: Final[dict[str, Callable[[], str]]] = {
    "docs/openapi-v1.yaml": lambda: openapi("v1"),
    "docs/openapi-v2.yaml": lambda: openapi("v2"),
    "docs/configuration.md": configuration,
    "docs/errors.md": error_codes,
    "docs/runtime-settings.md": settings_at_run_time,
    "docs/schema.md": schema,
    "docs/data-map.md": data_map_document,
}


def add(name: str, make: Callable[[], str]) -> None:
    """Let an app have a document of its own written with the others."""
    DOCUMENTS[name] = make


_APPS: Final = frozenset({"core", "accounts", "sessions_app", "transactions"})
_TYPES: Final = {"str": "text", "int": "whole number", "list[str]": "comma-separated list"}


def _default(field: dataclasses.Field[object]) -> str:
    if field.default_factory is not dataclasses.MISSING:
        value: object = ", ".join(field.default_factory()) or "empty"  # type: ignore[arg-type]  # only lists have factories
    elif field.default is dataclasses.MISSING:
        return "required"
    else:
        value = "empty" if field.default == "" else field.default
    return f"`{value}`"


def _column_type(field: models.Field[object, object]) -> str:
    return field.get_internal_type().removesuffix("Field")


def _first_line(thing: type) -> str:
    text = (thing.__doc__ or "").strip().split("\n\n")[0]
    return " ".join(text.replace("``", "`").split())
