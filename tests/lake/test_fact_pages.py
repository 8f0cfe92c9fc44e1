"""The declarations as a page."""

from __future__ import annotations

import pytest

from tierwise.lake.fact_pages import MAPPING_KEYS, render_mapping, render_table, render_tables
from tierwise.lake.mapping_reader import read_mapping
from tierwise.lake.schemas import TABLES
from tierwise.wire.documents import Section


def test_every_table_and_column_is_on_the_page() -> None:
    page = render_tables()
    for table in TABLES.values():
        section = page.split(f"### {table.name}\n")[1].split("\n### ")[0]
        assert table.meaning in section
        for column in table.columns:
            assert f"`{column.name}`" in section
            assert column.meaning in section


def test_one_row_of_each_sort() -> None:
    demand = render_table("demand")
    assert "| **`order`** | text, compared exactly | customer order or invoice number |  |  |" in demand
    assert "| `kind` | order / return | order, or return that nets against its cell |  | order |" in demand
    assert "| **`quantity`** | decimal, 4 places, at least 0 |" in demand
    assert "| **`item`** | text, compared exactly | item | item |  |" in demand
    assert "Placed in time by `ordered_on`." in demand
    assert "Kept in the directory." in render_table("site")


def test_an_undeclared_table_has_no_page() -> None:
    with pytest.raises(KeyError):
        render_table("demnad")


def test_every_key_that_a_mapping_may_hold_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()
    done = Section.done

    def spied(section: Section) -> None:
        asked.update(section.asked)
        done(section)

    monkeypatch.setattr(Section, "done", spied)
    read_mapping("""
source: a
shift: {years: 1}
files: {f: {path: f.csv}}
tables:
  item:
    from: f
    join: {file: f, on: {a: b}}
    parse: {n: {kind: money}}
    where: [{sql: n > 1, why: small}]
    columns: {item: {from: a}, name: {from: b}}
""")
    described = {key for keys in MAPPING_KEYS.values() for key in keys}
    assert described == asked - {"years", "months", "weeks", "days"}
    assert all(f"| `{key}` |" in render_mapping() for key in described)
