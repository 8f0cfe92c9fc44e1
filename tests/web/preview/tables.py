"""A grid to commit in, and a long one."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from django.http import HttpRequest

from tierwise.web.pages import (
    Action,
    Column,
    Grid,
    Status,
    Tone,
)
from web.preview.cast import (
    NOW,
    SEGMENTS,
    SUPPLIERS,
    Made,
    head,
)


def plan(request: HttpRequest) -> Made:
    weeks = [f"W{w}" for w in range(48, 54)]
    columns = [
        Column("item", "Item", "code", card=True),
        Column("name", "Description", card=True),
        Column("segment", "Segment", "segment", card=True),
    ]
    for index, week in enumerate(weeks):
        columns += [
            Column(f"d{index}", "Demand", "quantity", "EA", group=week, total=True),
            Column(f"c{index}", "Commit", "quantity", "EA", group=week, total=True, editable=True, shade=f"s{index}"),
        ]
    rows = []
    for line in range(40):
        row: dict[str, object] = {
            "id": line,
            "item": f"FL-{2200 + line}",
            "name": ["Frame lug, head tube", "Fork crown", "Bottom bracket shell", "Dropout, left"][line % 4],
            "segment": SEGMENTS[line % 6].code,
        }
        for index in range(len(weeks)):
            row[f"d{index}"] = 300 + (line * 37 + index * 91) % 800
            row[f"c{index}"] = None if index > 3 else 300 + (line * 37 + index * 91) % 700
            row[f"s{index}"] = "frozen" if index == 0 else "due" if index > 3 else ""
        rows.append(row)
    grid = Grid("commit", columns, rows, "Nothing to commit.", "Commitment", SEGMENTS, key="id")
    return "web/grid.html", {
        "page": head(
            "Commit to shared demand, weeks 48–53",
            "Shared demand",
            lead="Grey weeks are frozen; amber weeks need your answer by 2026-11-27 18:00.",
        ),
        "grid": grid,
        "send": Action("Commit: Northwind is told at once", "/posted", True),
    }


def big(request: HttpRequest) -> Made:
    n = int(request.GET.get("n", "10000"))
    index = pl.int_range(n, eager=True)
    frame = pl.DataFrame(
        {
            "order": "45" + (index + 10_000_000).cast(pl.String),
            "href": "/desk/record?line=" + index.cast(pl.String),
            "supplier": pl.Series(SUPPLIERS)[(index % len(SUPPLIERS)).to_list()],
            "segment": pl.Series([s.code for s in SEGMENTS])[(index * 7 % 6).to_list()],
            "quantity": (index * 131 % 5000 + 1).cast(pl.Float64),
            "unit": pl.Series(["EA", "EA", "KG", "EA"])[(index % 4).to_list()],
            "value": ((index * 7919 % 900_000) / 100).cast(pl.Decimal(18, 2)),
            "share": (index * 37 % 1000) / 1000,
            "need_by": date(2026, 11, 1) + pl.Series([timedelta(days=int(i)) for i in index * 13 % 90]),
            "seen": NOW - pl.Series([timedelta(minutes=int(i)) for i in index * 17 % 9000]),
            "state": pl.Series(["late", "open", "confirmed", "risk"])[(index * 3 % 4).to_list()],
        }
    )
    states = {
        "late": Status("Late", Tone.BAD),
        "open": Status("Open"),
        "confirmed": Status("Confirmed", Tone.GOOD),
        "risk": Status("At risk", Tone.WATCH),
    }
    columns = (
        Column("order", "Order line", "link", href="href", card=True),
        Column("supplier", "Supplier", card=True),
        Column("segment", "Segment", "segment", card=True),
        Column("state", "State", "status", statuses=states, card=True),
        Column("quantity", "Quantity", "quantity", unit_field="unit", card=True),
        Column("value", "Value", "money", "EUR", total=True),
        Column("share", "Confirmed share", "ratio"),
        Column("need_by", "Need by", "date", card=True),
        Column("seen", "Last seen", "instant"),
    )
    return "web/grid.html", {
        "page": head("Open order lines", "Orders"),
        "grid": Grid(
            "orders", columns, frame, "No open order lines. New ones arrive with the import at 06:00.", "", SEGMENTS
        ),
    }
