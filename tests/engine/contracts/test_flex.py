from __future__ import annotations

from decimal import Decimal
from math import ceil, floor, inf

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.contracts import (
    BAND_SCHEMA,
    FlexCosts,
    FlexPrices,
    FlexTerms,
    FlexWindow,
    cumulative_flex,
    flex_bands,
    flex_charges,
    replay_flex,
)

Rows = list[tuple[str, int, int, float]]


def frame(rows: Rows) -> pl.DataFrame:
    schema = {"series": pl.String, "vintage": pl.Int64, "period": pl.Int64, "quantity": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def oracle(rows: Rows, terms: FlexTerms) -> dict[tuple[str, int, int], tuple[float, float, float, float, float]]:
    """(low, high, legal, order low, order high) of each release, worked out one at a time from all before it."""
    up, down = (list(each) for each in (terms.up, terms.down))
    for lead in range(min(terms.frozen, len(up))):
        up[lead] = down[lead] = 0.0
    found = {}
    for series, period in sorted({(row[0], row[2]) for row in rows}):
        window = next((w for w in terms.windows if w.first <= period <= w.last), FlexWindow(period, period))
        low, high, before = 0.0, inf, None
        for vintage, quantity in sorted((row[1], row[3]) for row in rows if (row[0], row[2]) == (series, period)):
            lead = period - vintage
            if terms.kind == "revision":
                low, high = 0.0, inf
                if before is not None and before[0] <= len(up):
                    low = high = before[1]
                    for step in range(before[0], lead, -1):
                        low *= 1 - down[step - 1] * window.scale_down
                        high *= 1 + up[step - 1] * window.scale_up
                    if terms.lot:
                        low = floor(low / terms.lot + 1e-9) * terms.lot
                        high = ceil(high / terms.lot - 1e-9) * terms.lot
            legal = min(max(quantity, low), high)
            held = legal if terms.basis == "effective" else quantity
            before = (lead, held)
            if terms.kind == "revision":
                reach_low, reach_high = (held, held) if lead <= len(up) else (0.0, inf)
                if lead <= len(up):
                    for step in range(lead, 0, -1):
                        reach_low *= 1 - down[step - 1] * window.scale_down
                        reach_high *= 1 + up[step - 1] * window.scale_up
                found[series, vintage, period] = (low, high, legal, reach_low, reach_high)
                continue
            shown = (low, high, legal)
            if lead <= len(up):
                rise = up[lead - 1] * window.scale_up if lead else 0.0
                fall = down[lead - 1] * window.scale_down if lead else 0.0
                bottom, top = held * (1 - fall), held * (1 + rise)
                if terms.lot:
                    bottom = floor(bottom / terms.lot + 1e-9) * terms.lot
                    top = ceil(top / terms.lot - 1e-9) * terms.lot
                high = min(high, top)
                low = min(max(low, bottom), high)
            found[series, vintage, period] = (*shown, low, high)
    return found


rates = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.9)), min_size=0, max_size=5)
releases = st.dictionaries(
    st.tuples(st.sampled_from("ab"), st.integers(0, 7), st.integers(0, 7)).filter(lambda key: key[1] <= key[2]),
    st.floats(0, 1000),
    max_size=25,
)


@st.composite
def some_terms(draw: st.DrawFn) -> FlexTerms:
    found = draw(rates)
    return FlexTerms(
        up=tuple(up for up, _ in found),
        down=tuple(down for _, down in found),
        kind=draw(st.sampled_from(("revision", "order"))),
        frozen=draw(st.integers(0, 2)),
        basis=draw(st.sampled_from(("effective", "released"))),
        lot=draw(st.sampled_from((0.0, 5.0))),
        windows=draw(st.sampled_from(((), (FlexWindow(2, 4, 2.0, 1.1), FlexWindow(4, 6, 0.0, 0.0))))),
    )


@settings(max_examples=30)
@given(releases, some_terms())
def test_compiled_walk_is_the_plain_one(given_: dict[tuple[str, int, int], float], terms: FlexTerms) -> None:
    rows = [(*key, quantity) for key, quantity in given_.items()]
    expected = oracle(rows, terms)
    bands = flex_bands(frame(rows), terms)
    assert bands.height == len(rows)
    for row in bands.iter_rows(named=True):
        low, high, legal, order_low, order_high = expected[row["series"], row["vintage"], row["period"]]
        assert row["low"] == pytest.approx(low)
        assert row["high"] == (None if high == inf else pytest.approx(high))
        assert row["legal"] == pytest.approx(legal)
        assert row["order_low"] == pytest.approx(order_low)
        assert row["order_high"] == (None if order_high == inf else pytest.approx(order_high))


def test_five_and_ten_percent_reach_fifteen_and_a_half() -> None:
    """Tsay and Lovejoy: α .05, .10 → +15.5 % / −14.5 %."""
    row = cumulative_flex(FlexTerms((0.05, 0.10), (0.05, 0.10))).row(1, named=True)
    assert row["up"] == pytest.approx(0.155)
    assert row["down"] == pytest.approx(0.145)
    single = cumulative_flex(FlexTerms((0.05, 0.10), (0.05, 0.10), kind="order"))
    assert single["up"].to_list() == [0.05, 0.10]
    assert cumulative_flex(FlexTerms((), ())).height == 0


@settings(max_examples=25)
@given(releases, some_terms())
def test_laws_of_effective_bands(given_: dict[tuple[str, int, int], float], terms: FlexTerms) -> None:
    rows = [(*key, quantity) for key, quantity in given_.items()]
    if terms.basis != "effective" or terms.lot:
        terms = FlexTerms(terms.up, terms.down, terms.kind, terms.frozen, windows=terms.windows)
    bands = flex_bands(frame(rows), terms)
    small = 1e-9
    for _, group in bands.group_by("series", "period", maintain_order=True):
        reach: tuple[float, float] | None = None
        for row in group.iter_rows(named=True):
            high = inf if row["high"] is None else row["high"]
            assert row["low"] <= row["legal"] * (1 + small)
            assert row["legal"] <= high * (1 + small)
            assert row["breach"] == pytest.approx(row["quantity"] - row["legal"])
            if reach is not None:  # what was once out of reach stays out of reach
                assert reach[0] <= row["legal"] * (1 + small) + small
                assert row["legal"] <= reach[1] * (1 + small) + small
            reach = (row["order_low"], inf if row["order_high"] is None else row["order_high"])
            for name in ("used_up", "used_down"):
                assert row[name] is None or 0 <= row[name] <= 1


@settings(max_examples=20)
@given(st.floats(0, 1e6), some_terms())
def test_a_forecast_that_stays_breaks_nothing(quantity: float, terms: FlexTerms) -> None:
    bands = flex_bands(frame([("a", vintage, 6, quantity) for vintage in range(7)]), terms)
    assert bands["breach"].abs().max() == pytest.approx(0, abs=1e-6)


def test_a_breach_never_widens_later_rights() -> None:
    rows: Rows = [("a", 0, 2, 100.0), ("a", 1, 2, 200.0), ("a", 2, 2, 200.0)]
    held = flex_bands(frame(rows), FlexTerms((0.1, 0.1), (0.1, 0.1)))
    loose = flex_bands(frame(rows), FlexTerms((0.1, 0.1), (0.1, 0.1), basis="released"))
    assert held["high"].to_list()[1:] == pytest.approx([110, 121])
    assert loose["high"].to_list()[1:] == pytest.approx([110, 220])


def test_frozen_zone_gaps_and_what_lies_beyond() -> None:
    terms = FlexTerms((0.5, 0.1, 0.2), (0.5, 0.1, 0.2), frozen=1)
    far = flex_bands(frame([("a", 0, 9, 100.0), ("a", 6, 9, 300.0)]), terms)
    assert far["high"].to_list() == [None, None]
    assert far["order_high"].to_list() == [None, pytest.approx(300 * 1.2 * 1.1)]
    skipped = flex_bands(frame([("a", 6, 9, 100.0), ("a", 8, 9, 140.0), ("a", 9, 9, 120.0)]), terms)
    assert skipped["high"].to_list()[1:] == pytest.approx([132, 132])
    assert skipped["breach"].to_list() == pytest.approx([0, 8, -12])
    assert skipped["used_up"].to_list() == pytest.approx([0, 1, 1])


def test_nothing_and_wrong_input() -> None:
    terms = FlexTerms((0.1,), (0.1,))
    empty = flex_bands(frame([]), terms)
    assert empty.height == 0
    assert dict(empty.schema) == {"series": pl.String, **BAND_SCHEMA}
    with pytest.raises(ValueError, match="quantity: one is unknown"):
        flex_bands(frame([("a", 0, 1, float("nan"))]), terms)
    with pytest.raises(ValueError, match="vintage: one lies after its period"):
        flex_bands(frame([("a", 2, 1, 1.0)]), terms)
    with pytest.raises(ValueError, match="two releases of a vintage"):
        flex_bands(frame([("a", 0, 1, 1.0), ("a", 0, 1, 2.0)]), terms)
    with pytest.raises(ValueError, match="releases: column vintage is missing"):
        flex_bands(frame([]).drop("vintage"), terms)
    with pytest.raises(ValueError, match="vintage: is Float64"):
        flex_bands(frame([("a", 0, 1, 1.0)]).with_columns(pl.col("vintage").cast(pl.Float64)), terms)
    with pytest.raises(ValueError, match="scale_down takes a rate above 1"):
        flex_bands(frame([("a", 0, 1, 1.0)]), FlexTerms((0.1,), (0.6,), windows=(FlexWindow(0, 3, 1, 2),)))
    for wrong in ({"up": (0.1, 0.2)}, {"up": (-0.1,)}, {"down": (1.1,)}, {"kind": "other"}, {"frozen": -1}):
        with pytest.raises(ValueError, match=r"up|down|kind|frozen"):
            FlexTerms(**({"up": (0.1,), "down": (0.1,)} | wrong))  # type: ignore[arg-type]


def test_charges_are_exact_and_only_for_orders() -> None:
    rows: Rows = [("a", 0, 2, 100.0), ("a", 1, 2, 150.0), ("a", 2, 2, 130.0), ("b", 1, 2, 100.0), ("b", 2, 2, 70.0)]
    bands = flex_bands(frame(rows), FlexTerms((0.1, 0.1), (0.1, 0.1)))
    charged = flex_charges(bands, FlexPrices(Decimal("0.333"), Decimal("1.5")))
    assert charged.select("series", "units_short", "units_over", "charge").rows() == [
        ("a", Decimal("0.000"), Decimal("9.000"), Decimal("13.50")),
        ("b", Decimal("20.000"), Decimal("0.000"), Decimal("6.66")),
    ]
    assert flex_charges(bands.clear(), FlexPrices(Decimal(1), Decimal(1))).height == 0


def test_replay_prices_more_room() -> None:
    draw = np.random.default_rng(3)
    rows: Rows = []
    for period in range(4, 60):
        quantity = 100.0
        for vintage in range(period - 4, period + 1):
            rows.append(("a", vintage, period, quantity))
            quantity *= draw.lognormal(0, 0.12)
    menu = {f"{rate:.0%}": FlexTerms((rate,) * 4, (rate,) * 4) for rate in (0.0, 0.05, 0.1, 0.2, 0.4)}
    table = replay_flex(frame(rows), menu, FlexCosts(unmet=10, forced=3, reserve=1, ready_lead=2))
    assert table["alternative"].to_list() == list(menu)
    for name, rising in (("buyer_cost", False), ("breaches", False), ("supplier_cost", True), ("buyer_gains", True)):
        column = table[name].to_list()
        assert column == sorted(column, reverse=not rising)
    assert table["supplier_asks"][0] == table["buyer_gains"][0] == 0
    assert table["orders"].to_list() == [56] * 5
    with pytest.raises(ValueError, match="alternatives: none"):
        replay_flex(frame(rows), {}, FlexCosts(1, 1, 1))
    none = replay_flex(frame([]), menu, FlexCosts(1, 1, 1))
    assert none["orders"].to_list() == [0] * 5
    assert none["buyer_gains"].to_list() == [None] * 5
