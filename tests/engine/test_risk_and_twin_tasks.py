"""Risk's and the twin's tasks give published numbers and the library's own; what they cannot take is named."""

from __future__ import annotations

import io
import re

import numpy as np
import polars as pl
import pytest

from tierwise.engine import twin
from tierwise.engine.tasks import find_task, run_task


def answer(key: str, text: str = "", **settings: str) -> pl.DataFrame:
    task = find_task(key)
    return run_task(task, pl.read_csv(io.StringIO(text or task.example), infer_schema=False), settings)


def test_outages_of_the_ford_case_cost_what_is_published() -> None:
    """Simchi-Levi, Schmidt and Wei: nothing without S1, 125,000 without S2, 275,000 without S3."""
    found = answer("risk.single_outages")
    assert found["node"].to_list() == ["S3", "S2", "S1"]
    assert found["loss"].to_list() == pytest.approx([275000, 125000, 0])
    assert found["time_to_survive"].round(4).to_list() == [0.9, 1.2857, 2.25]
    assert found["exposed"].to_list() == [True, True, False]


def test_what_is_never_missed_survives_for_ever_and_no_outage_gives_no_rows() -> None:
    text = "node,source,capacity,demand,unit_loss,stock,time_to_recover\n"
    spare = "A,,20,,,,{0}\nB,,20,,,,\nC,A,,20,1,,\nC,B,,,,,\n"
    found = answer("risk.single_outages", text + spare.format(3))
    assert found.select("node", "time_to_survive", "exposed", "loss").rows() == [("A", None, False, 0.0)]
    assert answer("risk.single_outages", text + spare.format("")).height == 0


def test_parts_are_all_needed_and_take_their_quantity() -> None:
    """Two of A and one of B for each C: 30 of A make 15, so 5 a period are lost for 3 periods without half of A."""
    text = "node,source,part,quantity_per,capacity,demand,unit_loss,stock,time_to_recover\n"
    text += "A1,,,,30,,,,\nA2,,,,10,,,,3\nB,,,,20,,,,2\nC,A1,a,2,,20,7,,\nC,A2,a,2,,,,,\nC,B,b,,,,,,\n"
    found = answer("risk.single_outages", text)
    assert found.select("node", "loss", "lost").rows() == [("B", 280.0, 40.0), ("A2", 105.0, 15.0)]


def test_second_sources_of_one_element_are_none() -> None:
    found = answer("risk.single_points")
    assert set(found.select("element", "value", "stops").rows()) == {
        ("smelter", 50.0, "pump"), ("pump", 50.0, "pump"), ("Hsinchu", 36.0, "meter"), ("meter", 36.0, "meter"),
    }  # fmt: skip


def test_the_tail_is_that_of_the_published_lump() -> None:
    """Rockafellar and Uryasev's tail splits the probability at the value at risk; each series by itself."""
    found = answer("risk.tail").row(0, named=True)
    assert (found["value_at_risk"], found["n"], found["error"]) == (50.0, 5, None)
    assert (found["conditional"], found["expected"]) == (pytest.approx(170), pytest.approx(15))
    draws = "series,loss\n" + "".join(f"A,{at}\nB,{2 * at}\n" for at in range(1, 101))
    two = answer("risk.tail", draws, level="0.9")
    assert two["conditional"].to_list() == pytest.approx([95.5, 191])


def test_stocks_hold_the_published_costs_whatever_stands_beside_them() -> None:
    """Snyder and Shen (2019), examples 4.3 (newsvendor 1.9976) and 4.7 ((s, S) 8.0341)."""
    found = answer("twin.stocks", periods="1500", runs="150", confidence="0.999")
    costs = dict(zip(found["item"], found.select("cost_low", "cost_high").rows(), strict=True))
    for item, published in (("newspaper", 1.997605), ("bearing", 8.034112)):
        low, high = costs[item]
        assert low < published < high < low * 1.03
    first = find_task("twin.stocks").example.splitlines()[:2]
    alone = answer("twin.stocks", "\n".join(first), periods="1500", runs="150", confidence="0.999")
    assert alone.row(0)[1:] == pytest.approx(found.row(0)[1:])


def test_stocks_of_all_laws_are_played_as_the_library_plays_them() -> None:
    text = "item,policy,up_to,demand,demand_sd,demand_law,lead_time,waits,holding_cost,lost_cost\n"
    laws = (("negative_binomial", 9), ("constant", ""), ("lognormal", 6), ("poisson", ""), ("gamma", 6), ("", 6))
    text += "".join(f"{at},base_stock,60,20,{sd},{law},2,0.5,1,3\n" for at, (law, sd) in enumerate(laws))
    found = answer("twin.stocks", text, periods="200", runs="6", seed="4")
    spread = twin.Spread
    made = [spread.negative_binomial(20, 9), spread.constant(20), spread.lognormal(20, 6), spread.poisson(20)]
    model = twin.Twin(
        twin.Stocks("base_stock", up_to=[60] * 6, holding_cost=1),
        twin.Lanes(range(6), 2),
        twin.Demands(range(6), spread.join([*made, spread.gamma([20, 20], 6)]), range(6), waits=0.5, lost_cost=3),
    )
    outcome = twin.simulate(model, twin.Runs(300, 6, 100, 4))
    assert found["fill_rate_mean"].to_list() == pytest.approx(outcome.fill_rate().mean(axis=0).tolist())
    assert found["cost_mean"].sum() == pytest.approx(float(outcome.cost().mean()))


def test_cost_by_stock_adds_up_and_follows_demand_and_lane() -> None:
    shop = twin.Twin(
        twin.Stocks("base_stock", up_to=[30, 38], holding_cost=[1, 2]),
        twin.Lanes([1, 0], 2, order_cost=[5, 7], unit_cost=[2, 3], transit_cost=1),
        twin.Demands([1, 0, 1], twin.Spread.poisson([9, 12, 8]), waiting_cost=[1, 2, 3], waits=0.5, lost_cost=4),
    )
    found = twin.simulate(shop, twin.Runs(80, 4, 10))
    each = found.cost_by_stock()
    assert each.sum(axis=1) == pytest.approx(found.cost())
    rows = found.drivers().group_by("kind", "row").agg(pl.col("cost").sum())
    cost = {(kind, row): value for kind, row, value in rows.rows()}
    second = [("holding", 1), ("orders", 0), ("units", 0), ("transit", 0), ("waiting", 0), ("waiting", 2)]
    second += [("lost", 0), ("lost", 2)]
    assert float(each[:, 1].mean()) == pytest.approx(sum(cost[key] for key in second))


def test_a_lane_is_calibrated_as_the_library_does_whatever_the_order_of_rows() -> None:
    text = find_task("twin.lanes").example
    head, *lines = text.splitlines()
    new = "new one,2025-01-30,,5,5,,,,"
    found = answer("twin.lanes", "\n".join([head, new, *lines[::-1]]), until="2025-02-05")
    assert found["lane"].to_list() == ["new one", "castings"]
    assert found.row(0, named=True) | {"lane": "", "n": 1, "open": 1} == dict.fromkeys(found.columns) | {
        "lane": "", "n": 1, "open": 1,
    }  # fmt: skip
    placed, received = [6, 8, 10, 13, 15, 17, 20, 22], [13, 15, 20, 20, 34, 24, np.nan, 30]
    own = twin.calibrate_lane(twin.OrderHistory(placed, received, 36))
    row = found.row(1, named=True)
    assert (row["n"], row["open"], row["rest_after"], row["crossing"]) == (8, 1, 5.0, own.crossing)
    assert row["lead_time"] == pytest.approx(float(own.lead_time.mean[0]))
    assert (row["kept"], row["usable"]) == (pytest.approx(6.8 / 7), pytest.approx(6.8 / 7))
    # Of eight, six are in by day 10; the open one has waited 16 of the 19 days the last took.
    assert (row["within_50"], row["within_90"]) == (7.0, 19.0)


_STOCK = "item,policy,level,up_to,lot,demand,demand_sd,demand_law,lead_time\n"
_NODES = "node,source,capacity,demand,unit_loss,stock,time_to_recover\n"
_LINES = "lane,placed,received,ordered\n"


@pytest.mark.parametrize(
    ("key", "text", "told"),
    [
        ("twin.stocks", _STOCK + "A,max,,5,,1,,,1\n", "column 'policy', row 1: 'max': is no policy; choose of base_"),
        ("twin.stocks", _STOCK + "A,levels,5,9,,1,,,1\nB,lots,5,,,1,,,1\n", "column 'lot', row 2: it is empty: the"),
        ("twin.stocks", _STOCK + "A,levels,5,5,,1,,,1\n", "column 'up_to', row 1: '5.0': must exceed the level"),
        ("twin.stocks", _STOCK + "A,base_stock,,5,,1,,beta,1\n", "column 'demand_law', row 1: 'beta': is no law"),
        (
            "twin.stocks",
            _STOCK + "A,base_stock,,5,,1,2,poisson,1\n",
            "column 'demand', row 1: '1.0': with demand_sd 2:",
        ),
        ("twin.stocks", _STOCK + "A,base_stock,,5,,0,2,,1\n", "gamma needs mean and deviation above 0"),
        ("twin.lanes", _LINES + "A,2025-01-02,2025-01-01,5\n", "column 'received', row 1: '2025-01-01': lies before"),
        ("twin.lanes", _LINES + "A,2025-03-02,,5\n", "lies after 2025-02-05"),
        ("risk.single_outages", _NODES + "A,B,,,,,\n", "column 'source', row 1: 'B': is no node"),
        ("risk.single_outages", _NODES + "A,B,,,,,\nB,A,,,,,\n", "run in a circle near nodes ['A', 'B']"),
        ("risk.single_outages", _NODES + "A,,1,,,,\nA,,2,,,,\n", "column 'capacity', row 2: 2.0, but an earlier row"),
        ("risk.single_outages", _NODES, "column 'node': has no rows"),
        ("risk.tail", "series,loss,probability\nA,1,0.5\nA,2,\n", "column 'probability', row 2: it is empty: fill all"),
        ("risk.tail", "series,loss,probability\nA,1,0.5\nA,2,0.4\n", "series 'A': probabilities: must sum to 1"),
    ],
)
def test_what_cannot_be_computed_is_named(key: str, text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        answer(key, text, **({"until": "2025-02-05"} if key == "twin.lanes" else {}))


def test_no_stocks_give_no_rows() -> None:
    assert answer("twin.stocks", _STOCK).height == 0
    assert set(find_task("twin.stocks").gives) <= set(answer("twin.stocks", _STOCK).columns)
    assert answer("twin.lanes", _LINES, until="2025-02-05").height == 0
