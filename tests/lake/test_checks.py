"""Checks on typed rows: public code lists, check digits, dates in order, rejects within receipts."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import ean, lei

from lake.extracts import bring, refused, write
from tierwise.lake.codes import COUNTRIES, CURRENCIES, is_gs1_number, is_lei
from tierwise.lake.issues import Severity
from tierwise.lake.report import ImportReport


def direct(table: str, columns: str, more: str = "") -> str:
    """A mapping that takes the columns as they are named."""
    listed = ", ".join(f"{name}: {name}" for name in columns.split(","))
    top = "source: e\nfiles: {lines: lines.csv, more: more.csv}\ntables:\n"
    return f"{top}  {table}:\n    from: lines\n    columns: {{{listed}}}\n{more}"


def faults(report: ImportReport) -> dict[str, str]:
    return {one.column: one.why for one in report.counts if one.severity is Severity.REFUSE}


@pytest.mark.parametrize(
    ("header", "row", "column", "why"),
    [
        ("supplier,name,country", "S,n,UK", "country", "is no ISO 3166-1 alpha-2 country"),
        ("supplier,name,currency", "S,n,EURO", "currency", "is no ISO 4217 currency"),
        ("supplier,name,duns", "S,n,12-345-6789", "duns", "is no D-U-N-S number: nine digits"),
        ("supplier,name,lei", "S,n,213800KUD8LAJWSQ9D16", "lei", "is no LEI: wrong form or check digits"),
        ("supplier,name,kind", "S,n,friend", "kind", "is not one of manufacturer, distributor"),
        ("item,name,gtin", "S,n,4006381333932", "gtin", "is no GTIN: wrong length or check digit"),
        ("site,name,gln", "S,n,4012345000010", "gln", "is no GLN: wrong length or check digit"),
        ("site,name,latitude", "S,n,-91", "latitude", "is below -90"),
        ("item,name,launched_on,ends_on", "S,n,2024-02-01,2024-01-01", "ends_on", "is before launched_on"),
        ("item,kind,valid_from,valid_to,amount", "A,list,2024-02-01,2024-01-31,1", "valid_to", "is before valid_from"),
        ("supplier,name", ",n", "supplier", "is missing; every row of supplier needs it"),
    ],
)
def test_refuses(tmp_path: Path, header: str, row: str, column: str, why: str) -> None:
    table = "cost" if "amount" in header else header.split(",", maxsplit=1)[0]
    report = refused(write(tmp_path, lines=f"{header}\n{row}\n"), direct(table, header))
    assert faults(report)[column].startswith(why)


def test_accepts_the_right_ones(tmp_path: Path) -> None:
    header = "supplier,name,country,currency,duns,lei"
    lines = f"{header}\nS,n,DE,EUR,123456789,213800KUD8LAJWSQ9D15\nT,n,,,,\n"
    assert bring(write(tmp_path, lines=lines), direct("supplier", header)).tables["supplier"].height == 2


def test_dates_out_of_order_in_orders_are_notes(tmp_path: Path) -> None:
    header = "order,line,supplier,item,site,ordered_on,requested_on,quantity"
    lines = f"{header}\n1,1,S1,A,M,2024-02-01,2024-01-01,1\n"
    report = bring(write(tmp_path, lines=lines), direct("purchase_line", header)).report
    (note,) = report.counts
    assert (note.severity, note.column, note.why) == (Severity.NOTE, "requested_on", "is before ordered_on")
    assert report.issues["value"].to_list() == ["2024-02-01 to 2024-01-01"]


def test_no_more_is_rejected_than_was_received(tmp_path: Path) -> None:
    write(
        tmp_path,
        lines="order,line,quantity\n1,1,10\n1,2,10\n",
        more="order,line,reason,rejected_on,quantity\n1,1,a,2024-01-01,6\n1,1,b,2024-01-01,5\n1,2,a,2024-01-01,10\n7,1,a,2024-01-01,1\n",
    )
    columns = "order,line,reason,rejected_on,quantity"
    more = direct("reject", columns).split("tables:\n")[1].replace("from: lines", "from: more")
    report = refused(tmp_path, direct("receipt", "order,line,quantity", more))
    assert report.issues.select("file", "row", "value").rows() == [
        ("more.csv", 2, "11.0000 of 10.0000"),
        ("more.csv", 3, "11.0000 of 10.0000"),
    ]


def test_gs1_example() -> None:
    codes = pl.Series(
        ["4006381333931", "4006381333932", "400638133393", None, "400638133393x", "96385074", "036000291452"]
    )
    held = [True, False, False, None, False, True, True]
    assert is_gs1_number(codes, (8, 12, 13, 14)).to_list() == held


@given(st.lists(st.from_regex(r"\A\d{8}(\d{4,6})?\Z")))
def test_gs1_check_digits_agree_with_another_library(codes: list[str]) -> None:
    codes = [code for code in codes if code.isascii()]
    valid = [ean.is_valid(code) for code in codes]
    assert is_gs1_number(pl.Series(codes, dtype=pl.String), (8, 12, 13, 14)).to_list() == valid


def test_lei_by_the_list() -> None:
    codes = pl.Series(["213800KUD8LAJWSQ9D15", "213800KUD8LAJWSQ9D51", "213800-KUD8LAJWSQ9D15", None])
    assert lei.is_valid("213800KUD8LAJWSQ9D15")
    assert is_lei(codes).to_list() == [True, False, False, None]


def test_code_lists_are_whole() -> None:
    assert len(COUNTRIES) == 249 + 1
    assert {len(code) for code in COUNTRIES} == {2}
    assert {"EUR", "USD", "CNY", "JPY", "GBP", "CHF", "HRK", "PLN"} <= CURRENCIES
    assert {len(code) for code in CURRENCIES} == {3}
