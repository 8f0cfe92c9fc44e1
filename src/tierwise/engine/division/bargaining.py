"""Two sides and what lies between them: room to agree, Nash's point, and menus of offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.engine import checks

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Zopa:
    """Zones of possible agreement over arrays: ``low`` the supplier's walk-away, ``high`` the buyer's, ``width`` (below
    0: the gap), whether one ``exists``, and the ``settlement`` by bargaining power (NaN without a zone)."""

    low: Floats
    high: Floats
    width: Floats
    exists: npt.NDArray[np.bool_]
    settlement: Floats


def zopa(buyer_limit: npt.ArrayLike, supplier_limit: npt.ArrayLike, buyer_power: npt.ArrayLike = 0.5) -> Zopa:
    """Where two sides can agree on a price or any one number of which the buyer wants little.

    The buyer pays at most ``buyer_limit``, the supplier takes at least ``supplier_limit``; all broadcast. Settlement s
    + (1 − α)(b − s): the Nash point of two risk-neutral sides with powers α and 1 − α, midway at 0.5. NaN limits give
    no zone. For a number of which the buyer wants much (a service level) swap the sides: the supplier offers at most,
    the buyer needs at least. Source: Raiffa, The Art and Science of Negotiation, 1982, chapter 4. Our own numbers:

    >>> found = zopa([120.0, 90.0], [100.0, 95.0])
    >>> found.exists.tolist(), found.width.tolist(), found.settlement.tolist()
    ([True, False], [20.0, -5.0], [110.0, nan])
    """
    high, low = np.asarray(buyer_limit, dtype=np.float64), np.asarray(supplier_limit, dtype=np.float64)
    power = _power(buyer_power)
    high, low, power = np.broadcast_arrays(high, low, power)
    width = high - low
    exists = width >= 0
    return Zopa(low, high, width, exists, np.where(exists, low + (1 - power) * width, np.nan))


def nash_split(total: npt.ArrayLike, walk_away: npt.ArrayLike, power: npt.ArrayLike | None = None) -> Floats:
    """A sum of money divided so that what each gains over walking away is in proportion to power.

    ``total`` per row, ``walk_away`` … × parties (what each has without agreement), ``power`` … × parties above 0 (None:
    equal). x_i = d_i + α_i (T − Σ d) / Σ α, the maximum of Π (x_i − d_i)^α_i. Rows in which T < Σ d have no agreement:
    NaN. Source: Nash, "The bargaining problem", Econometrica 18 (1950) 155-162; Kalai, IJGT 6 (1977) 129-133, for
    powers. Our own numbers: 100 between one with 30 and one with 10 elsewhere.

    >>> nash_split(100, [30, 10]).tolist()
    [60.0, 40.0]
    """
    without = np.asarray(walk_away, dtype=np.float64)
    if without.ndim < 1 or not without.shape[-1]:
        raise ValueError("walk_away: give at least one party on the last axis")
    alpha = np.ones(without.shape[-1]) if power is None else np.asarray(power, dtype=np.float64)
    if not ((alpha > 0) & np.isfinite(alpha)).all():
        raise ValueError("power: one is 0, below or unknown; a party without power is no party")
    surplus = np.asarray(total, dtype=np.float64) - without.sum(axis=-1)
    share = alpha / alpha.sum(axis=-1, keepdims=True)
    return np.where((surplus >= 0)[..., None], without + share * surplus[..., None], np.nan)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Positions in the list of offers (−1: none is better than walking away for all).

    ``nash`` largest product of gains, ``kalai_smorodinsky`` most even in shares of each side's best, ``egalitarian``
    the largest smallest gain; ``acceptable`` and ``pareto`` per offer (not dominated among the acceptable), ``gains``
    per offer and party over walking away, ``ideal`` each party's best acceptable gain."""

    nash: int
    kalai_smorodinsky: int
    egalitarian: int
    acceptable: npt.NDArray[np.bool_]
    pareto: npt.NDArray[np.bool_]
    gains: Floats
    ideal: Floats


def agree(utilities: npt.ArrayLike, walk_away: npt.ArrayLike, power: npt.ArrayLike | None = None) -> Agreement:
    """Which of several whole offers two or more sides should take.

    ``utilities`` offers × parties, in each party's own unit; ``walk_away`` per party; ``power`` above 0. Offers with a
    NaN are not acceptable. Ties go to the offer with the largest sum of gains, each divided by its party's best, then
    to the earlier. Nash: max Π gain^α (independent of units and of offers nobody would take); Kalai and Smorodinsky,
    Econometrica 43 (1975) 513-518. No offers: none chosen. Our own numbers: gains (5, 5) against (8, 2) and (1, 9).

    >>> found = agree([[15, 25], [18, 22], [11, 29], [9, 40]], [10, 20])
    >>> found.nash, found.acceptable.tolist(), found.pareto.tolist()
    (0, [True, True, True, False], [True, True, True, False])
    """
    worth = np.asarray(utilities, dtype=np.float64)
    without = np.asarray(walk_away, dtype=np.float64)
    if worth.ndim != 2 or without.shape != worth.shape[1:]:
        raise ValueError(f"utilities, walk_away: {worth.shape} and {without.shape}; give offers × parties, and parties")
    alpha = np.ones(without.size) if power is None else np.asarray(power, dtype=np.float64)
    if alpha.shape != without.shape or not ((alpha > 0) & np.isfinite(alpha)).all():
        raise ValueError("power: give one per party, above 0")
    gains = worth - without
    acceptable: npt.NDArray[np.bool_] = np.asarray((gains >= 0).all(axis=1))
    pareto = np.zeros(len(worth), dtype=np.bool_)
    pareto[acceptable] = pareto_front(worth[acceptable])
    if not acceptable.any():
        return Agreement(-1, -1, -1, acceptable, pareto, gains, np.full(without.size, np.nan))
    ideal = gains[acceptable].max(axis=0)
    relative = np.divide(gains, ideal, out=np.zeros_like(gains), where=ideal > 0)
    with np.errstate(divide="ignore"):
        product = np.log(np.maximum(np.where(acceptable[:, None], relative, 0.0), 0.0)) @ alpha
    chosen = (
        _best(score, relative.sum(axis=1), acceptable)
        for score in (product, (relative / alpha).min(axis=1), (gains / alpha).min(axis=1))
    )
    nash, kalai, even = chosen
    return Agreement(nash, kalai, even, acceptable, pareto, gains, ideal)


def pareto_front(utilities: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Which offers no other beats for one party without being worse for another; equal offers all stay.

    >>> pareto_front([[1, 3], [2, 2], [1, 2], [2, 2]]).tolist()
    [True, True, False, True]
    """
    worth = np.asarray(utilities, dtype=np.float64)
    if worth.ndim != 2:
        raise ValueError(f"utilities: shape {worth.shape}; give offers × parties")
    keep = np.ones(len(worth), dtype=np.bool_)
    if worth.shape[1] == 2 and len(worth):
        order = np.lexsort((-worth[:, 1], -worth[:, 0]))
        first, second = worth[order, 0], worth[order, 1]
        # Best second utility among strictly better firsts, and among equal firsts (those sorted before).
        group = np.concatenate([[True], first[1:] < first[:-1]])
        start = np.maximum.accumulate(np.where(group, np.arange(len(worth)), 0))
        running = np.concatenate([[-np.inf], np.maximum.accumulate(second)])
        keep[order] = (running[start] < second) & (second[start] <= second)
        return keep
    for at, each in enumerate(worth):
        keep[at] = not ((worth >= each).all(axis=1) & (worth > each).any(axis=1)).any()
    return keep


@dataclass(frozen=True, slots=True)
class MenuParams:
    """Walk-away values of both sides, the buyer's power (0 to 1, exclusive), and the cash that a supplier must keep at
    its lowest point to survive."""

    buyer_walk_away: float = 0.0
    supplier_walk_away: float = 0.0
    buyer_power: float = 0.5
    least_cash: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.buyer_power < 1:
            raise ValueError(f"buyer_power: {self.buyer_power} must lie between 0 and 1")
        if not np.isfinite([self.buyer_walk_away, self.supplier_walk_away, self.least_cash]).all():
            raise ValueError("buyer_walk_away, supplier_walk_away, least_cash: give finite values")


def rank_offers(offers: pl.DataFrame, params: MenuParams) -> pl.DataFrame:
    """A menu of offers (buy-out, defer, swap, …) with what each side makes of it, best first.

    ``offers``: ``offer``, ``buyer``, ``supplier`` (net present values), and if known ``supplier_cash`` (its cash at the
    lowest point under the offer); other columns are kept. Adds ``buyer_gain``, ``supplier_gain`` over walking away,
    ``survives`` (cash reaches ``least_cash``; true where unknown), ``acceptable`` (both gain or stay even, and it
    survives), ``pareto``, ``nash`` (weighted product of gains, relative to the best of each, 0 to 1; null if not
    acceptable), ``transfer`` (what the buyer would pay the supplier to split the joint gain by power; null likewise),
    ``recommended`` (the largest product). No offers: no rows.

    Our own numbers: without the rescue of its cash the second offer, better by the product, does not stand.

    >>> menu = {
    ...     "offer": ["defer", "swap"],
    ...     "buyer": [40.0, 50.0],
    ...     "supplier": [30.0, 30.0],
    ...     "supplier_cash": [5.0, -1.0],
    ... }
    >>> rank_offers(pl.DataFrame(menu), MenuParams()).select("offer", "survives", "recommended", "transfer").rows()
    [('defer', True, True, 5.0), ('swap', False, False, None)]
    """
    checks.columns("offers", offers, ("offer", "buyer", "supplier"))
    worth = offers.select(pl.col("buyer", "supplier").cast(pl.Float64).fill_null(float("nan"))).to_numpy()
    cash = offers["supplier_cash"].cast(pl.Float64).to_numpy() if "supplier_cash" in offers.columns else None
    survives = np.ones(len(worth), dtype=np.bool_) if cash is None else ~(cash < params.least_cash)
    without = np.array([params.buyer_walk_away, params.supplier_walk_away])
    power = np.array([params.buyer_power, 1 - params.buyer_power])
    found = agree(np.where(survives[:, None], worth, np.nan), without, power)
    gains = worth - without
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(found.ideal > 0, gains / found.ideal, 0.0)
        product = np.exp(np.log(np.maximum(relative, 0.0)) @ power)
    transfer = gains[:, 0] - params.buyer_power * gains.sum(axis=1)
    shown = {
        "buyer_gain": gains[:, 0], "supplier_gain": gains[:, 1],
        "nash": np.where(found.acceptable, product, np.nan),
        "transfer": np.where(found.acceptable, transfer, np.nan),
    }  # fmt: skip
    table = offers.with_columns(
        pl.Series("survives", survives), pl.Series("acceptable", found.acceptable), pl.Series("pareto", found.pareto),
        *(pl.Series(name, each).fill_nan(None) for name, each in shown.items()),
        pl.Series("recommended", np.arange(len(worth)) == found.nash),
    )  # fmt: skip
    return table.sort("recommended", "nash", descending=True, nulls_last=True, maintain_order=True)


def present_values(flows: npt.ArrayLike, rate: float, times: Sequence[float] | None = None) -> Floats:
    """Net present value of offers × periods of cash: Σ flow_t / (1 + rate)^t, t in the periods of the rate.

    ``times``: when each flow falls (None: 0, 1, 2, …). NaN flows give NaN. Textbook number: 110 in a year at 10 %.

    >>> present_values([[0.0, 110.0]], 0.10).round(6).tolist()
    [100.0]
    """
    cash = np.asarray(flows, dtype=np.float64)
    if cash.ndim < 1 or not (np.isfinite(rate) and rate > -1):
        raise ValueError(f"rate: {rate} must lie above -1, and flows need an axis of periods")
    at = np.arange(cash.shape[-1], dtype=np.float64) if times is None else np.asarray(times, dtype=np.float64)
    if at.shape != cash.shape[-1:]:
        raise ValueError(f"times: {at.shape} for {cash.shape[-1]} flows; give one each")
    return np.asarray(cash @ (1 + rate) ** -at)


def _best(score: Floats, tie: Floats, allowed: npt.NDArray[np.bool_]) -> int:
    shown = np.where(allowed, score, -np.inf)
    top = shown.max()
    near = allowed & (shown >= top - 1e-12 * max(1.0, abs(top)) if np.isfinite(top) else allowed)
    return int(np.argmax(np.where(near, tie, -np.inf)))


def _power(given: npt.ArrayLike) -> Floats:
    power = np.asarray(given, dtype=np.float64)
    if np.any((power < 0) | (power > 1)):
        raise ValueError("buyer_power: one lies outside 0 to 1 (0.5: equal)")
    return power
