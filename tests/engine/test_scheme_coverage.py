from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.engine.scheme import CoverageParams, coverage

FRAME = pl.DataFrame({"margin": [50.0, 20, 30, -10, None], "volume": [1.0, 3, 2, 4, 9]})


def test_coverage_by_hand() -> None:
    found = coverage(FRAME, "margin", ["margin", "volume"])
    assert found.points["threshold"].to_list() == [50, 30, 20, -10]
    assert found.points["count"].to_list() == [1, 2, 3, 4]
    assert found.points["margin"].to_list() == [50, 80, 100, 90]
    assert found.points["volume_share"].to_list() == [0.1, 0.3, 0.6, 1.0]
    assert (found.totals, found.unknown) == ({"margin": 90.0, "volume": 10.0}, 1)


def test_ascending_covers_from_below() -> None:
    found = coverage(FRAME, "margin", ["volume"], CoverageParams(descending=False, cuts=(25.0,)))
    assert found.at(25.0)["volume"] == 7
    assert found.points["count"].to_list() == [1, 2, 2, 3, 4]


def test_ten_thousand_cells_make_a_picture_that_is_exact_at_cuts_ends_and_peak() -> None:
    random = np.random.default_rng(3)
    frame = pl.DataFrame({"margin": random.normal(10, 30, 10_000), "volume": random.gamma(1, 5, 10_000)})
    cuts = (0.0, 12.5, 40.0)
    found = coverage(frame, "margin", ["margin", "volume"], CoverageParams(cuts=cuts))
    assert found.points.height <= 500
    for cut in cuts:
        covered = frame.filter(pl.col("margin") >= cut)
        assert found.at(cut)["count"] == covered.height
        assert found.at(cut)["volume"] == pytest.approx(covered["volume"].sum())
    assert found.points["margin"].max() == pytest.approx(frame.filter(pl.col("margin") > 0)["margin"].sum())
    assert found.points["count"].min() == 1
    assert found.points["count"].max() == 10_000


def test_nothing_to_cover() -> None:
    found = coverage(FRAME.clear(), "margin", ["volume"], CoverageParams(cuts=(5.0,)))
    assert found.points.select("threshold", "count", "volume").rows() == [(5.0, 0, 0.0)]
    assert coverage(FRAME.clear(), "margin", []).points.is_empty()


def test_errors_name_the_field() -> None:
    with pytest.raises(ValueError, match="'weight' is missing"):
        coverage(FRAME, "margin", ["weight"])
    with pytest.raises(ValueError, match="points"):
        CoverageParams(points=2, cuts=(1.0,))
    with pytest.raises(ValueError, match="no exact point"):
        coverage(FRAME, "margin", []).at(7.0)


@given(
    st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 5)), min_size=1, max_size=60),
    st.lists(st.integers(-10, 10), max_size=3, unique=True),
    st.booleans(),
    st.integers(6, 30),
)
def test_every_point_is_exact(rows: list[tuple[int, int]], cuts: list[int], descending: bool, points: int) -> None:
    frame = pl.DataFrame({"m": [float(m) for m, _ in rows], "v": [float(v) for _, v in rows]})
    params = CoverageParams(cuts=tuple(float(c) for c in cuts), descending=descending, points=points)
    found = coverage(frame, "m", ["v"], params)
    assert found.points.height <= points
    assert set(params.cuts) <= set(found.points["threshold"])
    for row in found.points.iter_rows(named=True):
        inside = [v for m, v in rows if (m >= row["threshold"] if descending else m <= row["threshold"])]
        assert (row["count"], row["v"]) == (len(inside), sum(inside))
