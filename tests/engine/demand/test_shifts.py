"""Level shifts against a plain dynamic program over every cut, and the Nile."""

from __future__ import annotations

from math import log

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.demand import ShiftParams, level_shifts


def plain(values: list[float], params: ShiftParams, scale: float) -> float:
    """The least cost of any cutting, tried one by one."""
    n = len(values)

    def cost(part: list[float]) -> float:
        mean = sum(part) / len(part)
        if params.model == "poisson":
            return 0.0 if mean == 0 else 2 * sum(part) * (1 - log(mean))
        return sum((value - mean) ** 2 for value in part) / scale**2

    best = [0.0] + [float("inf")] * n
    for end in range(1, n + 1):
        for first in range(end - params.least_periods + 1):
            price = 0.0 if first == 0 else params.weight * log(n)
            best[end] = min(best[end], best[first] + cost(values[first:end]) + price)
    return best[n]


def priced(values: list[float], params: ShiftParams, scale: float) -> float:
    """What our own cutting costs, from its segments."""
    segment = level_shifts(values, params).segment[0]
    total = 0.0
    for number in range(int(segment.max()) + 1):
        part = [value for value, one in zip(values, segment, strict=True) if one == number]
        assert len(part) >= params.least_periods
        mean = sum(part) / len(part)
        if params.model == "poisson":
            total += 0.0 if mean == 0 else 2 * sum(part) * (1 - log(mean))
        else:
            total += sum((value - mean) ** 2 for value in part) / scale**2
    return total + params.weight * log(len(values)) * int(segment.max())


@settings(max_examples=80, deadline=None)
@given(
    values=st.lists(st.integers(0, 12).map(float), min_size=8, max_size=40), least=st.integers(1, 4),
    model=st.sampled_from(["normal", "poisson"]), weight=st.sampled_from([0.5, 1.0, 2.0]),
)  # fmt: skip
def test_no_cutting_is_cheaper(values: list[float], least: int, model: str, weight: float) -> None:
    params = ShiftParams(model, least, weight, 1.0)  # type: ignore[arg-type]
    assert priced(values, params, 1.0) == pytest.approx(plain(values, params, 1.0), rel=1e-9, abs=1e-9)


def test_a_step_is_found_where_it_is_and_its_levels_told() -> None:
    rng = np.random.default_rng(3)
    panel = rng.normal(0, 1, (3, 60)) + 20
    panel[1, 30:] += 5
    panel[2, 45:] = 0.0
    found = level_shifts(panel)
    assert found.shifts["series"].to_list() == [1, 2]
    row = found.shifts.row(0, named=True)
    assert abs(row["at"] - 30) <= 1
    assert row["before"] == pytest.approx(20, abs=0.5)
    assert row["after"] == pytest.approx(25, abs=0.5)
    assert row["change"] == pytest.approx(row["after"] / row["before"] - 1)
    assert row["size"] > 3
    assert found.since[0] == 0
    assert found.since[2] == 45


def test_missing_periods_belong_to_the_level_before_and_count_nowhere() -> None:
    rng = np.random.default_rng(4)
    values = np.concatenate([rng.poisson(4, 25), rng.poisson(15, 25)]).astype(float)
    gaps = np.insert(values, [0, 0, 10, 40], np.nan)
    params = ShiftParams("poisson")
    whole, holed = level_shifts(values, params), level_shifts(gaps, params)
    assert holed.shifts["at"].item() == whole.shifts["at"].item() + 3
    assert holed.shifts["after"].item() == pytest.approx(whole.shifts["after"].item())
    assert holed.segment[0, :2].tolist() == [-1, -1]
    assert np.isnan(holed.level[0, :2]).all()
    assert holed.level[0, 12] == pytest.approx(whole.level[0, 0])


def test_units_and_origin_do_not_matter() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(10, 1, (4, 50))
    values[:, 20:] += rng.normal(0, 3, (4, 1))
    moved = level_shifts(1000 * values + 7)
    assert moved.segment.tolist() == level_shifts(values).segment.tolist()


def test_short_constant_empty_and_unobserved_series() -> None:
    found = level_shifts([[5.0] * 9, [np.nan] * 9, [1.0, 2, *[np.nan] * 7]])
    assert found.shifts.is_empty()
    assert found.since.tolist() == [0, -1, 0]
    assert found.n.tolist() == [9, 0, 2]
    assert level_shifts(np.empty((0, 4))).since.shape == (0,)
    assert level_shifts([]).shifts.schema["at"] == pl.Int64


def test_noise_alone_rarely_shifts() -> None:
    panel = np.random.default_rng(11).normal(0, 1, (300, 60))
    assert level_shifts(panel).shifts["series"].n_unique() < 45


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": "gamma"}, "model"),
        ({"least_periods": 0}, "least_periods"),
        ({"weight": 0.0}, "weight"),
        ({"scale": -1.0}, "scale"),
    ],
)
def test_params_check_themselves(given: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ShiftParams(**given)


def test_counts_are_not_negative() -> None:
    with pytest.raises(ValueError, match="demand: must be 0 or more"):
        level_shifts([-1.0, 2, 3], ShiftParams("poisson"))
