"""Texts become values or findings, never silently nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.lake.issues import Severity
from tierwise.lake.mapping import Otherwise, Rule
from tierwise.lake.parsing import read_values
from tierwise.lake.schemas import Kind


def values(texts: list[str | None], kind: Kind, **rule: object) -> list[object]:
    return read_values(pl.Series(texts, dtype=pl.String), kind, Rule(**rule))[0].to_list()  # type: ignore[arg-type]


def found(texts: list[str | None], kind: Kind, **rule: object) -> dict[str, tuple[Severity, list[int]]]:
    findings = read_values(pl.Series(texts, dtype=pl.String), kind, Rule(**rule))[1]  # type: ignore[arg-type]
    return {
        one.why: (one.severity, one.mask.fill_null(value=False).arg_true().to_list())
        for one in findings
        if one.mask.any()
    }


def test_decimals() -> None:
    assert values([".50", "-3", "3.00", "12-", "+4"], Kind.QUANTITY) == [
        Decimal("0.5"), Decimal(-3), Decimal(3), Decimal(-12), Decimal(4),
    ]  # fmt: skip
    assert values(["1.234,56", "1 0"], Kind.MONEY, decimal=",", thousands=".") == [Decimal("1234.56"), None]
    assert values(["$90,000 "], Kind.MONEY, remove="[$, ]") == [Decimal(90000)]


def test_a_point_under_a_decimal_comma_is_not_guessed() -> None:
    assert found(["1.500", "1,5"], Kind.QUANTITY, decimal=",") == {"is not a quantity": (Severity.REFUSE, [0])}


def test_lost_decimals_are_noted() -> None:
    assert found(["1.23456", "1.23450", "1.2"], Kind.MONEY) == {
        "has more than 4 decimals: rounded": (Severity.NOTE, [0])
    }
    assert values(["1.23456"], Kind.PRICE) == [Decimal("1.23456")]


@pytest.mark.parametrize("text", ["n/a", "1,5", "1.2.3", "--1", "99999999999999999999", "0x10"])
def test_no_number(text: str) -> None:
    assert found([text, None], Kind.QUANTITY) == {"is not a quantity": (Severity.REFUSE, [0])}


def test_integers_and_ratios() -> None:
    assert values(["6", "6.0", "-2", None], Kind.INTEGER) == [6, 6, -2, None]
    assert found(["6.5", "1e3"], Kind.INTEGER) == {"is not a integer": (Severity.REFUSE, [0, 1])}
    assert found(["nan", "inf", "0.5"], Kind.RATIO) == {"is not a ratio": (Severity.REFUSE, [0, 1])}


def test_flags() -> None:
    assert values(["1", "no", "TRUE", "x", None], Kind.FLAG) == [True, False, True, True, None]
    assert found(["maybe"], Kind.FLAG) == {"is not a flag": (Severity.REFUSE, [0])}


def test_dates_in_several_formats() -> None:
    formats = ("%m/%d/%y", "20%m-%d-%y", "%d-%b-%y", "%d.%m.%Y")
    assert values(["3/19/10", "2011-06-09", "02-Jun-06", "1.2.2024"], Kind.DATE, dates=formats) == [
        date(2010, 3, 19), date(2009, 11, 6), date(2006, 6, 2), date(2024, 2, 1),
    ]  # fmt: skip


def test_iso_dates_need_no_format() -> None:
    day = date(2022, 4, 29)
    assert values(["2022-04-29", "2022-04-29 00:00:00.000", "2022-04-29T10:11:12"], Kind.DATE) == [day] * 3


def test_a_two_digit_year_is_not_year_six() -> None:
    assert values(["02-Jun-06", "02-Jun-2006"], Kind.DATE, dates=("%d-%b-%Y", "%d-%b-%y")) == [date(2006, 6, 2)] * 2


def test_a_date_that_two_formats_read_differently_is_refused() -> None:
    both = ("%m/%d/%Y", "%d/%m/%Y")
    assert found(["02/03/2024", "13/03/2024", "03/03/2024"], Kind.DATE, dates=both) == {
        "two formats read it as different days": (Severity.REFUSE, [0])
    }


@pytest.mark.parametrize("text", ["31.02.2024", "Date Not Captured", "2024-13-01", "0001-01-01"])
def test_no_date(text: str) -> None:
    assert found([text], Kind.DATE, dates=("%d.%m.%Y", "%Y-%m-%d")) == {"is not a date": (Severity.REFUSE, [0])}


def test_null_tokens_are_noted_with_their_reason() -> None:
    rule = {"null_tokens": {"n/a": "unknown"}, "null_patterns": {r"^See DN-\d+$": "elsewhere"}}
    texts: list[str | None] = ["n/a", "2", "See DN-12", "see DN-12"]
    assert values(texts, Kind.QUANTITY, **rule) == [None, Decimal(2), None, None]
    assert found(texts, Kind.QUANTITY, **rule) == {
        "declared as no value: unknown": (Severity.NOTE, [0]),
        "declared as no value: elsewhere": (Severity.NOTE, [2]),
        "is not a quantity": (Severity.REFUSE, [3]),
    }


def test_dictionaries() -> None:
    rule = {"values": {"1": "open", "2": ""}}
    assert values(["1", "2", "3", None], Kind.CODE, **rule) == ["open", None, None, None]
    assert found(["1", "3", None], Kind.CODE, **rule) == {"is not in the mapping's values": (Severity.REFUSE, [1])}
    assert values(["1", "3"], Kind.CODE, **rule, otherwise=Otherwise.KEEP) == ["open", "3"]
    assert values(["1", "3"], Kind.CODE, **rule, otherwise=Otherwise.EMPTY) == ["open", None]
    assert [one[0] for one in found(["3"], Kind.CODE, **rule, otherwise=Otherwise.EMPTY).values()] == [Severity.NOTE]


def test_default_fills_what_is_empty() -> None:
    assert values(["a", None], Kind.CODE, default="ANONYMOUS") == ["a", "ANONYMOUS"]


def test_a_nul_that_nobody_sees_is_refused() -> None:
    texts: list[str | None] = ["A-1", "A\x00-2", None]
    assert values(texts, Kind.TEXT) == ["A-1", None, None]
    assert found(texts, Kind.TEXT) == {"holds a NUL character": (Severity.REFUSE, [1])}


def test_removing_everything_is_refused() -> None:
    assert found(["$"], Kind.MONEY, remove=r"\$") == {"nothing is left of it": (Severity.REFUSE, [0])}


@given(
    st.lists(st.dates(min_value=date(1900, 1, 1), max_value=date(2199, 12, 31))),
    st.sampled_from(["%d.%m.%Y", "%Y%m%d"]),
)
def test_written_dates_come_back(days: list[date], pattern: str) -> None:
    assert values([day.strftime(pattern) for day in days], Kind.DATE, dates=(pattern,)) == days


@given(st.lists(st.decimals(min_value=-(10**12), max_value=10**12, places=4)))
def test_written_amounts_come_back(amounts: list[Decimal]) -> None:
    plain = [f"{amount:f}" for amount in amounts]
    german = [text.replace(".", ",") for text in plain]
    assert values(list(plain), Kind.MONEY) == amounts
    assert values(list(german), Kind.MONEY, decimal=",") == amounts


@given(st.lists(st.text(max_size=12) | st.none()), st.sampled_from(sorted(Kind)))
def test_every_text_becomes_a_value_or_a_finding(texts: list[str | None], kind: Kind) -> None:
    read, findings = read_values(pl.Series(texts, dtype=pl.String), kind, Rule())
    refused = pl.Series([False] * len(texts), dtype=pl.Boolean)
    for one in findings:
        refused |= one.mask.fill_null(value=False)
    lost = pl.Series([text is not None for text in texts], dtype=pl.Boolean) & read.is_null()
    assert not (lost & ~refused).any()
