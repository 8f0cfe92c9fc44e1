"""Who pays for stock held together: what pooling saves, shared so that nobody would rather leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from tierwise.engine.contracts.cost_games import Floats, game_of
from tierwise.engine.contracts.money import CENTS, Exact, Rounding, exact, not_negative, share, split_money


@dataclass(frozen=True, slots=True)
class PooledStock:
    """Per item (leading axes): ``pooled`` cost of the common stock; per party ``alone``, ``shares`` (sum to pooled,
    always in the core), ``saving`` = alone − share."""

    pooled: Floats
    alone: Floats
    shares: Floats
    saving: Floats


def pool_stock(
    deviations: npt.ArrayLike, correlation: npt.ArrayLike, cost_per_unit: npt.ArrayLike = 1.0
) -> PooledStock:
    """Safety stock of several parties or segments held as one, and each one's part of it.

    ``deviations``: … × n standard deviations of demand over the time that stock covers; ``correlation``: n × n, or … ×
    n × n; ``cost_per_unit``: … safety factor × cost of holding a unit. σ_P = √(Σ σ_i σ_j ρ_ij); party i bears σ_i Σ_j
    ρ_ij σ_j / σ_P, its marginal part (Euler): what moves with the risk it brings, below 0 for one that hedges the
    others. It lies in the core, as Cov(S, N) ≤ σ_S σ_N for every S. NaN spreads within its item; no items give none.

    Source: Hartman and Dror, "Cost allocation in continuous-review inventory models", NRL 43 (1996) 549-561; Eppen, MS
    25 (1979) 498-501. Our own numbers: 30 and 40 at ρ = 0.5 pool to 60.83, of which 24.66 and 36.17.

    >>> found = pool_stock([30, 40], [[1, 0.5], [0.5, 1]])
    >>> found.pooled.round(2).item(), found.shares.round(2).tolist()
    (60.83, [24.66, 36.17])
    """
    sigma = np.asarray(deviations, dtype=np.float64)
    rho = np.asarray(correlation, dtype=np.float64)
    _check_spread(sigma, rho)
    cost = np.asarray(cost_per_unit, dtype=np.float64)
    if np.any(cost < 0):
        raise ValueError("cost_per_unit: one is below 0; give safety factor × holding cost")
    with_all = sigma * np.einsum("...ij,...j->...i", np.broadcast_to(rho, (*sigma.shape, sigma.shape[-1])), sigma)
    variance = np.maximum(with_all.sum(axis=-1), 0.0)
    pooled = np.sqrt(variance)
    none = (pooled == 0)[..., None]
    shares = np.where(none, 0.0, with_all / np.where(none, 1.0, pooled[..., None])) * cost[..., None]
    alone = sigma * cost[..., None]
    return PooledStock(pooled * cost, alone, shares, alone - shares)


def pooling_game(deviations: npt.ArrayLike, correlation: npt.ArrayLike, cost_per_unit: float = 1.0) -> Floats:
    """The cost game of `pool_stock`, for `shapley`, `check_core` or `nucleolus`: c(S) = cost · σ_S.

    >>> from tierwise.engine.contracts.cost_games import shapley
    >>> shapley(pooling_game([30, 40], [[1, 0.5], [0.5, 1]])).round(2).tolist()
    [25.41, 35.41]
    """
    sigma, rho = np.asarray(deviations, dtype=np.float64), np.asarray(correlation, dtype=np.float64)
    _check_spread(sigma, rho)
    covariance = rho * np.outer(sigma, sigma)

    def cost(members: npt.NDArray[np.bool_]) -> Floats:
        chosen = members.astype(np.float64)
        return np.asarray(cost_per_unit * np.sqrt(np.maximum(((chosen @ covariance) * chosen).sum(axis=1), 0.0)))

    return game_of(cost, sigma.size)


@dataclass(frozen=True, slots=True)
class TrueUpLine:
    """One party: its exact ``share`` of the final amount, what it had ``paid``, and what is ``due`` (below 0: back)."""

    party: str
    share: Decimal
    paid: Decimal
    due: Decimal


def true_up_cost(
    amount: Exact, weights: Mapping[str, Exact], paid: Mapping[str, Exact], rounding: Rounding = CENTS
) -> tuple[TrueUpLine, ...]:
    """What each party still owes of a joint cost once its amount and the shares are known.

    ``weights``: shares or any measure of them; exact decimals (round computed shares first). ``paid``: advances, of
    parties that also have a weight (0 if they left). Dues sum to amount − advances exactly, cents by largest remainder.

    >>> lines = true_up_cost("100.00", {"A": 1, "B": 2}, {"A": "40.00", "B": "50.00"})
    >>> [(line.party, str(line.share), str(line.due)) for line in lines]
    [('A', '33.33', '-6.67'), ('B', '66.67', '16.67')]
    """
    if unknown := sorted(set(paid) - set(weights)):
        raise ValueError(f"paid: {', '.join(unknown)} paid but have no weight; give them one (0 if they left)")
    parts = split_money(amount, list(weights.values()), rounding)
    given = [exact(paid.get(party, 0), "paid") for party in weights]
    return tuple(
        TrueUpLine(party, part, before, part - before)
        for party, part, before in zip(weights, parts, given, strict=True)
    )


def split_by_cause(
    losses: Mapping[str, Exact], answers: Mapping[str, Mapping[str, Exact]], rounding: Rounding = CENTS
) -> dict[str, Decimal]:
    """What each party bears of losses (obsolete stock, scrap) whose cause is known.

    ``losses``: money by cause; ``answers``: for each cause the share each party answers for, together 1. Every cause is
    split exactly; a cause nobody answers for is refused by name.

    >>> shares = {"forecast": {"buyer": 1}, "shelf life": {"buyer": "0.5", "supplier": "0.5"}}
    >>> split = split_by_cause({"forecast": "80.00", "shelf life": "20.01"}, shares)
    >>> {party: str(amount) for party, amount in split.items()}
    {'buyer': '90.01', 'supplier': '10.00'}
    """
    found: dict[str, Decimal] = {}
    for cause, loss in losses.items():
        if cause not in answers:
            raise ValueError(f"answers: nobody answers for {cause!r}; name the shares of the parties")
        parts = {party: share(each, "answers") for party, each in answers[cause].items()}
        if sum((Fraction(each) for each in parts.values()), Fraction(0)) != 1:
            raise ValueError(f"answers: shares for {cause!r} sum to {sum(parts.values())}; they must sum to 1")
        amounts: Sequence[Decimal] = split_money(not_negative(loss, "losses"), list(parts.values()), rounding)
        for party, amount in zip(parts, amounts, strict=True):
            found[party] = found.get(party, Decimal(0)) + amount
    return found


def _check_spread(sigma: Floats, rho: Floats) -> None:
    if sigma.ndim < 1 or np.any(sigma < 0):
        raise ValueError("deviations: one is below 0 or there is no axis of parties")
    n = sigma.shape[-1]
    if rho.shape[-2:] != (n, n):
        raise ValueError(f"correlation: {rho.shape} for {n} parties; give an n × n matrix")
    known = rho[~np.isnan(rho).any(axis=(-2, -1))]
    if known.size and (
        np.any(np.abs(known - np.swapaxes(known, -1, -2)) > 1e-9)
        or np.any(np.abs(np.diagonal(known, axis1=-2, axis2=-1) - 1) > 1e-9)
        or np.linalg.eigvalsh(known).min() < -1e-7
    ):
        raise ValueError("correlation: is not symmetric with 1 on the diagonal, or no correlations can be so at once")
