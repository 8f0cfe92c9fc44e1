"""Cumulative sums, moving averages and limits by simulation against published charts and slow oracles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.watching import (
    CusumParams,
    EwmaParams,
    TuneParams,
    cusum,
    cusum_run_length,
    ewma,
    ewma_run_length,
    tune_limit,
)

TC_15 = [102.0, 94.8, 98.3, 98.4, 102.0, 98.5, 99.0, 97.7, 100.0, 98.1]
TC_15 += [101.3, 98.7, 101.1, 98.4, 97.0, 96.7, 100.3, 101.4, 97.2, 101.0]
TC_16 = [52, 47, 53, 49.3, 50.1, 47, 51, 50.1, 51.2, 50.5, 49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
NAN = float("nan")


def test_tc_15_cusum_of_montgomery_and_runger() -> None:
    chart = cusum(TC_15, target=99, params=CusumParams(allowance=1, limit=10))
    high = [2, 0, 0, 0, 2, 0.5, 0, 0, 0, 0, 1.3, 0, 1.1, 0, 0, 0, 0.3, 1.7, 0, 1]
    low = [0, 3.2, 2.9, 2.5, 0, 0, 0, 0.3, 0, 0, 0, 0, 0, 0, 1, 2.3, 0, 0, 0.8, 0]
    assert chart.high[0] == pytest.approx(high, abs=1e-9)
    assert chart.low[0] == pytest.approx(low, abs=1e-9)
    assert chart.first_signal.tolist() == [-1]
    assert chart.onset.tolist() == [-1]
    assert np.isnan(chart.shift[0])


@pytest.mark.parametrize(
    ("head", "sums", "first"),
    [(0.0, [0.3, 1.7, 2.6, 4.1, 4.7, 4.9, 7.0], 6), (0.5, [2.8, 4.2, 5.1, 6.6, 7.2, 7.4, 9.5], 2)],
)
def test_tc_15_fast_initial_response_of_lucas_and_crosier(head: float, sums: list[float], first: int) -> None:
    drift = [0.8, 1.9, 1.4, 2.0, 1.1, 0.7, 2.6]
    chart = cusum(drift, target=0, params=CusumParams(allowance=0.5, limit=5, head_start=head))
    assert chart.high[0] == pytest.approx(sums)
    assert chart.first_signal.tolist() == [first]
    assert chart.onset.tolist() == [0]


def test_tc_16_ewma_of_the_nist_handbook() -> None:
    chart = ewma(TC_16, target=50, scale=2.0539, params=EwmaParams(weight=0.3, width=3, limits="steady"))
    level = [50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75, 49.85, 50.26, 50.33]
    level += [50.11, 49.36, 49.52, 50.05, 49.38, 49.92, 50.73, 51.23, 51.94, 51.99]
    assert chart.level[0] == pytest.approx(level, abs=0.0051)
    assert chart.upper[0] == pytest.approx([52.5884] * 20, abs=5e-5)
    assert chart.lower[0] == pytest.approx([47.4116] * 20, abs=5e-5)
    assert chart.first_signal.tolist() == [-1]


@pytest.mark.parametrize(
    ("limit", "shift", "published"),
    [(4, 0, 168), (4, 0.5, 26.6), (4, 1, 8.38), (4, 2, 3.34), (5, 0, 465), (5, 0.5, 38.0), (5, 1, 10.4), (5, 2, 4.01)],
)
def test_run_lengths_of_montgomery_table_9_3(limit: float, shift: float, published: float) -> None:
    found = cusum_run_length(shift, CusumParams(allowance=0.5, limit=limit))
    assert float(found) == pytest.approx(published, rel=0.005)


def test_run_lengths_with_a_head_start_of_lucas_and_crosier() -> None:
    """Their table 2, k = 0.5 and h = 5: 430 in control, 6.35 one standard deviation off."""
    params = CusumParams(allowance=0.5, limit=5, head_start=0.5)
    assert cusum_run_length([0.0, 1.0], params) == pytest.approx([430, 6.35], rel=0.005)
    assert np.isnan(cusum_run_length(NAN))


@pytest.mark.parametrize(("weight", "width", "shift", "published"), [(0.25, 2.998, 0, 500), (0.4, 3.054, 1, 14.3)])
def test_run_lengths_of_lucas_and_saccucci(weight: float, width: float, shift: float, published: float) -> None:
    assert float(ewma_run_length(shift, EwmaParams(weight=weight, width=width))) == pytest.approx(published, rel=0.005)


def test_simulated_limits_agree_with_the_integral_equations() -> None:
    tune = TuneParams(run_length=100, runs=4000, seed=5)
    for head in (0.0, 0.5):
        found = tune_limit(CusumParams(allowance=0.5, head_start=head), tune)
        assert found.run_length == pytest.approx(100, rel=0.001)
        assert found.low < float(cusum_run_length(0.0, found.chart)) < found.high
    average = tune_limit(EwmaParams(weight=0.2, limits="steady"), tune)
    assert average.low < float(ewma_run_length(0.0, average.chart)) < average.high
    assert average.tenth < average.median < average.run_length


def test_simulation_reads_the_same_run_lengths_as_the_chart_itself() -> None:
    """The maxima kept per series stand for the chart: its own first signals, under limits drawn afterwards."""
    from tierwise.engine.watching import kernels

    for params in (CusumParams(head_start=0.4), CusumParams(head_start=0.0)):
        rng = np.random.default_rng(7)
        size = (50, 400, 1)
        found = kernels.records(
            np.random.default_rng(7), np.empty(0), size, (0.0, 0.5, 1 - params.head_start, np.empty(0))
        )
        lengths = np.empty(50, dtype=np.int64)
        kernels.passages(found, params.limit, 400, lengths)
        drawn = np.array([[rng.standard_normal() for _ in range(400)] for _ in range(50)])
        first = cusum(drawn, 0, 1, params).first_signal
        assert np.where(first < 0, 401, first + 1).tolist() == lengths.tolist()


def test_heavy_tails_and_autocorrelation_need_wider_limits() -> None:
    rng = np.random.default_rng(3)
    tune = TuneParams(run_length=100, runs=1500)
    plain = tune_limit(CusumParams(), tune).limit
    heavy = rng.standard_t(3, 600) / np.sqrt(3)
    assert tune_limit(CusumParams(), tune, heavy).limit > plain
    wave = np.zeros(600)
    for t in range(1, 600):
        wave[t] = 0.7 * wave[t - 1] + rng.standard_normal()
    wave /= wave.std()
    independent = tune_limit(CusumParams(), tune, wave).limit
    together = tune_limit(CusumParams(), TuneParams(run_length=100, runs=1500, block=20), wave)
    assert together.limit > 1.3 * independent
    assert together.history == 600


def test_fast_initial_response_narrows_only_the_first_limits() -> None:
    plain, fast = EwmaParams(), EwmaParams(fast_initial_response=0.5)
    share = fast.spread(30) / plain.spread(30)
    assert share[0] == pytest.approx(0.5)
    assert (np.diff(share) > 0).all()
    assert share[19] == pytest.approx(0.99)


def slow_cusum(x: list[float], k: float, h: float, head: float) -> tuple[list[float], list[float], int]:
    up, down, first, ups, downs = head * h, head * h, -1, [], []
    for t, z in enumerate(x):
        if not np.isnan(z):
            up, down = max(0.0, up + z - k), max(0.0, down - z - k)
            if first < 0 and (up > h or down > h):
                first = t
        ups.append(up)
        downs.append(down)
    return ups, downs, first


series = st.lists(st.one_of(st.floats(-4, 4), st.just(NAN)), max_size=40)


@settings(max_examples=60)
@given(x=series, k=st.floats(0, 1), h=st.floats(0.5, 6), head=st.floats(0, 0.9))
def test_the_kernel_is_the_textbook_recursion(x: list[float], k: float, h: float, head: float) -> None:
    chart = cusum(x, 0, 1, CusumParams(k, h, head))
    ups, downs, first = slow_cusum(x, k, h, head)
    assert chart.high[0].tolist() == pytest.approx(ups)
    assert chart.low[0].tolist() == pytest.approx(downs)
    assert chart.first_signal[0] == first
    mirrored = cusum(-np.array(x), 0, 1, CusumParams(k, h, head))
    assert mirrored.low[0].tolist() == pytest.approx(ups)


@settings(max_examples=40)
@given(x=series, a=st.floats(0.5, 20), b=st.floats(-50, 50))
def test_units_do_not_matter(x: list[float], a: float, b: float) -> None:
    """Degrees or grades: the same signals from any linear scale, the levels in its unit."""
    values = np.array(x)
    params = EwmaParams(fast_initial_response=0.3)
    one, other = ewma(values, 0.1, 1.0, params), ewma(a * values + b, a * 0.1 + b, a, params)
    assert other.level[0] == pytest.approx(a * one.level[0] + b, rel=1e-6, abs=1e-6)
    far = ~np.isclose(one.level, one.upper) & ~np.isclose(one.level, one.lower)
    assert (one.signal == other.signal)[far].all()


def test_a_panel_is_its_series_and_gaps_are_passed_over() -> None:
    rng = np.random.default_rng(0)
    panel = rng.normal(0.4, 1, (5, 60))
    panel[1, 10:20] = NAN
    panel[4] = NAN
    whole = cusum(panel, 0, 1, CusumParams(limit=3))
    single = [cusum(row, 0, 1, CusumParams(limit=3)) for row in panel]
    assert whole.first_signal.tolist() == [int(each.first_signal[0]) for each in single]
    assert whole.n.tolist() == [60, 50, 60, 60, 0]
    assert whole.first_signal[4] == -1
    squeezed = cusum(panel[1][~np.isnan(panel[1])], 0, 1, CusumParams(limit=3))
    assert whole.high[1, -1] == squeezed.high[0, -1]
    assert cusum(np.empty((3, 0)), 0).first_signal.tolist() == [-1, -1, -1]
    assert ewma([], 0).signal.shape == (1, 0)
    assert np.isnan(ewma([NAN, 1.0], 0).upper[0, 0])


def test_shift_onset_and_restart() -> None:
    x = [0.0] * 20 + [2.0] * 20
    chart = cusum(x, 0, 1)
    assert (chart.first_signal[0], chart.onset[0], chart.shift[0]) == (23, 20, 2.0)
    assert cusum([-v for v in x], 0, 1).shift[0] == -2.0
    again = cusum(x, 0, 1, CusumParams(after_signal="restart"))
    assert np.flatnonzero(again.signal[0]).tolist() == [23, 27, 31, 35, 39]
    ongoing = cusum(x, 0, 1)
    assert np.flatnonzero(ongoing.signal[0]).tolist() == list(range(23, 40))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: CusumParams(limit=0), "limit"),
        (lambda: CusumParams(allowance=-1), "allowance"),
        (lambda: CusumParams(head_start=1), "head_start"),
        (lambda: CusumParams(after_signal="stop"), "after_signal"),  # type: ignore[arg-type]
        (lambda: EwmaParams(weight=0), "weight"),
        (lambda: EwmaParams(width=-1), "width"),
        (lambda: EwmaParams(limits="loose"), "limits"),  # type: ignore[arg-type]
        (lambda: EwmaParams(fast_initial_response=1), "fast_initial_response"),
        (lambda: TuneParams(run_length=1), "run_length"),
        (lambda: TuneParams(runs=1), "runs"),
        (lambda: TuneParams(block=0), "block"),
        (lambda: tune_limit(CusumParams(), history=[1.0] * 30), "history"),
        (lambda: tune_limit(CusumParams(), history=[1.0, 2.0]), "history"),
        (lambda: tune_limit(CusumParams(), history=[float("inf")] * 30), "history"),
        (lambda: cusum([1.0], target=0, scale=0), "scale"),
        (lambda: cusum([1.0], target=NAN), "target"),
        (lambda: cusum([[1.0], [2.0]], target=[1.0, 2.0, 3.0]), "target"),
        (lambda: cusum([float("inf")], target=0), "values"),
        (lambda: cusum(np.zeros((1, 1, 1)), target=0), "values"),
    ],
)
def test_errors_name_the_field(wrong, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=f"^{message}: "):
        wrong()
