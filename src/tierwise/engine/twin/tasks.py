"""The twin's tasks on a table: single stocks played through, suppliers as their order history shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.engine import twin
from tierwise.engine.tasks.check import refuse_rows
from tierwise.engine.tasks.declare import Column, Kind, Parameter, Task
from tierwise.engine.tasks.panels import tidy
from tierwise.engine.twin.layout import Floats
from tierwise.engine.twin.spread import Spread

# Per law: how it is made of mean and standard deviation, which pairs it cannot have, and what it needs.
_LAWS: dict[str, tuple[Callable[[Floats, Floats], Spread], Callable[[pl.Expr, pl.Expr], pl.Expr], str]] = {
    "constant": (lambda mean, _: Spread.constant(mean), lambda mean, sd: (mean < 0) | (sd != 0),
                 "a constant is 0 or more and has no standard deviation"),
    "normal": (Spread.normal, lambda mean, sd: (mean < 0) | (sd < 0), "normal needs numbers of 0 or more"),
    "gamma": (Spread.gamma, lambda mean, sd: (mean <= 0) | (sd <= 0), "gamma needs mean and deviation above 0"),
    "lognormal": (Spread.lognormal, lambda mean, sd: (mean <= 0) | (sd <= 0),
                  "lognormal needs mean and deviation above 0"),
    "poisson": (lambda mean, _: Spread.poisson(mean), lambda mean, sd: (mean < 0) | (sd != 0),
                "poisson is 0 or more and varies by its mean; leave the deviation empty"),
    "negative_binomial": (Spread.negative_binomial, lambda mean, sd: (mean <= 0) | (sd * sd <= mean),
                          "negative_binomial needs a mean above 0 and a squared deviation above it"),
}  # fmt: skip
_NEEDS = {"base_stock": ("up_to",), "levels": ("level", "up_to"), "lots": ("level", "lot")}
_COSTS = ("holding_cost", "order_cost", "waiting_cost", "lost_cost")
_USUAL: dict[str, float] = {
    "up_to": 0.0,
    "level": 0.0,
    "lot": 1.0,
    "review": 1,
    "waits": 1.0,
    "in_turn": False,
} | dict.fromkeys(_COSTS, 0.0)
_EPOCH = date(1970, 1, 1)
_TOLD = ("ordered", "confirmed", "first", "delivered", "rejected")


def _spread(table: pl.DataFrame, name: str) -> Spread:
    """The laws of a quantity, one per row, from the columns NAME, NAME_sd and NAME_law."""
    given, law = table[f"{name}_law"], f"{name}_law"
    refuse_rows(given, given.is_not_null() & ~given.is_in(list(_LAWS)), f"is no law; choose of {', '.join(_LAWS)}")
    sd = pl.col(f"{name}_sd").fill_null(0.0)
    usual = pl.when(sd == 0).then(pl.lit("constant")).otherwise(pl.lit("gamma"))
    table = table.with_columns(sd.alias(f"{name}_sd"), pl.col(law).fill_null(usual)).with_row_index("at")
    made, rows = [], []
    for kind, (make, wrong, why) in _LAWS.items():
        refused = table.select((pl.col(law) == kind) & wrong(pl.col(name), pl.col(f"{name}_sd"))).to_series()
        refuse_rows(table[name], refused, f"with {name}_sd {_at(table[f'{name}_sd'], refused)}: {why}")
        part = table.filter(pl.col(law) == kind)
        if part.height:
            made.append(make(part[name].to_numpy(), part[f"{name}_sd"].to_numpy()))
            rows.append(part["at"].to_numpy())
    return Spread.join(made).take(np.argsort(np.concatenate(rows)))


def _at(values: pl.Series, wrong: pl.Series) -> str:
    return f"{values[wrong.arg_max() or 0]:g}" if len(values) else ""


def _checked_policy(table: pl.DataFrame) -> None:
    policy = table["policy"]
    refuse_rows(policy, ~policy.is_in(list(_NEEDS)), f"is no policy; choose of {', '.join(_NEEDS)}")
    for name, columns in _NEEDS.items():
        for column in columns:
            refuse_rows(table[column], (policy == name) & table[column].is_null(), f"the policy {name} needs it")
    refuse_rows(table["up_to"], (policy == "levels") & (table["up_to"] <= table["level"]), "must exceed the level")
    refuse_rows(table["lot"], table["lot"] <= 0, "must be above 0")
    refuse_rows(table["review"], table["review"] < 1, "must be 1 period or more")
    refuse_rows(table["waits"], (table["waits"] < 0) | (table["waits"] > 1), "is a share; give 0 to 1")
    for column in _COSTS:
        refuse_rows(table[column], table[column] < 0, "must be 0 or more")


def _stocks(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    _checked_policy(table)
    runs = twin.Runs(given["warm_up"] + given["periods"], given["runs"], given["warm_up"], given["seed"])
    names = ("mean", "low", "high")
    if table.is_empty():
        empty = {f"{what}_{name}": pl.Float64 for what in ("fill_rate", "on_hand", "cost") for name in names}
        return pl.DataFrame(schema={"item": pl.String, **empty, "owed": pl.Float64, "lead_time": pl.Float64})
    filled = {name: table[name].fill_null(usual).to_numpy() for name, usual in _USUAL.items()}
    rows = np.arange(table.height)
    model = twin.Twin(
        twin.Stocks(
            table["policy"].to_list(), filled["up_to"], filled["level"], filled["lot"], filled["review"],
            holding_cost=filled["holding_cost"],
        ),
        twin.Lanes(
            rows, _spread(table, "lead_time"), in_turn=filled["in_turn"], order_cost=filled["order_cost"],
        ),
        twin.Demands(
            rows, _spread(table, "demand"), segment=rows, waits=filled["waits"], waiting_cost=filled["waiting_cost"],
            lost_cost=filled["lost_cost"],
        ),
    )  # fmt: skip
    outcome = twin.simulate(model, runs)
    measures = {"fill_rate": outcome.fill_rate(), "on_hand": outcome.on_hand(), "cost": outcome.cost_by_stock()}
    columns: dict[str, npt.ArrayLike | pl.Series] = {"item": table["item"]}
    for what, values in measures.items():
        found = twin.interval(values, given["confidence"])
        columns |= {f"{what}_{name}": getattr(found, name) for name in names}
    columns["owed"] = outcome.backlog().mean(axis=0)
    columns["lead_time"] = model.lanes.lead_time.mean
    return tidy(columns)


def _lanes(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    until = given["until"]
    refuse_rows(table["placed"], table["placed"] > until, f"lies after {until}, up to when orders are known")
    for name in ("received", "finished"):
        refuse_rows(table[name], table[name] > until, f"lies after {until}, up to when orders are known")
    refuse_rows(table["received"], table["received"] < table["placed"], "lies before the order was placed")
    refuse_rows(table["finished"], table["finished"] < table["received"], "lies before the first receipt")
    for name in _TOLD:
        refuse_rows(table[name], table[name] < 0, "must be 0 or more; take returns out first")
    ordered = table.sort("placed", maintain_order=True)
    lanes = {name: part for (name,), part in ordered.group_by("lane", maintain_order=True)}
    names = table["lane"].unique(maintain_order=True).to_list()
    kinds = {"lane": pl.String(), **dict.fromkeys(_LANE, pl.Float64()), **_LANE_KINDS}
    return pl.DataFrame([_lane(name, lanes[name], until) for name in names], schema=kinds)


def _lane(name: str, part: pl.DataFrame, until: date) -> dict[str, Any]:
    days = part.select(pl.col("placed", "received", "finished").cast(pl.Int32).cast(pl.Float64).fill_null(np.nan))
    told = {column: part[column].fill_null(np.nan).to_numpy() for column in _TOLD}
    row: dict[str, Any] = {"lane": name, "n": part.height, "open": part["received"].null_count()}
    if row["open"] == row["n"]:
        return row
    history = twin.OrderHistory(
        days["placed"].to_numpy(), days["received"].to_numpy(), float((until - _EPOCH).days),
        finished=days["finished"].to_numpy(), **told,
    )  # fmt: skip
    found = twin.calibrate_lane(history)
    at, below = found.lead_time.values, found.lead_time.below
    return row | {
        "lead_time": float(found.lead_time.mean[0]),
        **{f"within_{share}": float(at[np.searchsorted(below, share / 100 - 1e-12)]) for share in (50, 90)},
        "later": found.unfinished, "crossing": found.crossing, "in_turn": found.in_turn, "per_unit": found.per_unit,
        **{share: float(getattr(found, share).mean[0]) for share in ("kept", "first_part", "usable")},
        "rest_after": float(found.rest_after), "law": found.lead_fit.kind,
    }  # fmt: skip


_LANE = {
    "n": "order lines", "open": "of these not yet received",
    "lead_time": "mean days, open orders counted in, without what grows with quantity",
    "within_50": "days within which half have come", "within_90": "days within which 90 % have come",
    "later": "chance of being later than any order seen", "crossing": "share of orders that a later one overtook",
    "in_turn": "whether deliveries may be taken as coming in turn", "per_unit": "days more per unit ordered",
    "kept": "share of what was confirmed that came", "first_part": "share of it that came first",
    "rest_after": "days until the rest came", "usable": "share not rejected",
    "law": "law that finished orders follow; empirical where none is believed",
}  # fmt: skip
_LANE_KINDS = {"n": pl.Int64(), "open": pl.Int64(), "in_turn": pl.Boolean(), "law": pl.String()}
_ORDERS = "".join(
    f"castings,2025-01-{day:02},{received},10,10,{first},{finished},{came},{bad}\n"
    for day, received, first, finished, came, bad in (
        (6, "2025-01-13", 10, "2025-01-13", 10, 0), (8, "2025-01-15", 6, "2025-01-20", 10, 1),
        (10, "2025-01-20", 10, "2025-01-20", 10, 0), (13, "2025-01-20", 8, "2025-01-20", 8, 0),
        (15, "2025-02-03", 10, "2025-02-03", 10, 0), (17, "2025-01-24", 10, "2025-01-24", 10, 0),
        (20, "", "", "", "", ""), (22, "2025-01-30", 10, "2025-01-30", 10, 1),
    )
)  # fmt: skip


def _law(of: str) -> Column:
    return Column(
        f"{of}_law", Kind.TEXT, f"how it varies: {', '.join(_LAWS)}",
        empty="gamma, constant where there is no deviation", needed=False,
    )  # fmt: skip


def _cost(name: str, what: str) -> Column:
    return Column(name, Kind.NUMBER, what, "money", "0", needed=False)


def _told(name: str, what: str) -> Column:
    return Column(name, Kind.NUMBER, what, "units", "not known", needed=False)


TASKS = (
    Task(
        "twin", "stocks", "What service, stock and cost single stocks will have under their policy, with intervals",
        (
            Column("item", Kind.TEXT, "the item at its site"),
            Column("policy", Kind.TEXT, "base_stock up to up_to; levels (s, S) from level up to up_to; lots (r, Q)"),
            Column("level", Kind.NUMBER, "stock position at or below which to order", "units", "none", needed=False),
            Column("up_to", Kind.NUMBER, "position to order up to", "units", "none", needed=False),
            Column("lot", Kind.NUMBER, "order quantity of lots", "units", "none", needed=False),
            Column("review", Kind.WHOLE, "periods from one look at the stock to the next", "", "1", needed=False),
            Column("demand", Kind.NUMBER, "mean demand per period", "units"),
            Column("demand_sd", Kind.NUMBER, "its standard deviation", "units", "0", needed=False), _law("demand"),
            Column("lead_time", Kind.NUMBER, "mean lead time; 1: there before the next period's demand", "periods"),
            Column("lead_time_sd", Kind.NUMBER, "its standard deviation", "periods", "0", needed=False),
            _law("lead_time"),
            Column("in_turn", Kind.FLAG, "whether no delivery overtakes another", "", "no", needed=False),
            Column("waits", Kind.NUMBER, "share of unmet demand that waits; the rest is lost", "", "1", needed=False),
            _cost("holding_cost", "cost per unit and period on hand"), _cost("order_cost", "cost per order"),
            _cost("waiting_cost", "cost per unit and period owed"), _cost("lost_cost", "cost per unit lost"),
        ),
        {
            **{f"{what}_{name}": f"{told}, {where}" for what, told in (
                ("fill_rate", "share of demand served at once"), ("on_hand", "units at a period's end"),
                ("cost", "money per period"),
            ) for name, where in (("mean", "mean of runs"), ("low", "low end of its interval"), ("high", "high end"))},
            "owed": "mean units owed", "lead_time": "mean lead time played: periods begun count whole",
        },
        _stocks, "the interval before the mean; levels must cover the lead time as played, rounded up to whole periods",
        "item,policy,level,up_to,lot,demand,demand_sd,demand_law,lead_time,lead_time_sd,holding_cost,order_cost,"
        "waiting_cost\nnewspaper,base_stock,,56.6,,50,8,normal,1,,0.18,,0.70\n"
        "valve,lots,140,,120,20,9,,5,2,0.05,12,1\nbearing,levels,4,10,,6,,poisson,1,,1,5,4\n",
        (
            Parameter("periods", Kind.WHOLE, "periods counted per run", 1000),
            Parameter("runs", Kind.WHOLE, "independent runs", 100),
            Parameter("warm_up", Kind.WHOLE, "periods before the counting", 100),
            Parameter("confidence", Kind.NUMBER, "confidence of the intervals", 0.95),
            Parameter("seed", Kind.WHOLE, "which luck: the same seed meets the same", 0),
        ),
    ),
    Task(
        "twin", "lanes", "How suppliers really deliver, from their order lines, those still open counted in",
        (
            Column("lane", Kind.TEXT, "the lane: a supplier, or a supplier and item"),
            Column("placed", Kind.DATE, "day of the order"),
            Column("received", Kind.DATE, "day of the first receipt", empty="still open"),
            _told("ordered", "quantity ordered"), _told("confirmed", "quantity confirmed"),
            _told("first", "quantity of the first receipt"),
            Column("finished", Kind.DATE, "day of the last receipt", empty="not known", needed=False),
            _told("delivered", "quantity delivered in all"), _told("rejected", "of it rejected"),
        ),
        _LANE, _lanes, "later and open: the latest orders are those still missing; then crossing, kept and usable",
        "lane,placed,received,ordered,confirmed,first,finished,delivered,rejected\n" + _ORDERS,
        (Parameter("until", Kind.DATE, "day up to which receipts are known"),),
        {"until": "2025-02-05"},
    ),
)  # fmt: skip
