"""Vendor-managed stock: minimum and maximum, what to send and when, and how well the band was kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from tierwise.engine import checks
from tierwise.engine.checks import Floats
from tierwise.engine.stock import vendor_kernels
from tierwise.engine.stock.safety import LeadTimeDemand


@dataclass(frozen=True, slots=True)
class Band:
    """The agreed band in units, and what it rests on: safety stock within ``minimum`` and the average stock to expect
    when deliveries of ``lot`` arrive as it is reached."""

    minimum: Floats
    maximum: Floats
    safety_stock: Floats
    lot: Floats
    average: Floats


def vendor_band(over: LeadTimeDemand, target: npt.ArrayLike, lot: npt.ArrayLike, pack: npt.ArrayLike = 1.0) -> Band:
    """Minimum and maximum that a supplier keeps stock between at the customer.

    min = µ(L + R) + z·σ rounded up to whole ``pack``; max = min + lot, the lot at least one pack and rounded up to
    whole packs. ``over`` is demand over the supplier's response, transport and review time together (see
    :func:`lead_time_demand`), ``target`` the cycle service. Average stock = safety stock + lot/2. Shapes broadcast;
    NaN gives NaN. Source: Chopra and Meindl; min/max bands as in VDA 5002/4905 and GS1 practice. Two weeks of 2,500 ±
    500:

    >>> from tierwise.engine.stock import lead_time_demand
    >>> band = vendor_band(lead_time_demand((2500, 500), (2, 0)), 0.92, lot=10_000, pack=100)
    >>> float(band.minimum), float(band.maximum)
    (6000.0, 16000.0)
    """
    whole = checks.positive("pack", pack)
    served, size = checks.share("target", target), checks.positive("lot", lot)
    bottom = _up(over.mean + special.ndtri(served) * over.sd, whole)
    size = np.maximum(_up(size, whole), whole)
    bottom = np.maximum(bottom, 0.0)
    safety = bottom - over.mean
    return Band(bottom, bottom + size, safety, size + 0 * bottom, np.maximum(safety, 0.0) + size / 2)


def _up(values: Floats, pack: Floats) -> Floats:
    """Rounded up to whole packs; a hair above a whole one is that one."""
    return np.asarray(np.ceil(values / pack - 1e-6) * pack)


@dataclass(frozen=True, slots=True)
class ReplenishmentRules:
    """``minimum`` and ``maximum`` of the band, ``lead_time`` in whole periods before which nothing new can arrive,
    ``pack`` deliveries are whole multiples of, ``smallest`` and ``largest`` delivery; one value or one per item."""

    minimum: npt.ArrayLike
    maximum: npt.ArrayLike
    lead_time: npt.ArrayLike = 0
    pack: npt.ArrayLike = 1.0
    smallest: npt.ArrayLike = 0.0
    largest: npt.ArrayLike = np.inf

    def __post_init__(self) -> None:
        low, high = checks.nonnegative("minimum", self.minimum), checks.nonnegative("maximum", self.maximum)
        pack, most = checks.positive("pack", self.pack), checks.numbers("largest", self.largest)
        least = checks.nonnegative("smallest", self.smallest)
        checks.counts("lead_time", self.lead_time)
        if np.any(high < low):
            raise ValueError("maximum: must not be below minimum")
        if np.any(most < pack) or np.any(most < least):
            raise ValueError("largest: must hold at least one pack and the smallest delivery")


@dataclass(frozen=True, slots=True)
class Replenishment:
    """Shape (items, periods) or (periods,): ``deliver`` arriving in a period, ``projected`` stock at its end with
    them, ``state`` −1 below the minimum, 0 inside, 1 above the maximum. Below the minimum where nothing new can
    arrive in time is what to expedite."""

    deliver: Floats
    projected: Floats
    state: npt.NDArray[np.int8]


def propose_replenishment(
    stock: npt.ArrayLike, demand: npt.ArrayLike, receipts: npt.ArrayLike, rules: ReplenishmentRules
) -> Replenishment:
    """Deliveries that keep projected stock in the band.

    PS(i) = PS(i − 1) + receipts(i) − demand(i) + deliver(i); where PS would end a period below the minimum, and not
    before the lead time is over, a delivery refills to the maximum, in whole packs (rounded down so as not to exceed
    it, but at least to the minimum), within smallest and largest; several of the largest where one does not reach the
    minimum. ``receipts`` are those on their way already. ``stock`` includes consigned stock. NaN makes a row NaN from
    there on.

    Source: supplier-managed inventory planning as in SAP SNC's SMI; own wording. 10 on hand, 4 a day, band 8 to 20:

    >>> found = propose_replenishment(10, [4, 4, 4, 4], 0, ReplenishmentRules(8, 20))
    >>> found.deliver.tolist(), found.projected.tolist()
    ([14.0, 0.0, 0.0, 0.0], [20.0, 16.0, 12.0, 8.0])
    """
    wanted, coming = checks.nonnegative("demand", demand), checks.nonnegative("receipts", receipts)
    if wanted.ndim not in {1, 2}:
        raise ValueError("demand: must have the shape (periods,) or (items, periods)")
    rows, added = (checks.own(each) for each in checks.together(demand=np.atleast_2d(wanted), receipts=coming))
    per_item = [
        checks.own(np.broadcast_to(np.asarray(value, dtype=np.float64), rows.shape[:1]))
        for value in (stock, *(getattr(rules, name) for name in ReplenishmentRules.__slots__))
    ]
    deliver, projected = np.zeros(rows.shape), np.zeros(rows.shape)
    vendor_kernels.refill(rows, added, tuple(per_item), deliver, projected)
    low, high = per_item[1][:, None], per_item[2][:, None]
    slack = 1e-9 * np.maximum(high, 1.0)
    state = ((projected > high + slack).astype(np.int8) - (projected < low - slack).astype(np.int8)).astype(np.int8)
    if wanted.ndim == 1:
        return Replenishment(deliver[0], projected[0], state[0])
    return Replenishment(deliver, projected, state)


@dataclass(frozen=True, slots=True)
class BandKept:
    """Per item: periods known, the share of them inside, below and above, stocked out, and unit-periods outside: what
    an out-of-band charge is counted on."""

    periods: Floats
    inside: Floats
    below: Floats
    above: Floats
    stocked_out: Floats
    units_below: Floats
    units_above: Floats


def band_kept(stock: npt.ArrayLike, minimum: npt.ArrayLike, maximum: npt.ArrayLike) -> BandKept:
    """How well a band was kept, from stock at each period's end, (items, periods) or (periods,). NaN periods do not
    count; an item without any gives NaN shares. Limits one value or one per item; the limits themselves are inside.

    >>> kept = band_kept([5, 8, 20, 25], 8, 20)
    >>> float(kept.inside), float(kept.units_below), float(kept.units_above)
    (0.5, 3.0, 5.0)
    """
    seen = checks.numbers("stock", stock)
    low, high = (
        np.asarray(each)[..., None]
        for each in (checks.nonnegative("minimum", minimum), checks.nonnegative("maximum", maximum))
    )
    if np.any(high < low):
        raise ValueError("maximum: must not be below minimum")
    known = np.isfinite(seen)
    n = known.sum(axis=-1).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        under, excess = (
            np.where(known, np.maximum(low - seen, 0), 0.0),
            np.where(known, np.maximum(seen - high, 0), 0.0),
        )
        below, above = (under > 0).sum(axis=-1) / n, (excess > 0).sum(axis=-1) / n
        out = (known & (seen <= 0)).sum(axis=-1) / n
    return BandKept(n, 1 - below - above, below, above, out, under.sum(axis=-1), excess.sum(axis=-1))
