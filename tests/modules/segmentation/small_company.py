"""A company small enough to follow by hand: two bicycles and a spare part, two suppliers, two customer groups."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import polars as pl

from fixtures.worlds import NOW, World
from tierwise.kernel.clock import clock_set
from tierwise.kernel.viewer import Viewer
from tierwise.lake.jobs import import_extract
from tierwise.lake.records import ImportState
from tierwise.modules.segmentation import queries
from tierwise.modules.segmentation.actions import apply_plan, file_plan, write_scheme
from tierwise.modules.segmentation.records import CELL, read_scheme

ON = date(2025, 7, 1)
PRICE, COST = 10, 6

SCHEME = """# Bicycles
title: Bicycles
currency: EUR
cost_pools:
  - {name: desk, cost: 1000, practical_capacity_minutes: 1000, activities: {order_line: 1}}
thresholds:
  - {name: value, metric: net_revenue, kind: value, cuts: [1000], labels: [A, B]}
segments:
  - code: PREM
    name: Premium
    rank: 1
    effort_hours: 100
    partner_hours: 50
    alias: {code: LINE-1, name: Line one}
    policy:
      attribution: {window_days: 90, support_share: 0.1}
      scoring: {otif_target: 0.97}
  - {code: STD, name: Standard, rank: 2, slot: 2, effort_hours: 50, policy: {scoring: {otif_target: 0.9}}}
rules:
  - {name: earners, segment: PREM, when: {value: [A]}}
default_segment: STD
hysteresis: {margin: 0.1, consecutive: 2}
collaboration: {hours: 120, partner_hours: 100}
"""

DEEP = SCHEME.replace("    effort_hours: 100", "    collaborate: deep\n    effort_hours: 100")

# Units a month of each cell; revenue of a year is units × 12 × 10.
DEMAND: dict[tuple[str, str], float] = {
    ("BIKE-1", "KEY"): 20, ("BIKE-1", "SMALL"): 9, ("BIKE-2", "SMALL"): 5, ("SPARE", "KEY"): 3,
}  # fmt: skip

MAPPING = """
source: erp
files:
  items: {path: items.csv}
  customers: {path: customers.csv}
  sites: {path: sites.csv}
  lanes: {path: lanes.csv}
  bill: {path: bill.csv}
  demand: {path: demand.csv}
  costs: {path: costs.csv}
  purchases: {path: purchases.csv}
tables:
  item: {from: items, columns: {item: item, name: item, unit: {constant: EA}, make_or_buy: make, sold: sold}}
  customer:
    {from: customers, columns: {customer: customer, customer_group: group, service_requirement: {constant: "0.95"}}}
  site: {from: sites, columns: {site: site, name: site, kind: {constant: plant}, country: {constant: DE}}}
  lane:
    from: lanes
    columns: {lane: lane, item: item, supplier: supplier, ship_to: {constant: MAIN}, share: share}
  bill_of_material: {from: bill, columns: {parent: parent, component: part, quantity_per: per}}
  demand:
    from: demand
    complete: true
    columns:
      order: order
      line: {constant: "1"}
      item: item
      customer: customer
      ordered_on: day
      quantity: quantity
      revenue: revenue
      currency: {constant: EUR}
  cost: {from: costs, columns: {item: item, valid_from: {constant: "2020-01-01"}, amount: amount,
                                currency: {constant: EUR}}}
  purchase_line:
    from: purchases
    columns: {order: order, line: {constant: "1"}, supplier: supplier, item: item, site: {constant: MAIN},
              ordered_on: day, quantity: quantity, amount: amount, currency: {constant: EUR}}
"""

MASTERS = {
    "items": "item,make,sold\nBIKE-1,make,true\nBIKE-2,make,true\nSPARE,buy,true\nWHEEL,buy,false\nFRAME,buy,false\n"
             "GLUE,buy,false\n",
    "customers": "customer,group\nK1,KEY\nK2,SMALL\n",
    "sites": "site\nMAIN\n",
    "lanes": "lane,item,supplier,share\nL1,WHEEL,A,1\nL2,FRAME,B,1\nL3,SPARE,B,1\nL4,GLUE,B,1\n",
    "bill": "parent,part,per\nBIKE-1,WHEEL,2\nBIKE-1,FRAME,1\nBIKE-2,WHEEL,2\n",
    "costs": "item,amount\nBIKE-1,6\nBIKE-2,6\nSPARE,6\n",
    "purchases": "order,supplier,item,day,quantity,amount\nP1,A,WHEEL,2025-03-03,100,500\n"
                 "P2,B,FRAME,2025-03-03,40,800\nP3,B,SPARE,2025-05-05,10,100\nP4,B,GLUE,2023-02-01,5,50\n"
                 "P5,B,FRAME,2023-02-01,7,140\n",
}  # fmt: skip


_ticks = itertools.count()


@contextmanager
def ticking(moment: datetime = NOW) -> Iterator[None]:
    """A clock that stands at an instant but for a millisecond a look: no two facts become known at once."""
    with clock_set(lambda: moment + timedelta(milliseconds=next(_ticks))):
        yield


def months(first: date = date(2023, 7, 1), last: date = date(2025, 6, 30)) -> list[date]:
    return pl.date_range(first, last, "1mo", eager=True).to_list()


def bring(
    world: World, folder: Path, demand: Mapping[tuple[str, str], float] = DEMAND, last: date = date(2025, 6, 30)
) -> None:
    """Imports the company with so many units a month of each cell; what stood of other quantities is corrected."""
    folder.mkdir(exist_ok=True)
    mapping = folder / "mapping.yaml"
    mapping.write_text(MAPPING)
    for name, text in MASTERS.items():
        (folder / f"{name}.csv").write_text(text)
    customers = {"KEY": "K1", "SMALL": "K2"}
    rows = ["order,item,customer,day,quantity,revenue"]
    for (item, group), units in demand.items():
        rows += [
            f"{item}/{group}/{day:%y%m},{item},{customers[group]},{day.replace(day=5)},{units},{units * PRICE}"
            for day in months(last=last)
        ]
    (folder / "demand.csv").write_text("\n".join(rows) + "\n")
    outcome = import_extract(world["administrator"], folder, mapping)
    assert outcome.state is not ImportState.REFUSED, outcome.report


def planned(world: World, text: str = SCHEME, on: date = ON, who: str = "manager") -> tuple[UUID, str, int]:
    """(plan, fingerprint, version) of a scheme kept and planned."""
    number = write_scheme(world[who], text)
    found = queries.plan_scheme(world[who], read_scheme(text), on)
    return file_plan(world[who], number, found), found.fingerprint, number


def applied(world: World, text: str = SCHEME, on: date = ON) -> int:
    plan, fingerprint, number = planned(world, text, on)
    apply_plan(world["manager"], plan, fingerprint)
    return number


def cell(item: str, group: str) -> dict[str, str]:
    return {"item": item, "customer_group": group, "region": "ALL", "channel": "direct"}


def segments_now(viewer: Viewer) -> dict[tuple[str, str], str]:
    rows = queries.assignments(viewer).filter(pl.col("valid_to").is_null())
    return {(item, group): segment for item, group, segment in rows.select(*CELL[:2], "segment").iter_rows()}


def assert_history_is_whole(viewer: Viewer) -> None:
    """Every cell has exactly one segment on every day from 1900 on."""
    rows = queries.assignments(viewer).sort(*CELL, "valid_from")
    following = pl.col("valid_from").shift(-1).over(CELL)
    first = rows.group_by(CELL).agg(pl.col("valid_from").min(), pl.col("valid_to").is_null().sum().alias("open"))
    assert first["valid_from"].unique().to_list() == [date(1900, 1, 1)]
    assert first["open"].unique().to_list() == [1]
    gaps = rows.with_columns(following=following).filter(pl.col("following").is_not_null())
    assert (gaps["valid_to"].dt.offset_by("1d") == gaps["following"]).all()
