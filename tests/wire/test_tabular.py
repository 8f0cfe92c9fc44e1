"""Tables as other systems read them: what is written reads back, and equal tables give equal bytes."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.wire.spreadsheets import read_workbook
from tierwise.wire.tabular import Form, Layout, render

ROWS = pl.DataFrame(
    {
        "item": ["A1", 'Schraube; "M4"', None],
        "on": [date(2025, 6, 9), None, date(1, 1, 1)],
        "at": [datetime(2025, 7, 1, 9, 0, 5, tzinfo=UTC), None, None],
        "quantity": [Decimal("12345678901234.5678"), Decimal("0.0000"), None],
        "share": [0.1, float("nan"), None],
        "count": [3, -1, None],
        "flag": [True, False, None],
    },
    schema_overrides={"quantity": pl.Decimal(18, 4)},
)


def test_csv_as_it_is_expected() -> None:
    golden = (
        "item;on;at;quantity;share;count;flag\r\n"
        "A1;2025-06-09;2025-07-01T09:00:05Z;12345678901234.5678;0.1;3;true\r\n"
        '"Schraube; ""M4""";;;0.0000;NaN;-1;false\r\n'
        ";0001-01-01;;;;;\r\n"
    )
    assert render(ROWS, Layout(Form.CSV, ";", crlf=True)).decode() == golden
    bare = render(ROWS.select("item").head(1), Layout(Form.CSV, header=False))
    assert bare == b"A1\n"


def test_json_keeps_every_digit() -> None:
    text = render(ROWS, Layout(Form.JSON))
    first, second, third = json.loads(text, parse_float=Decimal)
    assert first["quantity"] == Decimal("12345678901234.5678")
    assert (first["on"], first["at"], first["flag"]) == ("2025-06-09", "2025-07-01T09:00:05Z", True)
    assert second["share"] is None
    assert set(third.values()) == {None, "0001-01-01"}
    lines = render(ROWS, Layout(Form.NDJSON)).decode().splitlines()
    assert [json.loads(line, parse_float=Decimal) for line in lines] == [first, second, third]


def test_parquet_keeps_types() -> None:
    assert pl.read_parquet(io.BytesIO(render(ROWS, Layout(Form.PARQUET)))).equals(ROWS)


def test_a_workbook_holds_the_rows() -> None:
    [sheet] = read_workbook(render(ROWS, Layout(Form.XLSX, sheet="rulings"))).values()
    assert sheet["item"].to_list() == ROWS["item"].to_list()
    # A cell holds a double of 15 digits; longer decimals travel as text.
    assert sheet["quantity"][0] in {"12345678901234.5678", Decimal("12345678901234.5678")}


@pytest.mark.parametrize("form", list(Form))
def test_equal_tables_give_equal_bytes(form: Form) -> None:
    assert render(ROWS, Layout(form)) == render(ROWS.clone(), Layout(form))


def test_what_an_encoding_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="'語' cannot be written in latin-1"):
        render(pl.DataFrame({"name": ["語"]}), Layout(encoding="latin-1"))
    with pytest.raises(ValueError, match="separator"):
        Layout(separator="||")
    with pytest.raises(ValueError, match="encoding"):
        Layout(encoding="klingon")


texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=12)
frames = st.lists(st.tuples(texts, st.integers(-(10**12), 10**12), st.booleans()), min_size=1, max_size=20)


@settings(max_examples=60)
@given(rows=frames)
def test_csv_and_json_read_back(rows: list[tuple[str, int, bool]]) -> None:
    frame = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.Int64, "c": pl.Boolean}, orient="row")
    read = json.loads(render(frame, Layout(Form.JSON)))
    assert [(r["a"], r["b"], r["c"]) for r in read] == rows
    import csv

    lines = list(csv.reader(io.StringIO(render(frame, Layout()).decode(), newline="")))
    assert lines[1:] == [[a, str(b), "true" if c else "false"] for a, b, c in rows]
