"""Sound rows come in, the others are kept with what is wrong until somebody repairs them; none is dropped."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import polars as pl
import pytest

from fixtures.worlds import World
from lake.extracts import DEMAND, KNOWN, LINES, write
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound
from tierwise.lake import queries
from tierwise.lake.actions import discard_quarantined
from tierwise.lake.imports import ImportRefused, Options, Prepared, prepare
from tierwise.lake.jobs import How, ImportOutcome, Pushed, import_extract, import_records, repair
from tierwise.lake.mapping_reader import read_mapping
from tierwise.lake.records import ImportState
from tierwise.lake.repairs import ID, corrections, read_sheet, sheet_of, workbook_of
from tierwise.wire.documents import DocumentError

# What is set aside


def aside(folder: Path, mapping: str, **options: object) -> Prepared:
    return prepare(folder, read_mapping(mapping), Options(KNOWN, quarantine=True, **options))  # type: ignore[arg-type]


def told(prepared: Prepared) -> dict[tuple[str, int], set[tuple[str, str]]]:
    return {
        (one["file"], one["row"]): {(fault["column"], fault["why"]) for fault in one["faults"]}
        for one in prepared.aside.iter_rows(named=True)
    }


BAD = LINES + "3,1,Z,K1,2024-03-01,2\n3,2,A,K1,soon,2\n4,1,A,K1,2024-03-01,-2\n1,2,A,K1,2024-01-07,1\n"


def test_bad_rows_stand_aside_with_their_texts_and_faults(tmp_path: Path) -> None:
    prepared = aside(write(tmp_path, lines=BAD), DEMAND)
    assert told(prepared) == {
        ("lines.csv", 5): {("item", "names no item that is known")},
        ("lines.csv", 6): {("day", "is not a date"), ("ordered_on", "is missing; every row of demand needs it")},
        ("lines.csv", 7): {("quantity", "is below 0")},
        ("lines.csv", 3): {("order, line, occurrence", "shares its key with another row")},
        ("lines.csv", 8): {("order, line, occurrence", "shares its key with another row")},
    }
    assert prepared.tables["demand"]["order"].to_list() == ["1", "2"]
    row = prepared.aside.row(by_predicate=pl.col("row") == 5, named=True)
    assert json.loads(row["cells"]) == {
        "order": "3", "line": "1", "item": "Z", "customer": "K1", "day": "2024-03-01", "quantity": "2",
    }  # fmt: skip
    assert (row["place"], row["key"]) == ("tables.demand", "order=3, line=1, occurrence=1")
    table = prepared.report.tables[0]
    assert (table.read, table.rows, table.quarantined) == (7, 2, 5)
    assert not prepared.report.refused


def test_what_concerns_no_row_still_refuses(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused):
        aside(write(tmp_path, lines=BAD.replace("quantity", "qty")), DEMAND)


def test_too_many_bad_rows_point_to_the_mapping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tierwise.lake.quarantine.MOST", 2)
    with pytest.raises(ImportRefused) as error:
        aside(write(tmp_path, lines=BAD), DEMAND)
    assert any("would go into quarantine" in one.why for one in error.value.report.counts)


def test_an_order_stands_or_falls_together_where_the_mapping_says_so(tmp_path: Path) -> None:
    text = BAD.replace("3,1,Z,", "2,2,Z,")
    mapping = DEMAND.replace("    columns:", "    unit: order\n    columns:")
    prepared = aside(write(tmp_path, lines=text), mapping)
    assert prepared.tables["demand"].height == 0
    assert told(prepared)["lines.csv", 4] == {("order", "belongs to a row that is wrong")}
    assert prepared.report.tables[0].quarantined == prepared.report.tables[0].read == 7


def test_a_unit_must_be_of_the_key() -> None:
    with pytest.raises(DocumentError, match="'item' is not in the key of demand"):
        read_mapping(DEMAND.replace("    columns:", "    unit: item\n    columns:"))


def test_rows_numbered_together_go_aside_together(tmp_path: Path) -> None:
    mapping = DEMAND + "      occurrence: {number_within: [order, line]}\n"
    prepared = aside(write(tmp_path, lines=LINES + "1,1,A,K1,soon,1\n"), mapping)
    assert told(prepared).keys() == {("lines.csv", 2), ("lines.csv", 5)}
    assert prepared.tables["demand"].select("order", "line").rows() == [("1", "2"), ("2", "1")]


PURCHASES = """
source: erp
files: {lines: lines.csv, came: came.csv, bad: bad.csv}
tables:
  reject:
    from: bad
    columns: {order: po, line: pos, receipt: no, rejected_on: day, quantity: qty}
  receipt:
    from: came
    columns: {order: po, line: pos, receipt: no, posted_on: day, quantity: qty}
  purchase_line:
    from: lines
    columns: {order: po, line: pos, supplier: {constant: S1}, item: item, site: {constant: M}, ordered_on: day,
              quantity: qty}
"""


def purchases(folder: Path) -> Path:
    write(folder, lines="po,pos,item,day,qty\n1,1,A,2024-01-05,9\n1,2,Z,2024-01-05,9\n2,1,A,2024-01-05,9\n",
          came="po,pos,no,day,qty\n1,1,7,2024-02-05,9\n1,2,8,2024-02-05,9\n2,1,9,2024-02-05,9\n",
          bad="po,pos,no,day,qty\n1,1,7,2024-02-06,1\n1,2,8,2024-02-06,1\n2,1,9,2024-02-06,99\n")  # fmt: skip
    return folder


def test_children_follow_their_parent(tmp_path: Path) -> None:
    prepared = aside(purchases(tmp_path), PURCHASES)
    assert told(prepared) == {
        ("lines.csv", 3): {("item", "names no item that is known")},
        ("came.csv", 3): {("order, line", "its purchase_line is in quarantine")},
        ("bad.csv", 3): {("order, line, receipt", "its receipt is in quarantine")},
        ("bad.csv", 4): {("quantity", "is more than was received")},
    }
    assert {name: rows.height for name, rows in prepared.tables.items()} == {
        "purchase_line": 2, "receipt": 2, "reject": 1,
    }  # fmt: skip


def test_texts_of_joined_files_are_kept_with_the_row(tmp_path: Path) -> None:
    write(
        tmp_path, lines="order,line,item,quantity\n1,1,A,1\n1,2,A,x\n", heads="number,customer,day\n1,K1,2024-01-01\n"
    )
    text = DEMAND.replace("lines: lines.csv", "lines: lines.csv\n  heads: heads.csv").replace(
        "    columns:", "    join: [{file: heads, on: {order: number}}]\n    columns:"
    )
    cells = json.loads(aside(tmp_path, text).aside["cells"][0])
    assert (cells["customer"], cells["day"], cells["quantity"]) == ("K1", "2024-01-01", "x")


def test_a_row_with_an_unreadable_cell_is_not_lost_in_a_filter(tmp_path: Path) -> None:
    text = DEMAND.replace(
        "    columns:", "    parse: {quantity: {kind: quantity}}\n    where: quantity > 1\n    columns:"
    )
    prepared = aside(write(tmp_path, lines=LINES + "5,1,A,K1,2024-03-01,many\n"), text)
    assert told(prepared).keys() == {("lines.csv", 5)}
    table = prepared.report.tables[0]
    assert table.read == table.rows + table.quarantined + sum(table.left_out.values())


# What becomes of it

VENDORS = """
source: erp
files: {v: vendors.csv, s: sites.csv}
tables:
  supplier: {from: v, complete: true, columns: {supplier: code, name: name}}
  site: {from: s, columns: {site: code, name: name, supplier: vendor}}
"""

pytestmark: list[pytest.MarkDecorator] = []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mapping.yaml").write_text(VENDORS)
    write(tmp_path, vendors="code,name\nV1,First\nV2,\n", sites="code,name,vendor\nP1,One,V1\nP2,Two,V2\n")
    return tmp_path


def brought(world: World, folder: Path) -> ImportOutcome:
    return import_extract(world["planner"], folder, folder / "mapping.yaml", How(quarantine=True))


def waiting(world: World) -> list[str]:
    return [f"{row.table} {row.row}" for row in queries.quarantined(world["planner"], "erp")]


def suppliers(world: World) -> set[str]:
    return set(known(world)["supplier"].to_list())


def known(world: World) -> dict[str, pl.Series]:
    from tierwise.directory.masters import DirectoryMasters

    return DirectoryMasters().known_codes(world["planner"])


@pytest.mark.database
def test_a_repaired_row_comes_in_with_what_follows_it(world: World, folder: Path) -> None:
    outcome = brought(world, folder)
    assert outcome.state is ImportState.IMPORTED
    assert waiting(world) == ["site 3", "supplier 3"]
    run = queries.import_run(world["planner"], outcome.run)
    assert run is not None
    assert run.report["quarantined"] == 2

    rows = queries.quarantined(world["planner"], "erp")
    sheet = sheet_of(rows)
    assert sheet.filter(pl.col("code") == "V2")["what is wrong"].to_list() == [
        "name: is missing; every row of supplier needs it"
    ]
    back = read_sheet("out.xlsx", workbook_of(rows))
    assert back["code"].to_list() == sheet["code"].to_list()
    given = corrections(
        back.with_columns(name=pl.when(pl.col("code") == "V2").then(pl.lit("Second")).otherwise("name")), rows
    )
    (again,) = repair(world["planner"], "erp", given)
    assert again.state is ImportState.IMPORTED
    assert waiting(world) == []
    assert again.report is not None
    assert {table.table: table.rows for table in again.report.tables} == {"supplier": 1, "site": 1}


@pytest.mark.database
def test_a_correction_that_is_still_wrong_stays_with_its_newest_text(world: World, folder: Path) -> None:
    brought(world, folder)
    rows = queries.quarantined(world["planner"], "erp")
    vendor = next(row for row in rows if row.table == "supplier")
    repair(world["planner"], "erp", {vendor.id: {"code": "V" * 300, "name": "Second"}})
    (left,) = [row for row in queries.quarantined(world["planner"], "erp") if row.id == vendor.id]
    assert left.cells["name"] == "Second"
    assert [one["why"] for one in left.faults] == ["has more than 240 characters"]
    assert (left.file, left.row) == ("vendors.csv", 3)


@pytest.mark.database
def test_a_later_extract_with_the_row_settles_it(world: World, folder: Path) -> None:
    brought(world, folder)
    write(folder, vendors="code,name\nV1,First\nV2,Second\n")
    brought(world, folder)
    assert waiting(world) == []


@pytest.mark.database
def test_the_same_bad_row_again_waits_once(world: World, folder: Path) -> None:
    brought(world, folder)
    write(folder, vendors="code,name\nV3,Third\nV1,First\nV2,\n")
    brought(world, folder)
    assert waiting(world) == ["site 3", "supplier 4"]


@pytest.mark.database
def test_without_quarantine_everything_is_refused(world: World, folder: Path) -> None:
    outcome = import_extract(world["planner"], folder, folder / "mapping.yaml")
    assert outcome.state is ImportState.REFUSED
    assert waiting(world) == []


@pytest.mark.database
def test_giving_rows_up_needs_a_reason_and_an_editor(world: World, folder: Path) -> None:
    brought(world, folder)
    ids = [row.id for row in queries.quarantined(world["planner"], "erp")]
    with pytest.raises(Invalid):
        discard_quarantined(world["planner"], ids, " ")
    for other in ("reader", "a planner"):
        if other in world.people:
            with pytest.raises(NotAllowed):
                discard_quarantined(world[other], ids, "test data")
    assert discard_quarantined(world["planner"], ids, "test data") == 2
    with pytest.raises(NotFound):
        discard_quarantined(world["planner"], ids, "test data")
    assert waiting(world) == []
    with pytest.raises(NotFound):
        repair(world["planner"], "erp", {})


@pytest.mark.database
def test_a_sheet_that_is_not_ours_is_told_apart(world: World, folder: Path) -> None:
    brought(world, folder)
    rows = queries.quarantined(world["planner"], "erp")
    with pytest.raises(ValueError, match=ID):
        corrections(read_sheet("x.csv", b"code;name\nV2;Second\n"), rows)
    stranger = sheet_of(rows).with_columns(pl.lit(str(UUID(int=1))).alias(ID))
    assert corrections(stranger, rows) == {}


# Records that another system pushes


@pytest.mark.database
def test_pushed_records_go_the_way_of_an_extract(world: World) -> None:
    planner, how = world["planner"], Pushed("sap")
    rows = pl.DataFrame({"supplier": ["V7", "V8"], "name": ["Seven", " Eight "], "country": ["DE", ""]})
    first = import_records(planner, "supplier", rows, how)
    assert first.state is ImportState.IMPORTED
    assert import_records(planner, "supplier", rows, how).state is ImportState.UNCHANGED
    bad = rows.with_columns(country=pl.Series(["DE", "Germany"]))
    refused = import_records(planner, "supplier", bad, how)
    assert refused.state is ImportState.REFUSED
    assert refused.report is not None
    assert refused.report.issues.select("file", "row", "value").rows() == [("records", 2, "Germany")]
    partly = import_records(planner, "supplier", bad.with_columns(name=pl.lit("New")), Pushed("sap", quarantine=True))
    assert partly.state is ImportState.IMPORTED
    assert len(queries.quarantined(planner, "sap supplier")) == 1


@pytest.mark.database
def test_pushed_columns_must_be_the_tables(world: World) -> None:
    with pytest.raises(DocumentError, match="did you mean 'country'"):
        import_records(world["planner"], "supplier", pl.DataFrame({"supplier": ["1"], "name": ["x"], "contry": ["DE"]}),
                       Pushed("sap"))  # fmt: skip
    with pytest.raises(DocumentError, match="not a table"):
        import_records(world["planner"], "vendor", pl.DataFrame({"supplier": ["1"]}), Pushed("sap"))
