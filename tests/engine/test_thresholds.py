from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tierwise.engine.thresholds import UNKNOWN, Threshold, label, label_values, metric_values

ABC = Threshold("abc", "v", "cumulative_share", (0.8, 0.95), ("A", "B", "C"))
XYZ = Threshold("xyz", "v", "value", (0.5, 1.0), ("X", "Y", "Z"), direction="ascending")
FMR = Threshold("fmr", "v", "value", (10, 1), ("F", "M", "R"))
TOP = Threshold("top", "v", "quantile", (0.2, 0.5), ("1", "2", "3"))


def labels(values: list[float | None], threshold: Threshold) -> list[str]:
    return label(pl.DataFrame({"v": values}, schema={"v": pl.Float64}), threshold)["label"].to_list()


def test_abc_cuts_the_sum_at_80_and_95_percent() -> None:
    assert labels([50, 25, 10, 6, 4, 3, 2], ABC) == ["A", "A", "A", "B", "B", "C", "C"]


def test_a_cell_that_holds_nearly_everything_is_an_a() -> None:
    assert labels([90, 10], ABC) == ["A", "B"]


def test_exactly_80_percent_is_the_end_of_a_in_any_currency() -> None:
    for scale in (1.0, 0.1, 1.07, 3e9):
        assert labels([8 * scale, scale, 0.5 * scale, 0.5 * scale], ABC) == ["A", "B", "B", "B"]


def test_ties_stay_together() -> None:
    assert labels([10] * 10, ABC) == ["A"] * 10
    assert labels([60, 15, 15, 5, 5], ABC) == ["A", "A", "A", "B", "B"]


def test_losses_go_last_and_do_not_stretch_the_sum() -> None:
    assert labels([80, 20, 0, -500], ABC) == ["A", "B", "C", "C"]
    tail = Threshold("abc", "v", "cumulative_share", (0.8, 0.95), ("A", "B", "C"), nonpositive="D")
    assert labels([80, 16, 4, 0, -500], tail) == ["A", "B", "C", "D", "D"]
    assert labels([0, -1], tail) == ["D", "D"]


def test_cuts_are_on_the_metrics_own_scale() -> None:
    result = label(pl.DataFrame({"v": [50.0, 30, 14, 6]}), ABC)
    assert result["label"].to_list() == ["A", "A", "B", "B"]
    assert result["cut"].to_list() == pytest.approx([22, 22, 22, 3])
    assert result["distance"].to_list() == pytest.approx([28 / 22, 8 / 22, -8 / 22, 1])


def test_value_cuts_in_both_directions() -> None:
    assert labels([0.2, 0.5, 0.51, 1.0, 1.01], XYZ) == ["X", "X", "Y", "Y", "Z"]
    assert labels([11, 10, 9.9, 1, 0], FMR) == ["F", "F", "M", "M", "R"]


def test_boundary_items_are_flagged() -> None:
    result = label(pl.DataFrame({"v": [0.4, 0.475, 0.5, 0.525, 0.53]}), XYZ)
    assert result["boundary"].to_list() == [False, True, True, True, False]
    assert result["distance"].to_list() == pytest.approx([0.2, 0.05, 0, -0.05, -0.06])


def test_quantiles_count_cells() -> None:
    assert labels([float(v) for v in range(10)], TOP) == ["3"] * 5 + ["2"] * 3 + ["1"] * 2


def test_missing_values_are_unknown() -> None:
    assert labels([None, float("nan"), float("inf"), 5.0], ABC) == [UNKNOWN, UNKNOWN, UNKNOWN, "A"]
    assert labels([], ABC) == []
    row = label(pl.DataFrame({"v": [None]}, schema={"v": pl.Float64}), ABC).row(0, named=True)
    assert row == {"label": UNKNOWN, "value": None, "cut": None, "distance": None, "boundary": False}


def test_too_little_history_is_unknown_and_outside_the_sum() -> None:
    threshold = Threshold("abc", "v", "cumulative_share", (0.8, 0.95), ("A", "B", "C"), needs_history=True)
    frame = pl.DataFrame({"v": [1_000.0, 80, 16, 4], "enough_history": [False, True, True, True]})
    assert label(frame, threshold)["label"].to_list() == [UNKNOWN, "A", "B", "C"]


def test_groups_are_cut_by_themselves() -> None:
    threshold = Threshold("abc", "v", "cumulative_share", (0.8, 0.95), ("A", "B", "C"), within=("region",))
    frame = pl.DataFrame({"region": ["n", "s", "n", "s"], "v": [800.0, 8, 200, 2]})
    assert label(frame, threshold)["label"].to_list() == ["A", "A", "B", "B"]


def test_reach_within_a_margin() -> None:
    values = np.array([0.4, 0.48, 0.52, 0.98, 1.5])
    frame = pl.DataFrame({"v": values})
    best, worst = label_values(frame, XYZ, metric_values(frame, XYZ)).reach(values, 0.05)
    assert best.tolist() == [0, 0, 0, 1, 2]
    assert worst.tolist() == [0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "magic"}, "kind"),
        ({"cuts": (0.95, 0.8)}, "cuts"),
        ({"cuts": (0.8, 1.2)}, "cuts"),
        ({"labels": ("A", "B")}, "labels"),
        ({"labels": ("A", "A", "C")}, "labels"),
        ({"labels": ("A", "B", "?")}, "labels"),
        ({"nonpositive": "A"}, "labels"),
        ({"direction": "ascending"}, "direction"),
        ({"kind": "value"}, "cuts"),
        ({"band": -0.1}, "band"),
        ({"metric": ""}, "metric"),
        ({"kind": "quantile", "nonpositive": "D"}, "nonpositive"),
    ],
)
def test_params_name_the_field(changes: dict[str, object], field: str) -> None:
    whole = {"name": "abc", "metric": "v", "kind": "cumulative_share", "cuts": (0.8, 0.95), "labels": ("A", "B", "C")}
    with pytest.raises(ValueError, match=field):
        Threshold(**(whole | changes))  # type: ignore[arg-type]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match="'v' of threshold 'abc'"):
        label(pl.DataFrame({"w": [1.0]}), ABC)


VALUES = st.lists(st.integers(-50, 500), max_size=40)


@given(VALUES, st.randoms(use_true_random=False), st.sampled_from([ABC, FMR, XYZ, TOP]))
def test_row_order_does_not_matter(values: list[int], random: object, threshold: Threshold) -> None:
    before = dict(zip(values, labels([float(v) for v in values], threshold), strict=True))
    mixed = values.copy()
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert labels([float(v) for v in mixed], threshold) == [before[v] for v in mixed]


@given(VALUES, st.sampled_from([0.01, 0.9137, 7.25, 160.3]), st.sampled_from([ABC, TOP]))
def test_the_currency_does_not_matter(values: list[int], rate: float, threshold: Threshold) -> None:
    home = label(pl.DataFrame({"v": [float(v) for v in values]}, schema={"v": pl.Float64}), threshold)
    abroad = label(pl.DataFrame({"v": [v * rate for v in values]}, schema={"v": pl.Float64}), threshold)
    assert abroad["label"].to_list() == home["label"].to_list()
    assert abroad["distance"].drop_nulls().to_list() == pytest.approx(home["distance"].drop_nulls().to_list())


def oracle_abc(values: list[int]) -> list[str]:
    total = sum(v for v in values if v > 0)
    found = []
    for value in values:
        ahead = sum(v for v in values if v > value and v > 0)
        if value <= 0 or ahead * 100 >= total * 95:
            found.append("C")
        else:
            found.append("B" if ahead * 100 >= total * 80 else "A")
    return found


@given(VALUES)
def test_abc_against_plain_python(values: list[int]) -> None:
    assert labels([float(v) for v in values], ABC) == oracle_abc(values)


@settings(max_examples=200)
@given(VALUES, st.sampled_from([ABC, FMR, XYZ, TOP]))
def test_labels_agree_with_the_cut_values(values: list[int], threshold: Threshold) -> None:
    """Whoever sees only a value and the cuts finds the same label, and a larger value never has a worse one."""
    assume(values)
    frame = pl.DataFrame({"v": [float(v) for v in values]})
    numbers = metric_values(frame, threshold)
    found = label_values(frame, threshold, numbers)
    better_is_more = threshold.direction == "descending"
    for value, index, cuts in zip(numbers, found.index, found.cuts, strict=True):
        passed = [cut for cut in cuts[:index] if (value >= cut if better_is_more else value <= cut)]
        missed = [cut for cut in cuts[index:] if (value < cut if better_is_more else value > cut)]
        assert not [cut for cut in passed if threshold.kind == "value"]
        assert not missed
    order = np.argsort(numbers)
    steps = np.diff(found.index[order])
    assert (steps <= 0).all() if better_is_more else (steps >= 0).all()
