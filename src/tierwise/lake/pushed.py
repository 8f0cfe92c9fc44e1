"""Records that come without a file: the mapping under which they are taken, made from the table itself."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import yaml

from tierwise.lake.mapping import Mapping
from tierwise.lake.mapping_reader import TABLES, read_mapping
from tierwise.wire.documents import DocumentError, Problem, near


def mapping_of_records(table: str, columns: Sequence[str], source: str) -> Mapping:
    """A mapping that takes columns by their own names. Raises ``DocumentError``."""
    if table not in TABLES:
        raise DocumentError([Problem("table", f"{table!r} is not a table", near(table, TABLES))])
    return read_mapping(_text(table, list(columns), source))


def mapping_text_of_records(mapping: Mapping) -> str:
    block = mapping.blocks[0]
    return _text(block.table.name, list(block.columns), mapping.source)


def _text(table: str, columns: list[str], source: str) -> str:
    name = f"{source[:40]} {table}"
    if len(name) > 64:
        name = sha256(name.encode()).hexdigest()
    return yaml.safe_dump(
        {
            "source": source,
            "name": name,
            "files": {"records": "records.csv"},
            "tables": {table: {"from": "records", "columns": {column: column for column in columns}}},
        },
        sort_keys=False,
        allow_unicode=True,
    )
