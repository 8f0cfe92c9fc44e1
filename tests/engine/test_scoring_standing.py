"""Scores, shrinkage and standings: coverage of the scale, small samples, hysteresis, severity, idle periods."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

from tierwise.engine.scoring import (
    Band,
    Criterion,
    Period,
    Reason,
    ScoreParams,
    ShrinkParams,
    StandingParams,
    periods_between,
    score,
    shrink,
    standing,
)

BANDS = (Band("poor", 0, 50), Band("fair", 50, 80), Band("good", 80, 100))
RULES = StandingParams(BANDS, least_n=10, margin=2, periods=2, severity={"recall": "poor", "line stop": "fair"})
YEAR = periods_between(date(2025, 1, 1), date(2025, 12, 31), Period.MONTH)
START = YEAR["period_start"].to_list()


def walk(
    values: list[float | None], n: int | list[int] = 50, params: StandingParams = RULES, **more: Any
) -> pl.DataFrame:
    """Monthly scores of one supplier; None is a month without activity."""
    sizes = [n] * len(values) if isinstance(n, int) else n
    rows = [("S", "gold", START[i], value, sizes[i]) for i, value in enumerate(values) if value is not None]
    schema = {"supplier": pl.String, "segment": pl.String, "period_start": pl.Date, "score": pl.Float64, "n": pl.Int64}
    return standing(pl.DataFrame(rows, schema=schema, orient="row"), params, YEAR.head(len(values)), **more)


def path(*args: Any, **more: Any) -> list[str | None]:
    return walk(*args, **more)["standing"].to_list()


def test_a_score_of_exactly_100_is_in_the_best_band() -> None:
    """ERPNext's upper bounds are exclusive to the top: a perfect supplier matches no standing at all."""
    assert path([100.0]) == ["good"]
    assert path([49.9, 100.0, 100.0]) == ["poor", "poor", "good"]


@settings(max_examples=200)
@given(st.floats(0, 100))
def test_every_score_has_exactly_one_band(value: float) -> None:
    inside = [band.name for band in BANDS if band.low <= value < band.high or value == band.high == 100]
    assert inside == [RULES.band_of(value)]


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        ((), "bands are empty"),
        ((Band("a", 0, 40), Band("b", 50, 100)), "leave a gap at 40 and 50"),
        ((Band("a", 0, 60), Band("b", 50, 100)), "overlap at 60 and 50"),
        ((Band("a", 10, 100),), "begin at 0"),
        ((Band("a", 0, 90),), "end at 100"),
        ((Band("a", 0, 50), Band("a", 50, 100)), "its own name"),
        ((Band("a", 0, float("nan")),), "low must be below high"),
    ],
)
def test_bands_must_cover_the_scale(bands: tuple[Band, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StandingParams(bands)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"least_n": 0}, "least_n"),
        ({"margin": -1}, "margin"),
        ({"periods": 0}, "periods"),
        ({"severity": {"recall": "awful"}}, "severity names bands awful"),
    ],
)
def test_rules_check_themselves(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StandingParams(BANDS, **given)


def test_hysteresis() -> None:
    assert path([85, 79, 77, 77]) == ["good", "good", "good", "fair"]
    assert walk([85, 79, 77, 77])["reason"].to_list() == ["first_rating", "within_margin", "waiting", "downgraded"]
    assert path([85, 77, 79, 77, 79, 77]) == ["good"] * 6
    assert path([85, 30, 60]) == ["good", "good", "fair"], "falls only as far as both periods say"
    assert path([40, 81, 95, 95]) == ["poor", "poor", "good", "good"]


def test_a_margin_does_not_put_the_ends_out_of_reach() -> None:
    narrow = StandingParams((Band("bad", 0, 1), Band("fine", 1, 99), Band("perfect", 99, 100)), margin=5, periods=1)
    assert path([50, 100], params=narrow) == ["fine", "perfect"]
    assert path([50, 0], params=narrow) == ["fine", "bad"]


def test_small_samples_never_move_a_standing() -> None:
    """ERPNext knows no minimum sample: one late line of one would make a supplier poor."""
    found = walk([85, 0, 0, 0], n=[50, 1, 9, 9])
    assert found["standing"].to_list() == ["good"] * 4
    assert found["reason"].to_list()[1:] == ["small_sample"] * 3
    assert path([0, 100], n=3) == [None, None], "nor do they give a first one"
    assert path([85, 0, 0, 0], n=[50, 50, 2, 50]) == ["good", "good", "good", "poor"], "nor break a streak"


def test_idle_periods_leave_the_standing_and_say_so() -> None:
    """ERPNext scores a month without an order by the formula's else branch and starts everybody at 100."""
    found = walk([60, None, None, 60])
    assert found["standing"].to_list() == ["fair"] * 4
    assert found["reason"].to_list()[1:3] == ["no_activity"] * 2
    assert found["score"].to_list()[1:3] == [None, None]
    never = walk([None, None], previous=pl.DataFrame({"supplier": ["S"], "segment": ["gold"], "standing": [None]}))
    assert never["standing"].to_list() == [None, None]
    assert never["reason"].to_list() == ["no_activity"] * 2
    assert path([85, 70, None, 70]) == ["good", "good", "good", "fair"], "idleness does not heal"


def test_scores_that_miss_too_much_are_not_idleness() -> None:
    scores = pl.DataFrame({"supplier": "S", "segment": "gold", "period_start": START[:1], "score": None, "n": 40})
    found = standing(scores.cast({"score": pl.Float64}), RULES, YEAR.head(1))
    assert found.select("standing", "reason").row(0) == (None, "incomplete")


def events(*rows: tuple[str | None, int, str]) -> pl.DataFrame:
    schema = {"supplier": pl.String, "segment": pl.String, "period_start": pl.Date, "kind": pl.String}
    return pl.DataFrame([("S", segment, START[i], kind) for segment, i, kind in rows], schema=schema, orient="row")


def test_severity_acts_at_once_and_at_n_of_one() -> None:
    found = walk([95, 95, 95, 95], n=[50, 1, 50, 50], events=events(("gold", 1, "recall")))
    assert found["standing"].to_list() == ["good", "poor", "poor", "good"]
    assert found["reason"].to_list()[1] == "severity"
    idle = walk([95, None], events=events((None, 1, "line stop"), (None, 1, "complaint")))
    assert idle.select("standing", "reason").row(1) == ("fair", "severity")
    assert path([95, 95], events=events(("silver", 1, "recall"), (None, 0, "complaint")))[:2] == ["good", "good"]


def test_previous_standing_is_where_it_starts() -> None:
    held = pl.DataFrame({"supplier": ["S", "T"], "segment": ["gold", "gold"], "standing": ["good", "fair"]})
    found = walk([30, 30], previous=held)
    assert found.filter(supplier="S")["standing"].to_list() == ["good", "poor"]
    assert found.filter(supplier="T")["standing"].to_list() == ["fair", "fair"]
    with pytest.raises(ValueError, match="previous names standings superb"):
        walk([30], previous=held.with_columns(standing=pl.lit("superb")))


def test_scores_outside_the_calendar_or_scale_are_refused() -> None:
    scores = pl.DataFrame(
        {"supplier": "S", "segment": "g", "period_start": [date(2024, 1, 1)], "score": [5.0], "n": [9]}
    )
    with pytest.raises(ValueError, match="periods lack, first 2024-01-01"):
        standing(scores, RULES, YEAR)
    with pytest.raises(ValueError, match="within 0 to 100"):
        walk([101.0])
    assert standing(scores.clear(), RULES, YEAR).is_empty()


def plain_path(values: list[float | None], sizes: list[int], params: StandingParams) -> list[str | None]:
    """One supplier's walk once more, in words turned to plain Python."""
    held: int | None = None
    run: list[int] = []
    result: list[str | None] = []
    for value, n in zip(values, sizes, strict=True):
        if value is not None and n >= params.least_n:
            raw = max(i for i, band in enumerate(params.bands) if band.low <= value)
            if held is None:
                held = raw
            else:
                edge = params.bands[held]
                up = raw > held and (value >= edge.high + params.margin or value == 100)
                down = raw < held and (value < edge.low - params.margin or value == 0)
                if not (up or down):
                    run = []
                else:
                    run = [raw, *run] if run and (run[0] > held) == up else [raw]
                    if len(run) >= params.periods:
                        held, run = (min(run) if up else max(run)), []
        result.append(None if held is None else params.bands[held].name)
    return result


@example(steps=[(0.0, 50), (50.0, 50), (None, 1), (50.0, 50)], margin=0.0, periods=2)
@settings(max_examples=80)
@given(
    steps=st.lists(
        st.tuples(
            st.one_of(st.none(), st.sampled_from([0.0, 47.0, 48.0, 50.0, 60.0, 78.0, 80.0, 82.0, 99.0, 100.0])),
            st.sampled_from([1, 50]),
        ),
        min_size=1,
        max_size=12,
    ),
    margin=st.sampled_from([0.0, 2.0, 30.0]),
    periods=st.integers(1, 3),
)
def test_walk_is_that_of_the_rules(steps: list[tuple[float | None, int]], margin: float, periods: int) -> None:
    params = StandingParams(BANDS, least_n=10, margin=margin, periods=periods)
    values, sizes = [value for value, _ in steps], [n for _, n in steps]
    frame = walk([*values, None][: len(values)], sizes, params)
    expected = plain_path(values, sizes, params)
    assert frame["standing"].to_list() == (expected if any(value is not None for value in values) else [])


def measured(rows: list[tuple[str, str, float, float]], segment: str = "gold") -> pl.DataFrame:
    """(supplier, measure, value, effective n) as measures, with a made-up interval of ±0.02."""
    frame = pl.DataFrame(rows, schema=["supplier", "measure", "value", "effective_n"], orient="row")
    return frame.with_columns(
        segment=pl.lit(segment),
        period=pl.lit("2025-01"),
        period_start=pl.lit(START[0]),
        low=pl.col("value") - 0.02,
        high=pl.col("value") + 0.02,
    )


PLAN = ScoreParams((Criterion("otif", 60, 0.80, 0.95), Criterion("reject_ppm", 40, 1000, 0, gate=900, gate_cap=30)))


def test_value_functions_weights_and_direction() -> None:
    found = score(measured([("S", "otif", 0.9, 80), ("S", "reject_ppm", 250, 40.9)]), PLAN).row(0, named=True)
    assert found["score"] == pytest.approx(0.6 * 100 * 0.1 / 0.15 + 0.4 * 75)
    assert (found["n"], found["weight_measured"], found["missing"], found["gates"]) == (40, 100.0, "", "")


def test_missing_measures_give_their_weight_and_are_named() -> None:
    found = score(measured([("S", "otif", 0.9, 80)]), PLAN).row(0, named=True)
    assert found["score"] == pytest.approx(100 * 0.1 / 0.15)
    assert (found["weight_measured"], found["missing"]) == (60.0, "reject_ppm")
    alone = score(measured([("S", "reject_ppm", 0, 80)]), PLAN).row(0, named=True)
    assert (alone["score"], alone["missing"]) == (None, "otif")


def test_a_failed_gate_caps_but_only_when_sure() -> None:
    bad = measured([("S", "otif", 0.95, 80), ("S", "reject_ppm", 950, 80)])
    found = score(bad, PLAN).row(0, named=True)
    assert (found["score"], found["gates"]) == (30.0, "reject_ppm")
    assert found["ungated"] == pytest.approx(60 + 0.4 * 5)
    unsure = bad.with_columns(low=pl.when(measure="reject_ppm").then(850.0).otherwise("low"))
    assert score(unsure, PLAN)["gates"].item() == ""
    plain = ScoreParams(PLAN.criteria, sure_gates=False)
    assert score(unsure, plain)["score"].item() == 30.0


def test_segments_may_weigh_differently() -> None:
    plan = ScoreParams(PLAN.criteria, {"silver": (Criterion("otif", 100, 0.5, 1.0),)})
    rows = [("S", "otif", 0.9, 80.0)]
    both = pl.concat([measured(rows), measured(rows, "silver")])
    assert score(both, plan).filter(segment="silver")["score"].item() == pytest.approx(80)
    with pytest.raises(ValueError, match="segment gold has no criteria"):
        score(both, ScoreParams(by_segment={"silver": plan.by_segment["silver"]}))


def test_criteria_are_data_never_evaluated() -> None:
    """ERPNext substitutes variables into formula text and evaluates it; here such text is but a measure nobody has."""
    hostile = "__import__('os').abort()"
    found = score(
        measured([("S", "otif", 0.95, 9)]), ScoreParams((Criterion("otif", 60, 0, 1), Criterion(hostile, 40, 0, 1)))
    )
    assert found["missing"].item() == hostile
    assert found["score"].item() == pytest.approx(95)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (ScoreParams, "criteria are empty"),
        (lambda: ScoreParams((Criterion("otif", 90, 0, 1),)), "add to 90"),
        (lambda: ScoreParams((Criterion("otif", 50, 0, 1), Criterion("otif", 50, 0, 1))), "twice"),
        (lambda: ScoreParams((Criterion("otif", 100, 0, 1),), least_weight=0), "least_weight"),
        (lambda: Criterion("otif", 100, 1, 1), "set them apart"),
        (lambda: Criterion("otif", 0, 0, 1), "weight of otif"),
        (lambda: Criterion("otif", float("nan"), 0, 1), "finite"),
        (lambda: Criterion("otif", 100, 0, 1, gate_cap=101), "gate_cap"),
    ],
)
def test_plans_check_themselves(build: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


@settings(max_examples=60)
@given(st.lists(st.floats(-2, 2), min_size=2, max_size=2), st.floats(0, 1))
def test_score_rises_with_a_measure_that_should_rise(values: list[float], other: float) -> None:
    plan = ScoreParams((Criterion("otif", 60, 0.2, 0.9), Criterion("fill_rate", 40, 0, 1)))
    rows = [(str(i), "otif", value, 9.0) for i, value in enumerate(sorted(values))]
    rows += [(str(i), "fill_rate", other, 9.0) for i in range(2)]
    worse, better = score(measured(rows), plan).sort("supplier")["score"]
    assert 0 <= worse <= better <= 100


def test_shrinkage_by_hand() -> None:
    """Kleinman's moments and the posterior, recomputed one supplier at a time."""
    shares, sizes = [1.0, 0.9, 0.7, 0.95, 0.6, 0.85], [3.0, 40.0, 80.0, 200.0, 30.0, 12.0]
    frame = measured([(str(i), "otif", p, n) for i, (p, n) in enumerate(zip(shares, sizes, strict=True))])
    found = shrink(frame).sort("supplier")
    total = sum(sizes)
    w = [n / total for n in sizes]
    mean = sum(a * b for a, b in zip(w, shares, strict=True))
    spread = sum(a * (p - mean) ** 2 for a, p in zip(w, shares, strict=True)) / (mean * (1 - mean))
    chance = sum(a * (1 - a) / n for a, n in zip(w, sizes, strict=True))
    scale = sum(a * (1 - a) * (1 - 1 / n) for a, n in zip(w, sizes, strict=True))
    strength = scale / (spread - chance) - 1
    centre = (mean * total + 0.5) / (total + 1)
    assert found["prior_n"].to_list() == pytest.approx([strength] * 6)
    assert found["prior_mean"].to_list() == pytest.approx([centre] * 6)
    for row, p, n in zip(found.iter_rows(named=True), shares, sizes, strict=True):
        posterior = stats.beta(p * n + centre * strength, (1 - p) * n + (1 - centre) * strength)
        assert row["shrunk"] == pytest.approx(posterior.mean())
        assert (row["shrunk_low"], row["shrunk_high"]) == pytest.approx(posterior.interval(0.95))
        assert min(p, centre) <= row["shrunk"] <= max(p, centre)
    assert found["shrinkage"].unique().to_list() == ["beta_binomial"]


def test_three_perfect_lines_do_not_beat_two_hundred_good_ones() -> None:
    shares, sizes = [1.0, 0.98, 0.9, 0.8, 0.85, 0.7], [3.0, 200.0, 90.0, 90.0, 60.0, 60.0]
    found = shrink(measured([(str(i), "otif", p, n) for i, (p, n) in enumerate(zip(shares, sizes, strict=True))]))
    few, many = found.sort("supplier")["shrunk"][:2]
    assert few < many


def test_prior_is_near_the_likeliest_one() -> None:
    """Moments against the maximum of the marginal likelihood, on simulated suppliers: Beta(18, 2), so M = 20."""
    rng = np.random.default_rng(11)
    sizes = rng.integers(10, 200, 400)
    hits = rng.binomial(sizes, rng.beta(18, 2, 400))
    frame = measured(
        [(str(i), "otif", float(k / n), float(n)) for i, (k, n) in enumerate(zip(hits, sizes, strict=True))]
    )
    found = shrink(frame).row(0, named=True)

    def minus_log_likelihood(x: np.ndarray) -> float:
        a, b = np.exp(x)
        return float(-np.sum(special.betaln(hits + a, sizes - hits + b) - special.betaln(a, b)))

    best = np.exp(optimize.minimize(minus_log_likelihood, np.log([5.0, 1.0]), method="Nelder-Mead").x)
    assert found["prior_mean"] == pytest.approx(best[0] / best.sum(), abs=0.01)
    assert found["prior_n"] == pytest.approx(best.sum(), rel=0.25)
    assert found["prior_n"] == pytest.approx(20, rel=0.25)


def test_few_suppliers_are_not_shrunk_and_it_says_so() -> None:
    frame = measured([("A", "otif", 0.5, 4.0), ("B", "otif", 0.9, 90.0), ("A", "reject_ppm", 60.0, 4.0)])
    found = shrink(frame)
    assert found["shrinkage"].to_list() == ["too_few_suppliers", "too_few_suppliers", "not_a_share"]
    assert found["shrunk"].to_list() == [0.5, 0.9, None]
    assert found["shrunk_low"].to_list() == [0.48, 0.88, None]
    assert found["prior_n"].to_list() == [None, None, None]
    assert shrink(frame, ShrinkParams(least_suppliers=2))["shrinkage"][0] == "beta_binomial"
    assert shrink(frame.clear()).columns == found.columns


def test_peers_all_alike_give_the_strongest_prior_allowed() -> None:
    found = shrink(measured([(str(i), "otif", 1.0, 20.0) for i in range(6)]), ShrinkParams(most_prior_n=50))
    assert found["prior_n"].to_list() == [50.0] * 6
    assert (found["shrunk"] < 1).all()


@pytest.mark.parametrize("given", [{"least_suppliers": 1}, {"most_prior_n": 0}, {"confidence": 1}])
def test_shrink_params_check_themselves(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        ShrinkParams(**given)


def test_reasons_are_all_reachable() -> None:
    seen = set(walk([85, 79, 77, 77, 95, 95, 60, None, 96], n=[50, 50, 50, 50, 50, 50, 2, 0, 50])["reason"])
    seen |= set(walk([85], events=events(("gold", 0, "recall")))["reason"])
    assert seen | {"incomplete"} == {str(reason) for reason in Reason}
