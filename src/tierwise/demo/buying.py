"""What we mean to order, what we ordered, and what we said beforehand that we would order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from tierwise.demo.frames import Days, Floats, Ints, conform, pick, stream
from tierwise.demo.network import RECEIVING, Network
from tierwise.demo.parties import Parties
from tierwise.demo.products import Products
from tierwise.demo.span import Span

FORECAST_WEEKS = 26
VINTAGE_EVERY_WEEKS = 2
FORECAST_BIAS = np.array([0.03, 0.20, -0.12, 0.0])
FORECAST_NOISE = np.array([0.12, 0.25, 0.22, 0.45])
"""Per business unit at the far end of the horizon: coffee steady, cooking high, cooling low, washing noisy."""

FIRM_WEEKS, MATERIAL_WEEKS = 4, 8


@dataclass(frozen=True, slots=True)
class Plan:
    """Every order that the requirement calls for, with hindsight: one element per lane and week of need."""

    lane: Ints
    week: Ints
    quantity: Floats


@dataclass(frozen=True, slots=True)
class Placed:
    """The lines placed by the last day, in order of date; quantities in base units."""

    lane: Ints
    ordered: Days
    requested: Days
    quantity: Floats
    order: Ints
    line: Ints


def plan(network: Network, need: Floats) -> Plan:
    """Covers each lane's share of the need, cycle by cycle, in whole lots; the rounding never piles up."""
    weekly = need[network.site, network.item] * network.share[:, None]
    total = np.concatenate([np.zeros((weekly.shape[0], 1)), np.cumsum(weekly, axis=1)], axis=1)
    weeks = weekly.shape[1]
    parts = []
    for cycle in np.unique(network.cycle).tolist():
        lanes = np.flatnonzero(network.cycle == cycle)
        starts = network.phase[lanes][:, None] + cycle * np.arange(-1, weeks // cycle + 1)[None, :]
        ends = np.clip(starts + cycle, 0, weeks)
        step = network.step[lanes][:, None]
        covered = np.ceil(np.take_along_axis(total[lanes], ends, axis=1) / step - 1e-9) * step
        quantity = np.diff(covered, axis=1, prepend=0.0)
        row, column = np.nonzero((quantity > 0) & (starts < weeks))
        parts.append((lanes[row], np.maximum(starts[row, column], 0), quantity[row, column]))
    lane, week, quantity = (np.concatenate(values) for values in zip(*parts, strict=True))
    order = np.lexsort((week, lane))
    return Plan(lane[order], week[order], quantity[order])


def place(planned: Plan, network: Network, span: Span, seed: int) -> Placed:
    """Turns plans into lines, ordered a lead time and a little before they are needed, and numbers them."""
    rng = stream(seed, "placing")
    size = planned.lane.size
    requested = span.first + 7 * planned.week - 7 + rng.integers(0, 5, size)
    slack = rng.choice([-5, 0, 0, 0, 3, 7], size)
    ordered = requested - np.maximum(network.lead_days[planned.lane] + slack, 3)
    ordered -= np.maximum((ordered.astype(np.int64) + 3) % 7 - 4, 0)
    kept = np.flatnonzero((ordered >= span.first) & (ordered <= span.last))
    lane = planned.lane[kept]
    by = np.lexsort((requested[kept], lane, network.site[lane], network.supplier[lane], ordered[kept]))
    kept, lane = kept[by], lane[by]
    group = np.stack([ordered[kept].astype(np.int64), network.supplier[lane], network.site[lane]])
    opens = np.ones(kept.size, dtype=np.bool_)
    opens[1:] = (np.diff(group, axis=1) != 0).any(axis=0)
    first = np.flatnonzero(opens)
    order = np.cumsum(opens).astype(np.int64)
    line = (np.arange(kept.size) - first[order - 1] + 1).astype(np.int64)
    return Placed(lane, ordered[kept], requested[kept], planned.quantity[kept], order, line)


def forecasts(planned: Plan, network: Network, who: tuple[Parties, Products], span: Span, seed: int) -> pl.DataFrame:
    """Vintages every second week, 26 weeks ahead, in weekly buckets of need; weeks without an order have no row."""
    rng = stream(seed, "forecasts")
    parties, products = who
    ahead = np.arange(0, FORECAST_WEEKS)
    first = -(planned.week % VINTAGE_EVERY_WEEKS)
    lag = ahead[VINTAGE_EVERY_WEEKS - 1 :: VINTAGE_EVERY_WEEKS] - (VINTAGE_EVERY_WEEKS - 1)
    vintage = planned.week[:, None] + first[:, None] - lag[None, :]
    row, column = np.nonzero((vintage >= 0) & (vintage < span.history))
    vintage = vintage[row, column]
    lane = planned.lane[row]
    horizon = (planned.week[row] - vintage) / FORECAST_WEEKS
    unit = products.unit_index[network.item[lane]]
    noise = rng.normal(0.0, 1.0, row.size) * FORECAST_NOISE[unit] * np.sqrt(horizon)
    wanted = planned.quantity[row] * (1 + FORECAST_BIAS[unit] * horizon) * np.exp(noise - 0.5 * noise.var())
    shifted = rng.random(row.size) < 0.35 * horizon
    bucket = planned.week[row] + np.where(shifted, rng.choice([-1, 1], row.size), 0)
    bucket = np.clip(bucket, vintage, vintage + FORECAST_WEEKS - 1)
    step = network.step[lane]
    frame = pl.DataFrame({"vintage": vintage, "lane": lane, "bucket": bucket,
                          "quantity": np.maximum(np.round(wanted / step), 1) * step})  # fmt: skip
    key = ["vintage", "lane", "bucket"]
    found = frame.group_by(key).agg(pl.col("quantity").sum()).sort(key)
    return _forecast_frame(found, network, parties, products, span)


def _forecast_frame(found: pl.DataFrame, network: Network, parties: Parties, products: Products,
                    span: Span) -> pl.DataFrame:  # fmt: skip
    lane, vintage, bucket = (found[name].to_numpy() for name in ("lane", "vintage", "bucket"))
    lag = bucket - vintage
    binds = np.select([lag < FIRM_WEEKS, lag < MATERIAL_WEEKS], [0, 1], 2).astype(np.int64)
    return conform("order_forecast", {
        "vintage_on": span.first + 7 * vintage,
        "supplier": pick(parties.suppliers, network.supplier[lane]),
        "item": pick(products.codes, network.item[lane]),
        "site": pick(RECEIVING, network.site[lane]),
        "bucket_start": span.first + 7 * bucket,
        "bucket_days": np.full(lane.size, 7),
        "quantity": found["quantity"],
        "unit": pick(products.item["unit"].to_list(), network.item[lane]),
        "binds": pick(["commitment", "material_authorisation", "forecast"], binds),
    })  # fmt: skip
