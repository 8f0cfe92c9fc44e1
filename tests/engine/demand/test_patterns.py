from __future__ import annotations

from datetime import date, timedelta
from math import isnan, sqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tierwise.engine.demand import (
    CLASSES,
    DemandParams,
    DemandSeries,
    classify,
    demand_series,
    measure_demand,
    measure_patterns,
    whole_buckets,
)

GRAIN = ("item", "region")
YEAR = DemandParams(date(2024, 1, 1), date(2024, 12, 31), grain=GRAIN)


def lines(*rows: tuple[str, str, date, str, float]) -> pl.DataFrame:
    schema = {"item": pl.String, "region": pl.String, "ordered_on": pl.Date, "kind": pl.String, "quantity": pl.Float64}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def monthly(item: str, quantities: list[float], year: int = 2024) -> list[tuple[str, str, date, str, float]]:
    return [
        (item, "r", date(year + i // 12, i % 12 + 1, 9), "order", float(q)) for i, q in enumerate(quantities) if q > 0
    ]


def dense(*series: list[float]) -> DemandSeries:
    """Series of one length as the kernel takes them."""
    n = len(series[0])
    at = np.tile(np.arange(n), len(series))
    return DemandSeries(
        buckets=n,
        start=np.zeros(len(series), dtype=np.int64),
        offsets=np.arange(len(series) + 1) * n,
        at=at,
        ordered=np.concatenate([np.array(s, dtype=float) for s in series]),
        returned=np.zeros(len(at)),
    )


def test_demand_class_of_the_reference_series() -> None:
    """0 0 5 0 0 0 8 0 3 0 0 6: ADI 3.0, CV² 0.10744 / 0.14325, intermittent."""
    launch = pl.DataFrame({"item": ["a"], "launched_on": [date(2024, 1, 1)]})
    row = measure_demand(lines(*monthly("a", [0, 0, 5, 0, 0, 0, 8, 0, 3, 0, 0, 6])), YEAR, launch).row(0, named=True)
    assert row["adi"] == 3.0
    assert row["cv2_population"] == pytest.approx(0.10744, abs=5e-6)
    assert row["cv2_sample"] == pytest.approx(0.14325, abs=5e-6)
    assert (row["demand_class"], row["buckets"], row["nonzero"], row["demand"]) == ("intermittent", 12, 4, 22.0)
    assert (row["lines"], row["lines_per_month"]) == (4, pytest.approx(4 / 12))


@pytest.mark.parametrize(
    ("adi", "cv2", "name"),
    [
        (1.31, 0.48, "smooth"),
        (1.31, 0.49, "erratic"),
        (1.32, 0.48, "intermittent"),
        (1.32, 0.49, "lumpy"),
    ],
)
def test_published_cut_offs(adi: float, cv2: float, name: str) -> None:
    assert CLASSES[classify(np.array([adi]), np.array([cv2]))[0]] == name


def test_a_cell_begins_with_its_first_line_or_launch() -> None:
    frame = lines(
        ("new", "r", date(2024, 10, 3), "order", 1.0),
        ("old", "r", date(2023, 5, 3), "order", 1.0),
        ("old", "r", date(2024, 12, 3), "order", 1.0),
        ("launched", "r", date(2024, 11, 3), "order", 1.0),
        ("later", "r", date(2025, 1, 1), "order", 1.0),
    )
    launch = pl.DataFrame({"item": ["launched", "old"], "launched_on": [date(2024, 7, 15), date(2024, 3, 1)]})
    result = measure_demand(frame, YEAR, launch)
    assert dict(result.select("item", "buckets").iter_rows()) == {"launched": 6, "new": 3, "old": 12}
    assert result["enough_history"].to_list() == [False, False, False]


def test_a_cell_without_demand_in_the_window_is_kept_and_undefined() -> None:
    row = measure_demand(lines(("old", "r", date(2023, 5, 3), "order", 1.0)), YEAR).row(0, named=True)
    assert (row["nonzero"], row["demand"], row["lines"], row["enough_history"]) == (0, 0.0, 0, False)
    assert row["adi"] is row["demand_class"] is row["cv"] is row["cv2_sample"] is None


def test_one_demand_has_no_class() -> None:
    row = measure_demand(lines(("a", "r", date(2024, 1, 3), "order", 5.0)), YEAR).row(0, named=True)
    assert (row["adi"], row["cv2_population"], row["cv2_sample"], row["demand_class"]) == (12.0, 0.0, None, None)


def test_returns_net_against_earlier_demand() -> None:
    frame = lines(
        *monthly("a", [10, 4, 0, 6]),
        ("a", "r", date(2024, 3, 1), "return", 5.0),
        ("a", "r", date(2024, 4, 1), "return", 1.0),
        ("b", "r", date(2024, 1, 1), "order", 0.3),
        ("b", "r", date(2024, 2, 1), "return", 0.1),
        ("b", "r", date(2024, 3, 1), "return", 0.2),
        ("b", "r", date(2024, 4, 1), "return", 2.0),
    )
    cells, series = demand_series(frame, YEAR)
    assert cells["item"].to_list() == ["a", "b"]
    assert series.net(0)[:4].tolist() == [9, 0, 0, 5]
    rows = measure_demand(frame, YEAR).rows(named=True)
    assert [(r["nonzero"], r["demand"], r["unmatched_returns"]) for r in rows] == [(2, 14, 0), (0, 0, 2)]


@pytest.mark.parametrize("bucket", ["day", "week", "month"])
def test_buckets_follow_the_calendar(bucket: str) -> None:
    first, last = whole_buckets(date(2023, 11, 2), date(2024, 3, 13), bucket)  # type: ignore[arg-type]
    params = DemandParams(first, last, bucket=bucket, grain=GRAIN)  # type: ignore[arg-type]
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    _, series = demand_series(lines(*(("a", "r", day, "order", 1.0) for day in days)), params)
    name = {"day": "%Y%m%d", "week": "%G%V", "month": "%Y%m"}[bucket]
    expected: dict[str, int] = {}
    for day in days:
        expected[day.strftime(name)] = expected.get(day.strftime(name), 0) + 1
    assert series.net(0).tolist() == list(expected.values())


def test_the_window_must_be_whole_buckets() -> None:
    with pytest.raises(ValueError, match="window_from: 2024-01-02 lies inside a month; use its first day, 2024-01-01"):
        DemandParams(date(2024, 1, 2), date(2024, 2, 29))
    with pytest.raises(ValueError, match=r"window_to: .* use its last day, 2024-02-29"):
        DemandParams(date(2024, 1, 1), date(2024, 2, 28))
    with pytest.raises(ValueError, match="no whole month"):
        whole_buckets(date(2024, 1, 2), date(2024, 2, 28), "month")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bucket", "year"),
        ("season", "weird"),
        ("cv2_kind", "robust"),
        ("grain", ()),
        ("significance", 0.0),
        ("adi_cut", 0.5),
        ("season_length", 1),
        ("min_buckets", 0),
    ],
)
def test_params_name_the_field(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        DemandParams(date(2024, 1, 1), date(2024, 12, 31), **{field: value})  # type: ignore[arg-type]


def test_bad_lines_are_named() -> None:
    good = lines(("a", "r", date(2024, 1, 1), "order", 1.0))
    with pytest.raises(ValueError, match="'region' is missing"):
        measure_demand(good.drop("region"), YEAR)
    with pytest.raises(ValueError, match="empty values in 'quantity'"):
        measure_demand(good.with_columns(quantity=pl.lit(None, pl.Float64)), YEAR)
    launch = pl.DataFrame({"item": ["a", "a"], "launched_on": [date(2024, 1, 1)] * 2})
    with pytest.raises(ValueError, match="several rows for one item"):
        measure_demand(good, YEAR, launch)


def test_no_lines_give_no_cells() -> None:
    empty = measure_demand(lines(), YEAR)
    assert empty.is_empty()
    assert empty.schema["demand_class"] == pl.String
    assert empty.schema == measure_demand(lines(("a", "r", date(2024, 1, 1), "order", 1.0)), YEAR).schema


THREE_YEARS = DemandParams(date(2022, 1, 1), date(2024, 12, 31), grain=GRAIN)
SHAPE = np.array([0.5, 0.6, 0.8, 1.0, 1.2, 1.4, 1.5, 1.4, 1.2, 1.0, 0.8, 0.6])


def test_season_is_taken_out_of_the_variability() -> None:
    """A pure seasonal profile has no variability of its own, however far it swings."""
    for how, series in (
        ("multiplicative", 100 * np.tile(SHAPE, 3)),
        ("additive", 100 + 50 * np.tile(SHAPE - SHAPE.mean(), 3)),
    ):
        params = DemandParams(date(2022, 1, 1), date(2024, 12, 31), season=how)  # type: ignore[arg-type]
        pattern = measure_patterns(dense(series.tolist()), params)
        assert pattern.cv[0] == pytest.approx(0, abs=1e-12)
        assert pattern.cv_raw[0] == pytest.approx(np.std(series, ddof=1) / series.mean())
        assert ("none", "multiplicative", "additive")[pattern.season[0]] == how


def test_a_trend_is_not_taken_for_a_season_and_stays_in() -> None:
    rising = np.arange(1.0, 37.0)
    pattern = measure_patterns(dense(rising.tolist()), THREE_YEARS)
    assert pattern.season[0] == 0
    assert pattern.cv[0] == pattern.cv_raw[0]


def test_less_than_two_cycles_stay_raw() -> None:
    params = DemandParams(date(2023, 2, 1), date(2024, 12, 31))
    pattern = measure_patterns(dense((100 * np.tile(SHAPE, 3))[:23].tolist()), params)
    assert pattern.season[0] == 0
    assert isnan(pattern.season_p[0])


def test_a_season_without_sales_is_taken_additively() -> None:
    shape = np.array([0, 0, 0, 5, 9, 9, 9, 9, 5, 0, 0, 0.0])
    pattern = measure_patterns(dense(np.tile(shape, 3).tolist()), THREE_YEARS)
    assert pattern.season[0] == 2
    assert pattern.cv[0] == pytest.approx(0, abs=1e-12)


def test_noise_is_rarely_taken_for_a_season() -> None:
    """At the 5 % level about 5 % of unseasonal series are taken for seasonal (Kruskal-Wallis is conservative here)."""
    random = np.random.default_rng(7)
    noise = random.gamma(4, 25, size=(2_000, 36))
    pattern = measure_patterns(dense(*noise.tolist()), THREE_YEARS)
    assert 0.005 < (pattern.season > 0).mean() < 0.07


def oracle_season(y: list[float], cycle: int) -> tuple[float, float]:
    """p-value (SciPy) and sample CV of the additively deseasonalised series, written out plainly."""
    n = len(y)
    seasons = [[t for t in range(n) if t % cycle == s] for s in range(cycle)]
    slope_up = slope_down = 0.0
    for at in seasons:
        mean_t, mean_y = sum(at) / len(at), sum(y[t] for t in at) / len(at)
        slope_up += sum((t - mean_t) * (y[t] - mean_y) for t in at)
        slope_down += sum((t - mean_t) ** 2 for t in at)
    level, slope = sum(y) / n, slope_up / slope_down
    rest = [y[t] - level - slope * (t - (n - 1) / 2) for t in range(n)]
    p = float(stats.kruskal(*[[rest[t] for t in at] for at in seasons]).pvalue)
    index = [sum(rest[t] for t in at) / len(at) for at in seasons]
    shift = sum(index) / cycle
    flat = [y[t] - index[t % cycle] + shift for t in range(n)]
    mean = sum(flat) / n
    return p, sqrt(sum((f - mean) ** 2 for f in flat) / (n - 1)) / mean


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(8, 15))
def test_season_against_scipy(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    y = (10 + random.random(n) * 3 + np.tile([0, 4, 1, 0], 4)[:n]).round(6)
    params = DemandParams(date(2024, 1, 1), date(2024, 12, 31), season="additive", season_length=4)
    pattern = measure_patterns(dense(y.tolist()), params)
    p, cv = oracle_season(y.tolist(), 4)
    assert pattern.season_p[0] == pytest.approx(p, rel=1e-9)
    assert pattern.cv[0] == pytest.approx(cv if p < 0.05 else pattern.cv_raw[0], rel=1e-9)


MOVES = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 400), st.sampled_from(["order", "return"]), st.integers(0, 9)),
    max_size=30,
)


def oracle(moves: list[tuple[str, int, str, int]], item: str) -> dict[str, float | int | None]:
    """One cell, dictionaries and loops only."""
    mine = [(date(2023, 12, 1) + timedelta(days=d), kind, q) for i, d, kind, q in moves if i == item]
    mine = [(day, kind, q) for day, kind, q in mine if day <= date(2024, 12, 31)]
    start = min(max(day, date(2024, 1, 1)).month for day, _, _ in mine)
    net = [0.0] * 13
    unmatched = 0.0
    for month in range(1, 13):
        of_month = [(kind, q) for day, kind, q in mine if (day.year, day.month) == (2024, month)]
        net[month] += sum(q for kind, q in of_month if kind == "order")
        left = sum(q for kind, q in of_month if kind == "return")
        for earlier in range(month, 0, -1):
            taken = min(left, net[earlier])
            net[earlier] -= taken
            left -= taken
        unmatched += left
    series = net[start:]
    sizes = [v for v in series if v > 0]
    mean = sum(sizes) / len(sizes) if sizes else 0.0
    squares = sum((v - mean) ** 2 for v in sizes)
    return {
        "buckets": len(series),
        "nonzero": len(sizes),
        "demand": sum(sizes),
        "unmatched_returns": unmatched,
        "adi": len(series) / len(sizes) if sizes else None,
        "cv2_population": squares / len(sizes) / mean**2 if sizes else None,
        "cv2_sample": squares / (len(sizes) - 1) / mean**2 if len(sizes) > 1 else None,
        "lines": sum(1 for day, kind, _ in mine if kind == "order" and day.year == 2024),
    }


@settings(max_examples=80)
@given(MOVES)
def test_measures_against_plain_python(moves: list[tuple[str, int, str, int]]) -> None:
    rows = [(item, "r", date(2023, 12, 1) + timedelta(days=d), kind, float(q)) for item, d, kind, q in moves]
    result = measure_demand(lines(*rows), YEAR)
    inside = {item for item, d, _, _ in moves if date(2023, 12, 1) + timedelta(days=d) <= date(2024, 12, 31)}
    assert result["item"].to_list() == sorted(inside)
    for row in result.iter_rows(named=True):
        expected = oracle(moves, row["item"])
        assert {name: row[name] for name in expected} == pytest.approx(expected)


@settings(max_examples=30)
@given(MOVES, st.randoms(use_true_random=False))
def test_row_order_does_not_matter(moves: list[tuple[str, int, str, int]], random: object) -> None:
    rows = [(item, "r", date(2023, 12, 1) + timedelta(days=d), kind, float(q)) for item, d, kind, q in moves]
    before = measure_demand(lines(*rows), YEAR)
    random.shuffle(rows)  # type: ignore[attr-defined]
    assert measure_demand(lines(*rows), YEAR).equals(before)


def test_the_grain_may_hold_numbers_and_categories() -> None:
    frame = lines(*monthly("a", [1, 2]), *monthly("b", [3])).with_columns(
        pl.col("item").cast(pl.Categorical), pl.col("region").replace_strict({"r": 7}, return_dtype=pl.Int32)
    )
    result = measure_demand(frame, YEAR)
    assert result.select("item", "region", "demand").rows() == [("a", 7, 3.0), ("b", 7, 3.0)]
