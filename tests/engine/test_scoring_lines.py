"""On time in full line by line: what each parameter means, and a plain recomputation of everything at once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.scoring import DateBasis, Event, Level, OtifParams, Partials, exclusions, judge_lines

DUE = date(2025, 3, 14)  # a Friday
LATER = date(2025, 12, 31)
ORDERED = date(2025, 2, 1)


def day(offset: int) -> date:
    return DUE + timedelta(days=offset)


def line(order: str = "A", **given: Any) -> dict[str, Any]:
    base = {"order": order, "line": "1", "revision": 0, "revised_on": ORDERED, "changed_by": "buyer", "supplier": "S"}
    dates = {"ordered_on": ORDERED, "requested_on": DUE, "promised_on": DUE, "confirmed_on": DUE}
    return {**base, **dates, "quantity": 100.0, "state": "open", "cancelled_by": None, **given}


def receipt(offset: int | None, quantity: float = 100.0, order: str = "A", number: str = "1") -> dict[str, Any]:
    arrived = None if offset is None else day(offset)
    key = {"order": order, "line": "1", "receipt": number}
    return {**key, "handed_over_on": None, "arrived_on": arrived, "posted_on": arrived, "quantity": quantity}


LINE_SCHEMA: dict[str, Any] = {
    **dict.fromkeys(("order", "line", "changed_by", "supplier", "state", "cancelled_by"), pl.String),
    **dict.fromkeys(("revised_on", "ordered_on", "requested_on", "promised_on", "confirmed_on"), pl.Date),
    "revision": pl.Int64,
    "quantity": pl.Float64,
}
RECEIPT_SCHEMA: dict[str, Any] = {
    **dict.fromkeys(("order", "line", "receipt"), pl.String),
    **dict.fromkeys(("handed_over_on", "arrived_on", "posted_on"), pl.Date),
    "quantity": pl.Float64,
}


def judge(
    lines: list[dict[str, Any]],
    receipts: list[dict[str, Any]],
    params: OtifParams | None = None,
    as_of: date = LATER,
    rejects: pl.DataFrame | None = None,
) -> pl.DataFrame:
    return judge_lines(
        pl.DataFrame(lines, schema_overrides=LINE_SCHEMA) if lines else pl.DataFrame(schema=LINE_SCHEMA),
        pl.DataFrame(receipts, schema_overrides=RECEIPT_SCHEMA) if receipts else pl.DataFrame(schema=RECEIPT_SCHEMA),
        rejects,
        params or OtifParams(),
        as_of,
    )


def verdict(*args: Any, **kwargs: Any) -> tuple[bool | None, str | None]:
    row = judge(*args, **kwargs).row(0, named=True)
    return row["otif"], row["exclusion"]


HIT, MISS = (True, None), (False, None)


@pytest.mark.parametrize(
    ("offset", "params", "expected"),
    [
        (0, {}, HIT),
        (1, {}, MISS),
        (1, {"late_days": 1}, HIT),
        (-30, {}, HIT),
        (-3, {"early_days": 2}, MISS),
        (-2, {"early_days": 2}, HIT),
        (1, {"grace_days": 5}, MISS),
    ],
)
def test_window_in_calendar_days(offset: int, params: dict[str, Any], expected: tuple[bool, None]) -> None:
    assert verdict([line()], [receipt(offset)], OtifParams(**params)) == expected


def test_window_in_working_days() -> None:
    """Due Friday, one working day late is Monday; with Monday closed it is Tuesday. Three days late in the calendar."""
    params = OtifParams(working_days=True, late_days=1)
    assert verdict([line()], [receipt(3)], params) == HIT
    assert verdict([line()], [receipt(4)], params) == MISS
    shut = OtifParams(working_days=True, late_days=1, closures=(day(3),))
    judged = judge([line()], [receipt(4)], shut).row(0, named=True)
    assert (judged["otif"], judged["latest_on"], judged["days_late"]) == (True, day(4), 1)
    assert verdict([line(promised_on=day(1))], [receipt(3)], OtifParams(working_days=True)) == HIT


def test_each_site_keeps_its_own_closed_days() -> None:
    """Monday is a holiday at one site alone; what both have closed stands in the definition."""
    shut = {"DE": (day(3),), "US": (day(-1),)}
    params = OtifParams(working_days=True, late_days=1, early_days=1, closures_of=shut)
    lines = [line("A", calendar="DE"), line("B", calendar="US"), line("C", calendar=None), line("D", calendar="FR")]
    receipts = [receipt(4, order=order) for order in "ABCD"]
    judged = judge(lines, receipts, params).sort("order")
    assert judged["latest_on"].to_list() == [day(4), day(3), day(3), day(3)]
    assert judged["earliest_on"].to_list() == [day(-1), day(-2), day(-1), day(-1)]
    assert judged["otif"].to_list() == [True, False, False, False]
    assert judged["days_late"].to_list() == [1, 2, 2, 2]
    both = OtifParams(working_days=True, late_days=1, closures=(day(3),), closures_of=shut)
    assert judge(lines, receipts, both).sort("order")["latest_on"].to_list() == [day(4)] * 4


def test_a_calendar_is_no_part_of_the_definition() -> None:
    params = OtifParams(working_days=True, closures_of={"DE": (day(3),)})
    assert params.fingerprint == OtifParams(working_days=True).fingerprint
    assert OtifParams.from_dict(params.to_dict()) == OtifParams(working_days=True)


def test_a_split_delivery_that_completes_in_time_is_on_time() -> None:
    """ERPNext compares each receipt's quantity with the whole line, so that a split delivery is never on time."""
    parts = [receipt(-5, 60, number="1"), receipt(0, 40, number="2")]
    judged = judge([line()], parts).row(0, named=True)
    assert (judged["on_time"], judged["in_full"], judged["delivered_on"], judged["deliveries"]) == (True, True, DUE, 2)
    late = [receipt(-5, 60, number="1"), receipt(2, 40, number="2")]
    judged = judge([line()], late).row(0, named=True)
    assert (judged["on_time"], judged["in_full"], judged["days_late"], judged["in_window"]) == (False, True, 2, 60.0)


def test_partials_first_and_each() -> None:
    parts = [receipt(-5, 60, number="1"), receipt(0, 40, number="2")]
    first = judge([line()], parts, OtifParams(partials=Partials.FIRST)).row(0, named=True)
    assert (first["on_time"], first["in_full"], first["delivered_on"]) == (True, False, day(-5))
    tight = OtifParams(partials=Partials.EACH, early_days=3)
    each = judge([line()], parts, tight).row(0, named=True)
    assert (each["on_time"], each["in_full"], each["delivered_on"]) == (False, True, DUE)
    assert verdict([line()], parts, OtifParams(partials=Partials.EACH, early_days=5)) == HIT


def test_quantity_tolerances() -> None:
    assert verdict([line()], [receipt(0, 95)], OtifParams(under_tolerance=0.05)) == HIT
    assert verdict([line()], [receipt(0, 94.9)], OtifParams(under_tolerance=0.05)) == MISS
    assert verdict([line()], [receipt(0, 150)]) == HIT
    assert verdict([line()], [receipt(0, 110)], OtifParams(over_tolerance=0.1)) == HIT
    assert verdict([line()], [receipt(0, 110.1)], OtifParams(over_tolerance=0.1)) == MISS
    # 0.7 · 3 is 2.0999… in binary: the boundary itself must still pass.
    assert verdict([line(quantity=3.0)], [receipt(0, 2.1)], OtifParams(under_tolerance=0.3)) == HIT


def test_rejects_can_count_as_missing() -> None:
    rejects = pl.DataFrame(
        {"order": ["A"], "line": ["1"], "receipt": ["1"], "reason": ["x"], "rejected_on": [day(1)], "quantity": [10.0]}
    )
    judged = judge([line()], [receipt(0)], rejects=rejects).row(0, named=True)
    assert (judged["otif"], judged["rejected"], judged["received"]) == (True, 10.0, 100.0)
    strict = OtifParams(deduct_rejects=True)
    judged = judge([line()], [receipt(0)], strict, rejects=rejects).row(0, named=True)
    assert (judged["otif"], judged["rejected"], judged["received"]) == (False, 10.0, 100.0)
    assert judge([line()], [receipt(0)], strict, DUE, rejects)["exclusion"].item() == "open"


def test_never_delivered_lines_are_misses_once_due() -> None:
    """Odoo's rate takes only lines with something received: what never came is invisible there."""
    assert verdict([line()], []) == MISS
    assert verdict([line()], [], as_of=day(1)) == MISS
    assert verdict([line()], [], as_of=DUE) == (None, "open")
    assert verdict([line()], [], OtifParams(grace_days=3), as_of=day(3)) == (None, "open")
    assert verdict([line()], [], OtifParams(grace_days=3), as_of=day(4)) == MISS


def test_early_hits_do_not_flatter_a_period_that_is_not_over() -> None:
    assert verdict([line()], [receipt(-5)], as_of=day(-2)) == (None, "open")
    assert verdict([line()], [receipt(-5)], as_of=day(1)) == HIT


def test_nothing_after_as_of_is_known() -> None:
    judged = judge([line()], [receipt(5)], OtifParams(late_days=2), day(4)).row(0, named=True)
    assert (judged["otif"], judged["received"], judged["delivered_on"]) == (False, 0.0, None)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"cancelled_by": "buyer"}, (None, "cancelled_by_buyer")),
        ({"cancelled_by": "supplier"}, MISS),
        ({"cancelled_by": None}, (None, "cancelled_unknown")),
        ({"cancelled_by": "buyer", "revised_on": day(3)}, MISS),
    ],
    ids=["by buyer", "by supplier", "unknown", "by buyer, already late"],
)
def test_cancelled_lines(given: dict[str, Any], expected: tuple[bool | None, str | None]) -> None:
    assert (
        verdict([line(), line(**{"revision": 1, "revised_on": day(-9), "state": "cancelled", **given})], []) == expected
    )


def test_late_cancellation_may_be_excused() -> None:
    late = line(revision=1, revised_on=day(3), state="cancelled", cancelled_by="buyer")
    params = OtifParams(late_cancellation_counts=False)
    assert verdict([line(), late], [], params) == (None, "cancelled_by_buyer")


REDATED = [line(), line(revision=1, revised_on=day(-5), changed_by="supplier", confirmed_on=day(10))]
AGREED = [*REDATED, line(revision=2, revised_on=day(-4), changed_by="agreed", confirmed_on=day(12))]
MOVED = [line(), line(revision=1, revised_on=day(-20), requested_on=day(7))]


@pytest.mark.parametrize(
    ("lines", "basis", "due", "source"),
    [
        (REDATED, DateBasis.LAST_AGREED, DUE, "promised"),
        (AGREED, DateBasis.LAST_AGREED, day(12), "agreed_change"),
        (AGREED, DateBasis.PROMISED, DUE, "promised"),
        (AGREED, DateBasis.FIRST_CONFIRMED, DUE, "first_confirmed"),
        (AGREED, DateBasis.REQUESTED, DUE, "requested"),
        (MOVED, DateBasis.REQUESTED, day(7), "request_change"),
        (MOVED, DateBasis.LAST_AGREED, day(7), "agreed_change"),
        (MOVED, DateBasis.PROMISED, DUE, "promised"),
    ],
)
def test_due_date_and_where_it_comes_from(
    lines: list[dict[str, Any]], basis: DateBasis, due: date, source: str
) -> None:
    judged = judge(lines, [receipt(0)], OtifParams(basis=basis)).row(0, named=True)
    assert (judged["due_on"], judged["due_from"]) == (due, source)


def test_a_change_of_quantity_does_not_launder_the_suppliers_redating() -> None:
    """Each revision repeats the whole line, the supplier's moved date included; the buyer only changed the quantity."""
    buyer = line(revision=2, revised_on=day(-4), confirmed_on=day(10), quantity=120.0)
    judged = judge([*REDATED, buyer], [receipt(8, 120)]).row(0, named=True)
    assert (judged["due_on"], judged["ordered"], judged["otif"]) == (DUE, 120.0, False)


def test_a_supplier_cannot_reduce_the_quantity_it_is_held_to() -> None:
    cut = line(revision=1, revised_on=day(-4), changed_by="supplier", quantity=60.0)
    assert verdict([line(), cut], [receipt(0, 60)]) == MISS


def test_revisions_after_as_of_are_not_known_yet() -> None:
    judged = judge(AGREED, [receipt(5)], as_of=day(-4) - timedelta(days=1))
    assert judged["due_on"].item() == DUE


def test_misses_that_the_buyer_caused_are_excluded_and_listed() -> None:
    pulled = [line(), line(revision=1, revised_on=day(-15), requested_on=day(-10))]
    params = OtifParams(frozen_days=10)
    assert verdict(pulled, [receipt(0)]) == MISS
    assert verdict(pulled, [receipt(0)], params) == (None, "buyer_caused")
    assert verdict(pulled, [receipt(-10)], params) == HIT
    in_time = [line(), line(revision=1, revised_on=day(-25), requested_on=day(-10))]
    assert verdict(in_time, [receipt(0)], params) == MISS
    listed = exclusions(judge(pulled, [receipt(0)], params))
    assert listed.rows() == [("S", "buyer_caused", 1, 100.0)]
    by_supplier = [line(), line(revision=1, revised_on=day(-5), changed_by="supplier", requested_on=day(-4))]
    assert verdict(by_supplier, [receipt(1)], params) == MISS


def test_lines_without_the_basis_date_are_counted_apart() -> None:
    bare = line(promised_on=None, confirmed_on=None)
    assert verdict([bare], [receipt(0)]) == (None, "no_basis")
    fallback = OtifParams(fallbacks=(DateBasis.REQUESTED,))
    judged = judge([bare], [receipt(0)], fallback).row(0, named=True)
    assert (judged["otif"], judged["due_from"]) == (True, "requested")


def test_event_decides_and_may_fall_back() -> None:
    rows = [{**receipt(0), "handed_over_on": None, "posted_on": day(3)}]
    assert verdict([line()], rows) == HIT
    assert verdict([line()], rows, OtifParams(event=Event.POSTING)) == MISS
    assert verdict([line()], rows, OtifParams(event=Event.HAND_OVER)) == (None, "undated_receipt")
    params = OtifParams(event=Event.HAND_OVER, event_fallbacks=(Event.ARRIVAL,))
    assert verdict([line()], rows, params) == HIT


def test_an_order_is_good_only_when_all_its_lines_are() -> None:
    lines = [line(), line(line="2", promised_on=day(5)), line("B")]
    receipts = [receipt(0), {**receipt(9), "line": "2"}, receipt(0, order="B")]
    judged = judge(lines, receipts, OtifParams(level=Level.ORDER)).sort("order", "line")
    assert judged["otif"].to_list() == [False, False, True]
    assert judged["unit_lines"].to_list() == [2, 2, 1]
    assert judged["attributed_on"].to_list() == [day(5), day(5), DUE]
    waiting = judge(lines, receipts, OtifParams(level=Level.ORDER), as_of=day(2)).sort("order", "line")
    assert waiting["exclusion"].to_list() == ["open", "open", None]


def test_schedule_lines_and_sources_are_lines_of_their_own() -> None:
    lines = [line(schedule="1"), line(schedule="2", promised_on=day(30))]
    receipts = [{**receipt(0), "schedule": "1"}, {**receipt(31), "schedule": "2"}]
    assert judge(lines, receipts).sort("schedule")["otif"].to_list() == [True, False]


def test_agreed_lead_time_of_the_lane_is_the_yardstick() -> None:
    judged = judge([line(lead_time_days=30)], [receipt(0)]).row(0, named=True)
    assert judged["lead_time_deviation"] == (DUE - ORDERED).days - 30
    assert judge([line()], [receipt(-2)])["lead_time_deviation"].item() == -2


def test_no_lines_give_no_rows_with_the_same_columns() -> None:
    empty = judge([], [])
    assert empty.is_empty()
    assert empty.schema == judge([line()], [receipt(0)]).schema


@pytest.mark.parametrize(
    ("lines", "receipts", "message"),
    [
        ([line(quantity=-1.0)], [], "lines.quantity"),
        ([line(quantity=float("nan"))], [], "lines.quantity"),
        ([line(), line()], [], "twice in a revision"),
        ([line(), line(revision=1), line(revision=1)], [], "revision twice"),
        ([line()], [receipt(0, -5)], "receipts.quantity"),
    ],
)
def test_unusable_facts_are_refused(lines: list[dict[str, Any]], receipts: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        judge(lines, receipts)


def test_missing_columns_are_named() -> None:
    lines = pl.DataFrame([line()], schema_overrides=LINE_SCHEMA)
    with pytest.raises(ValueError, match="lines lack supplier"):
        judge_lines(lines.drop("supplier"), pl.DataFrame(schema=RECEIPT_SCHEMA), None, OtifParams(), LATER)
    undated = pl.DataFrame(schema=RECEIPT_SCHEMA).drop("arrived_on")
    with pytest.raises(ValueError, match="receipts lack arrived_on"):
        judge_lines(lines, undated, None, OtifParams(), LATER)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"basis": "wanted"}, "basis is 'wanted'; choose from requested"),
        ({"event": "left"}, "event"),
        ({"late_days": -1}, "late_days"),
        ({"early_days": 1.5}, "early_days"),
        ({"under_tolerance": 1.0}, "under_tolerance"),
        ({"over_tolerance": -0.1}, "over_tolerance"),
        ({"weekdays": (False,) * 7}, "weekdays"),
    ],
)
def test_params_check_themselves(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OtifParams(**given)


def test_params_travel_and_identify_themselves() -> None:
    import json

    params = OtifParams(basis=DateBasis.REQUESTED, closures=(day(3), DUE), fallbacks=(DateBasis.PROMISED,))
    back = OtifParams.from_dict(json.loads(json.dumps(params.to_dict())))
    assert back == params
    assert back.fingerprint == params.fingerprint
    assert params.fingerprint != OtifParams().fingerprint
    with pytest.raises(ValueError, match="unknown parameters pardon"):
        OtifParams.from_dict({"pardon": 1})


def plain(row: dict[str, Any], parts: list[tuple[int, float]], params: OtifParams, as_of: date) -> tuple[Any, ...]:
    """One line once more from the definitions: on time, in full, otif, exclusion, delivered on."""
    due, ordered = row["promised_on"], row["quantity"]
    seen = sorted((day(offset), quantity) for offset, quantity in parts if day(offset) <= as_of)
    if ordered <= 0:
        return None, None, None, "no_quantity"
    if due is None:
        return None, None, None, "no_basis"
    latest = due + timedelta(days=params.late_days)
    if as_of <= latest + timedelta(days=params.grace_days):
        return None, None, None, "open"
    needed = ordered * (1 - params.under_tolerance) - 1e-6

    def inside(when: date) -> bool:
        return when <= latest and (params.early_days is None or when >= due - timedelta(days=params.early_days))

    total = sum(quantity for _, quantity in seen)
    if params.partials is Partials.COMPLETE_BY_DUE:
        on_time, amount = sum(quantity for when, quantity in seen if inside(when)) >= needed, total
    elif params.partials is Partials.FIRST:
        on_time = bool(seen) and inside(seen[0][0])
        amount = sum(quantity for when, quantity in seen if when == seen[0][0])
    else:
        on_time, amount = bool(seen) and all(inside(when) for when, _ in seen), total
    in_full = bool(seen) and amount >= needed
    if params.over_tolerance is not None:
        in_full = in_full and total <= ordered * (1 + params.over_tolerance) + 1e-6
    return on_time, in_full, on_time and in_full, None


line_cases = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(-4, 4)),
        st.integers(0, 12),
        st.lists(st.tuples(st.integers(-9, 9), st.integers(1, 8)), max_size=4),
    ),
    min_size=1,
    max_size=8,
)
param_cases = st.builds(
    OtifParams,
    early_days=st.one_of(st.none(), st.integers(0, 3)),
    late_days=st.integers(0, 3),
    grace_days=st.integers(0, 2),
    under_tolerance=st.sampled_from([0.0, 0.1, 0.5]),
    over_tolerance=st.sampled_from([None, 0.0, 0.25]),
    partials=st.sampled_from(list(Partials)),
)


@settings(max_examples=80)
@given(cases=line_cases, params=param_cases, now=st.integers(-3, 12))
def test_judgement_is_that_of_the_definitions(
    cases: list[tuple[int | None, int, list[tuple[int, int]]]], params: OtifParams, now: int
) -> None:
    lines, receipts, expected = [], [], {}
    for number, (offset, quantity, parts) in enumerate(cases):
        due = None if offset is None else day(offset)
        row = line(str(number), promised_on=due, confirmed_on=due, quantity=float(quantity))
        lines.append(row)
        receipts += [receipt(when, float(part), str(number), str(i)) for i, (when, part) in enumerate(parts)]
        expected[str(number)] = plain(row, [(when, float(part)) for when, part in parts], params, day(now))
    judged = judge(lines, receipts, params, day(now))
    found = {row[0]: row[1:] for row in judged.select("order", "on_time", "in_full", "otif", "exclusion").iter_rows()}
    assert found == expected
