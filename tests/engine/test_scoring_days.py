"""Many days judged in one call say what each says alone; quality asks for no verdict and comes to the same sums."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tierwise.engine.scoring import Level, OtifParams, Partials, judge_lines, received_lines

START = date(2025, 3, 1)
DAYS = (START + timedelta(days=4), START + timedelta(days=9), START + timedelta(days=30))
_DATES = ("revised_on", "ordered_on", "requested_on", "promised_on", "confirmed_on")
_LINES = {
    "line_id": pl.UInt32, "order": pl.String, "line": pl.String, "revision": pl.Int64, "changed_by": pl.String,
    "supplier": pl.String, **dict.fromkeys(_DATES, pl.Date), "quantity": pl.Float64, "state": pl.String,
    "cancelled_by": pl.String,
}  # fmt: skip
_EVENTS = {"line_id": pl.UInt32, "receipt": pl.String, "arrived_on": pl.Date, "quantity": pl.Float64}
_REJECTS = {"line_id": pl.UInt32, "receipt": pl.String, "rejected_on": pl.Date, "quantity": pl.Float64}

offsets = st.one_of(st.none(), st.integers(0, 14))
revisions = st.lists(
    st.tuples(
        st.integers(0, 12), offsets, offsets, st.sampled_from(["buyer", "supplier", "agreed"]), st.integers(0, 9)
    ),
    min_size=1, max_size=3,
)  # fmt: skip
events = st.lists(st.tuples(offsets, st.integers(0, 8)), max_size=3)
books = st.lists(st.tuples(revisions, events, events), min_size=1, max_size=5)


def day(offset: int | None) -> date | None:
    return None if offset is None else START + timedelta(days=offset)


def frames(book: list[Any]) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    lines, receipts, rejects = [], [], []
    for number, (changes, came, refused) in enumerate(book):
        order = str(number // 2)
        for revision, (known, requested, promised, by, quantity) in enumerate(changes):
            state = "cancelled" if quantity == 9 else "open"
            lines.append((
                number, order, str(number), revision, by, "S", day(known), START, day(requested), day(promised), None,
                float(quantity), state, "supplier" if state == "cancelled" else None,
            ))  # fmt: skip
        receipts += [(number, str(place), day(on), float(many)) for place, (on, many) in enumerate(came)]
        rejects += [(number, str(place), day(on), float(many)) for place, (on, many) in enumerate(refused)]
    return (
        pl.DataFrame(lines, schema=_LINES, orient="row"), pl.DataFrame(receipts, schema=_EVENTS, orient="row"),
        pl.DataFrame(rejects, schema=_REJECTS, orient="row"),
    )  # fmt: skip


def each_day(frame: pl.DataFrame, lines: int) -> tuple[pl.DataFrame, pl.Series]:
    """The rows once for each day under ids of their own, and the day of each."""
    parts = [frame.with_columns(pl.col("line_id") + lines * place) for place in range(len(DAYS))]
    return pl.concat(parts), pl.Series([each for each in DAYS for _ in range(frame.height)], dtype=pl.Date)


@pytest.mark.parametrize(
    "params",
    [
        OtifParams(frozen_days=3), OtifParams(partials=Partials.FIRST, deduct_rejects=True),
        OtifParams(level=Level.ORDER, grace_days=2), OtifParams(working_days=True, early_days=2),
    ],
    ids=["lines", "first and net", "orders", "working days"],
)  # fmt: skip
@settings(max_examples=40)
@given(book=books)
def test_days_judged_together_are_judged_as_alone(params: OtifParams, book: list[Any]) -> None:
    lines, receipts, rejects = frames(book)
    every, days = each_day(lines, len(book))
    both = each_day(receipts, len(book))[0], each_day(rejects, len(book))[0]
    together = judge_lines(every, *both, params, days).sort("line_id")
    for place, as_of in enumerate(DAYS):
        alone = judge_lines(lines, receipts, rejects, params, as_of).sort("line_id")
        own = together.filter(pl.col("line_id") // len(book) == place)
        assert_frame_equal(own.with_columns(pl.col("line_id") % len(book)), alone)


@settings(max_examples=60)
@given(book=books)
def test_what_came_and_was_refused_is_what_adds_up(book: list[Any]) -> None:
    lines, receipts, rejects = frames(book)
    every, days = each_day(lines, len(book))
    both = each_day(receipts, len(book))[0], each_day(rejects, len(book))[0]
    found = received_lines(every, *both, OtifParams(), days)
    expected = {}
    for place, as_of in enumerate(DAYS):
        for number, (changes, came, refused) in enumerate(book):
            seen = [(day(on), many) for on, many in came if on is None or START + timedelta(days=on) <= as_of]
            gone = [many for on, many in refused if on is None or START + timedelta(days=on) <= as_of]
            known = any(START + timedelta(days=change[0]) <= as_of for change in changes)
            if known and sum(many for _, many in seen) > 0:
                last = max((on for on, many in seen if on is not None and many), default=None)
                expected[place * len(book) + number] = (float(sum(many for _, many in seen)), last, float(sum(gone)))
    rows = found.select("line_id", "received", "received_on", "rejected").rows()
    assert {row[0]: row[1:] for row in rows} == expected


def test_a_line_of_two_parts_with_five_refused() -> None:
    book = [([(0, 3, 3, "buyer", 8)], [(2, 5), (3, 3)], [(3, 1)])]
    row = received_lines(*frames(book), OtifParams(), DAYS[0]).row(0, named=True)
    assert (row["received"], row["rejected"], row["received_on"]) == (8.0, 1.0, START + timedelta(days=3))
    with pytest.raises(ValueError, match="lines lack supplier"):
        received_lines(frames(book)[0].drop("supplier"), *frames(book)[1:], OtifParams(), DAYS[0])
