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

# place in a mapping document -> its keys and what they say
MAPPING_KEYS: dict[str, dict[str, str]] = {
    "document": {
        "source": "the system the extract comes from; part of every fact's key",
        "name": "name of the mapping; the source when empty",
        "about": "what a reader should know",
        "shift": "moves every date: `{years: 6}`, also `months`, `weeks`, `days`; filters see the dates of the file",
        "files": "name of a file → its path, or the keys below",
        "tables": "name of a table → one block, or a list of blocks that fill it together",
    },
    "file": {
        "path": "path below the folder of the extract; `*` names several files of one layout",
        "format": "`csv`, `xlsx`, `parquet`, or `auto` by the ending; CSV may be compressed with gzip",
        "separator": "one character, or `tab`",
        "quote": "quote sign, or `none`",
        "encoding": "utf-8 (a byte order mark is skipped), utf-16, cp1252, latin-1 …",
        "header": "`false` where the first row holds data",
        "columns": "column names in their order; needed without a header",
        "sheet": "sheet of a workbook; the first when empty",
        "skip_rows": "lines above the header",
        "nulls": "texts that stand for an empty cell in any column",
    },
    "block": {
        "from": "the file whose rows fill the table",
        "join": "list of joins, in their order; rows of a joined file must be unique on the columns joined by",
        "parse": "source columns read as typed values first, for SQL to calculate with; every cell is checked",
        "derive": "name → SQL expression over the columns so far",
        "where": "condition in SQL that rows must meet, or a list of `{sql, why}`; the others are left out by count",
        "distinct": "`true`: equal rows once; `most_frequent`: one row per key with each column's most frequent value",
        "unit": "columns of the key whose rows go into quarantine together, such as `order`",
        "complete": "`true` where the extract is the full set: rows that are gone are closed",
        "shift": "as above, for this block",
        "columns": "column of the table → source column, or the keys below",
    },
    "join": {
        "file": "the file to join",
        "on": "`{column so far: column of the joined file}`, one or several",
        "how": "`inner` leaves rows without a match out by count, `left` keeps them",
        "prefix": "put before the joined columns' names",
    },
    "filter": {"sql": "the condition", "why": "the reason shown beside the count"},
    "column": {
        "from": "source column",
        "constant": "the same value for every row",
        "text": "template with source columns in braces: `PO-{order_id}`",
        "sql": "SQL expression over source columns",
        "number_within": "numbers the rows of a group by their content, whatever their order: `[order, line]`",
        "shift": "`false` leaves this date where it is",
    },
    "column or parse": {
        "kind": "for `parse`: what the values are (the kinds of the tables below)",
        "dates": "formats such as `%d.%m.%Y`; a cell that two of them read as different days is refused",
        "values": "dictionary from the file's text to the value",
        "otherwise": "what a text outside `values` becomes: `refuse`, `keep` or `empty`",
        "null_tokens": "text → reason why it stands for no value; every such cell is listed as a note",
        "null_patterns": "the same by regular expression",
        "remove": "regular expression to cut out before reading",
        "decimal": "decimal sign",
        "thousands": "thousands sign",
        "default": "value where there is none; counted in the report",
    },
}


def render_mapping() -> str:
    """Markdown with every key of a mapping document."""
    parts = [
        "# Mapping documents",
        "A mapping is YAML. Every scalar is taken as text; a key that is not known is refused.",
    ]
    for place, keys in MAPPING_KEYS.items():
        rows = "\n".join(f"| `{key}` | {_cell(meaning)} |" for key, meaning in keys.items())
        parts.append(f"## {place.capitalize()}\n\n| key | meaning |\n|---|---|\n{rows}")
    return "\n\n".join(parts) + "\n"


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
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
