"""The declared tables and the mapping's keys as a page to read."""

from __future__ import annotations

from collections.abc import Iterable

from tierwise.lake.schemas import FACTS, MASTERS, PROJECTED, Column, Home, Table

KINDS = {
    "code": "text, compared exactly",
    "text": "text",
    "integer": "whole number",
    "ratio": "number",
    "quantity": "decimal, 4 places",
    "money": "decimal, 4 places",
    "price": "decimal, 6 places",
    "date": "day",
    "flag": "true or false",
    "unit": "unit code",
    "currency": "ISO 4217",
    "country": "ISO 3166-1 alpha-2",
    "choice": "one of a list",
}


def render_tables() -> str:
    """Markdown with one section per declared table, masters first."""
    parts = ["# Tables that facts and masters arrive in", _introduction()]
    for title, tables in (("Masters", MASTERS), ("Facts", FACTS), ("Computed by the platform", PROJECTED)):
        parts += [f"## {title}", *(_section(table) for table in tables)]
    return "\n\n".join(parts) + "\n"


def render_table(name: str, tables: Iterable[Table] = (*MASTERS, *FACTS, *PROJECTED)) -> str:
    """Markdown of one table. Raises ``KeyError`` for a name that is not declared."""
    return _section({table.name: table for table in tables}[name])


def _introduction() -> str:
    return (
        "Every row also carries `source` (the system it came from, part of every key) and, in the lake, `known_from` "
        "and `known_to`: when the platform knew it. A row with an empty `known_to` is current. Columns in **bold** "
        "must be given; a default stands in where a value is missing."
    )


def _section(table: Table) -> str:
    home = "the lake" if table.home is Home.LAKE else "the directory"
    facts = [f"Key: {', '.join(f'`{name}`' for name in table.key)}.", f"Kept in {home}."]
    if table.dated_by:
        facts.append(f"Placed in time by `{table.dated_by}`.")
    head = "| column | kind | meaning | refers to | default |\n|---|---|---|---|---|"
    rows = "\n".join(_row(column, table) for column in table.columns)
    return f"### {table.name}\n\n{table.meaning} {' '.join(facts)}\n\n{head}\n{rows}"


def _row(column: Column, table: Table) -> str:
    name = f"`{column.name}`"
    if column.required or (column.name in table.key and column.default is None):
        name = f"**{name}**"
    kind = " / ".join(column.choices) if column.choices else KINDS[column.kind.value]
    if column.least is not None:
        kind += f", at least {column.least:g}"
    cells = (name, kind, column.meaning, column.refers_to, column.default or "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
