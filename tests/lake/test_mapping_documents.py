"""A mapping document is read strictly: every mistake has a place and a remedy."""

from __future__ import annotations

import pytest

from tierwise.lake.mapping import Distinct, JoinHow, Otherwise, Shift
from tierwise.lake.mapping_reader import read_mapping
from tierwise.wire.documents import DocumentError, near, parse_document

GOOD = """
name: shop
source: erp
shift: {years: 1, days: -2}
files:
  lines:
    path: "lines_*.csv"
    separator: ";"
    encoding: cp1252
  heads: heads.csv
tables:
  demand:
    from: lines
    complete: true
    distinct: true
    join:
      - {file: heads, on: {order: number}, how: left, prefix: h_}
    parse:
      qty: {kind: quantity, decimal: ","}
    derive:
      gross: qty * 2
    where:
      - {sql: qty > 0, why: nothing ordered}
    columns:
      order: {text: "SO-{order}"}
      line: pos
      occurrence: {number_within: [order, line]}
      item: {from: art, values: {1: one, NO: two}, otherwise: keep}
      customer: h_customer
      ordered_on: {from: h_day, dates: ["%d.%m.%Y", "%Y%m%d"], null_tokens: {"n/a": not written down}}
      quantity: {sql: gross}
      currency: {constant: EUR}
"""


def problems(text: str) -> dict[str, str]:
    with pytest.raises(DocumentError) as caught:
        read_mapping(text)
    return {one.place: f"{one.why}; {one.remedy}" for one in caught.value.problems}


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def test_reads_a_whole_document() -> None:
    mapping = read_mapping(GOOD)
    (block,) = mapping.blocks
    assert (mapping.name, mapping.source, mapping.tables) == ("shop", "erp", ("demand",))
    assert mapping.complete == {"demand"}
    assert mapping.files["lines"].separator == ";"
    assert mapping.files["heads"].path == "heads.csv"
    assert block.shift == Shift(years=1, days=-2)
    assert str(block.shift) == "+1 years, -2 days"
    assert block.distinct is Distinct.ROWS
    assert block.joins[0].how is JoinHow.LEFT
    assert block.columns["item"].rule.values == {"1": "one", "NO": "two"}
    assert block.columns["item"].rule.otherwise is Otherwise.KEEP
    assert block.columns["ordered_on"].rule.dates == ("%d.%m.%Y", "%Y%m%d")
    assert block.reads == {"order", "pos", "art", "qty", "h_customer", "h_day"}


def test_digest_follows_the_text() -> None:
    assert read_mapping(GOOD).digest == read_mapping(GOOD).digest
    assert read_mapping(GOOD).digest != read_mapping(GOOD + "\n").digest


@pytest.mark.parametrize(
    ("old", "new", "place", "says"),
    [
        ("dates: [", "date: [", "tables.demand.columns.ordered_on.date", "did you mean 'dates'"),
        ("source: erp", "sauce: erp", "source", "is missing"),
        ("source: erp", "sauce: erp", "sauce", "did you mean 'source'"),
        ("  demand:", "  demnad:", "tables.demnad", "did you mean 'demand'"),
        (
            "      customer: h_customer\n",
            "",
            "tables.demand.columns.customer",
            "is missing; every row of demand needs it",
        ),
        ("customer: h_customer", "custommer: h_customer", "tables.demand.columns.custommer", "did you mean 'customer'"),
        ("from: lines", "from: line", "tables.demand.from", "did you mean 'lines'"),
        ("file: heads", "file: haeds", "tables.demand.join[0].file", "did you mean 'heads'"),
        ("on: {order: number}, ", "", "tables.demand.join[0].on", "names no pair"),
        ("how: left", "how: outer", "tables.demand.join[0].how", "inner, left"),
        ("complete: true", "complete: maybe", "tables.demand.complete", "must be true or false"),
        ("years: 1", "years: one", "shift.years", "must be a whole number"),
        ('"%d.%m.%Y", ', '"%d.%m", ', "tables.demand.columns.ordered_on.dates[0]", "day, month and year"),
        ("{sql: gross}", '{sql: "gross +"}', "tables.demand.columns.quantity.sql", "is no SQL expression"),
        ("gross: qty * 2", 'gross: "qty * ("', "tables.demand.derive.gross", "is no SQL expression"),
        ("sql: qty > 0", "sql: qty >", "tables.demand.where[0].sql", "is no SQL expression"),
        (
            "{sql: gross}",
            "{sql: (SELECT 1 FROM read_csv('/etc/passwd'))}",
            "tables.demand.columns.quantity.sql",
            "holds a query of its own",
        ),
        ("{sql: gross}", "{sql: gross, from: qty}", "tables.demand.columns.quantity", "exactly one of"),
        ("{sql: gross}", "{default: 1}", "tables.demand.columns.quantity", "no origin"),
        ("{constant: EUR}", "{constant: EUR, number_within: [order]}", "tables.demand.columns.currency", "exactly one"),
        ("kind: quantity", "kind: quantty", "tables.demand.parse.qty.kind", "did you mean 'quantity'"),
        ('"SO-{order}"', '"SO-{order"', "tables.demand.columns.order.text", "is no template"),
        ("not written down", '""', "tables.demand.columns.ordered_on.null_tokens.n/a", "has no reason"),
        ("null_tokens: {", "null_patterns: {'(': x, ", "tables.demand.columns.ordered_on.null_patterns.(", "regular"),
        ("encoding: cp1252", "encoding: cp99", "files.lines.encoding", "is not known"),
        ('separator: ";"', 'separator: "ab"', "files.lines.separator", "must be one character"),
        ("heads.csv", "../heads.csv", "files.heads", "leads out of the folder"),
        ("heads.csv", "/etc/heads.csv", "files.heads", "leads out of the folder"),
        ("encoding: cp1252", "header: false", "files.lines.columns", "list the column names"),
        ("[order, line]", "{order: line}", "tables.demand.columns.occurrence.number_within", "must be a list of texts"),
        ("values: {1: one, NO: two}", "values: [1]", "tables.demand.columns.item.values", "must map texts to texts"),
    ],
)
def test_names_the_place_and_the_remedy(old: str, new: str, place: str, says: str) -> None:
    found = problems(changed(old, new))
    assert place in found, found
    assert says in found[place]


def test_finds_all_mistakes_at_once() -> None:
    text = (
        changed("dates: [", "date: [").replace("complete: true", "complete: maybe").replace("from: lines", "from: line")
    )
    assert len(problems(text)) == 3


def test_refuses_a_key_given_twice() -> None:
    assert "'customer' is given twice" in str(
        problems(changed("      line: pos\n", "      line: pos\n      customer: x\n"))
    )


@pytest.mark.parametrize("text", ["", "- a\n- b", "just text", "a: [1", "a:\n\t- b"])
def test_refuses_what_is_no_mapping(text: str) -> None:
    assert problems(text)


def test_takes_every_scalar_as_text() -> None:
    assert parse_document("{a: NO, b: 007, c: 2024-01-01, d: 1.50, e: ~}") == {
        "a": "NO", "b": "007", "c": "2024-01-01", "d": "1.50", "e": "~",
    }  # fmt: skip


def test_names_what_there_is_when_nothing_is_near() -> None:
    assert near("zzz", ["demand", "stock"]) == "it may be one of: demand, stock"
    assert near("zzz", []) == "there is none to choose from"


def test_an_empty_mapping_maps_nothing() -> None:
    assert "names no file" in problems("source: a")["files"]
