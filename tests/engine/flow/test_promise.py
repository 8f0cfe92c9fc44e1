"""On-time reach against a plain recursion, draws of whole journeys, and calendars."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.flow import Promises, TransitNetwork, reach, transit_shares


def random_network(seed: int) -> TransitNetwork:
    draw = np.random.default_rng(seed)
    pairs = [(a, b) for a in range(4) for b in range(5) if a != b and draw.random() < 0.5]
    transit = draw.dirichlet(np.ones(4), len(pairs)) * draw.choice([1, 0.8], (len(pairs), 1))
    transit[:, 0] *= draw.random(len(pairs)) < 0.5
    transit = np.pad(transit, ((0, 0), (0, 5)))
    departs = draw.random((len(pairs), 7)) < 0.7
    return TransitNetwork(
        5, [a for a, _ in pairs], [b for _, b in pairs], transit, departs, draw.random(len(pairs)) < 0.1
    )


def plainly(n: TransitNetwork, goal: int, rounds: int = 5) -> object:
    """Chance from its definition; ``hops`` left on one day stand for going round until nothing changes."""

    @cache
    def chance(place: int, weekday: int, left: int, hops: int = rounds) -> float:
        if place == goal:
            return 1.0
        best = 0.0
        for lane in np.flatnonzero((n.source == place) & ~n.closed).tolist():
            wait = next((w for w in range(7) if n.departs[lane, (weekday + w) % 7]), None)
            if wait is None or wait > left:
                continue
            total = 0.0
            for days in range(left - wait + 1):
                later = wait + days > 0
                if n.transit[lane, days] and (later or hops):
                    then = chance(
                        int(n.target[lane]),
                        (weekday + wait + days) % 7,
                        left - wait - days,
                        rounds if later else hops - 1,
                    )
                    total += n.transit[lane, days] * then
            best = max(best, total)
        return best

    return chance


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_chances_are_those_of_the_plain_recursion(seed: int) -> None:
    network = random_network(seed)
    chance = plainly(network, 4)
    rows = [(o, d, w) for o in range(4) for d in (0, 3, 8) for w in (0, 4)]
    found = reach(
        network, Promises([r[0] for r in rows], [4] * len(rows), [r[1] for r in rows], 1, [r[2] for r in rows])
    )
    assert found.on_time == pytest.approx([chance(o, w, d) for o, d, w in rows])  # type: ignore[operator]
    anyday = reach(network, Promises([0], [4], [8]))
    assert anyday.on_time[0] == pytest.approx(np.mean([chance(0, w, 8) for w in range(7)]))  # type: ignore[operator]


def test_a_single_way_is_the_sum_of_its_legs() -> None:
    draw = np.random.default_rng(2)
    legs = [draw.choice([1, 2, 5], 4000, p=[0.5, 0.3, 0.2]), draw.choice([2, 3], 4000, p=[0.6, 0.4])]
    shares = transit_shares(np.repeat([0, 1], 4000), np.concatenate(legs), 2, 12)
    found = reach(TransitNetwork(3, [0, 1], [1, 2], shares), Promises([0, 0], [2, 2], [5, 7]))
    journeys = draw.choice(legs[0], 40_000) + draw.choice(legs[1], 40_000)
    assert found.on_time == pytest.approx([(journeys <= 5).mean(), (journeys <= 7).mean()], abs=0.01)
    assert found.days_needed[0] == np.quantile(journeys, 0.95, method="inverted_cdf")


def test_p95_of_a_sum_is_not_the_sum_of_p95() -> None:
    shares = transit_shares([0] * 20 + [1] * 20, ([1] * 18 + [4] * 2) * 2, 2, 10)
    found = reach(TransitNetwork(3, [0, 1], [1, 2], shares), Promises([0], [2], [5]), 0.95)
    assert found.on_time[0] == pytest.approx(1 - 0.1**2)
    assert found.days_needed[0] == 5, "and not 8"


def test_a_lane_that_leaves_on_thursday_makes_friday_wait_six_days() -> None:
    departs = [[False, False, False, True, False, False, False]]
    network = TransitNetwork(2, [0], [1], transit_shares([0], [1], 1, 10), departs)
    found = reach(network, Promises([0, 0, 0], [1, 1, 1], [1, 6, 7], weekday=[3, 4, 4]))
    assert found.on_time.tolist() == [1, 0, 1]
    assert found.days_needed.tolist() == [1, 7, 7]


def test_a_closed_lane_leaves_the_second_best_and_the_reach_says_so() -> None:
    shares = transit_shares([0, 1], [1, 3], 2, 5)
    demand = Promises([0, 0], [1, 1], [2, 4], [70, 30])
    both = reach(TransitNetwork(2, [0, 0], [1, 1], shares), demand)
    one = reach(TransitNetwork(2, [0, 0], [1, 1], shares, closed=[True, False]), demand)
    assert (both.share, both.first_lane.tolist()) == (1, [0, 0])
    assert (one.share, one.first_lane.tolist()) == (0.3, [-1, 1])


def test_no_demand_no_lanes_and_what_is_refused() -> None:
    bare = TransitNetwork(2, [], [], np.zeros((0, 4)))
    assert np.isnan(reach(bare, Promises([], [], [])).share)
    assert reach(bare, Promises([0, 1], [1, 1], [2, 0])).on_time.tolist() == [0, 1]
    for call, field in (
        (lambda: transit_shares([2], [1], 2, 5), "lane"),
        (lambda: transit_shares([0], [1], 2, -1), "horizon"),
        (lambda: TransitNetwork(2, [0], [5], [[1.0]]), "place"),
        (lambda: TransitNetwork(2, [0], [1], [[0.7, 0.7]]), "transit"),
        (lambda: TransitNetwork(2, [0], [1], [[1.0], [1.0]]), "per lane"),
        (lambda: Promises([0], [1], [1], weekday=9), "weekday"),
        (lambda: Promises([0], [1], [1, 2]), "days"),
        (lambda: reach(bare, Promises([0], [1], [9])), "horizon"),
        (lambda: reach(bare, Promises([9], [1], [1])), "origin"),
        (lambda: reach(bare, Promises([0], [1], [1]), 0), "level"),
    ):
        with pytest.raises(ValueError, match=field):
            call()
