"""What forms of contract are worth to buyer and supplier, beside the wholesale price and one company."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.engine.contracts.supply_contracts import (
    BuyBack,
    CallOption,
    Floats,
    Market,
    RevenueShare,
    SupplyContract,
    Wholesale,
    expected,
)


@dataclass(frozen=True, slots=True)
class Profits:
    """Expected profits at each ``quantity``; ``chain`` is their sum."""

    quantity: Floats
    buyer: Floats
    supplier: Floats

    @property
    def chain(self) -> Floats:
        """Both sides together."""
        return self.buyer + self.supplier


def profits(market: Market, contract: SupplyContract, quantity: npt.ArrayLike) -> Profits:
    """Expected profit of each side at given quantities (any number, 0 or more; none gives none).

    E[min(q, D)] over the demand outcomes carries every form of contract, so thousands of quantities against thousands
    of outcomes cost one sort. Published example (Simchi-Levi, Kaminsky and Simchi-Levi, Designing and Managing the
    Supply Chain, chapter 4, swimsuits): wholesale at 80, 12,000 units: 470,700 and 440,000.

    >>> demand, chance = np.arange(8e3, 19e3, 2e3), np.array([0.11, 0.11, 0.28, 0.22, 0.18, 0.10])
    >>> swimsuits = Market(demand, chance, retail=125, make=35, salvage=20, fixed=100_000)
    >>> found = profits(swimsuits, Wholesale(80), 12_000)
    >>> found.buyer.round().tolist(), found.supplier.round().tolist()
    ([470700.0], [440000.0])
    """
    q = np.atleast_1d(np.asarray(quantity, dtype=np.float64))
    if not (np.isfinite(q) & (q >= 0)).all():
        raise ValueError("quantity: one is unknown or below 0; give finite quantities of 0 or more")
    paid = contract.payments(market, q)
    short = ((np.full(1, np.inf), -market.goodwill, 0.0), (q, market.goodwill, 0.0)) if market.goodwill else ()
    buyer, supplier = expected((*paid.pieces, *short), market)
    return Profits(q, paid.buyer + buyer, paid.supplier + supplier - market.fixed)


def best_quantity(market: Market, contract: SupplyContract) -> float:
    """The quantity a buyer that thinks of itself orders; the smallest of equally good ones.

    ValueError where it would order without end, a unit left over being worth more than it cost. Profits are piecewise
    linear in the quantity, so one of the bends is best. Buy-back at 55 in the example of `profits`: 14,000.

    >>> demand, chance = np.arange(8e3, 19e3, 2e3), np.array([0.11, 0.11, 0.28, 0.22, 0.18, 0.10])
    >>> swimsuits = Market(demand, chance, retail=125, make=35, salvage=20, fixed=100_000)
    >>> best_quantity(swimsuits, Wholesale(80)), best_quantity(swimsuits, BuyBack(80, 55))
    (12000.0, 14000.0)
    """
    bends = np.unique(np.concatenate([[0.0], market.demand, contract.bends(market.demand)]))
    last = bends[-1]
    found = profits(market, contract, [*bends, last + 1.0]).buyer
    if found[-1] > found[-2] + 1e-9 * max(1.0, market.retail):
        raise ValueError(
            "contract: a unit beyond any demand still earns the buyer money; raise its price above salvage"
        )
    found = found[:-1]
    near = found >= found.max() - 1e-9 * max(1.0, abs(float(found.max())))
    return float(bends[int(np.argmax(near))])


def integrated(market: Market) -> tuple[float, float]:
    """Quantity and expected profit of buyer and supplier as one company: what any contract is measured by.

    The swimsuits of `profits`: 16,000 units and 1,014,500.

    >>> demand, chance = np.arange(8e3, 19e3, 2e3), np.array([0.11, 0.11, 0.28, 0.22, 0.18, 0.10])
    >>> quantity, profit = integrated(Market(demand, chance, 125, 35, salvage=20, fixed=100_000))
    >>> quantity, round(profit)
    (16000.0, 1014500)
    """
    whole = _whole(market)
    quantity = best_quantity(whole, Wholesale(market.make))
    return quantity, float(profits(whole, Wholesale(market.make), quantity).chain[0])


def compare_contracts(market: Market, contracts: Mapping[str, SupplyContract], tail: float = 0.1) -> pl.DataFrame:
    """Each contract at the quantity the buyer would order under it, best for the chain first.

    Columns: ``contract``, ``quantity``, ``buyer``, ``supplier``, ``chain`` (expected profits), ``efficiency`` (chain ÷
    integrated), ``buyer_sd``, ``supplier_sd``, ``buyer_tail``, ``supplier_tail`` (mean of the worst ``tail`` of the
    seasons), ``buyer_loss``, ``supplier_loss`` (chance of a loss), and ``both_gain`` against the first contract given:
    neither side is worse off, one is better. The swimsuits of `profits`: wholesale 910,700, buy-back 55 and revenue
    share 60/15 % 985,700 at 14,000 units, against 1,014,500.

    >>> demand, chance = np.arange(8e3, 19e3, 2e3), np.array([0.11, 0.11, 0.28, 0.22, 0.18, 0.10])
    >>> swimsuits = Market(demand, chance, retail=125, make=35, salvage=20, fixed=100_000)
    >>> found = compare_contracts(swimsuits, {"wholesale": Wholesale(80), "buy-back": BuyBack(80, 55)})
    >>> found.select("contract", "quantity", pl.col("chain").round()).rows()
    [('buy-back', 14000.0, 985700.0), ('wholesale', 12000.0, 910700.0)]
    """
    if not 0 < tail <= 1:
        raise ValueError(f"tail: {tail} must lie above 0 and up to 1")
    if not contracts:
        raise ValueError("contracts: none given; name at least the one in force")
    _, best = integrated(market)
    rows = []
    for name, contract in contracts.items():
        quantity = best_quantity(market, contract)
        mean = profits(market, contract, quantity)
        buyer, supplier = outcomes(market, contract, quantity)
        row: dict[str, object] = {"contract": name, "quantity": quantity}
        row |= {"buyer": mean.buyer[0], "supplier": mean.supplier[0], "chain": mean.chain[0]}
        row["efficiency"] = mean.chain[0] / best if best > 0 else None
        row |= {"buyer_sd": _spread(buyer, market), "supplier_sd": _spread(supplier, market)}
        row |= {"buyer_tail": _tail(buyer, market, tail), "supplier_tail": _tail(supplier, market, tail)}
        row |= {"buyer_loss": market.weights @ (buyer < 0), "supplier_loss": market.weights @ (supplier < 0)}
        rows.append(row)
    numbers = [name for name in rows[0] if name != "contract"]
    table = pl.DataFrame(rows, schema={"contract": pl.String, **dict.fromkeys(numbers, pl.Float64)})
    now, small = table.row(0, named=True), 1e-6
    gains = (pl.col("buyer") >= now["buyer"] - small) & (pl.col("supplier") >= now["supplier"] - small)
    return table.with_columns(both_gain=gains & (pl.col("chain") > now["chain"] + small)).sort(
        "chain", descending=True, maintain_order=True
    )


def outcomes(market: Market, contract: SupplyContract, quantity: float) -> tuple[Floats, Floats]:
    """Profits of buyer and supplier in each demand outcome at one quantity.

    Of 12,000 swimsuits at a wholesale price of 80, sold at 125 and cleared at 20, a season of 8,000 leaves the buyer
    8,000 · 125 + 4,000 · 20 − 12,000 · 80 = 120,000; the supplier has 12,000 · (80 − 35) − 100,000 either way:

    >>> seasons = Market(np.array([8e3, 18e3]), np.array([0.5, 0.5]), retail=125, make=35, salvage=20, fixed=100_000)
    >>> [side.tolist() for side in outcomes(seasons, Wholesale(80), 12_000)]
    [[120000.0, 540000.0], [440000.0, 440000.0]]
    """
    paid = contract.payments(market, np.array([quantity]))
    buyer = paid.buyer[0] - market.goodwill * np.maximum(market.demand - quantity, 0.0)
    supplier = np.full(market.demand.size, paid.supplier[0] - market.fixed)
    for cap, to_buyer, to_supplier in paid.pieces:
        served = np.minimum(cap[0], market.demand)
        buyer, supplier = buyer + to_buyer * served, supplier + to_supplier * served
    return buyer, supplier


def coordinating_buy_back(market: Market, price: float) -> BuyBack:
    """The buy-back at which a buyer orders what one company would: b = p − (p − w)(p − v)/(p − c).

    With p the retail price plus goodwill, v the better salvage. Source: Pasternack, "Optimal pricing and return
    policies for perishable commodities", Marketing Science 4 (1985) 166-176; Cachon and Lariviere, MS 51 (2005) 30-44.
    For the swimsuits at 80: 125 − 45 · 105 / 90 = 72.5.

    >>> coordinating_buy_back(Market(np.array([8e3, 9e3]), None, 125, 35, salvage=20), 80).back
    72.5
    """
    top = market.retail + market.goodwill
    _between("price", price, market.make, market.retail)
    return BuyBack(price, top - (top - price) / market.critical_ratio)


def coordinating_revenue_share(market: Market, share: float) -> RevenueShare:
    """The unit price at which a buyer that gives ``share`` of its revenue orders what one company would.

    w = (1 − s)p + g − ((1 − s)p + g − v)·κ, κ the chain's critical ratio. Source: Cachon and Lariviere, "Supply chain
    coordination with revenue-sharing contracts", MS 51 (2005) 30-44; there, with no salvage, w = (1 − s)·c:

    >>> coordinating_revenue_share(Market(np.array([8e3, 9e3]), None, 125, 35), 0.4).price
    21.0
    """
    _between("share", share, 0.0, 1.0)
    kept = (1 - share) * market.retail + market.goodwill
    if kept <= market.salvage:
        raise ValueError(f"share: {share} leaves the buyer less than the salvage of a unit; lower it")
    return RevenueShare(kept - (kept - market.salvage) * market.critical_ratio, share)


def coordinating_option(market: Market, exercise: float) -> CallOption:
    """The reservation fee at which a buyer reserves what one company would make: r = (p + g − e)(1 − κ).

    Source: Barnes-Schuster, Bassok and Anupindi, M&SOM 4 (2002) 171-207, for one period. Swimsuits at 70: 55/7.

    >>> round(coordinating_option(Market(np.array([8e3, 9e3]), None, 125, 35, salvage=20), 70).reserve, 4)
    7.8571
    """
    top = market.retail + market.goodwill
    _between("exercise", exercise, 0.0, market.retail)
    return CallOption((top - exercise) * (1 - market.critical_ratio), exercise)


def _whole(market: Market) -> Market:
    better = max(market.salvage, market.returned_worth)
    return Market(
        market.demand, market.probability, market.retail, market.make,
        salvage=better, fixed=market.fixed, goodwill=market.goodwill,
    )  # fmt: skip


def _spread(outcome: Floats, market: Market) -> float:
    mean = float(market.weights @ outcome)
    return float(np.sqrt(max(float(market.weights @ (outcome - mean) ** 2), 0.0)))


def _tail(outcome: Floats, market: Market, tail: float) -> float:
    """Mean of the worst share of the seasons, the one at its edge in part."""
    order = np.argsort(outcome)
    weight = market.weights[order]
    taken = np.clip(tail - (np.cumsum(weight) - weight), 0.0, weight)
    return float(taken @ outcome[order] / taken.sum())


def _between(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name}: {value} must lie between {low} and {high}")
