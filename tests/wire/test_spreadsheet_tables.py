from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tierwise.wire.spreadsheets import (
    Kind,
    Sheet,
    SheetColumn,
    UnreadableWorkbook,
    read_sheet,
    read_workbook,
    tables,
    write_workbook,
)

COLUMNS = (
    SheetColumn("item", "Item"),
    SheetColumn("lines", "Lines", Kind.INTEGER),
    SheetColumn("weight", "Weight", Kind.NUMBER, unit="kg", decimals=3),
    SheetColumn("price", "Price", Kind.DECIMAL, unit="EUR", decimals=4),
    SheetColumn("on_time", "On time", Kind.RATIO, decimals=1),
    SheetColumn("need_by", "Need by", Kind.DATE),
    SheetColumn("seen_at", "Seen at", Kind.INSTANT),
    SheetColumn("frozen", "Frozen", Kind.FLAG),
)
SCHEMA = {
    "item": pl.String,
    "lines": pl.Int64,
    "weight": pl.Float64,
    "price": pl.Decimal(38, 4),
    "on_time": pl.Float64,
    "need_by": pl.Date,
    "seen_at": pl.Datetime("us", "UTC"),
    "frozen": pl.Boolean,
}
printable = st.text(
    st.characters(min_codepoint=32, exclude_categories=("Cs", "Cc", "Cn", "Co")), min_size=1, max_size=40
)


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | strategy


rows = st.fixed_dictionaries(
    {
        "item": printable,
        "lines": maybe(st.integers(-(10**18), 10**18)),
        "weight": maybe(st.floats(-1e9, 1e9, allow_nan=False).map(lambda x: round(x, 5))),
        "price": maybe(st.decimals(-(10**13), 10**13, places=4, allow_nan=False)),
        "on_time": maybe(st.integers(0, 1000).map(lambda x: x / 1000)),
        "need_by": maybe(st.dates(date(1800, 1, 1), date(2200, 1, 1))),
        "seen_at": maybe(
            st.datetimes(datetime(1850, 1, 1), datetime(2200, 1, 1)).map(  # noqa: DTZ001
                lambda x: x.replace(microsecond=0, tzinfo=UTC)
            )
        ),
        "frozen": maybe(st.booleans()),
    }
)


@settings(max_examples=60)
@given(st.lists(rows, min_size=1, max_size=8))
def test_what_is_written_is_read_back(lines: list[dict[str, object]]) -> None:
    sheet = Sheet("Open orders", COLUMNS, lines)
    assert_frame_equal(read_sheet(write_workbook([sheet]), sheet), pl.DataFrame(lines, schema=SCHEMA))


def test_a_frame_and_mappings_give_the_same_workbook() -> None:
    lines = [{"item": "A-1", "lines": 3, "weight": 1.25, "price": Decimal("9.9900"), "need_by": date(2026, 3, 2)}]
    frame = pl.DataFrame(lines).with_columns(
        on_time=pl.lit(None, pl.Float64), seen_at=pl.lit(None, pl.Datetime), frozen=pl.lit(None, pl.Boolean)
    )
    by_rows = read_workbook(write_workbook([Sheet("S", COLUMNS, lines)]))
    by_frame = read_workbook(write_workbook([Sheet("S", COLUMNS, frame)]))
    assert_frame_equal(by_rows["S"], by_frame["S"])


@pytest.mark.parametrize("text", ["=1+1", "+49 30", "-5", "@SUM(A1)", "\t=1", '=HYPERLINK("x")'])
def test_text_is_never_a_formula(text: str) -> None:
    book = write_workbook([Sheet("S", [SheetColumn("t", "T")], [{"t": text}])])
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")
        assert b'quotePrefix="1"' in parts.read("xl/styles.xml")
    assert read_workbook(book)["S"]["T"].to_list() == [text]


def test_codes_keep_their_leading_zeros_and_spaces() -> None:
    sheet = Sheet("S", [SheetColumn("code", "Code")], [{"code": "00123"}, {"code": " 7 "}])
    assert read_sheet(write_workbook([sheet]), sheet)["code"].to_list() == ["00123", " 7 "]


def test_header_names_units_and_is_frozen_and_filtered() -> None:
    book = write_workbook([Sheet("S", COLUMNS, [{"item": "A"}])])
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert 'state="frozen"' in sheet
    assert '<autoFilter ref="A1:H2"/>' in sheet
    assert "Price [EUR]" in read_workbook(book)["S"].columns
    assert "Seen at [UTC]" in read_workbook(book)["S"].columns


def test_instants_are_shown_in_the_zone_of_the_sheet() -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    sheet = Sheet("S", [SheetColumn("at", "At", Kind.INSTANT)], [{"at": noon}], zone="Europe/Berlin")
    book = write_workbook([sheet])
    assert read_workbook(book)["S"]["At [Europe/Berlin]"].to_list() == [datetime(2026, 7, 1, 14)]  # noqa: DTZ001
    assert read_sheet(book, sheet)["at"].to_list() == [noon]


def test_a_long_table_goes_on_in_the_next_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_ROWS", 4)
    sheet = Sheet("Lines", [SheetColumn("n", "N", Kind.INTEGER)], [{"n": n} for n in range(7)])
    book = write_workbook([sheet])
    assert {name: frame.height for name, frame in read_workbook(book).items()} == {
        "Lines": 3,
        "Lines (2)": 3,
        "Lines (3)": 1,
    }
    assert read_sheet(book, sheet)["n"].to_list() == list(range(7))


def test_columns_are_found_in_any_order_and_without_units() -> None:
    sent = Sheet("S", [SheetColumn("q", "Quantity", Kind.INTEGER), SheetColumn("i", "Item"), SheetColumn("x", "More")])
    expected = Sheet("S", [SheetColumn("i", "Item"), SheetColumn("q", "Quantity", Kind.NUMBER, unit="EA")])
    book = write_workbook([Sheet("S", sent.columns, [{"q": 5, "i": "A", "x": "?"}])])
    assert read_sheet(book, expected).rows() == [("A", 5.0)]


def test_a_cell_of_the_wrong_type_is_named() -> None:
    sent = Sheet("S", [SheetColumn("d", "Need by")], [{"d": "2026-01-05"}, {"d": "next week"}])
    with pytest.raises(UnreadableWorkbook, match=r"cell_unread \(sheet=S, column=Need by, row=3, value=next week\)"):
        read_sheet(write_workbook([sent]), Sheet("S", [SheetColumn("d", "Need by", Kind.DATE)]))


def test_missing_sheet_column_or_workbook_is_named() -> None:
    book = write_workbook([Sheet("S", [SheetColumn("a", "A")], [{"a": "x"}])])
    with pytest.raises(UnreadableWorkbook, match=r"no_sheet \(sheet=Other, all=S\)"):
        read_sheet(book, Sheet("Other", [SheetColumn("a", "A")]))
    with pytest.raises(UnreadableWorkbook, match=r"no_column \(sheet=S, column=B\)"):
        read_sheet(book, Sheet("S", [SheetColumn("b", "B")]))
    with pytest.raises(UnreadableWorkbook, match="no_workbook"):
        read_workbook(b"no workbook")


def test_sheet_names_are_made_fit_and_must_differ() -> None:
    column = [SheetColumn("a", "A")]
    assert list(read_workbook(write_workbook([Sheet("Q1/2026: [late]" + "x" * 40, column)]))) == [
        ("Q1 2026   late " + "x" * 40)[:31]
    ]
    with pytest.raises(ValueError, match="two sheets would be called"):
        write_workbook([Sheet("a", column), Sheet("A", column)])


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one sheet"):
        write_workbook([])
    with pytest.raises(ValueError, match="headers must differ"):
        Sheet("S", [SheetColumn("a", "A"), SheetColumn("b", "A")])
    with pytest.raises(ValueError, match="the frame has no column b"):
        write_workbook([Sheet("S", [SheetColumn("b", "B")], pl.DataFrame({"a": [1]}))])
    with pytest.raises(ValueError, match="T, row 1: a cell holds 32767 characters"):
        write_workbook([Sheet("S", [SheetColumn("t", "T")], [{"t": "x" * 32_768}])])


def test_infinite_and_missing_numbers_are_empty_cells() -> None:
    sheet = Sheet("S", [SheetColumn("k", "K"), SheetColumn("x", "X", Kind.NUMBER)])
    values = [float("nan"), float("inf"), None, 1.5]
    book = write_workbook([Sheet("S", sheet.columns, [{"k": "a", "x": value} for value in values])])
    assert read_sheet(book, sheet)["x"].to_list() == [None, None, None, 1.5]
