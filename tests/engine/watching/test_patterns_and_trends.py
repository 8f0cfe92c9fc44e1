"""Runs rules, limits of shares, change points, trends, queues and alarms against published numbers and slow oracles."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import combinations, pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from tierwise.engine.watching import (
    NELSON,
    AlarmParams,
    ChangeParams,
    Rule,
    TrendParams,
    alarm_quality,
    change_points,
    false_discovery,
    individuals_limits,
    lead_time_growth,
    queue_effect,
    rate_limits,
    runs_rules,
    share_limits,
    threshold_for_budget,
    time_to_threshold,
    trend,
    utilisation_limit,
)

NAN = float("nan")
TC_25 = [0.62, 0.64, 0.63, 0.67, 0.70, 0.69, 0.74, 0.78, 0.77, 0.82, 0.85, 0.88]
# Coal-mining disasters a year, 1851 to 1962 (Carlin, Gelfand and Smith, Applied Statistics 41 (1992) 389-405).
COAL = [4, 5, 4, 1, 0, 4, 3, 4, 0, 6, 3, 3, 4, 0, 2, 6, 3, 3, 5, 4, 5, 3, 1, 4, 4, 1, 5, 5, 3, 4, 2, 5, 2, 2, 3, 4]
COAL += [2, 1, 3, 2, 2, 1, 1, 1, 1, 3, 0, 0, 1, 0, 1, 1, 0, 0, 3, 1, 0, 3, 2, 2, 0, 1, 1, 1, 0, 1, 0, 1, 0, 0, 0]
COAL += [2, 1, 0, 0, 0, 1, 1, 0, 2, 3, 3, 1, 1, 2, 1, 1, 1, 1, 2, 4, 2, 0, 0, 0, 1, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0]
COAL += [1, 0, 0, 1, 0, 1]


def window(seen: list[float], n: int) -> list[float]:
    return seen[-n:] if len(seen) >= n else []


def slow_rules(x: list[float]) -> list[set[int]]:
    """Nelson's rules as worded, by looking back at the points each time."""
    seen: list[float] = []
    out = []
    for value in x:
        broken: set[int] = set()
        if not np.isnan(value):
            seen.append(value)

            sign = 1 if value > 0 else -1
            steps = [np.sign(b - a) for a, b in pairwise(seen)]
            if abs(value) > 3:
                broken.add(1)
            if (w := window(seen, 9)) and (all(v > 0 for v in w) or all(v < 0 for v in w)):
                broken.add(2)
            if len(seen) >= 6 and abs(sum(steps[-5:])) == 5:
                broken.add(3)
            if len(seen) >= 14 and all(a * b == -1 for a, b in zip(steps[-13:], steps[-12:], strict=False)):
                broken.add(4)
            if sum(v * sign > 2 for v in seen[-3:]) >= 2 and value * sign > 2:
                broken.add(5)
            if sum(v * sign > 1 for v in seen[-5:]) >= 4 and value * sign > 1:
                broken.add(6)
            if (w := window(seen, 15)) and all(abs(v) < 1 for v in w):
                broken.add(7)
            if (w := window(seen, 8)) and all(abs(v) > 1 for v in w):
                broken.add(8)
        out.append(broken)
    return out


@settings(max_examples=80)
@given(
    st.lists(
        st.one_of(st.sampled_from([-3.5, -2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, 3.5]), st.floats(-2, 4), st.just(NAN)),
        max_size=60,
    )
)
def test_the_rules_are_those_of_nelson(x: list[float]) -> None:
    found = runs_rules(x, 0, 1, NELSON)
    assert [set(found.broken(0, t)) for t in range(len(x))] == slow_rules(x)


def test_each_rule_finds_its_own_pattern() -> None:
    patterns = {
        1: [3.1],
        2: [0.1] * 9,
        3: [-0.3, -0.2, -0.1, 0.1, 0.2, 0.3],
        4: [0.2, -0.2] * 7,
        5: [2.1, 0.5, 2.2],
        6: [1.1, 1.2, 0.2, 1.3, 1.4],
        7: [0.5, -0.5, -0.4] * 5,
        8: [1.5, -1.5, 1.6, 1.7, -1.5, -1.6, 1.5, 1.6],
    }
    for number, pattern in patterns.items():
        found = runs_rules(pattern, 0, 1, frozenset({Rule(number)}))
        assert found.first_signal.tolist() == [len(pattern) - 1], number


def test_limits_of_single_values_shares_and_rates() -> None:
    nist = individuals_limits([49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1])
    assert nist.upper[0, 0] == pytest.approx(55.8041, abs=5e-4)
    assert nist.lower[0, 0] == pytest.approx(45.8159, abs=5e-4)
    empty = individuals_limits([[1.0, NAN, 2.0], [NAN, NAN, NAN]])
    assert np.isnan(empty.sigma).all()
    assert empty.n.tolist() == [2, 0]
    shares = share_limits([[8, 12, 10, 60], [1, 2, 3, NAN]], [[100, 100, 100, 100], [10, 0, 10, 10]])
    assert shares.beyond([[0.08, 0.12, 0.1, 0.6], [0.1, NAN, 0.3, NAN]]).tolist() == [
        [True, False, False, True],
        [False, False, False, False],
    ]
    assert shares.n.tolist() == [4, 2]
    rates = rate_limits([[4, 6, 5]], [[10, 10, 10]])
    assert rates.lower.tolist() == [[0, 0, 0]]
    # Laney: shares that drift about more than chance get wider limits.
    wandering = [[500, 560, 480, 540, 450, 550]], [[1000] * 6]
    plain, wide = share_limits(*wandering), share_limits(*wandering, laney=True)
    assert plain.beyond([[0.5, 0.56, 0.48, 0.54, 0.45, 0.55]]).any()
    assert not wide.beyond([[0.5, 0.56, 0.48, 0.54, 0.45, 0.55]]).any()


def test_false_discovery_ignores_missing_tests() -> None:
    assert false_discovery([0.001, NAN, 0.9]).tolist() == [True, False, False]
    assert false_discovery([]).tolist() == []
    assert false_discovery([[0.2], [0.01]], rate=0.1).tolist() == [[False], [True]]


def slow_change(x: list[float], params: ChangeParams, mean: float) -> list[float]:
    """Recent change by enumerating all run lengths over closed-form evidences of the stretches."""

    def evidence(part: list[float]) -> float:
        n = len(part)
        if params.model == "poisson":
            a, b = mean * params.prior_n, params.prior_n
            total = sum(part)
            fixed = a * np.log(b) - special.gammaln(a) - sum(special.gammaln(v + 1) for v in part)
            return float(fixed + special.gammaln(a + total) - (a + total) * np.log(b + n))
        kappa, alpha, beta = 1 / params.level_spread**2, 2.0, 1.0
        bar = float(np.mean(part))
        after = beta + 0.5 * sum((v - bar) ** 2 for v in part) + kappa * n * bar**2 / (2 * (kappa + n))
        return float(
            special.gammaln(alpha + n / 2)
            - special.gammaln(alpha)
            + alpha * np.log(beta)
            - (alpha + n / 2) * np.log(after)
            + 0.5 * np.log(kappa / (kappa + n))
            - n / 2 * np.log(2 * np.pi)
        )

    hazard = 1 / params.expected_run
    weight: dict[int, float] = {0: 1.0}  # probability mass of x[:start] with a run beginning at start
    out = []
    for t in range(1, len(x) + 1):
        joint = {s: w * np.exp(evidence(x[s:t])) * (1 - hazard) ** (t - s - 1) for s, w in weight.items()}
        total = sum(joint.values())
        out.append(sum(v for s, v in joint.items() if t - s <= params.window and s > 0) / total)
        weight[t] = hazard * total
    return out


@pytest.mark.parametrize("model", ["normal", "poisson"])
def test_run_length_posterior_against_enumeration(model: str) -> None:
    rng = np.random.default_rng(1)
    params = ChangeParams(model=model, expected_run=12, window=4)  # type: ignore[arg-type]
    x = [float(v) for v in (rng.poisson(3, 25) if model == "poisson" else rng.normal(0, 1, 25))]
    x[12:] = [v + (8 if model == "poisson" else 4) for v in x[12:]]
    found = change_points(x, target=3.0 if model == "poisson" else 0.0, params=params)
    assert found.recent[0] == pytest.approx(slow_change(x, params, 3.0), abs=1e-9)
    assert found.changed_at.tolist() == [12]


def test_change_in_the_coal_mines_and_gaps() -> None:
    """Carlin, Gelfand and Smith put the change at 1891, most probably 1889 to 1892."""
    params = ChangeParams(model="poisson", expected_run=100, window=30)
    found = change_points(COAL, target=2.0, params=params)
    assert 1887 <= 1851 + int(found.changed_at[0]) <= 1893
    gap = np.array([0.1, -0.2, NAN, 0.3, NAN, 5.1, 5.3, 4.9, 5.0])
    with_gaps = change_points(gap, 0)
    assert with_gaps.changed_at.tolist() == [5]
    assert with_gaps.recent[0, 4] == with_gaps.recent[0, 3]
    unknown = change_points([[NAN, NAN], [1.0, NAN]], 0)
    assert np.isnan(unknown.level[0]).all()
    assert unknown.first_signal.tolist() == [-1, -1]
    assert unknown.run_length.tolist() == [[0, 0], [1, 1]]
    assert change_points([], 0).changed_at.tolist() == [-1]


def test_tc_25_trend_of_utilisation() -> None:
    found = trend(TC_25)
    assert found.score.tolist() == [60]
    assert f"{found.p[0]:.0e}" == "5e-05"
    assert round(float(found.slope[0]), 3) == 0.024
    assert found.n.tolist() == [12]


def slow_kendall(x: list[float]) -> tuple[float, float]:
    pairs = list(combinations(range(len(x)), 2))
    score = float(sum(np.sign(x[j] - x[i]) for i, j in pairs))
    return score, float(np.median([(x[j] - x[i]) / (j - i) for i, j in pairs]))


@settings(max_examples=60)
@given(st.lists(st.integers(-5, 5).map(float), min_size=4, max_size=25))
def test_mann_kendall_and_sen_against_all_pairs_and_scipy(x: list[float]) -> None:
    found = trend(x)
    score, slope = slow_kendall(x)
    assert found.score[0] == score
    assert found.slope[0] == pytest.approx(slope)
    line = stats.theilslopes(x, np.arange(len(x)))
    assert found.slope[0] == pytest.approx(line.slope)
    # SciPy rounds the ranks where this widens outwards.
    assert found.slope_low[0] <= line.low_slope + 1e-12
    assert found.slope_high[0] >= line.high_slope - 1e-12
    if len(set(x)) > 1:
        n = len(x)
        ties = sum(c * (c - 1) * (2 * c + 5) for c in (x.count(v) for v in set(x)))
        assert found.variance[0] == pytest.approx((n * (n - 1) * (2 * n + 5) - ties) / 18)
    back = trend(x[::-1])
    assert back.score[0] == -score
    assert back.p[0] == pytest.approx(found.p[0])


def test_trends_know_of_gaps_small_samples_and_waves() -> None:
    rising = trend([0.0, NAN, 2.0, 3.0, NAN, 5.0, 6.0])
    assert rising.slope.tolist() == [1.0]
    assert rising.level.tolist() == [6.0]
    assert trend([1.0, 5.0, 9.0, 30.0], times=[0, 2, 4, 14.5]).slope.tolist() == [2.0]
    few = trend([[1.0, 2.0, 3.0], [NAN, NAN, NAN]])
    assert np.isnan(few.p).all()
    assert np.isnan(time_to_threshold(few, 5.0).expected).all()
    flat = trend([2.0] * 8)
    assert (flat.p[0], flat.slope[0]) == (1.0, 0.0)
    rng = np.random.default_rng(11)
    waves = np.zeros((200, 60))
    for t in range(1, 60):
        waves[:, t] = 0.6 * waves[:, t - 1] + rng.standard_normal(200)
    plain = (trend(waves).p < 0.05).mean()
    corrected = (trend(waves, params=TrendParams(autocorrelation="hamed_rao")).p < 0.05).mean()
    assert corrected < plain / 1.5


def test_hamed_and_rao_against_pymannkendall() -> None:
    peer = pytest.importorskip(
        "pymannkendall", reason="pymannkendall is no dependency; the oracle runs where installed"
    )
    rng = np.random.default_rng(2)
    for _ in range(5):
        x = np.cumsum(rng.standard_normal(40)) * 0.4 + rng.standard_normal(40)
        theirs = peer.hamed_rao_modification_test(x)
        ours = trend(x, params=TrendParams(autocorrelation="hamed_rao"))
        assert ours.p[0] == pytest.approx(theirs.p, rel=1e-9)
        assert ours.variance[0] == pytest.approx(theirs.var_s, rel=1e-9)


def test_time_to_a_threshold_on_either_side() -> None:
    found = trend([[1.0, 2.0, 3.0, 4.0, 5.0], [5.0, 4.0, 3.0, 2.0, 1.0]])
    up, down = time_to_threshold(found, 7.0), time_to_threshold(found, 0.0, rising=False)
    assert up.expected.tolist() == [2.0, np.inf]
    assert down.expected.tolist() == [np.inf, 1.0]
    assert time_to_threshold(found, 4.0).expected[0] == 0.0


def test_tc_40_queue_effect() -> None:
    assert queue_effect([0.8, 0.9, 0.95]) == pytest.approx([4, 9, 19])


@settings(max_examples=40)
@given(st.floats(0.01, 0.99), st.floats(0.1, 4), st.floats(0, 4), st.integers(1, 20))
def test_waiting_grows_with_load_and_variability_and_inverts(u: float, ca2: float, cs2: float, servers: int) -> None:
    wait = float(queue_effect(u, ca2, cs2, servers))
    assert float(utilisation_limit(wait, ca2, cs2, servers)) == pytest.approx(u, rel=1e-6)
    assert float(queue_effect(min(u * 1.005, 1.0), ca2, cs2, servers)) > wait
    assert float(queue_effect(u, ca2 + 0.1, cs2, servers)) > wait
    assert float(queue_effect(u, ca2, cs2, servers + 1)) < wait


def test_the_approximation_is_near_erlangs_formula() -> None:
    for servers in (2, 4, 8):
        for u in (0.7, 0.9):
            load = servers * u
            k = np.arange(servers)
            below = (load**k / special.factorial(k)).sum()
            last = load**servers / special.factorial(servers) / (1 - u)
            exact = last / (below + last) / (servers * (1 - u))
            assert float(queue_effect(u, servers=servers)) == pytest.approx(exact, rel=0.1, abs=0.03)


def test_queues_at_the_edges() -> None:
    assert np.isposinf(queue_effect([1.0, 1.2])).all()
    assert np.isnan(queue_effect(NAN))
    assert queue_effect([]).shape == (0,)
    assert float(utilisation_limit(0.5, 0.0, 0.0)) == 1.0
    assert float(lead_time_growth(0.8, 0.9)) == pytest.approx(2)
    with pytest.raises(ValueError, match="servers"):
        queue_effect(0.5, servers=0)
    with pytest.raises(ValueError, match="service_scv"):
        queue_effect(0.5, service_scv=-1)


DAY = date(2026, 1, 1)


def frame(rows: list[tuple[str, int]]) -> pl.DataFrame:
    schema = {"series": pl.String, "on": pl.Date}
    return pl.DataFrame([(s, DAY + timedelta(days=d)) for s, d in rows], schema=schema, orient="row")


def test_alarms_are_judged_as_episodes() -> None:
    alarms = frame([("a", 0), ("a", 5), ("a", 9), ("a", 60), ("b", 0), ("c", 3)])
    events = frame([("a", 20), ("a", 30), ("b", 200), ("c", 1)])
    found = alarm_quality(alarms, events, 4 * 365.25, AlarmParams(horizon_days=28, grace_days=2))
    assert found.episodes.select("series", "alarms", "lead_days").rows() == [
        ("a", 3, 20),
        ("a", 1, None),
        ("b", 1, None),
        ("c", 1, -2),
    ]
    assert found.precision == 0.5
    assert found.recall == 0.75
    assert found.median_lead_days == 20
    assert found.false_per_year == pytest.approx(0.5)
    assert found.precision_low < 0.5 < found.precision_high


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 40)), max_size=12),
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60)), max_size=8),
    st.integers(0, 5),
)
def test_alarm_quality_against_a_plain_count(
    alarms: list[tuple[str, int]], events: list[tuple[str, int]], quiet: int
) -> None:
    params = AlarmParams(horizon_days=10, grace_days=3, quiet_days=quiet)
    found = alarm_quality(frame(alarms), frame(events), 100, params)
    episodes: list[list[tuple[str, int]]] = []
    for alarm in sorted(alarms):
        if episodes and episodes[-1][-1][0] == alarm[0] and alarm[1] - episodes[-1][-1][1] <= quiet:
            episodes[-1].append(alarm)
        else:
            episodes.append([alarm])
    happened = set(events)
    reaches = [{e for e in happened if e[0] == ep[0][0] and ep[0][1] - 3 <= e[1] <= ep[-1][1] + 10} for ep in episodes]
    assert found.episodes.height == len(episodes)
    assert found.episodes["event_on"].count() == sum(bool(r) for r in reaches)
    assert found.events["warned_on"].count() == len(set().union(*reaches))


def test_alarm_quality_without_alarms_or_events() -> None:
    nothing = alarm_quality(frame([]), frame([]), 10)
    assert np.isnan([nothing.precision, nothing.recall, nothing.median_lead_days]).all()
    assert nothing.false_per_year == 0
    with pytest.raises(ValueError, match=r"^series_days"):
        alarm_quality(frame([]), frame([]), 0)
    with pytest.raises(ValueError, match=r"^alarms: column .* is missing"):
        alarm_quality(pl.DataFrame({"on": [DAY]}), frame([]), 1)


def test_a_threshold_takes_all_of_one_height_or_none() -> None:
    scores = pl.DataFrame({"score": [0.9, 0.9, 0.5, NAN, None], "event": [True, False, True, True, True]})
    assert threshold_for_budget(scores, 0).threshold == np.inf
    assert threshold_for_budget(scores, 1).caught == 2
    with pytest.raises(ValueError, match=r"^budget"):
        threshold_for_budget(scores, -1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: ChangeParams(model="gamma"), "model"),  # type: ignore[arg-type]
        (lambda: ChangeParams(expected_run=1), "expected_run"),
        (lambda: ChangeParams(window=0), "window"),
        (lambda: ChangeParams(threshold=1), "threshold"),
        (lambda: ChangeParams(level_spread=0), "level_spread"),
        (lambda: ChangeParams(prior_n=0), "prior_n"),
        (lambda: change_points([1.0], 0, params=ChangeParams(model="poisson")), "target"),
        (lambda: change_points([-1.0], 1, params=ChangeParams(model="poisson")), "values"),
        (lambda: TrendParams(confidence=1), "confidence"),
        (lambda: TrendParams(least_n=2), "least_n"),
        (lambda: TrendParams(autocorrelation="x"), "autocorrelation"),  # type: ignore[arg-type]
        (lambda: trend([1.0, 2.0], times=[1.0, 1.0]), "times"),
        (lambda: trend([1.0, 2.0], times=[1.0]), "times"),
        (lambda: AlarmParams(horizon_days=-1), "horizon_days"),
        (lambda: AlarmParams(confidence=0), "confidence"),
        (lambda: false_discovery([2.0]), "p"),
        (lambda: false_discovery([0.2], rate=0), "rate"),
    ],
)
def test_errors_name_the_field(wrong, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=f"^{message}: "):
        wrong()


def test_counts_must_fit_their_sizes() -> None:
    with pytest.raises(ValueError, match="hits: exceed"):
        share_limits([[2]], [[1]])
    with pytest.raises(ValueError, match="one size per count"):
        rate_limits([[2]], [[1, 2]])
    with pytest.raises(ValueError, match="0 or more"):
        rate_limits([[-2]], [[1]])
