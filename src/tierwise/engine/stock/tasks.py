"""Stock calculations as tasks on a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from tierwise.engine import stock
from tierwise.engine.tasks.declare import Column, Kind, Parameter, Task
from tierwise.engine.tasks.panels import PERIOD, SERIES, long_panel, tidy

_ITEM = Column("item", Kind.TEXT, "the item")


def _newsvendor(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    demand = stock.Distribution(given["distribution"], table["mean"].to_numpy(), table["sd"].to_numpy())
    once = stock.newsvendor(demand, table["holding"].to_numpy(), table["stockout"].to_numpy())
    return tidy({
        "item": table["item"], "quantity": once.quantity, "cost": once.cost, "critical_ratio": once.critical_ratio,
        "service": once.service, "shortage": once.shortage, "leftover": once.leftover,
    })  # fmt: skip


def _safety_stock(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    columns = ("demand_mean", "demand_sd", "lead_time_mean", "lead_time_sd", "quantity")
    mean, sd, lead, lead_sd, lot = (table[name].to_numpy() for name in columns)
    over = stock.lead_time_demand((mean, sd), (lead, lead_sd), review=given["review"])
    by_fill = stock.stock_for_fill_rate(given["fill_rate"], lot, over)
    found = stock.service_of(over.mean + by_fill, lot, over)
    return tidy({
        "item": table["item"], "lead_time_demand": over.mean, "spread": over.sd, "safety_stock": by_fill,
        "reorder_point": found.reorder_point, "cycle_service": found.cycle_service, "fill_rate": found.fill_rate,
    })  # fmt: skip


def _days_of_supply(table: pl.DataFrame, _: Mapping[str, Any]) -> pl.DataFrame:
    panel = long_panel(table, "demand", "receipts", "stock")
    opening = panel.values["stock"][:, 0] if panel.series else panel.values["stock"].ravel()
    receipts = table["receipts"].is_null().all()
    added = 0.0 if receipts else panel.values["receipts"]
    found = stock.days_of_supply(opening, panel.values["demand"], added)
    names = [name for name in panel.series for _ in panel.periods[:-1]]
    return tidy({
        "series": names, "period": panel.periods[:-1] * len(panel.series), "days": found.days.ravel(),
        "beyond": found.beyond.ravel(), "projected": found.projected[:, :-1].ravel(),
    })  # fmt: skip


TASKS = (
    Task(
        "stock", "newsvendor", "How much to order once, given what a unit too much and a unit too little cost",
        (
            _ITEM,
            Column("mean", Kind.NUMBER, "mean demand", "units"),
            Column("sd", Kind.NUMBER, "standard deviation of demand", "units"),
            Column("holding", Kind.NUMBER, "cost of a unit too much", "money"),
            Column("stockout", Kind.NUMBER, "cost of a unit too little", "money"),
        ),
        {
            "quantity": "the best quantity", "cost": "expected cost of too much and too little",
            "critical_ratio": "p/(p+h)", "service": "probability that all demand is met",
            "shortage": "expected units short", "leftover": "expected units left",
        },
        _newsvendor, "the cost beside that of the quantity ordered today; a service far from the critical ratio",
        "item,mean,sd,holding,stockout\nnewspaper,50,8,0.18,0.70\nmagazine,120,30,0.9,2\n",
        (Parameter("distribution", Kind.TEXT, "kind of demand", "normal", choices=("normal", "gamma", "lognormal")),),
    ),
    Task(
        "stock", "safety_stock", "Safety stock and reorder point for a fill rate under random demand and lead time",
        (
            _ITEM,
            Column("demand_mean", Kind.NUMBER, "mean demand per period", "units"),
            Column("demand_sd", Kind.NUMBER, "standard deviation of the forecast's error per period", "units"),
            Column("lead_time_mean", Kind.NUMBER, "mean lead time", "periods"),
            Column("lead_time_sd", Kind.NUMBER, "standard deviation of the lead time", "periods"),
            Column("quantity", Kind.NUMBER, "order quantity", "units"),
        ),
        {
            "lead_time_demand": "mean demand until an order is in", "spread": "its standard deviation",
            "safety_stock": "stock beyond the mean", "reorder_point": "stock position at which to order",
            "cycle_service": "share of cycles without a stockout", "fill_rate": "share of units served at once",
        },
        _safety_stock, "how far cycle service and fill rate lie apart; negative safety stock where lots are large",
        "item,demand_mean,demand_sd,lead_time_mean,lead_time_sd,quantity\nA,2500,500,2,0,10000\nB,40,25,3,1,120\n",
        (
            Parameter("fill_rate", Kind.NUMBER, "share of units to be served at once", 0.975),
            Parameter("review", Kind.NUMBER, "time between reviews, 0 for continuous", 0.0, "periods"),
        ),
    ),
    Task(
        "stock", "days_of_supply", "For how many coming days stock lasts, day by day, as Catena-X CX-0145 counts",
        (
            SERIES, PERIOD,
            Column("demand", Kind.NUMBER, "demand of the day", "units"),
            Column("receipts", Kind.NUMBER, "receipts of the day", "units", "0 where all are empty", needed=False),
            Column("stock", Kind.NUMBER, "opening stock, on the first day's row", "units", "the first day's counts"),
        ),
        {
            "days": "coming days covered", "beyond": "stock outlasts the horizon: at least so many",
            "projected": "stock at the day's end, below 0 what is missing",
        },
        _days_of_supply, "days below the supplier's lead time; days marked beyond are a lower bound",
        "series,period,demand,receipts,stock\nA,1,40,0,100\nA,2,60,60,\nA,3,50,100,\nA,4,50,0,\nA,5,60,0,\nA,6,50,40,\n",
    ),
)  # fmt: skip
