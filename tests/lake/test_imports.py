"""Each feature of a mapping, and what a refused import says."""

from __future__ import annotations

import json
import random
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from lake.extracts import DEMAND, KNOWN, LINES, bring, refused, write
from tierwise.lake.imports import Options, fingerprints, prepare
from tierwise.lake.issues import ISSUE_SCHEMA, IssueLog, Severity
from tierwise.lake.mapping_reader import read_mapping
from tierwise.lake.report import ImportReport
from tierwise.lake.schemas import TABLES


def block(table: str, body: str, files: str = "{lines: lines.csv, heads: heads.csv}", top: str = "") -> str:
    inner = "\n".join("    " + line for line in body.strip("\n").splitlines())
    return f"source: erp\n{top}\nfiles: {files}\ntables:\n  {table}:\n    from: lines\n{inner}\n"


def said(report: ImportReport, severity: Severity = Severity.REFUSE) -> dict[tuple[str, str], int]:
    return {(one.column, one.why): one.count for one in report.counts if one.severity is severity}


def test_brings_typed_rows_with_declared_columns_and_defaults(tmp_path: Path) -> None:
    prepared = bring(write(tmp_path, lines=LINES))
    rows = prepared.tables["demand"]
    assert dict(rows.schema) == TABLES["demand"].schema
    assert rows["quantity"].to_list() == [Decimal(3), Decimal("4.5"), Decimal(1)]
    assert rows["ordered_on"][2] == date(2024, 2, 10)
    assert rows["occurrence"].to_list() == [1, 1, 1]
    assert rows["kind"].unique().to_list() == ["order"]
    assert rows["site"].null_count() == 3
    assert prepared.source == "erp"
    assert prepared.report.tables[0].read == prepared.report.tables[0].rows == 3


def test_fingerprint_follows_files_and_mapping(tmp_path: Path) -> None:
    write(tmp_path, lines=LINES)
    mapping = read_mapping(DEMAND)
    first = fingerprints(tmp_path, mapping)
    assert (
        first.digest
        == fingerprints(tmp_path, mapping).digest
        == prepare(tmp_path, mapping, Options(KNOWN)).fingerprint.digest
    )
    assert first.digest != fingerprints(tmp_path, read_mapping(DEMAND + "\n")).digest
    write(tmp_path, lines=LINES + "3,1,A,K1,2024-01-05,3\n")
    assert first.digest != fingerprints(tmp_path, mapping).digest


def test_tells_its_progress(tmp_path: Path) -> None:
    told: list[float] = []
    prepare(write(tmp_path, lines=LINES), read_mapping(DEMAND), Options(KNOWN, lambda _what, share: told.append(share)))
    assert told == sorted(told)
    assert told[-1] == 1


JOINED = """
join:
  - {file: heads, on: {order: number}, how: HOW}
columns:
  order: order
  line: line
  item: item
  customer: {from: customer, default: K2}
  ordered_on: day
  quantity: quantity
"""
POSITIONS = "order,line,item,quantity\n1,1,A,3\n1,2,B,4\n9,1,A,1\n"


def test_inner_join_leaves_out_what_has_no_match_by_count(tmp_path: Path) -> None:
    write(tmp_path, lines=POSITIONS, heads="number,customer,day\n1,K1,2024-01-05\n2,K1,2024-01-05\n")
    prepared = bring(tmp_path, block("demand", JOINED.replace("HOW", "inner")))
    assert prepared.tables["demand"]["line"].to_list() == ["1", "2"]
    assert prepared.report.tables[0].left_out == {"no match in heads": 1}


def test_left_join_keeps_rows_and_their_faults_are_found(tmp_path: Path) -> None:
    write(tmp_path, lines=POSITIONS, heads="number,customer,day\n1,K1,2024-01-05\n")
    report = refused(tmp_path, block("demand", JOINED.replace("HOW", "left")))
    assert said(report) == {("ordered_on", "is missing; every row of demand needs it"): 1}
    assert report.issues.select("file", "row").rows() == [("lines.csv", 4)]


def test_an_ambiguous_join_is_refused_with_both_rows(tmp_path: Path) -> None:
    write(
        tmp_path,
        lines=POSITIONS,
        heads="number,customer,day\n1,K1,2024-01-05\n9,K1,2024-01-05\n1,K2,2024-01-06\n7,K1,\n7,K1,\n",
    )
    report = refused(tmp_path, block("demand", JOINED.replace("HOW", "inner")))
    assert said(report) == {("number", "several rows match one row in the join"): 2}
    assert report.issues.select("file", "row").rows() == [("heads.csv", 2), ("heads.csv", 4)]


def test_a_fault_in_a_joined_file_is_listed_once_at_its_own_row(tmp_path: Path) -> None:
    write(tmp_path, lines=POSITIONS, heads="number,customer,day\n1,K1,5 January\n9,K1,2024-01-05\n")
    report = refused(tmp_path, block("demand", JOINED.replace("HOW", "inner")))
    listed = report.issues.filter(pl.col("why") == "is not a date")
    assert listed.select("file", "row", "column", "value").rows() == [("heads.csv", 2, "day", "5 January")]


def test_a_name_that_two_files_give_needs_a_prefix(tmp_path: Path) -> None:
    write(tmp_path, lines=POSITIONS, heads="number,customer,day,quantity\n1,K1,2024-01-05,1\n9,K1,2024-01-05,1\n")
    text = block("demand", JOINED.replace("HOW", "inner"))
    assert ("", "'quantity' is also a column of what it is joined to") in said(refused(tmp_path, text))
    prefixed = text.replace("how: inner", "prefix: h_").replace("{from: customer, default: K2}", "h_customer")
    assert bring(tmp_path, prefixed.replace("ordered_on: day", "ordered_on: h_day")).tables["demand"].height == 3


def test_one_file_joined_twice_under_two_prefixes(tmp_path: Path) -> None:
    write(tmp_path, lines="a,b,n\n1,2,4\n", heads="id,code\n1,A\n2,B\n")
    body = """
join:
  - {file: heads, on: {a: id}, prefix: up_}
  - {file: heads, on: {b: id}, prefix: down_}
columns: {parent: up_code, component: down_code, quantity_per: n}
"""
    rows = bring(tmp_path, block("bill_of_material", body)).tables["bill_of_material"]
    assert rows.select("parent", "component").rows() == [("A", "B")]


CALCULATED = """
parse:
  qty: {kind: quantity, null_tokens: {none: not counted}}
  price: {kind: price}
derive:
  sign: "CASE WHEN qty < 0 THEN 'return' ELSE 'order' END"
where:
  - {sql: "kind <> 'info'", why: text lines}
  - {sql: qty <> 0, why: nothing moved}
columns:
  order: {text: "SO-{order}/{kind}"}
  line: line
  kind: sign
  item: {from: item, values: {x: A, y: B}}
  customer: {constant: K1}
  ordered_on: day
  quantity: {sql: ABS(qty)}
  revenue: {sql: ABS(qty * price)}
  currency: {constant: EUR}
"""


def test_parse_derive_filter_text_constant_and_sql(tmp_path: Path) -> None:
    lines = """order,line,kind,item,day,qty,price
1,1,std,x,2024-01-05,3,1.255555
1,2,std,y,2024-01-05,-2,10
1,3,info,?,?,1,1
1,4,std,x,2024-01-05,0,1
1,5,std,x,2024-01-05,none,1
"""
    prepared = bring(write(tmp_path, lines=lines), block("demand", CALCULATED))
    rows = prepared.tables["demand"]
    assert rows.select("order", "kind", "item", "quantity", "revenue").rows() == [
        ("SO-1/std", "order", "A", Decimal(3), Decimal("3.7667")),
        ("SO-1/std", "return", "B", Decimal(2), Decimal(20)),
    ]
    assert prepared.report.tables[0].left_out == {"text lines": 1, "nothing moved": 2}
    assert said(prepared.report, Severity.NOTE) == {("qty", "declared as no value: not counted"): 1}


def test_sql_that_fails_or_names_nothing_is_refused(tmp_path: Path) -> None:
    write(tmp_path, lines="order,line,kind,item,day,qty,price\n1,1,std,x,2024-01-05,3,1\n")
    unparsed = block("demand", CALCULATED).replace("      price: {kind: price}\n", "")
    ((column, why),) = said(refused(tmp_path, unparsed))
    assert column == "tables.demand.columns.revenue"
    assert why.startswith("the SQL expression fails")
    unknown = block("demand", CALCULATED).replace("qty <> 0", "qyt <> 0")
    assert refused(tmp_path, unknown).issues["remedy"][0].startswith("did you mean 'qty'")
    no_condition = block("demand", CALCULATED).replace("qty <> 0", "qty + 1")
    assert ("", "the filter is no condition") in said(refused(tmp_path, no_condition))


def test_shifts_dates_after_filters_and_reports_it(tmp_path: Path) -> None:
    lines = LINES.replace("2024-02-10", "2024-02-29")
    text = block("demand", """
where: "day < '2025'"
columns: {order: order, line: line, item: item, customer: customer, quantity: quantity,
          ordered_on: day, requested_on: {from: day, shift: false}, shipped_on: {constant: 2024-01-01}}
""", top="shift: {years: 6}")  # fmt: skip
    prepared = bring(write(tmp_path, lines=lines), text)
    rows = prepared.tables["demand"]
    assert rows["ordered_on"].to_list() == [date(2030, 1, 5), date(2030, 1, 5), date(2030, 2, 28)]
    assert rows["requested_on"][2] == date(2024, 2, 29)
    assert rows["shipped_on"][0] == date(2024, 1, 1)
    assert prepared.report.tables[0].shift == "+6 years"
    local = text.replace("    where:", "    shift: {weeks: 1}\n    where:")
    assert bring(tmp_path, local).tables["demand"]["ordered_on"][0] == date(2024, 1, 12)


NUMBERED = """
columns: {order: order, line: item, occurrence: {number_within: [order, line]}, item: item, customer: customer,
          ordered_on: day, quantity: quantity}
"""


def test_numbers_occurrences_whatever_the_order_of_rows(tmp_path: Path) -> None:
    body = [f"{order},{item},K1,2024-01-0{day},{day}" for order in (1, 2) for item in "AB" for day in (1, 2, 3)]
    body += body[:2]
    head = "order,item,customer,day,quantity\n"
    first = bring(write(tmp_path, lines=head + "\n".join(body)), block("demand", NUMBERED)).tables["demand"]
    random.Random(5).shuffle(body)
    second = bring(write(tmp_path, lines=head + "\n".join(body)), block("demand", NUMBERED)).tables["demand"]
    key = ["order", "line", "occurrence"]
    assert first.sort(key).equals(second.sort(key))
    assert first.filter(order="1", line="A").sort("occurrence")["quantity"].to_list() == [1, 1, 2, 2, 3]


def test_distinct_rows_make_a_master(tmp_path: Path) -> None:
    write(tmp_path, lines="vendor,city\nS1,Ulm\nS2,Bonn\nS1,Ulm\n")
    text = block("supplier", "distinct: true\ncolumns: {supplier: vendor, name: vendor}")
    prepared = bring(tmp_path, text)
    assert prepared.tables["supplier"]["supplier"].to_list() == ["S1", "S2"]
    assert prepared.report.tables[0].merged == 1


def test_most_frequent_value_decides_and_defaults_do_not_vote(tmp_path: Path) -> None:
    lines = "code,name\nA,\nA,\nA,late\nA,late\nA,early\nB,\nC,y\nC,x\n"
    text = block("item", "distinct: most_frequent\ncolumns: {item: code, name: {from: name, default: unnamed}}")
    prepared = bring(write(tmp_path, lines=lines), text)
    assert prepared.tables["item"].select("item", "name").rows() == [("A", "late"), ("B", "unnamed"), ("C", "x")]
    assert prepared.report.tables[0].filled_in == {"name = unnamed": 1}


def test_several_blocks_fill_one_table(tmp_path: Path) -> None:
    write(tmp_path, lines="item,amount\nA,1\n", heads="item,amount\nA,2\n")
    part = "columns: {{item: item, kind: {{constant: {0}}}, valid_from: {{constant: 2024-01-01}}, amount: amount}}"
    text = "source: erp\nfiles: {lines: lines.csv, heads: heads.csv}\ntables:\n  cost:\n"
    text += "".join(
        f"    - from: {f}\n      {part.format(kind)}\n" for f, kind in (("lines", "standard"), ("heads", "list"))
    )
    rows = bring(tmp_path, text).tables["cost"]
    assert rows.select("kind", "amount").rows() == [("standard", 1), ("list", 2)]
    clash = refused(tmp_path, text.replace("constant: list", "constant: standard"))
    assert clash.issues.select("file", "row", "value").rows() == [
        ("heads.csv", 2, "item=A, kind=standard, valid_from=2024-01-01; first in lines.csv row 2")
    ]


def test_collects_every_fault_of_every_file(tmp_path: Path) -> None:
    lines = """order,line,item,customer,day,quantity
1,1,A,K1,2024-01-05,3
1,1,A,K1,2024-01-05,3
1,2,Z,K1,05.01.2024,three
,3,A,K9,2024-01-05,-1
"""
    report = refused(write(tmp_path, lines=lines))
    assert said(report) == {
        ("order, line, occurrence", "has the key of an earlier row"): 1,
        ("item", "names no item that is known"): 1,
        ("day", "is not a date"): 1,
        ("ordered_on", "is missing; every row of demand needs it"): 1,
        ("quantity", "is not a quantity"): 1,
        ("quantity", "is missing; every row of demand needs it"): 1,
        ("order", "is missing; every row of demand needs it"): 1,
        ("customer", "names no customer that is known"): 1,
        ("quantity", "is below 0"): 1,
    }
    assert dict(report.issues.schema) == ISSUE_SCHEMA
    assert report.issues["remedy"].str.len_chars().min() > 0  # type: ignore[operator]
    assert report.issues.filter(value="Z").select("file", "row", "column").rows() == [("lines.csv", 4, "item")]
    assert json.loads(json.dumps(report.to_dict()))["refusals"] == 9
    assert "refuse: demand.quantity is not a quantity (1)" in str(report)


def test_an_unreadable_master_does_not_make_every_row_a_fault(tmp_path: Path) -> None:
    text = DEMAND.replace("lines: lines.csv", "{lines: lines.csv, items: items.csv}").replace("\n  {lines", " {lines")
    text += "  item:\n    from: items\n    columns: {item: code, name: code}\n"
    report = refused(write(tmp_path, lines=LINES.replace("A", "NEW")), text)
    assert [(one.table, one.why) for one in report.counts] == [("item", "no such file in the extract")]


def test_codes_may_come_with_the_import(tmp_path: Path) -> None:
    write(tmp_path, lines=LINES.replace("A", "NEW"), heads="code\nNEW\n")
    item = "  item:\n    from: heads\n    columns: {item: code, name: code}\n"
    text = DEMAND.replace("lines: lines.csv", "lines: lines.csv\n  heads: heads.csv") + item
    assert bring(tmp_path, text).tables["demand"].height == 3


def test_listing_stops_but_counting_does_not() -> None:
    log = IssueLog(listed=5)
    cells = pl.DataFrame({"file": "a", "row": list(range(12)), "table": "t", "column": "c", "value": "v"})
    for _ in range(2):
        log.add(Severity.NOTE, cells.with_columns(why=pl.lit("w"), remedy=pl.lit("r")))
    log.refuse("b", "x", "y")
    assert (log.total(Severity.NOTE), log.total(Severity.REFUSE)) == (24, 1)
    assert log.frame().height == 6
    assert log.frame()["severity"][0] == "refuse"


@pytest.mark.parametrize(
    ("constant", "column"), [("soon", "ordered_on"), ("few", "quantity"), ("XXX", "currency"), ("gift", "kind")]
)
def test_a_constant_is_checked_too(tmp_path: Path, constant: str, column: str) -> None:
    columns = {"order": "order", "line": "line", "item": "item", "customer": "customer", "ordered_on": "day"}
    columns |= {"quantity": "quantity", column: f"{{constant: {constant}}}"}
    body = "columns: {" + ", ".join(f"{name}: {value}" for name, value in columns.items()) + "}"
    assert refused(write(tmp_path, lines=LINES), block("demand", body)).refused
