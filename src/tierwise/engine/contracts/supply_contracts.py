"""Contracts over one selling season: who pays whom, as pieces that are linear in capped demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Market:
    """One season of one product, per unit and in one currency.

    ``demand`` outcomes with their ``probability`` (None: equal, as for drawn or past demands); ``retail`` price,
    ``make`` the supplier's variable cost, ``salvage`` of a unit left over at the buyer, ``supplier_salvage`` of one
    returned (None: the same), ``fixed`` cost of the supplier, ``goodwill`` lost by the buyer per unit short.
    """

    demand: Floats
    probability: Floats | None
    retail: float
    make: float
    salvage: float = 0.0
    supplier_salvage: float | None = None
    fixed: float = 0.0
    goodwill: float = 0.0

    def __post_init__(self) -> None:
        if self.demand.ndim != 1 or not self.demand.size or not (np.isfinite(self.demand) & (self.demand >= 0)).all():
            raise ValueError("demand: give a row of known outcomes of 0 or more, at least one")
        if self.probability is not None and (
            self.probability.shape != self.demand.shape
            or not (self.probability >= 0).all()
            or abs(self.probability.sum() - 1) > 1e-6
        ):
            raise ValueError("probability: give one per demand, 0 or more, together 1")
        if not self.returned_worth <= self.make < self.retail or not self.salvage <= self.make:
            raise ValueError("salvage, make, retail: must rise in this order, else any quantity or none is best")
        if not (np.isfinite(self.fixed) and self.fixed >= 0 and self.goodwill >= 0):
            raise ValueError("fixed, goodwill: give finite amounts of 0 or more")

    @property
    def returned_worth(self) -> float:
        """What a returned unit still brings the supplier."""
        return self.salvage if self.supplier_salvage is None else self.supplier_salvage

    @property
    def weights(self) -> Floats:
        """Probability of each demand."""
        return np.full(self.demand.size, 1 / self.demand.size) if self.probability is None else self.probability

    @property
    def critical_ratio(self) -> float:
        """Share of seasons in which the chain as one company would sell out no unit too many."""
        margin = self.retail + self.goodwill
        return (margin - self.make) / (margin - max(self.salvage, self.returned_worth))


@dataclass(frozen=True, slots=True)
class Payments:
    """Profits at quantities Q as constants plus coefficients of min(cap, demand): ``pieces`` (cap, buyer, supplier)."""

    buyer: Floats
    supplier: Floats
    pieces: tuple[tuple[Floats, float, float], ...]


class SupplyContract(Protocol):
    """What a form of contract must tell: who gets what at a quantity, and where that bends."""

    def payments(self, market: Market, quantity: Floats) -> Payments:
        """Profits of both sides, without the buyer's lost goodwill and the supplier's fixed cost."""

    def bends(self, demand: Floats) -> Floats:
        """Quantities at which a side's expected profit changes its slope, besides the demands themselves."""


@dataclass(frozen=True, slots=True)
class Wholesale:
    """A price per unit and nothing else; what is left over is the buyer's."""

    price: float

    def __post_init__(self) -> None:
        _check(self)

    def payments(self, market: Market, quantity: Floats) -> Payments:
        """Buyer p·S + v·(Q − S) − w·Q; supplier (w − c)·Q."""
        bought = (market.salvage - self.price) * quantity
        sold = (quantity, market.retail - market.salvage, 0.0)
        return Payments(bought, (self.price - market.make) * quantity, (sold,))

    def bends(self, demand: Floats) -> Floats:
        """Only at the demands."""
        return demand


@dataclass(frozen=True, slots=True)
class BuyBack:
    """The supplier takes back what is left over at ``back`` a unit and salvages it itself (Pasternack 1985)."""

    price: float
    back: float

    def __post_init__(self) -> None:
        _check(self)
        if self.back > self.price:
            raise ValueError(f"back: {self.back} lies above the price {self.price}; leftovers would be a business")

    def payments(self, market: Market, quantity: Floats) -> Payments:
        """Buyer p·S + b·(Q − S) − w·Q; supplier (w − c)·Q − (b − v)·(Q − S)."""
        burden = self.back - market.returned_worth
        supplier = (self.price - market.make - burden) * quantity
        return Payments((self.back - self.price) * quantity, supplier, ((quantity, market.retail - self.back, burden),))

    def bends(self, demand: Floats) -> Floats:
        """Only at the demands."""
        return demand


@dataclass(frozen=True, slots=True)
class RevenueShare:
    """A low price, and ``share`` of the sales revenue to the supplier; salvage stays with the buyer."""

    price: float
    share: float

    def __post_init__(self) -> None:
        _check(self)
        if self.share > 1:
            raise ValueError(f"share: {self.share} must lie between 0 and 1")

    def payments(self, market: Market, quantity: Floats) -> Payments:
        """Buyer (1 − s)·p·S + v·(Q − S) − w·Q; supplier (w − c)·Q + s·p·S."""
        given = self.share * market.retail
        sold = (quantity, market.retail - given - market.salvage, given)
        return Payments((market.salvage - self.price) * quantity, (self.price - market.make) * quantity, (sold,))

    def bends(self, demand: Floats) -> Floats:
        """Only at the demands."""
        return demand


@dataclass(frozen=True, slots=True)
class QuantityFlex:
    """The supplier is ready for Q; the buyer may return up to the share ``down`` of it at the full price."""

    price: float
    down: float

    def __post_init__(self) -> None:
        _check(self)
        if self.down > 1:
            raise ValueError(f"down: {self.down} must lie between 0 and 1")

    def payments(self, market: Market, quantity: Floats) -> Payments:
        """Returned R = (Q − S) − ((1 − δ)Q − D)⁺ at w; the supplier salvages what comes back."""
        kept = (1 - self.down) * quantity
        gain = self.price - market.salvage
        burden = self.price - market.returned_worth
        # Written out: R = Q − min(Q, D) − kept + min(kept, D).
        back = quantity - kept
        return Payments(
            (market.salvage - self.price) * quantity + gain * back,
            (self.price - market.make) * quantity - burden * back,
            ((quantity, market.retail - market.salvage - gain, burden), (kept, gain, -burden)),
        )

    def bends(self, demand: Floats) -> Floats:
        """Where the returnable part alone would cover a demand."""
        return np.concatenate([demand, demand / (1 - self.down)]) if self.down < 1 else demand


@dataclass(frozen=True, slots=True)
class SalesRebate:
    """The supplier pays ``rebate`` for each unit sold beyond ``threshold``."""

    price: float
    rebate: float
    threshold: float

    def __post_init__(self) -> None:
        _check(self)

    def payments(self, market: Market, quantity: Floats) -> Payments:
        """As wholesale, with r·(S − t)⁺ from supplier to buyer."""
        sold = (quantity, market.retail - market.salvage + self.rebate, -self.rebate)
        below = (np.minimum(quantity, self.threshold), -self.rebate, self.rebate)
        return Payments((market.salvage - self.price) * quantity, (self.price - market.make) * quantity, (sold, below))

    def bends(self, demand: Floats) -> Floats:
        """At the threshold."""
        return np.append(demand, self.threshold)


@dataclass(frozen=True, slots=True)
class CallOption:
    """The buyer reserves Q at ``reserve`` each and, knowing demand, calls what it needs at ``exercise``; the supplier
    makes Q beforehand and salvages what is not called."""

    reserve: float
    exercise: float

    def __post_init__(self) -> None:
        _check(self)

    def payments(self, market: Market, quantity: Floats) -> Payments:
        """Buyer (p − e)·S − r·Q; supplier r·Q + e·S − c·Q + v·(Q − S)."""
        supplier = (self.reserve - market.make + market.returned_worth) * quantity
        called = (quantity, market.retail - self.exercise, self.exercise - market.returned_worth)
        return Payments(-self.reserve * quantity, supplier, (called,))

    def bends(self, demand: Floats) -> Floats:
        """Only at the demands."""
        return demand


@dataclass(frozen=True, slots=True)
class TwoPart:
    """A price per unit and a fee for the season; at the cost of making, it leaves the whole choice to the buyer."""

    price: float
    fee: float

    def __post_init__(self) -> None:
        _check(self)

    def payments(self, market: Market, quantity: Floats) -> Payments:
        """As wholesale, with the fee from buyer to supplier."""
        plain = Wholesale(self.price).payments(market, quantity)
        return Payments(plain.buyer - self.fee, plain.supplier + self.fee, plain.pieces)

    def bends(self, demand: Floats) -> Floats:
        """Only at the demands."""
        return demand


def expected(pieces: Sequence[tuple[Floats, float, float]], market: Market) -> tuple[Floats, Floats]:
    """Expected value of the pieces for each side: Σ coefficient · E[min(cap, D)], by one sort of the demands."""
    order = np.argsort(market.demand)
    demand, weight = market.demand[order], market.weights[order]
    below_mass = np.concatenate([[0.0], np.cumsum(weight)])
    below_sum = np.concatenate([[0.0], np.cumsum(weight * demand)])
    buyer, supplier = np.zeros(1), np.zeros(1)
    for cap, to_buyer, to_supplier in pieces:
        at = np.searchsorted(demand, cap, side="right")
        above = np.where(at < demand.size, below_mass[-1] - below_mass[at], 0.0)
        mean = below_sum[at] + np.where(above > 0, cap, 0.0) * above
        buyer, supplier = buyer + to_buyer * mean, supplier + to_supplier * mean
    return buyer, supplier


def _check(contract: object) -> None:
    for each in fields(contract):  # type: ignore[arg-type]
        value = getattr(contract, each.name)
        if not (np.isfinite(value) and value >= 0):
            raise ValueError(f"{each.name}: {value} must be a finite number of 0 or more")
