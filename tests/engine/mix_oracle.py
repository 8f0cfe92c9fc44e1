"""The mix by plain recursion over every path: slow, and written without looking at how the product does it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import polars as pl

Rows = list[dict[str, Any]]
Units = dict[tuple[str, str, str], float]


def bill_at(bom: Rows, item: str, site: str) -> list[tuple[str, bool, float]]:
    own = [row for row in bom if row["parent"] == item]
    named = {row["site"] for row in own if row["site"] != "*"}
    found: list[tuple[str, bool, float]] = []
    for component in {row["component"] for row in own}:
        rows = [row for row in own if row["component"] == component]
        general = [row for row in rows if row["site"] == "*"]
        here = [row for row in rows if row["site"] == site and site != "*"]
        weight = 1.0
        if here:
            chosen = here
        elif general or site != "*":
            chosen = general
        else:
            chosen, weight = rows, 1 / len(named)
        for row in chosen:
            factor = row["quantity_per"] * row["option_rate"] * row["version_share"] / row["yield_ratio"]
            if factor > 0:
                found.append((component, row["phantom"], factor * weight))
    return found


def recurse(demand: Rows, bom: Rows, arcs: Rows) -> Units:
    """Units by (item, site, segment); site "*" is the item as a whole."""
    units: Units = defaultdict(float)

    def need(item: str, site: str, segment: str, amount: float, phantom: bool, moved: bool) -> None:
        rest = 1.0
        if not phantom:
            if site != "*":
                units[item, site, segment] += amount
            if not moved:
                units[item, "*", segment] += amount
            for arc in arcs:
                if arc["item"] == item and arc["to_site"] == site:
                    rest -= arc["share"]
                    if arc["share"] > 0:
                        need(item, arc["from_site"], segment, amount * arc["share"] / arc["yield_ratio"], False, True)
        if rest > 1e-9:
            for component, is_phantom, factor in bill_at(bom, item, site):
                blown = is_phantom and bool(bill_at(bom, component, site))
                need(component, site, segment, amount * rest * factor, blown, False)

    for row in demand:
        need(row["item"], row["site"], row["segment"], row["units"], False, False)
    return {key: amount for key, amount in units.items() if amount > 0}


def as_units(frame: pl.DataFrame) -> Units:
    return {
        (item, site, segment): units
        for item, site, segment, units in frame.select("item", "site", "segment", "units").iter_rows()
    }
