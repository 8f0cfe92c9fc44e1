"""Risk calculations as tasks on a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.engine import risk
from tierwise.engine.risk.chain import Floats, Ints, SupplyChain
from tierwise.engine.risk.order import causes_first
from tierwise.engine.tasks.check import refuse_rows
from tierwise.engine.tasks.declare import Column, Kind, Parameter, Task
from tierwise.engine.tasks.panels import SERIES, tidy

_ONCE = "; on any one of the node's rows"
_NODE = Column("node", Kind.TEXT, "an item at a site; one row per source it has")
_SOURCE = Column("source", Kind.TEXT, "a node that sends to it", empty="none on this row")
_PART = Column(
    "part", Kind.TEXT, "which input comes from there; sources of one input stand in for each other, inputs do not",
    empty="an input without a name", needed=False,
)  # fmt: skip
_DEMAND = Column("demand", Kind.NUMBER, "demand per period" + _ONCE, "units", "nothing is sold")
_UNIT_LOSS = Column("unit_loss", Kind.NUMBER, "money lost per unit not sold" + _ONCE, "money", "0")


@dataclass(frozen=True, slots=True)
class _Links:
    """A table's nodes, numbered as they first come, and its links in those numbers."""

    table: pl.DataFrame
    nodes: list[str]
    source: Ints
    target: Ints
    part: Ints

    @staticmethod
    def of(table: pl.DataFrame) -> _Links:
        nodes = table["node"].unique(maintain_order=True).to_list()
        if not nodes:
            raise ValueError("column 'node': has no rows; give one per node and source")
        unknown = table["source"].is_not_null() & ~table["source"].is_in(nodes)
        refuse_rows(table["source"], unknown, "is no node; give it a row of its own, without a source")
        rows = table.drop_nulls("source")
        parts = rows["part"].fill_null("")
        source, target = _numbers(rows["source"], nodes), _numbers(rows["node"], nodes)
        causes_first(len(nodes), source, target, nodes)
        return _Links(table, nodes, source, target, _numbers(parts, parts.unique(maintain_order=True).to_list()))

    def value(self, name: str, empty: float) -> Floats:
        return self.told(name).fill_null(empty).to_numpy()

    def told(self, name: str) -> pl.Series:
        """A node's value, on whichever of its rows it stands. ValueError where they tell two."""
        rows = self.table.select("node", name).with_row_index("row", offset=1).drop_nulls(name)
        first = rows.unique("node", keep="first", maintain_order=True).select("node", said=name)
        other = rows.join(first, on="node", maintain_order="left").filter(pl.col(name) != pl.col("said"))
        if other.height:
            row = other.row(0, named=True)
            raise ValueError(
                f"column {name!r}, row {row['row']}: {row[name]!r}, but an earlier row tells {row['said']!r} of node "
                f"{row['node']!r}; write it once"
            )
        return pl.DataFrame({"node": self.nodes}).join(first, on="node", how="left", maintain_order="left")["said"]

    def chain(self, capacity: npt.ArrayLike, stock: npt.ArrayLike, quantity_per: npt.ArrayLike = 1.0) -> SupplyChain:
        return SupplyChain(
            capacity, self.value("demand", 0.0), self.value("unit_loss", 0.0), stock, self.source, self.target,
            part=self.part, quantity_per=quantity_per,
        )  # fmt: skip


def _numbers(names: pl.Series, order: list[str]) -> Ints:
    place = {name: number for number, name in enumerate(order)}
    return np.array([place[name] for name in names.to_list()], dtype=np.int64)


def _single_outages(table: pl.DataFrame, _: Mapping[str, Any]) -> pl.DataFrame:
    for name in ("capacity", "demand", "unit_loss", "stock", "time_to_recover"):
        refuse_rows(table[name], table[name] < 0, "must be 0 or more")
    refuse_rows(table["quantity_per"], table["quantity_per"] <= 0, "must be above 0; leave out what carries nothing")
    links = _Links.of(table)
    quantity = table.drop_nulls("source")["quantity_per"].fill_null(1.0)
    chain = links.chain(links.value("capacity", np.inf), links.value("stock", 0.0), quantity.to_numpy())
    recover = links.told("time_to_recover").cast(pl.Float64)
    node = np.flatnonzero(recover.is_not_null().to_numpy())
    days = recover.drop_nulls().to_numpy()
    outages = risk.Outages(days, np.arange(node.size), node)
    found, lasts = risk.exposure(chain, outages), risk.time_to_survive(chain, outages)
    answer = tidy({
        "node": [links.nodes[at] for at in node.tolist()], "time_to_recover": days,
        "time_to_survive": np.where(np.isinf(lasts), np.nan, lasts),
        "exposed": risk.survival_gap(days, lasts).exposed, "loss": found.loss, "index": found.index,
        "lost": found.lost.sum(axis=1),
    })  # fmt: skip
    return answer.sort("loss", descending=True, maintain_order=True)


def _single_points(table: pl.DataFrame, _: Mapping[str, Any]) -> pl.DataFrame:
    for name in ("demand", "unit_loss"):
        refuse_rows(table[name], table[name] < 0, "must be 0 or more")
    links = _Links.of(table)
    own = pl.Series(links.nodes, dtype=pl.String)
    element = links.told("element").fill_null(own)
    names = element.unique(maintain_order=True).to_list()
    found = risk.single_points(links.chain(np.inf, 0.0), _numbers(element, names))
    stopped: list[list[str]] = [[] for _ in names]
    for each, product in zip(found.element.tolist(), found.product.tolist(), strict=True):
        stopped[each].append(links.nodes[product])
    answer = pl.DataFrame({
        "element": pl.Series(names, dtype=pl.String), "products": found.products, "value": found.value,
        "stops": pl.Series([" / ".join(each) for each in stopped], dtype=pl.String),
    })  # fmt: skip
    return answer.filter(pl.col("products") > 0).sort("value", "products", descending=True, maintain_order=True)


def _tail(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    chance = table["probability"]
    refuse_rows(chance, chance < 0, "must be 0 or more")
    if not chance.is_null().all():
        refuse_rows(chance, chance.is_null(), "fill all of them, or none where losses are equally likely draws")
    rows = []
    for (name,), part in table.group_by("series", maintain_order=True):
        known = None if chance.is_null().all() else part["probability"].to_numpy()
        try:
            found = risk.tail_risk(part["loss"].to_numpy(), known, given["level"])
        except ValueError as error:
            raise ValueError(f"series {name!r}: {error}") from error
        figures = (found.expected, found.value_at_risk, found.conditional, found.error)
        rows.append((name, *map(float, figures), part.height))
    columns = {"series": pl.String, **dict.fromkeys(_TAIL, pl.Float64), "n": pl.Int64}
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(pl.col(pl.Float64).fill_nan(None))


_TAIL = ("expected", "value_at_risk", "conditional", "error")
_FORD = (
    "node,source,capacity,demand,unit_loss,stock,time_to_recover\n"
    "S1,,30,,,,2\nS2,,45,,,,2\nS3,,60,,,,2\n"
    "car,S1,,75,5000,20,\ncar,S2,,,,,\ncar,S3,,,,,\ntruck,S1,,50,6500,25,\ntruck,S2,,,,,\ntruck,S3,,,,,\n"
)

TASKS = (
    Task(
        "risk", "single_outages", "What the loss of each node alone costs at best, and how long the chain holds out",
        (
            _NODE, _SOURCE, _PART,
            Column("quantity_per", Kind.NUMBER, "units of the source per unit of the node", empty="1", needed=False),
            Column("capacity", Kind.NUMBER, "what the node can make per period" + _ONCE, "units", "no limit"),
            _DEMAND, _UNIT_LOSS,
            Column("stock", Kind.NUMBER, "stock of the node" + _ONCE, "units", "0"),
            Column("time_to_recover", Kind.NUMBER, "how long an outage lasts" + _ONCE, "periods", "no outage asked"),
        ),
        {
            "time_to_recover": "as given", "time_to_survive": "periods without any loss, empty: for ever",
            "exposed": "whether recovery takes longer than that", "loss": "money lost with the best response",
            "index": "share of the largest loss", "lost": "units not sold",
        },
        _single_outages,
        "exposed nodes with a large loss; the response is the best there is: losses are at least that",
        _FORD,
    ),
    Task(
        "risk", "single_points", "What stops a product when it fails alone: the N−1 test, whatever the tiers",
        (
            _NODE, _SOURCE, _PART,
            Column(
                "element", Kind.TEXT, "what fails together: a site, an owner, a city" + _ONCE, "", "the node by itself",
                needed=False,
            ),
            _DEMAND, _UNIT_LOSS,
        ),
        {
            "element": "what fails", "products": "products it stops",
            "value": "demand × unit loss at stake per period", "stops": "which products",
        },
        _single_points, "elements far upstream that second sources share; stock and capacity play no part here",
        "node,source,part,element,demand,unit_loss\n"
        "smelter,,,,,\nnorth,smelter,,,,\nsouth,smelter,,,,\nchips A,,,Hsinchu,,\nchips B,,,Hsinchu,,\n"
        "pump,north,casting,,10,5\npump,south,casting,,,\nmeter,chips A,chip,,4,9\nmeter,chips B,chip,,,\n",
    ),
    Task(
        "risk", "tail", "How bad the bad years are: value at risk and the mean beyond it",
        (
            SERIES,
            Column("loss", Kind.NUMBER, "the loss of one scenario or draw", "money"),
            Column(
                "probability", Kind.NUMBER, "its probability, all of a series sum to 1", empty="draws, equally likely",
                needed=False,
            ),
        ),
        {
            "expected": "mean loss", "value_at_risk": "loss exceeded with probability 1 − level at most",
            "conditional": "mean of the worst 1 − level", "error": "its standard error, of draws only",
            "n": "scenarios or draws",
        },
        _tail, "conditional against expected; with few draws beyond the level the error tells how little is known",
        "series,loss,probability\nsupplier,0,0.6\nsupplier,10,0.2\nsupplier,20,0.1\nsupplier,50,0.06\nsupplier,200,0.04\n",
        (Parameter("level", Kind.NUMBER, "probability not to exceed the value at risk", 0.95),),
    ),
)  # fmt: skip
