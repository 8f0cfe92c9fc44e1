"""Quantity flexibility: how far a forecast may still move, from the releases themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Literal

import numpy as np
import polars as pl

from tierwise.engine import checks
from tierwise.engine.contracts.flex_types import Floats
from tierwise.engine.contracts.money import CENTS, Rounding, decimal_places, not_negative, product

BAND_SCHEMA: dict[str, pl.DataType] = {
    "vintage": pl.Int64(),
    "period": pl.Int64(),
    "lead": pl.Int64(),
    **dict.fromkeys(
        ("quantity", "previous", "low", "high", "breach", "legal", "order_low", "order_high"), pl.Float64()
    ),
    **dict.fromkeys(("used_up", "used_down"), pl.Float64()),
}


@dataclass(frozen=True, slots=True)
class FlexWindow:
    """Target periods (first to last, both counted) in which the rates are multiplied: a season, a promotion."""

    first: int
    last: int
    scale_up: float = 1.0
    scale_down: float = 1.0

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"last: {self.last} lies before first {self.first}; swap them")
        if not (0 <= self.scale_up < np.inf and 0 <= self.scale_down < np.inf):
            raise ValueError("scale_up, scale_down: give finite factors of 0 or more (1 changes nothing)")


@dataclass(frozen=True, slots=True)
class FlexTerms:
    """What a contract allows.

    ``up[j - 1]`` and ``down[j - 1]`` (shares, 0.05 for 5 %) belong to a lead of j periods. ``kind`` "revision": how
    much a quantity may change when its lead falls from j to j − 1 (Tsay and Lovejoy); "order": how far any later
    release, and the order itself, may lie from the release j periods ahead. Beyond the last lead nothing binds.
    Leads up to ``frozen`` allow no change. ``basis`` "effective": a release that broke its band counts as the nearest
    quantity within it, so that a breach never widens later rights; "released": as it was sent. ``lot`` widens each
    bound to the next whole lot (0: none). ``windows`` scale the rates of target periods; where they overlap, the first
    holds.
    """

    up: tuple[float, ...]
    down: tuple[float, ...]
    kind: Literal["revision", "order"] = "revision"
    frozen: int = 0
    basis: Literal["effective", "released"] = "effective"
    lot: float = 0.0
    windows: tuple[FlexWindow, ...] = ()

    def __post_init__(self) -> None:
        if len(self.up) != len(self.down):
            raise ValueError(f"up, down: {len(self.up)} and {len(self.down)} leads; give one rate per lead in both")
        if not all(isfinite(rate) and rate >= 0 for rate in self.up):
            raise ValueError("up: a rate is below 0 or unknown; give shares such as 0.05 for 5 %")
        if not all(0 <= rate <= 1 for rate in self.down):
            raise ValueError("down: a rate lies outside 0 to 1; give shares such as 0.05 for 5 %")
        if self.kind not in {"revision", "order"}:
            raise ValueError(f"kind: {self.kind!r} is unknown; use revision or order")
        if self.basis not in {"effective", "released"}:
            raise ValueError(f"basis: {self.basis!r} is unknown; use effective or released")
        if self.frozen < 0 or not (isfinite(self.lot) and self.lot >= 0):
            raise ValueError("frozen, lot: give 0 or more")

    @property
    def rates(self) -> Floats:
        """(up, down) × lead, with the frozen leads at 0."""
        found = np.array([self.up, self.down], dtype=np.float64).reshape(2, len(self.up))
        found[:, : self.frozen] = 0.0
        return found


def cumulative_flex(terms: FlexTerms) -> pl.DataFrame:
    """How far an order can end from the release ``lead`` periods before it, if every step is used.

    Columns lead (1 …), up, down (shares). "revision": A_j = Π(1 + α_i) − 1 and Ω_j = 1 − Π(1 − ω_i) over i ≤ j;
    "order": the tightest rates of the lead and all shorter ones are *not* compounded, each lead stands for itself. No
    leads: no rows. Source: Tsay and Lovejoy, "Quantity flexibility contracts and supply chain performance", M&SOM 1
    (1999) 89-111, section 3. Rates of 5 % and 10 % reach +15.5 % and −14.5 %:

    >>> cumulative_flex(FlexTerms(up=(0.05, 0.10), down=(0.05, 0.10))).row(1)
    (2, 0.155..., 0.145...)
    """
    up, down = terms.rates
    if terms.kind == "revision":
        up, down = np.cumprod(1 + up) - 1, 1 - np.cumprod(1 - down)
    return pl.DataFrame({"lead": np.arange(1, up.size + 1), "up": up, "down": down})


def flex_bands(releases: pl.DataFrame, terms: FlexTerms, keys: Sequence[str] = ("series",)) -> pl.DataFrame:
    """The legal band of every release, what broke it, and how far the order can still move after it.

    ``releases``: ``keys`` (what one forecast series is: item, or capacity group whose items were summed with their
    load), ``vintage`` (period in which it was released) and ``period`` it is about, both whole numbers of the same
    calendar (week numbers counted through), ``quantity`` in one unit. The release with lead 0 is the order.

    One row per release, sorted by keys, period, vintage: ``lead`` = period − vintage; ``previous`` quantity it is held
    against; ``low``, ``high`` (high is null where nothing binds); ``breach`` (above +, below −, else 0); ``legal``, the
    nearest quantity in the band; ``order_low``, ``order_high``, where the order can end from here; ``used_up``,
    ``used_down``, how much of the room that the first binding release gave is gone (0 to 1; null without room).
    Between two releases that lie k periods apart the k steps compound; a step from beyond the last lead is free. Where
    bounds of kind "order" cross, the roof holds: nobody must take what nobody must deliver.

    Raises ValueError for missing columns, quantities that are null, NaN or below 0, a release after its period, and
    two releases of one series, period and vintage. No rows: no rows. Formula and source: see `cumulative_flex`.

    100 may become 90 to 110 at two periods' lead and half as far at one; 112 breaks that and counts as 110:

    >>> sent = pl.DataFrame({"series": ["a"] * 3, "vintage": [0, 1, 2], "period": [2] * 3, "quantity": [100, 112, 112]})
    >>> bands = flex_bands(sent, FlexTerms(up=(0.05, 0.10), down=(0.05, 0.10)))
    >>> bands.select(pl.col("low", "high", "breach", "legal", "order_high").round(3)).rows()
    [(0.0, None, 0.0, 100.0, 115.5), (90.0, 110.0, 2.0, 110.0, 115.5), (104.5, 115.5, 0.0, 112.0, 112.0)]
    """
    rows = _sorted(releases, list(keys))
    if rows.is_empty():
        return rows.select(*keys, *(pl.lit(None, kind).alias(name) for name, kind in BAND_SCHEMA.items()))
    from tierwise.engine.contracts.flex_kernels import walk_orders, walk_revisions  # noqa: PLC0415  # numba loads slowly

    target = rows.select(pl.struct(*keys, "period").rle_id()).to_series().cast(pl.Int64).to_numpy()
    given = (target, rows["lead"].to_numpy(), rows["quantity"].to_numpy())
    out = np.empty((rows.height, 7))
    walk = walk_revisions if terms.kind == "revision" else walk_orders
    walk(given, _scales(rows["period"].to_numpy(), terms), terms.rates, (terms.basis == "effective", terms.lot), out)
    previous, low, high, legal, order_low, order_high, first = out.T
    breach = np.where(given[2] > high, given[2] - high, np.where(given[2] < low, given[2] - low, 0.0))
    reach = _first_reach(target, given[1] <= len(terms.up), order_low, order_high)
    held = legal if terms.basis == "effective" else given[2]
    columns = {
        "previous": previous, "low": low, "high": high, "breach": breach, "legal": legal,
        "order_low": order_low, "order_high": order_high,
        "used_up": _used(held - first, reach[1] - first), "used_down": _used(first - held, first - reach[0]),
    }  # fmt: skip
    shown = {name: pl.Series(name, np.where(np.isfinite(each), each, np.nan)) for name, each in columns.items()}
    return rows.with_columns(each.fill_nan(None) for each in shown.values()).select(*keys, *BAND_SCHEMA)


@dataclass(frozen=True, slots=True)
class FlexPrices:
    """What leaving the band costs per unit: ``shortfall`` paid on what stays below it, ``surplus`` on top of the price
    for what is delivered above it. ``unit_places``: decimals that a unit has in a statement."""

    shortfall: Decimal
    surplus: Decimal
    unit_places: int = 3
    rounding: Rounding = CENTS

    def __post_init__(self) -> None:
        not_negative(self.shortfall, "shortfall")
        not_negative(self.surplus, "surplus")
        if not 0 <= self.unit_places <= 9:
            raise ValueError(f"unit_places: {self.unit_places} is out of reach; give 0 to 9")


def flex_charges(bands: pl.DataFrame, prices: FlexPrices) -> pl.DataFrame:
    """The money that orders outside their band cost, in exact decimals.

    Takes the rows of `flex_bands`; the orders are those with lead 0, the others are forecasts and cost nothing. Adds
    ``units_short``, ``units_over`` (Decimal, rounded half up to ``unit_places``) and ``charge`` = units × rate, rounded
    once. Only orders that broke their band are returned; none: no rows. The first order of a series, which nothing
    went before, has no band. Our own numbers: an order of 98 under a floor of 104.5 at 2.50 a unit costs 16.25.

    >>> sent = pl.DataFrame({"series": ["a"] * 2, "vintage": [1, 2], "period": [2, 2], "quantity": [110.0, 98.0]})
    >>> bands = flex_bands(sent, FlexTerms(up=(0.05,), down=(0.05,)))
    >>> flex_charges(bands, FlexPrices(shortfall=Decimal("2.50"), surplus=Decimal("0")))["charge"].to_list()
    [Decimal('16.25')]
    """
    units = pl.Decimal(38, prices.unit_places)
    step = 10.0**prices.unit_places
    missed = bands.filter((pl.col("lead") == 0) & (pl.col("breach") != 0)).with_columns(
        ((pl.col("breach").abs() * step + 0.5).floor() / step).round(prices.unit_places).cast(units).alias("_units"),
    )
    charged = missed.with_columns(
        pl.when(pl.col("breach") < 0).then("_units").otherwise(pl.lit(0, units)).alias("units_short"),
        pl.when(pl.col("breach") > 0).then("_units").otherwise(pl.lit(0, units)).alias("units_over"),
        pl.when(pl.col("breach") < 0)
        .then(pl.lit(prices.shortfall, pl.Decimal(38, decimal_places(prices.shortfall))))
        .otherwise(pl.lit(prices.surplus, pl.Decimal(38, decimal_places(prices.surplus))))
        .alias("rate"),
    )
    return charged.with_columns(product(charged, "_units", "rate", prices.rounding).alias("charge")).drop("_units")


@dataclass(frozen=True, slots=True)
class FlexCosts:
    """What flexibility is worth, per unit: ``unmet`` to the buyer for a unit wanted and not allowed, ``forced`` for one
    taken against its wish; ``reserve`` to the supplier for a unit it had to be ready for and that was not ordered.
    ``ready_lead``: how many periods before the order the supplier must prepare."""

    unmet: float
    forced: float
    reserve: float
    ready_lead: int = 1

    def __post_init__(self) -> None:
        if not all(isfinite(each) and each >= 0 for each in (self.unmet, self.forced, self.reserve)):
            raise ValueError("unmet, forced, reserve: give finite costs per unit of 0 or more")
        if self.ready_lead < 1:
            raise ValueError(f"ready_lead: {self.ready_lead} must be 1 or more, as the order itself comes at lead 0")


def replay_flex(
    releases: pl.DataFrame,
    alternatives: Mapping[str, FlexTerms],
    costs: FlexCosts,
    keys: Sequence[str] = ("series",),
) -> pl.DataFrame:
    """What terms would have cost each side on history: the price of flexibility before anybody signs.

    Every series and period with an order (lead 0) is replayed under each alternative: ``unmet`` and ``forced`` are the
    units by which the order lies above and below the band, ``reserved`` those between what the supplier had to be
    ready for at ``ready_lead`` (the roof then) and what was legally ordered. One row per alternative, in the order
    given: ``orders``, ``breaches``, ``unmet``, ``forced``, ``reserved``, ``buyer_cost``, ``supplier_cost``, ``units``
    ordered, and against the first alternative per unit ordered ``supplier_asks`` (its cost more, the least premium it
    can live with) and ``buyer_gains`` (the most that it can pay); there is room to agree where gains exceed asks.
    Orders without a roof at ``ready_lead`` reserve nothing and are counted in ``unbound``. No orders: zeros and nulls.
    Our own numbers: the order 112 after 100 under ±5 % leaves 7 unmet and 0 reserved, under ±15 % 0 and 3:

    >>> sent = pl.DataFrame({"series": ["a"] * 2, "vintage": [1, 2], "period": [2, 2], "quantity": [100, 112]})
    >>> either = {"5 %": FlexTerms((0.05,), (0.05,)), "15 %": FlexTerms((0.15,), (0.15,))}
    >>> table = replay_flex(sent, either, FlexCosts(unmet=4, forced=1, reserve=0.5))
    >>> table.select(pl.col("unmet", "reserved", "supplier_asks", "buyer_gains").round(4)).rows()
    [(7.0, 0.0, 0.0, 0.0), (0.0, 3.0, 0.0134, 0.25)]
    """
    if not alternatives:
        raise ValueError("alternatives: none given; name at least the terms in force")
    rows = []
    for name, terms in alternatives.items():
        bands = flex_bands(releases, terms, keys)
        orders = bands.filter(pl.col("lead") == 0)
        ready = bands.filter(pl.col("lead") == costs.ready_lead).select(*keys, "period", roof="order_high")
        joined = orders.join(ready, on=[*keys, "period"], how="left", nulls_equal=True)
        spare = (pl.col("roof") - pl.col("legal")).clip(lower_bound=0)
        found = joined.select(
            orders=pl.len(),
            breaches=(pl.col("breach") != 0).sum(),
            unmet=pl.col("breach").clip(lower_bound=0).sum(),
            forced=-pl.col("breach").clip(upper_bound=0).sum(),
            reserved=spare.sum(),
            unbound=pl.col("roof").is_null().sum(),
            units=pl.col("quantity").sum(),
        )
        rows.append(found.select(pl.lit(name).alias("alternative"), pl.all()))
    table = pl.concat(rows).with_columns(
        buyer_cost=costs.unmet * pl.col("unmet") + costs.forced * pl.col("forced"),
        supplier_cost=costs.reserve * pl.col("reserved"),
    )
    per_unit = pl.when(pl.col("units") > 0).then("units")
    return table.with_columns(
        supplier_asks=(pl.col("supplier_cost") - pl.col("supplier_cost").first()) / per_unit,
        buyer_gains=(pl.col("buyer_cost").first() - pl.col("buyer_cost")) / per_unit,
    )


def _sorted(releases: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    checks.columns("releases", releases, (*keys, "vintage", "period", "quantity"))
    for name in ("vintage", "period"):
        if not (releases.schema[name].is_integer() or releases.is_empty()):
            raise ValueError(f"{name}: is {releases.schema[name]}; give whole period numbers of one calendar")
    rows = releases.select(
        *keys, pl.col("vintage", "period").cast(pl.Int64), pl.col("quantity").cast(pl.Float64)
    ).with_columns(lead=pl.col("period") - pl.col("vintage"))
    wrong = pl.col("quantity").is_null() | ~pl.col("quantity").is_finite() | (pl.col("quantity") < 0)
    if rows.select(wrong.any()).item():
        raise ValueError("quantity: one is unknown or below 0; leave out releases without a quantity")
    if rows.select((pl.col("lead").is_null() | (pl.col("lead") < 0)).any()).item():
        raise ValueError("vintage: one lies after its period; a release speaks of its own period or later ones")
    rows = rows.sort(*keys, "period", "vintage")
    if rows.select(pl.struct(*keys, "period", "vintage").is_duplicated().any()).item():
        raise ValueError("vintage: one series and period has two releases of a vintage; keep the last sent")
    return rows


def _scales(period: np.ndarray[tuple[int], np.dtype[np.int64]], terms: FlexTerms) -> Floats:
    found = np.ones((period.size, 2))
    for window in reversed(terms.windows):
        found[(period >= window.first) & (period <= window.last)] = window.scale_up, min(window.scale_down, np.inf)
    if terms.windows and terms.down and (found[:, 1].max() * max(terms.down)) > 1:
        raise ValueError("windows: scale_down takes a rate above 1; nothing can fall by more than all of it")
    return found


def _first_reach(
    target: np.ndarray[tuple[int], np.dtype[np.int64]], binds: np.ndarray[tuple[int], np.dtype[np.bool_]],
    low: Floats, high: Floats,
) -> tuple[Floats, Floats]:  # fmt: skip
    """What the first binding release of each target allowed, on every row of the target."""
    at = np.flatnonzero(binds)
    _, where = np.unique(target[at], return_index=True)
    spread_low, spread_high = np.full((2, int(target[-1]) + 1), np.nan)
    spread_low[target[at[where]]], spread_high[target[at[where]]] = low[at[where]], high[at[where]]
    return spread_low[target], spread_high[target]


def _used(moved: Floats, room: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.clip(moved, 0.0, None) / np.where(room > 0, room, np.nan)
    return np.asarray(np.clip(share, 0.0, 1.0))
