"""docs/data-map.md: the data map, for those who answer for it."""

from __future__ import annotations

from core.privacy import data_map, retention

_NOTE = "<!-- Written by `make docs`; change the code, not this file. -->\n"
_ABOUT = (
    "What we hold of people, what for, on which ground (GDPR, Article 6), for how long, and what "
    "erasing a person does to it. Exports, erasure, retention and the redaction of the audit trail "
    "follow this map; a column that is not in it fails the tests.\n\n"
    "Personal: says something of a person. Secret: proves or opens something, or is sealed; it is "
    "never shown or exported. Money: amounts. Technical: everything else.\n"
)


def data_map_document() -> str:
    """Return the data map as Markdown."""
    lines = [_NOTE, "# Data map\n", _ABOUT, _retention()]
    for name, table in data_map.tables().items():
        rule = retention.RULES[table.retention]
        lines.append(f"## {name}\n")
        lines.append(f"For {table.purpose}. Kept {rule.kept}.")
        if table.whose:
            theirs = f"`{table.whose}`" + (f" in `{table.through}`" if table.through else "")
            lines.append(f"Whose: {theirs}. Ground: {table.basis}. Erasing a person: rows are")
            lines.append(f"{table.erasure}.")
        if table.kept:
            lines.append(f"Stays all the same: {_named(table.kept)}. {table.kept_because}")
        if table.doers:
            lines.append(f"A copy shows of one's own deeds alone: {_named(table.in_deeds())}.")
        if table.withheld:
            lines.append(f"In no copy: {_named(table.withheld)}. {table.withheld_because}")
        if table.unaudited:
            lines.append(f"Its changes are not audited by trigger: {table.unaudited}")
        lines.append("\n| column | holds | purpose | retention |\n|---|---|---|---|")
        lines += [
            f"| `{column}` | {table.kind_of(column)} | {table.purpose} | {table.retention} |"
            for column in sorted(table.columns(*data_map.KINDS))
        ]
        lines.append("")
    return "\n".join(lines)


def _retention() -> str:
    rows = [f"| {name} | {rule.kept} | {rule.how} |" for name, rule in retention.RULES.items()]
    return "\n".join(
        ["## Retention\n", "| class | kept | how it goes |", "|---|---|---|", *rows, ""]
    )


def _named(columns: str) -> str:
    return ", ".join(f"`{column}`" for column in columns.split())
