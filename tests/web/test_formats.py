from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.utils import timezone, translation

from tierwise.web import formats
from tierwise.web.pages import Interval, Money, Quantity, SegmentChip, Status, Tone

NARROW = "\u202f"


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [
        (1234567.891, 1, "1,234,567.9"),
        (-12, None, "−12"),
        (Decimal("0.125000"), None, "0.125"),
        (2 / 3, None, "0.667"),
        (-0.04, 1, "0.0"),
        (None, None, "–"),
        (float("nan"), 2, "–"),
        (float("inf"), 2, "–"),
    ],
)
def test_numbers_are_grouped_and_gaps_are_shown(value: float, decimals: int | None, shown: str) -> None:
    assert formats.number(value, decimals) == shown


def test_numbers_follow_the_language() -> None:
    with translation.override("de"):
        assert formats.money(Decimal("1234.50"), "EUR") == f"1.234,50{NARROW}EUR"


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [("12.1", "EUR", "12.10"), ("184200", "EUR", "184,200"), ("1500", "JPY", "1,500"), ("1.5", "KWD", "1.500")],
)
def test_money_has_minor_units_where_they_say_something(amount: str, currency: str, shown: str) -> None:
    assert formats.show(Money(Decimal(amount), currency)) == f"{shown}{NARROW}{currency}"


def test_interval_states_bounds_and_n() -> None:
    shown = str(formats.interval(Interval(0.92, 0.85, 0.959, 100)))
    assert f"92.0{NARROW}%" in shown
    assert "(85.0–95.9), n = 100" in shown
    assert "hollow" not in shown


def test_interval_of_few_is_hollow() -> None:
    shown = str(formats.interval(Interval(0.8, 0.5, 0.95, 12)))
    assert "hollow" in shown
    assert "○" in shown


def test_effective_n_keeps_one_place() -> None:
    assert "n = 41.5" in formats.interval(Interval(0.9, n=41.5))


def test_dates_are_never_converted_and_instants_are() -> None:
    with timezone.override("Asia/Tokyo"):
        assert formats.show(date(2026, 3, 1)) == "2026-03-01"
        assert ">2026-03-02 05:30<" in formats.show(datetime(2026, 3, 1, 20, 30, tzinfo=UTC))


def test_names_are_escaped() -> None:
    assert "<script>" not in formats.chip(SegmentChip("X", "<script>", 1))
    assert "<b>" not in formats.status(Status("<b>", Tone.BAD))


def test_ninth_segment_reuses_a_colour_with_a_pattern() -> None:
    ninth = SegmentChip("NIN", "Ninth", 9)
    assert (ninth.colour, ninth.patterned) == (1, True)
    assert 'class="seg seg-1 is-patterned"' in formats.chip(ninth)


def test_quantities_carry_their_unit() -> None:
    assert formats.show(Quantity(1200, "kg")) == f"1,200{NARROW}kg"
