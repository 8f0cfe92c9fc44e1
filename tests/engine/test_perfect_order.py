"""Perfect orders: all or nothing per line and per order, with unknowns treated as the contract says."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.scoring import PerfectOrderParams, Unknown, judge_perfect, perfect_orders, wilson

ROW = tuple[str, str, bool | None, bool | None, bool | None, bool | None]
SCHEMA = {
    "supplier": pl.String,
    "order_id": pl.String,
    "in_full": pl.Boolean,
    "on_time": pl.Boolean,
    "documents": pl.Boolean,
    "condition": pl.Boolean,
}


def lines(*rows: ROW) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SCHEMA, orient="row")


def test_one_late_line_spoils_its_order_but_not_the_other() -> None:
    judged = judge_perfect(
        lines(
            ("s", "1", True, True, True, True),
            ("s", "1", True, False, False, True),
            ("s", "2", True, True, True, True),
        )
    )
    assert judged["perfect"].to_list() == [True, False, True]
    assert judged["spoilt_by"].to_list() == [None, "on_time", None]
    assert judged["failures"].to_list() == [0, 2, 0]
    assert judged["order_perfect"].to_list() == [False, False, True]
    found = perfect_orders(judged).row(0, named=True)
    assert (found["orders"], found["perfect"], found["share"], found["lines"]) == (2, 1, 0.5, 3)
    low, high = wilson(0.5, 2)
    assert (found["low"], found["high"]) == (float(low), float(high))
    # The customary product takes the failures of one line for independent ones.
    assert found["product"] == pytest.approx(2 / 3 * 2 / 3)
    assert found["line_share"] == pytest.approx(2 / 3)


def test_what_nobody_recorded() -> None:
    rows = lines(("s", "1", True, True, None, True), ("s", "2", True, True, None, False))
    assert judge_perfect(rows)["perfect"].to_list() == [None, None]
    assert judge_perfect(rows)["order_perfect"].to_list() == [None, None]
    assert perfect_orders(judge_perfect(rows)).is_empty()
    trusting = PerfectOrderParams(unknown={"documents": Unknown.MET})
    assert judge_perfect(rows, trusting)["perfect"].to_list() == [True, False]
    strict = PerfectOrderParams(unknown={"documents": Unknown.MISSED})
    assert judge_perfect(rows, strict)["spoilt_by"].to_list() == ["documents", "documents"]
    assert perfect_orders(judge_perfect(rows, trusting), params=trusting)["documents_share"].to_list() == [1.0]


def test_no_lines_and_lazy_frames() -> None:
    empty = judge_perfect(lines().lazy())
    assert empty.height == 0
    assert perfect_orders(empty).height == 0


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.sampled_from("st"), st.sampled_from("123"), *[st.sampled_from([True, True, False, None])] * 4),
        max_size=20,
    )
)
def test_against_a_plain_count(rows: list[ROW]) -> None:
    judged = judge_perfect(lines(*rows))
    known = [row for row in rows if None not in row]
    for supplier in {row[0] for row in known}:
        orders: dict[str, bool] = {}
        for row in known:
            if row[0] == supplier:
                orders[row[1]] = orders.get(row[1], True) and all(row[2:])
        found = perfect_orders(judged).filter(pl.col("supplier") == supplier).row(0, named=True)
        assert (found["orders"], found["perfect"]) == (len(orders), sum(orders.values()))
        assert found["share"] <= min(1.0, found["line_share"] * found["lines"] / found["orders"] + 1e-12)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: PerfectOrderParams(components=()), "components"),
        (lambda: PerfectOrderParams(components=("a", "a")), "components"),
        (lambda: PerfectOrderParams(unknown={"colour": Unknown.MET}), "unknown"),
        (lambda: PerfectOrderParams(order=()), "order"),
        (lambda: PerfectOrderParams(confidence=1), "confidence"),
        (lambda: judge_perfect(pl.DataFrame({"order_id": ["1"]})), "lines"),
    ],
)
def test_errors_name_the_field(wrong, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=rf"^{message}: "):
        wrong()
