"""Intervals, periods and measures: published numbers, other libraries, plain recomputation, public data."""

from __future__ import annotations

import csv
import math
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tierwise.engine import mix
from tierwise.engine.scoring import (
    COMMON,
    DateBasis,
    Event,
    Level,
    MeasureParams,
    OtifParams,
    Period,
    exact_binomial,
    exact_poisson,
    judge_lines,
    kish_effective_n,
    measures,
    period_end,
    period_label,
    period_start,
    periods_between,
    student_mean,
    weighted_poisson,
    wilson,
)

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
LATER = date(2025, 12, 31)


def test_wilson_published_example() -> None:
    low, high = wilson(0.92, 100)
    assert (round(float(low), 4), round(float(high), 4)) == (0.85, 0.9589)


def test_poisson_published_example() -> None:
    """3 defects in 50,000 are 60 ppm, between 12.4 and 175.3."""
    low, high = exact_poisson(3)
    assert (round(float(low) * 20, 1), round(float(high) * 20, 1)) == (12.4, 175.3)


@pytest.mark.parametrize("hits", [0, 1, 7, 19, 20])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_binomial_intervals_are_scipys(hits: int, confidence: float) -> None:
    test = stats.binomtest(hits, 20)
    exact, score = test.proportion_ci(confidence, "exact"), test.proportion_ci(confidence, "wilson")
    assert exact_binomial(hits, 20, confidence) == pytest.approx((exact.low, exact.high), abs=1e-9)
    assert wilson(hits / 20, 20, confidence) == pytest.approx((score.low, score.high), abs=1e-9)


def test_intervals_of_nothing_are_unknown() -> None:
    bounds = [wilson(0.5, 0), exact_binomial(0, 0), student_mean(1.0, 0.0, 1), weighted_poisson(0, 0, 0)]
    assert all(math.isnan(float(bound)) for pair in bounds for bound in pair)
    assert float(exact_poisson(0)[0]) == 0
    assert float(exact_poisson(0)[1]) == pytest.approx(-math.log(0.025))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: wilson(92, 100), "share must lie"),
        (lambda: wilson(0.5, 10, 95), "confidence"),
        (lambda: exact_binomial(5, 4), "hits"),
        (lambda: exact_poisson(-1), "counts"),
    ],
)
def test_unusable_input_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_student_interval_is_scipys() -> None:
    sample = np.array([-3.0, 0, 1, 4, 9])
    expected = stats.ttest_1samp(sample, 0).confidence_interval(0.9)
    assert student_mean(sample.mean(), sample.var(ddof=1), 5, 0.9) == pytest.approx((expected.low, expected.high))


def test_weighted_poisson_covers() -> None:
    """Fay and Feuer's interval holds the truth at least as often as it says, by simulation with weights .2 and 1."""
    rng = np.random.default_rng(7)
    weights, means = np.array([0.2, 1.0]), np.array([20.0, 6.0])
    counts = rng.poisson(means, size=(4000, 2))
    low, high = weighted_poisson(counts @ weights, counts @ weights**2, np.ones(4000))
    truth = float(means @ weights)
    assert 0.945 <= float(np.mean((low <= truth) & (truth <= high))) <= 0.99


def test_effective_n() -> None:
    assert kish_effective_n([4.0, 0.0], [1.6, 0.0]).tolist() == pytest.approx([10.0, 0.0])


def test_a_week_has_seven_days() -> None:
    """ERPNext's weekly period covers eight days, so that border days count twice."""
    days = pl.DataFrame({"day": pl.date_range(date(2019, 12, 1), date(2027, 2, 1), eager=True)})
    for period, lengths in ((Period.WEEK, {7}), (Period.MONTH, {28, 29, 30, 31}), (Period.QUARTER, {90, 91, 92})):
        starts = days.select(day="day", start=period_start(pl.col("day"), period))
        counts = starts.group_by("start").len().sort("start")[1:-1]
        assert set(counts["len"].to_list()) <= lengths
        listed = periods_between(date(2020, 1, 1), date(2026, 12, 31), period)
        following = listed["period_start"].shift(-1).drop_nulls()
        assert (following - listed["period_end"][:-1]).unique().to_list() == [timedelta(days=1)]
        assert listed["period"].is_unique().all()


def test_period_labels() -> None:
    days = pl.DataFrame({"day": [date(2021, 1, 3), date(2021, 1, 4), date(2024, 12, 30), None]})
    for period, labels in (
        (Period.WEEK, ["2020-W53", "2021-W01", "2025-W01", None]),
        (Period.MONTH, ["2021-01", "2021-01", "2024-12", None]),
        (Period.QUARTER, ["2021-Q1", "2021-Q1", "2024-Q4", None]),
        (Period.YEAR, ["2021", "2021", "2024", None]),
    ):
        start = period_start(pl.col("day"), period)
        assert days.select(period_label(start, period)).to_series().to_list() == labels
    assert days.select(period_end(period_start(pl.col("day"), Period.QUARTER), Period.QUARTER)).to_series()[2] == date(
        2024, 12, 31
    )
    with pytest.raises(ValueError, match="before first"):
        periods_between(date(2024, 2, 1), date(2024, 1, 1), Period.MONTH)


def judged(
    rows: list[tuple[str, str, date, float, float, float, int | None]], level: Level = Level.LINE
) -> pl.DataFrame:
    """(order, supplier, due, ordered, received, rejected, days late) as judgements."""
    lines = pl.DataFrame(
        [(o, str(i), s, d - timedelta(days=20), d, q) for i, (o, s, d, q, *_) in enumerate(rows)],
        schema={"order": str, "line": str, "supplier": str, "ordered_on": date, "promised_on": date, "quantity": float},
        orient="row",
    )
    came = [
        (o, str(i), d + timedelta(days=late), r)
        for i, (o, _, d, _, r, _, late) in enumerate(rows)
        if late is not None and r > 0
    ]
    receipts = pl.DataFrame(
        came, schema={"order": str, "line": str, "arrived_on": date, "quantity": float}, orient="row"
    )
    rejects = pl.DataFrame(
        [(o, str(i), x) for i, (o, _, _, _, _, x, _) in enumerate(rows)],
        schema={"order": str, "line": str, "quantity": float},
        orient="row",
    )
    return judge_lines(lines, receipts, rejects, OtifParams(level=level), LATER)


MAY = date(2025, 5, 5)
FOUR = [
    ("A", "S", MAY, 100.0, 100.0, 5.0, 0),
    ("B", "S", MAY, 100.0, 80.0, 0.0, -2),
    ("C", "S", MAY, 50.0, 60.0, 0.0, 3),
    ("D", "S", MAY, 50.0, 0.0, 0.0, None),
]


def one(frame: pl.DataFrame, measure: str, **where: str) -> dict[str, Any]:
    rows = frame.filter(pl.col("measure") == measure, **where)
    assert len(rows) == 1
    return rows.row(0, named=True)


def test_each_measure_by_hand() -> None:
    result = measures(judged(FOUR), None, Period.MONTH, MeasureParams(lead_time_tolerance_days=2))
    expected = {
        "otif": (1, 4),
        "on_time": (1, 4),
        "in_full": (2, 4),
        "fill_rate": (100 + 80 + 50, 300),
        "line_fill_rate": (2, 4),
        "lead_time_adherence": (1, 4),
        "lead_time_bias": (0 + 3, 2),
        "reject_ppm": (5, 240),
        "rejected_lines": (1, 3),
    }
    found = {row["measure"]: (row["numerator"], row["denominator"]) for row in result.iter_rows(named=True)}
    assert found == expected
    assert one(result, "reject_ppm")["value"] == pytest.approx(5e6 / 240)
    assert one(result, "otif")["period"] == "2025-05"
    assert one(result, "lead_time_bias")["n"] == 2
    low, high = wilson(0.25, 4)
    assert (one(result, "otif")["low"], one(result, "otif")["high"]) == pytest.approx((float(low), float(high)))
    bias = one(result, "lead_time_bias")
    test = stats.ttest_1samp([0, 3], 0).confidence_interval()
    assert (bias["low"], bias["high"]) == pytest.approx((test.low, test.high))


def test_every_number_says_its_n() -> None:
    """Odoo shows a rate without n and −1 for no data; here no data is no row, and n stands beside each value."""
    result = measures(judged(FOUR), None, Period.MONTH)
    assert result["n"].min() > 0
    assert result["value"].is_not_null().all()
    assert measures(judged([]), None, Period.MONTH).is_empty()


def test_never_delivered_lines_weigh_on_every_due_date_measure() -> None:
    """Odoo's rate leaves out lines without a receipt: on the same facts it would be 1.0 here."""
    result = measures(judged([FOUR[0], FOUR[3]]), None, Period.MONTH)
    assert {one(result, name)["value"] for name in ("otif", "on_time", "in_full", "line_fill_rate")} == {0.5}
    assert one(result, "fill_rate")["value"] == pytest.approx(100 / 150)
    assert one(result, "lead_time_adherence")["value"] == 0.5


def test_a_window_is_a_parameter_not_365_days() -> None:
    old = [("A", "S", date(2019, 1, 7), 1.0, 1.0, 0.0, 0), ("B", "S", MAY, 1.0, 1.0, 0.0, 9)]
    yearly = measures(judged(old), None, Period.YEAR).filter(pl.col("measure") == "otif")
    assert yearly.select("period", "value").rows() == [("2019", 1.0), ("2025", 0.0)]
    assert one(measures(judged(old), None, None), "otif")["value"] == 0.5


def test_quality_is_placed_by_receipt_and_service_by_due_date() -> None:
    late = [("A", "S", date(2025, 5, 30), 10.0, 10.0, 1.0, 5)]
    result = measures(judged(late), None, Period.MONTH)
    assert one(result, "otif")["period"] == "2025-05"
    assert one(result, "reject_ppm")["period"] == "2025-06"


def test_mix_shares_carry_fractional_weight_but_not_fractional_certainty() -> None:
    rows = [(str(i), "S", MAY, 10.0, 10.0, 1.0, 0 if i < 8 else 4) for i in range(10)]
    weights = pl.DataFrame({"order": [str(i) for i in range(10)], "line": [str(i) for i in range(10)]})
    weights = weights.with_columns(segment=pl.lit("gold"), share=0.4)
    result = measures(judged(rows), weights, Period.MONTH)
    gold, common = one(result, "otif", segment="gold"), one(result, "otif", segment=COMMON)
    assert (gold["numerator"], gold["denominator"], common["denominator"]) == pytest.approx((3.2, 4.0, 6.0))
    assert (gold["n"], gold["effective_n"]) == (10, pytest.approx(10.0))
    low, high = wilson(0.8, 10)
    assert (gold["low"], gold["high"]) == pytest.approx((float(low), float(high)))
    assert one(result, "reject_ppm", segment="gold")["value"] == pytest.approx(1e5)


def test_common_is_the_segment_that_the_mix_calls_so() -> None:
    assert COMMON == mix.COMMON


def test_order_level_counts_orders() -> None:
    rows = [*(("A", "S", MAY, 1.0, 1.0, 0.0, 0) for _ in range(9)), ("A", "S", MAY, 1.0, 1.0, 0.0, 1)]
    rows.append(("B", "S", MAY, 1.0, 1.0, 0.0, 0))
    result = measures(judged(rows, Level.ORDER), None, Period.MONTH)
    otif = one(result, "otif")
    assert (otif["value"], otif["n"], otif["effective_n"]) == (0.5, 2, 2.0)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ([("A", "g", 1.2)], "between 0 and 1"),
        ([("A", "g", -0.1)], "between 0 and 1"),
        ([("A", "g", 0.6), ("A", "h", 0.6)], "exceeds 1"),
        ([("A", "g", 0.3), ("A", "g", 0.3)], "twice"),
    ],
)
def test_impossible_weights_are_refused(shares: list[tuple[str, str, float]], message: str) -> None:
    weights = pl.DataFrame(shares, schema=["order", "segment", "share"], orient="row").with_columns(line=pl.lit("0"))
    with pytest.raises(ValueError, match=message):
        measures(judged(FOUR), weights, Period.MONTH)


facts = st.lists(
    st.tuples(
        st.sampled_from("ABC"),
        st.sampled_from("ST"),
        st.dates(date(2025, 1, 1), date(2025, 6, 30)),
        st.integers(1, 9).map(float),
        st.integers(0, 9).map(float),
        st.integers(0, 3).map(float),
        st.one_of(st.none(), st.integers(-9, 9)),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40)
@given(rows=facts, data=st.data())
def test_segments_and_common_sum_to_the_suppliers_total(rows: list[Any], data: st.DataObject) -> None:
    frame = judged(rows)
    chosen = data.draw(
        st.lists(st.tuples(st.integers(0, len(rows) - 1), st.sampled_from("xyz"), st.integers(0, 3)), max_size=9)
    )
    shares = {(number, segment): part / 10 for number, segment, part in chosen}
    weights = pl.DataFrame(
        [(rows[number][0], str(number), segment, share) for (number, segment), share in shares.items()],
        schema={"order": str, "line": str, "segment": str, "share": float},
        orient="row",
    )
    keys = ["supplier", "period", "measure"]
    split = measures(frame, weights, Period.MONTH).group_by(keys).agg(pl.col("numerator", "denominator").sum())
    whole = measures(frame, None, Period.MONTH).select(*keys, "numerator", "denominator")
    both = whole.join(split, on=keys, how="full", suffix="_split")
    assert both.null_count().sum_horizontal().item() == 0
    for name in ("numerator", "denominator"):
        assert both[name].to_list() == pytest.approx(both[f"{name}_split"].to_list())


@settings(max_examples=40)
@given(rows=facts, data=st.data())
def test_measures_do_not_depend_on_the_order_of_rows_and_bounds_hold_the_value(
    rows: list[Any], data: st.DataObject
) -> None:
    frame = judged(rows)
    result = measures(frame, None, Period.QUARTER)
    mixed = frame[data.draw(st.permutations(range(len(frame))))]
    numbers = ["value", "numerator", "denominator", "effective_n", "low", "high"]
    again = measures(mixed, None, Period.QUARTER)
    assert again.drop(numbers).equals(result.drop(numbers))
    for name in numbers:
        assert np.allclose(again[name].to_numpy(), result[name].to_numpy(), equal_nan=True)
    known = result.filter(pl.col("low").is_not_null())
    assert (known["low"] <= known["value"] + 1e-9).all()
    assert (known["high"] >= known["value"] - 1e-9).all()


needs_adventureworks = pytest.mark.skipif(
    not (SHARED / "data/adventureworks").is_dir(), reason="public adventureworks extract is not here"
)
needs_scms = pytest.mark.skipif(not (SHARED / "data/scms").is_dir(), reason="public SCMS history is not here")


@needs_adventureworks
def test_adventureworks_totals() -> None:
    """8,845 lines: ordered 2,348,637, received 2,327,299 (99.091 %), rejected 72,700 (3.12 %)."""
    folder = SHARED / "data/adventureworks"
    options: dict[str, Any] = {"separator": "\t", "has_header": False, "infer_schema": False}
    detail = pl.read_csv(folder / "PurchaseOrderDetail.csv", **options)
    head = pl.read_csv(folder / "PurchaseOrderHeader.csv", **options)

    def as_date(name: str) -> pl.Expr:
        return pl.col(name).str.slice(0, 10).str.to_date("%Y-%m-%d")

    names, heads = detail.columns, head.columns
    rows = detail.select(
        order=names[0],
        line=names[1],
        requested_on=as_date(names[2]),
        quantity=pl.col(names[3]).cast(pl.Float64),
        received=pl.col(names[7]).cast(pl.Float64),
        rejected=pl.col(names[8]).cast(pl.Float64),
    ).join(
        head.select(order=heads[0], supplier=heads[4], ordered_on=as_date(heads[6]), posted_on=as_date(heads[7])),
        on="order",
    )
    params = OtifParams(basis=DateBasis.REQUESTED, event=Event.POSTING)
    receipts = rows.select("order", "line", "posted_on", quantity="received")
    rejects = rows.select("order", "line", quantity="rejected")
    found = judge_lines(rows.drop("received", "rejected", "posted_on"), receipts, rejects, params, date(2030, 1, 1))
    assert found["exclusion"].null_count() == 8_845
    for periods in (None, Period.WEEK):
        result = measures(found, None, periods)
        sums = {
            name: (top, bottom)
            for name, top, bottom in result.group_by("measure")
            .agg(pl.col("numerator", "denominator").sum())
            .iter_rows()
        }
        assert sums["fill_rate"] == (2_327_299, 2_348_637)
        assert sums["reject_ppm"] == (72_700, 2_327_299)
        assert sums["line_fill_rate"][1] == 8_845
        assert 1 - sums["line_fill_rate"][0] / 8_845 == pytest.approx(0.043, abs=5e-4)
        assert sums["rejected_lines"][0] / 8_845 == pytest.approx(0.064, abs=5e-4)


@needs_scms
def test_scms_direct_deliveries() -> None:
    """93.40 % on or before the scheduled day, 77.91 % on it, mean −8.05 days; recomputed in plain Python."""

    def day(text: str) -> date:
        shape = "%d-%b-%y" if "-" in text else "%m/%d/%y"
        return datetime.strptime(text, shape).replace(tzinfo=None).date()  # noqa: DTZ007

    path = SHARED / "data/scms/scms_delivery_history_to_2011.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Fulfill Via"] == "Direct Drop"]
    days = [(day(row["Scheduled Delivery Date"]), day(row["Delivered to Client Date"])) for row in rows]
    quantities = [float(row["Line Item Quantity"]) for row in rows]
    key = {"order": [row["PO / SO #"] for row in rows], "line": [row["ID"] for row in rows], "quantity": quantities}
    lines = pl.DataFrame({**key, "supplier": [row["Vendor"] for row in rows], "promised_on": [due for due, _ in days]})
    lines = lines.with_columns(ordered_on=pl.col("promised_on") - pl.duration(days=90))
    receipts = pl.DataFrame({**key, "arrived_on": [came for _, came in days]})
    gaps = [(came - due).days for due, came in days]

    def total(params: OtifParams, measure: str) -> float:
        found = measures(judge_lines(lines, receipts, None, params, date(2015, 1, 1)), None, None)
        chosen = found.filter(pl.col("measure") == measure)
        return float(chosen["numerator"].sum() / chosen["denominator"].sum())

    assert total(OtifParams(), "otif") == pytest.approx(sum(gap <= 0 for gap in gaps) / len(gaps))
    assert total(OtifParams(), "otif") == pytest.approx(0.9340, abs=5e-5)
    assert total(OtifParams(early_days=0), "on_time") == pytest.approx(0.7791, abs=5e-5)
    assert total(OtifParams(), "lead_time_bias") == pytest.approx(sum(gaps) / len(gaps))
    assert total(OtifParams(), "lead_time_bias") == pytest.approx(-8.05, abs=5e-3)
    judgements = judge_lines(lines, receipts, None, OtifParams(), date(2015, 1, 1))
    assert judgements["supplier"].n_unique() == 54
