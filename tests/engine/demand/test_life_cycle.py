"""Bass curves and stages: published numbers, another library's fit, and laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from tierwise.engine.demand import (
    GROUNDS,
    STAGES,
    YEARLY_MEANS,
    Analogues,
    BassParams,
    StageParams,
    bass_demand,
    bass_peak,
    bass_share,
    fit_bass,
    life_cycle_stage,
    stage_bounds,
)

AIR_CONDITIONERS = np.array([96, 195, 238, 380, 1045, 1230, 1267, 1828, 1586, 1673, 1800, 1580, 1500], dtype=float)


def test_tc_03_peak_of_room_air_conditioners() -> None:
    """TC-03, Bass (1969): t* = 8.613 years, 1,857 thousand a year at the peak."""
    peak = bass_peak(0.010399, 0.41861, 16_895)
    assert float(peak.time) == pytest.approx(8.613, abs=5e-4)
    assert float(peak.rate) == pytest.approx(1857, abs=0.5)


def test_fit_is_srinivasan_and_masons() -> None:
    """Marketing Science 5 (1986): p .0094, q .3748, m 18,713; the same as SciPy's least squares, errors too."""
    fit = fit_bass(AIR_CONDITIONERS)
    assert (fit.p[0], fit.q[0], fit.market[0]) == pytest.approx((0.0094, 0.3748, 18_713), rel=5e-3)
    assert fit.market[0] == pytest.approx(18_713, abs=1)

    def curve(t, p, q, m):  # type: ignore[no-untyped-def]
        return m * (bass_share(p, q, t) - bass_share(p, q, t - 1))

    ages = np.arange(1.0, 14.0)
    theirs, covariance = curve_fit(curve, ages, AIR_CONDITIONERS, p0=(0.01, 0.4, 17_000))
    assert [fit.p[0], fit.q[0], fit.market[0]] == pytest.approx(list(theirs), rel=1e-4)
    relative = np.sqrt(np.diag(covariance)) / theirs
    assert fit.standard_error[0] == pytest.approx(relative, rel=1e-3)


@settings(max_examples=25, deadline=None)
@given(
    p=st.floats(0.003, 0.05), q=st.floats(0.15, 0.8), market=st.floats(50, 1e6), gap=st.integers(0, 19),
)  # fmt: skip
def test_a_curve_without_noise_is_found_again(p: float, q: float, market: float, gap: int) -> None:
    sales = bass_demand(p, q, market, 20)
    sales[gap] = np.nan
    fit = fit_bass(sales, launched=[0])
    assert [fit.p[0], fit.q[0], fit.market[0]] == pytest.approx([p, q, market], rel=1e-4)
    assert fit.fit[0] == pytest.approx(1.0)


def test_series_do_not_touch_each_other_and_units_do_not_matter() -> None:
    shifted = np.concatenate([[np.nan] * 4, AIR_CONDITIONERS[:-4] * 1000])
    together = fit_bass(np.stack([AIR_CONDITIONERS, shifted]))
    alone = fit_bass(AIR_CONDITIONERS[:-4])
    assert together.q[1] == pytest.approx(alone.q[0], rel=1e-6)
    assert together.market[1] == pytest.approx(1000 * alone.market[0], rel=1e-5)
    assert together.launched.tolist() == [0, 4]


def test_few_points_fall_back_on_analogues_and_many_do_not_need_them() -> None:
    alike = Analogues(p=(0.008, 0.012, 0.01), q=(0.35, 0.4, 0.45), least_spread=0.2, market=17_000)
    found = [fit_bass(AIR_CONDITIONERS[:k] if k else [np.nan], BassParams(alike), [0]) for k in (0, 2, 6, 13)]
    assert found[0].p[0] == pytest.approx(float(np.exp(np.mean(np.log(alike.p)))))
    assert found[0].market[0] == pytest.approx(17_000)
    evidence = [float(each.evidence[0]) for each in found]
    assert evidence[0] == 0
    assert evidence == sorted(evidence)
    assert evidence[-1] > 0.7
    free = fit_bass(AIR_CONDITIONERS)
    assert abs(found[-1].q[0] - free.q[0]) < 0.02
    assert abs(np.log(found[1].q[0] / 0.4)) < 0.2


def test_without_sales_or_analogues_nothing_is_said() -> None:
    fit = fit_bass([[np.nan] * 5, [0, 0, 0, 0, 0], [1, 2, np.nan, np.nan, np.nan]])
    assert np.isnan(fit.q).all()
    assert not fit.converged.any()
    assert fit.n.tolist() == [0, 5, 2]
    assert fit_bass(np.empty((0, 5))).q.shape == (0,)


def test_analogues_in_shorter_periods_have_the_same_peak() -> None:
    monthly = YEARLY_MEANS.per(12)
    years, months = bass_peak(YEARLY_MEANS.p, YEARLY_MEANS.q), bass_peak(monthly.p, monthly.q)
    assert months.time == pytest.approx(12 * years.time)


@given(p=st.floats(1e-4, 0.5), q=st.floats(0, 2), m=st.floats(1, 1e6))
def test_laws_of_the_curve(p: float, q: float, m: float) -> None:
    share = bass_share(p, q, np.arange(-3.0, 400.0))
    assert (np.diff(share) >= 0).all()
    assert share[0] == share[3] == 0
    assert share.max() <= 1 + 1e-12
    peak = bass_peak(p, q, m)
    periods = bass_demand(p, q, m, 300)
    assert periods.max() <= peak.rate * (1 + 1e-9)
    if 0 < peak.time < 299:
        assert abs(int(periods.argmax()) + 0.5 - float(peak.time)) <= 1


@given(p=st.floats(1e-4, 0.3), q=st.floats(0, 2), flat=st.floats(0.01, 0.5))
def test_bounds_of_stages_lie_where_the_curve_says(p: float, q: float, flat: float) -> None:
    params = StageParams(flat=flat)
    bounds = stage_bounds(p, q, params)
    ends = [float(bounds.ramp_ends), float(bounds.growth_ends), float(bounds.maturity_ends)]
    assert ends == sorted(ends)
    assert float(bass_share(p, q, ends[0])) == pytest.approx(0.16)

    def slope(t: float) -> float:
        rates = [float(bass_share(p, q, t + h) - bass_share(p, q, t - h)) for h in (1e-3,)]
        later, earlier = (float(bass_share(p, q, t + d + 1e-3) - bass_share(p, q, t + d - 1e-3)) for d in (0.01, -0.01))
        return (later - earlier) / 0.02 / rates[0]

    if ends[1] > ends[0] + 0.05:
        assert slope(ends[1]) == pytest.approx(flat, rel=0.02)
    if np.isfinite(ends[2]) and ends[2] > ends[1] + 0.05:
        assert slope(ends[2]) == pytest.approx(-flat, rel=0.02)


def stage_of(values: np.ndarray, **options: object) -> tuple[str, str]:
    found = life_cycle_stage([values], fit_bass([values]), StageParams(flat=0.1, window=6), **options)  # type: ignore[arg-type]
    return found.names()[0], GROUNDS[found.grounds[0]]


def test_stages_follow_each_other_along_a_curve() -> None:
    whole = bass_demand(0.01, 0.4, 10_000, 22)
    stages = [stage_of(whole[:k])[0] for k in range(7, 22)]
    assert stages == sorted(stages, key=STAGES.index)
    assert {"growth", "mature", "decline"} <= set(stages)


def test_level_rising_and_falling_demand_goes_by_its_slope() -> None:
    rng = np.random.default_rng(7)
    noise = rng.normal(0, 4, 30)
    assert stage_of(100 + noise) == ("mature", "slope")
    repeated = 100 + noise
    repeated[-8:] *= 0.7 ** np.arange(8)
    assert stage_of(repeated)[0] == "decline"
    found = life_cycle_stage([100 + noise], fit_bass([100 + noise]))
    assert 0.5 < found.confidence[0] <= 1
    assert np.isnan(found.next_in[0])


def test_a_notice_overrides_what_demand_looks_like() -> None:
    assert stage_of(AIR_CONDITIONERS, end_announced=True) == ("end_of_life", "notice")


def test_a_new_stage_must_hold() -> None:
    """Ten level periods, then falls of a fifth: decline counts once it was seen twice, or where it stood before."""
    falling = np.concatenate([np.full(12, 100.0), 100 * 0.6 ** np.arange(1, 5)])
    fit = fit_bass(np.stack([falling]))
    params = StageParams(hold=3, window=4, least_fit=0.999)
    seen = [life_cycle_stage([falling[:k]], fit_bass([falling[:k]]), params) for k in range(12, 17)]
    assert [STAGES[each.seen[0]] for each in seen] == ["mature", "decline", "decline", "decline", "decline"]
    assert [each.names()[0] for each in seen] == ["mature", "mature", "mature", "decline", "decline"]
    standing = life_cycle_stage([falling[:13]], fit_bass([falling[:13]]), params, standing=[3])
    assert standing.names() == ["decline"]
    assert len(fit.p) == 1


def test_a_young_product_goes_by_its_analogues() -> None:
    young = AIR_CONDITIONERS[:2]
    fit = fit_bass([young], BassParams(YEARLY_MEANS))
    found = life_cycle_stage([young], fit)
    assert (found.names(), GROUNDS[found.grounds[0]]) == (["ramp"], "analogue")
    assert found.next_in[0] > 0
    assert 0 < found.confidence[0] <= 1


def test_nothing_observed_is_unknown_and_empty_is_empty() -> None:
    blank = np.full((2, 6), np.nan)
    found = life_cycle_stage(blank, fit_bass(blank))
    assert found.names() == ["unknown", "unknown"]
    assert np.isnan(found.confidence).all()
    none = np.empty((0, 6))
    assert life_cycle_stage(none, fit_bass(none)).names() == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_bass([-1.0, 2, 3]), "sales: must be 0 or more"),
        (lambda: bass_peak(0, 0.4), "p: must be above 0"),
        (lambda: bass_share(0.1, -0.4, 1), "q: must be 0 or more"),
        (lambda: bass_demand(0.1, 0.4, 1, -1), "periods: is -1"),
        (lambda: Analogues(p=(0.1,), q=()), "p, q: have 1 and 0"),
        (lambda: Analogues(market=0), "market: is 0"),
        (lambda: YEARLY_MEANS.per(0), "periods: is 0"),
        (lambda: BassParams(least_noise=1), "least_noise"),
        (lambda: StageParams(ramp_share=0.6), "ramp_share"),
        (lambda: StageParams(flat=0), "flat"),
        (lambda: StageParams(hold=0), "hold 1 or more"),
        (lambda: life_cycle_stage([[1.0, 2], [1, 2]], fit_bass([1.0, 2])), "fit: has 1 series"),
        (lambda: life_cycle_stage([[1.0, 2]], fit_bass([1.0, 2]), standing=[9]), "standing"),
    ],
)
def test_wrong_input_is_named(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        call()
