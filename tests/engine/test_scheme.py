from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.scheme import Evaluation, Reason, Rule, SchemeParams, SegmentSpec, Threshold, evaluate

SEGMENTS = (SegmentSpec("PREMIUM", 1, 12), SegmentSpec("CORE", 2, 4), SegmentSpec("TAIL", 3))
ABC = Threshold("abc", "margin", "cumulative_share", (0.8, 0.95), ("A", "B", "C"))
XYZ = Threshold("xyz", "cv", "value", (0.5, 1.0), ("X", "Y", "Z"), direction="ascending")
SCHEME = SchemeParams(
    segments=SEGMENTS,
    default_segment="TAIL",
    thresholds=(ABC, XYZ),
    rules=(
        Rule("steady earners", "PREMIUM", {"abc": ("A",), "xyz": ("X", "Y")}),
        Rule("contract", "PREMIUM", {"contract": ("gold",), "volume": ">= 10"}),
        Rule("earners", "CORE", {"abc": ("A", "B")}),
    ),
    grain=("item",),
)
BY_VOLUME = SchemeParams(
    segments=SEGMENTS,
    default_segment="TAIL",
    rules=(Rule("large", "PREMIUM", {"volume": ">= 100"}), Rule("middle", "CORE", {"volume": ">= 10"})),
    margin=0.1,
    consecutive=3,
    grain=("item",),
)


def cells(**columns: list[object]) -> pl.DataFrame:
    height = len(next(iter(columns.values())))
    return pl.DataFrame({"item": [f"i{n}" for n in range(height)], **columns}, strict=False)


def volumes(*values: float | None) -> pl.DataFrame:
    return cells(volume=list(values)).with_columns(pl.col("volume").cast(pl.Float64))


def column(evaluation: Evaluation, name: str) -> list[object]:
    return evaluation.cells[name].to_list()


METRICS = cells(
    margin=[80.0, 10.0, 6.0, 4.0],
    cv=[0.3, 0.6, None, 2.0],
    volume=[1.0, 2.0, 3.0, 40.0],
    contract=["x", "x", "gold", "gold"],
)


def test_rules_are_tried_in_order() -> None:
    result = evaluate(METRICS, SCHEME)
    assert column(result, "abc") == ["A", "B", "B", "C"]
    assert column(result, "xyz") == ["X", "Y", "?", "Z"]
    assert column(result, "segment") == ["PREMIUM", "CORE", "CORE", "PREMIUM"]
    assert column(result, "rule") == ["steady earners", "earners", "earners", "contract"]
    assert set(column(result, "reason")) == {Reason.ASSIGNED}


def test_every_cell_carries_the_numbers_that_caused_it() -> None:
    row = evaluate(METRICS, SCHEME).assignments().row(0, named=True)
    assert (row["item"], row["segment"], row["rule"]) == ("i0", "PREMIUM", "steady earners")
    told = json.loads(row["numbers"])
    assert told["rule"] == "steady earners"
    assert told["thresholds"]["abc"] == {
        "metric": "margin",
        "label": "A",
        "value": 80.0,
        "cut": 45.0,
        "distance": pytest.approx(35 / 45),
        "boundary": False,
    }
    assert told["metrics"] == {"volume": 1.0}
    assert told["attributes"] == {"contract": "x"}


def test_the_cuts_are_told_on_their_own_scale() -> None:
    rows = evaluate(METRICS, SCHEME).cuts.select("threshold", "better", "worse", "cut").rows()
    assert rows == [("abc", "A", "B", 45), ("abc", "B", "C", 5), ("xyz", "X", "Y", 0.5), ("xyz", "Y", "Z", 1.0)]


def run(params: SchemeParams, *steps: pl.DataFrame) -> list[Evaluation]:
    found: list[Evaluation] = []
    for step in steps:
        found.append(evaluate(step, params, found[-1].state if found else None))
    return found


def test_a_member_near_the_boundary_is_held_and_leaves_after_the_streak() -> None:
    found = run(BY_VOLUME, volumes(110.0), *[volumes(95.0)] * 3)
    assert [column(step, "segment")[0] for step in found] == ["PREMIUM", "PREMIUM", "PREMIUM", "CORE"]
    assert [column(step, "proposed")[0] for step in found] == ["PREMIUM", "CORE", "CORE", "CORE"]
    reasons = [column(step, "reason")[0] for step in found]
    assert reasons == [Reason.ASSIGNED, Reason.HELD, Reason.HELD, Reason.MOVED_AFTER_STREAK]
    assert [column(step, "streak")[0] for step in found] == [0, 1, 2, 0]


def test_a_member_beyond_the_margin_leaves_at_once() -> None:
    _, second = run(BY_VOLUME, volumes(110.0, 110.0, 50.0), volumes(89.9, 90.0, 110.1))
    assert column(second, "segment") == ["CORE", "PREMIUM", "PREMIUM"]
    assert column(second, "reason") == [Reason.MOVED_BEYOND_MARGIN, Reason.HELD, Reason.MOVED_BEYOND_MARGIN]


def test_upwards_is_protected_as_downwards() -> None:
    _, second = run(BY_VOLUME, volumes(50.0, 5.0, 5.0), volumes(105.0, 10.5, 5.0))
    assert column(second, "segment") == ["CORE", "TAIL", "TAIL"]
    assert column(second, "reason") == [Reason.HELD, Reason.HELD, Reason.KEPT]


def test_a_streak_must_be_unbroken_and_for_one_segment() -> None:
    found = run(BY_VOLUME, volumes(110.0), volumes(95.0), volumes(95.0), volumes(101.0), volumes(95.0), volumes(95.0))
    assert {column(step, "segment")[0] for step in found} == {"PREMIUM"}


def test_labels_have_the_margin_too() -> None:
    params = replace(SCHEME, rules=(Rule("steady", "PREMIUM", {"xyz": ("X",)}),), thresholds=(XYZ,))
    _, second = run(params, cells(cv=[0.4, 0.4, 0.4]), cells(cv=[0.54, 0.56, 1.2]))
    assert column(second, "segment") == ["PREMIUM", "TAIL", "TAIL"]
    _, second = run(params, cells(cv=[0.6, 0.6, 0.6]), cells(cv=[0.46, 0.44, 0.51]))
    assert column(second, "reason") == [Reason.HELD, Reason.MOVED_BEYOND_MARGIN, Reason.KEPT]


def test_a_missing_number_moves_nobody_by_itself() -> None:
    found = run(BY_VOLUME, volumes(110.0, 50.0, 1.0), volumes(None, None, None))
    assert column(found[1], "segment") == ["PREMIUM", "CORE", "TAIL"]
    assert column(found[1], "proposed") == ["TAIL"] * 3


def test_a_rule_may_ask_for_the_unknown() -> None:
    params = replace(SCHEME, rules=(Rule("young", "CORE", {"xyz": ("?",)}), *SCHEME.rules))
    assert column(evaluate(METRICS, params), "rule")[2] == "young"


def test_a_segment_that_is_gone_lets_its_members_go() -> None:
    current = pl.DataFrame({"item": ["i0"], "segment": ["RETIRED"]})
    result = evaluate(volumes(95.0), BY_VOLUME, current)
    assert (column(result, "segment"), column(result, "reason")) == (["CORE"], [Reason.MOVED_SEGMENT_GONE])


def test_new_cells_are_assigned_at_once_and_gone_ones_are_told() -> None:
    current = pl.DataFrame({"item": ["i1", "old"], "segment": ["CORE", "CORE"]})
    result = evaluate(volumes(101.0, 101.0), BY_VOLUME, current)
    assert column(result, "reason") == [Reason.ASSIGNED, Reason.HELD]
    assert result.gone["item"].to_list() == ["old"]


def test_pins_win_are_kept_apart_and_expire() -> None:
    on = date(2024, 6, 30)
    pins = pl.DataFrame(
        {
            "item": ["i0", "i1", "i2"],
            "segment": ["TAIL", "TAIL", "PREMIUM"],
            "expires_on": [on, date(2024, 6, 29), None],
        }
    )
    result = evaluate(volumes(200.0, 200.0, 1.0), BY_VOLUME, None, pins, on)
    assert column(result, "segment") == ["TAIL", "PREMIUM", "PREMIUM"]
    assert column(result, "pinned") == [True, False, True]
    assert column(result, "proposed") == ["PREMIUM", "PREMIUM", "TAIL"]
    assert result.state["segment"].to_list() == ["PREMIUM", "PREMIUM", "TAIL"]
    assert result.expired_pins["item"].to_list() == ["i1"]
    assert result.assignments()["rule"].to_list() == ["pinned", "large", "pinned"]


@pytest.mark.parametrize(
    ("pins", "on", "message"),
    [
        ({"item": ["i0"], "segment": ["NONE"]}, date(2024, 1, 1), "pins: segment 'NONE'"),
        ({"item": ["i0"], "segment": ["TAIL"]}, None, "on: "),
        ({"item": ["i0", "i0"], "segment": ["TAIL", "CORE"]}, date(2024, 1, 1), "pins: a cell stands twice"),
        ({"item": ["i0"]}, date(2024, 1, 1), "pins: column 'segment'"),
    ],
)
def test_bad_pins_are_named(pins: dict[str, list[str]], on: date | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(volumes(1.0), BY_VOLUME, None, pl.DataFrame(pins), on)


def test_bad_frames_are_named() -> None:
    with pytest.raises(ValueError, match="metrics: column 'item'"):
        evaluate(volumes(1.0).drop("item"), BY_VOLUME)
    with pytest.raises(ValueError, match="metrics: column 'volume'"):
        evaluate(volumes(1.0).drop("volume"), BY_VOLUME)
    with pytest.raises(ValueError, match="metrics: a cell stands twice"):
        evaluate(pl.concat([volumes(1.0)] * 2), BY_VOLUME)
    with pytest.raises(ValueError, match="current: column 'segment'"):
        evaluate(volumes(1.0), BY_VOLUME, volumes(1.0))
    with pytest.raises(ValueError, match="column 'contract'"):
        evaluate(METRICS.drop("contract"), SCHEME)


def test_no_cells_give_no_decisions() -> None:
    result = evaluate(METRICS.clear(), SCHEME)
    assert result.cells.is_empty()
    assert result.cells.columns == evaluate(METRICS, SCHEME).cells.columns
    assert result.assignments().is_empty()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: replace(SCHEME, default_segment="X"), "default_segment: 'X'"),
        (lambda: replace(SCHEME, segments=(*SEGMENTS, SegmentSpec("TAIL", 9))), "segments: 'TAIL' stands twice"),
        (lambda: replace(SCHEME, segments=(*SEGMENTS, SegmentSpec("NEW", 3))), "segments: 'rank 3' stands twice"),
        (lambda: replace(SCHEME, rules=(Rule("r", "NONE"),)), "rules: 'r' names segment 'NONE'"),
        (lambda: replace(SCHEME, rules=(Rule("r", "CORE", {"abc": ("D",)}),)), "'abc' for label 'D'"),
        (lambda: replace(SCHEME, rules=(Rule("r", "CORE", {"abc": "> 3"}),)), "compares threshold 'abc'"),
        (lambda: replace(SCHEME, margin=1.0), "margin"),
        (lambda: replace(SCHEME, consecutive=0), "consecutive"),
        (lambda: replace(SCHEME, grain=()), "grain"),
        (lambda: Rule("r", "CORE", {"volume": "about 7"}), "'about 7' is no comparison"),
        (lambda: Rule("r", "CORE", {"volume": ()}), "non-empty"),
        (lambda: Rule("", "CORE"), "name"),
        (lambda: SegmentSpec("S", 0), "rank"),
        (lambda: SegmentSpec("S", 1, effort_hours=-1), "effort_hours"),
        (lambda: SchemeParams.from_dict({"segments": [{"code": "S"}]}), "scheme: "),
    ],
)
def test_params_name_the_field(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


def test_a_scheme_survives_json() -> None:
    assert SchemeParams.from_dict(json.loads(json.dumps(SCHEME.to_dict()))) == SCHEME


def test_comparisons() -> None:
    def matched(text: str) -> list[bool]:
        params = replace(BY_VOLUME, rules=(Rule("r", "CORE", {"volume": text}),))
        return [segment == "CORE" for segment in column(evaluate(volumes(1.0, 2.0, 3.0, None), params), "segment")]

    assert matched(">= 2") == [False, True, True, False]
    assert matched("> 2") == [False, False, True, False]
    assert matched("<= 2") == [True, True, False, False]
    assert matched("< 2") == [True, False, False, False]
    assert matched("== 2") == [False, True, False, False]
    assert matched("!= 2") == [True, False, True, False]
    assert matched("> 1 and <= 3") == [False, True, True, False]
    assert matched(">= -1e3") == [True, True, True, False]


def plain_segment(volume: float | None, high: float, middle: float) -> str:
    if volume is not None and volume >= high:
        return "PREMIUM"
    return "CORE" if volume is not None and volume >= middle else "TAIL"


def plain_history(history: list[int]) -> list[str]:
    """BY_VOLUME by hand, one cell, one evaluation after the other. Volumes are integers, cuts never hit exactly."""
    member, streak, toward, told = None, 0, None, []
    for volume in history:
        proposed = plain_segment(volume, 100, 10)
        favour = {"PREMIUM": (90, 11), "CORE": (110, 9), "TAIL": (110, 11), None: (100, 10)}[member]
        if member is None or proposed == member or plain_segment(volume, *favour) != member:
            member, streak, toward = proposed, 0, None
        else:
            streak = streak + 1 if toward == proposed else 1
            toward = proposed
            if streak >= 3:
                member, streak, toward = proposed, 0, None
        told.append(member)
    return told


@settings(max_examples=60)
@given(
    st.lists(
        st.lists(st.sampled_from([1, 8, 9, 10, 11, 12, 50, 89, 91, 99, 101, 109, 111, 300]), min_size=6, max_size=6),
        min_size=1,
        max_size=5,
    )
)
def test_hysteresis_against_plain_python(histories: list[list[int]]) -> None:
    steps = run(BY_VOLUME, *(volumes(*(float(h[t]) for h in histories)) for t in range(6)))
    for cell, history in enumerate(histories):
        assert [column(step, "segment")[cell] for step in steps] == plain_history(history)


ROWS = st.lists(
    st.tuples(st.integers(-20, 300), st.integers(0, 20), st.integers(0, 20), st.sampled_from(["gold", "x"])),
    min_size=1,
    max_size=15,
)


@settings(max_examples=40)
@given(ROWS, st.randoms(use_true_random=False), st.sampled_from([0.01, 1.17, 160.3]))
def test_neither_row_order_nor_currency_matters(rows: list[tuple], random: object, rate: float) -> None:
    frame = cells(
        margin=[float(r[0]) for r in rows],
        cv=[r[1] / 10 for r in rows],
        volume=[float(r[2]) for r in rows],
        contract=[r[3] for r in rows],
    )
    home = evaluate(frame, SCHEME).cells.select("item", "abc", "xyz", "segment", "rule", "boundary")
    mixed = frame.with_columns(pl.col("margin") * rate).sample(fraction=1, shuffle=True, seed=random.randrange(2**32))  # type: ignore[attr-defined]
    abroad = evaluate(mixed, SCHEME).cells.select(home.columns)
    assert abroad.sort("item").equals(home.sort("item"))


@settings(max_examples=40)
@given(ROWS)
def test_the_same_metrics_again_change_nothing(rows: list[tuple]) -> None:
    frame = cells(
        margin=[float(r[0]) for r in rows],
        cv=[r[1] / 10 for r in rows],
        volume=[float(r[2]) for r in rows],
        contract=[r[3] for r in rows],
    )
    first = evaluate(frame, SCHEME)
    again = evaluate(frame, SCHEME, first.state)
    assert again.state.equals(first.state)
    assert set(column(again, "reason")) == {Reason.KEPT}
