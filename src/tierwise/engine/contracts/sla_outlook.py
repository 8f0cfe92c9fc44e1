"""What service level terms are worth before they are signed: expected pay and incentive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.engine.contracts.sla_terms import SlaTerms, sla_payoffs

Floats = npt.NDArray[np.float64]

_CHUNK = 4_000_000
"""Outcomes held at once, some 32 MB an array."""


@dataclass(frozen=True, slots=True)
class ExpectedPay:
    """Per entry, as shares of a period's value: mean ``penalty`` and ``reward`` (both 0 or more), ``net`` to the
    supplier (reward less penalty), its standard deviation ``sd``, and how often each is due."""

    penalty: Floats
    reward: Floats
    net: Floats
    sd: Floats
    penalty_chance: Floats
    reward_chance: Floats


def expected_sla(true_share: npt.ArrayLike, n: npt.ArrayLike, terms: SlaTerms) -> ExpectedPay:
    """What a supplier whose lines each hit with probability p can expect from one period of n lines.

    E[pay] = Σ_k C(n, k) p^k (1 − p)^(n − k) pay(k/n), with the dead band, period caps, minimum n and the guard of the
    terms (yearly caps and earn-back depend on the order of periods; use `settle_sla` on drawn ones). p and n broadcast;
    NaN p gives NaN; n of 0 gives 0. Independent lines are assumed: lines that fail together spread wider.

    A supplier that truly reaches the 95 % it promised is fined on 20 lines in more than a quarter of the months
    (fewer than 19 of 20: 0.2642), and in 7.5 % of them once the interval must prove it:

    >>> from decimal import Decimal as D
    >>> plain = SlaTerms(D("0.95"), D("1"), penalty_rate=D("0.5"))
    >>> expected_sla(0.95, 20, plain).penalty_chance.round(4).item()
    0.2642
    >>> guarded = SlaTerms(D("0.95"), D("1"), penalty_rate=D("0.5"), confidence=0.95)
    >>> expected_sla(0.95, 20, guarded).penalty_chance.round(4).item()
    0.0755
    """
    p, trials = np.broadcast_arrays(np.asarray(true_share, dtype=np.float64), np.asarray(n))
    if np.any((p < 0) | (p > 1)):
        raise ValueError("true_share: one lies outside 0 to 1; divide hits by lines first")
    if np.any(trials < 0) or np.any(np.asarray(trials, dtype=np.float64) % 1 != 0):
        raise ValueError("n: give whole numbers of lines, 0 or more")
    found = np.full((6, p.size), np.nan)
    flat, counts = p.ravel(), trials.ravel().astype(np.int64)
    for each in np.unique(counts):
        at = np.flatnonzero((counts == each) & ~np.isnan(flat))
        pay = _pay_by_hits(int(each), terms)
        for start in range(0, at.size, max(1, _CHUNK // (int(each) + 1))):
            part = at[start : start + max(1, _CHUNK // (int(each) + 1))]
            found[:, part] = _moments(_binomial(int(each), flat[part]), pay)
    return ExpectedPay(*(row.reshape(p.shape) for row in found))


def incentive_gaps(terms: SlaTerms, saving: float, n: int, grid: npt.ArrayLike | None = None) -> pl.DataFrame:
    """Where missing a line pays: the marginal expected pay of doing better against what neglect saves.

    ``saving``: what the supplier saves per unit of the measure by serving worse, as a share of the period's value.
    The contract steers where dE[pay]/dp ≥ ``saving``; it does not beyond the cap, nor inside a dead band that is wide
    against the noise. ``grid``: the true shares looked at (default 0.50 to 0.995 by 0.005). Columns ``true_share``,
    ``expected_pay`` (net to the supplier), ``marginal`` (per unit, by the exact derivative of the binomial mean),
    ``enough``. It is the newsvendor's condition: the cost of missing at least the cost of not missing (Cachon and
    Lariviere, MS 51 (2005) 30-44, on what coordinates).

    >>> from decimal import Decimal as D
    >>> terms = SlaTerms(D("0.95"), D("1"), penalty_rate=D("0.5"), penalty_cap=D("0.05"))
    >>> incentive_gaps(terms, 0.2, 200, [0.70, 0.90])["enough"].to_list()
    [False, True]
    """
    if not (np.isfinite(saving) and saving >= 0):
        raise ValueError(f"saving: {saving} must be 0 or more, a share of the value per unit of the measure")
    if n < 1:
        raise ValueError(f"n: {n} must be 1 or more")
    p = np.arange(0.50, 0.9951, 0.005) if grid is None else np.asarray(grid, dtype=np.float64)
    pay = _pay_by_hits(n, terms)
    # d/dp of a binomial mean is n times the mean step of the pay-off under n − 1 trials.
    marginal = n * (_binomial(n - 1, p) @ np.diff(pay))
    expected = _binomial(n, p) @ pay
    return pl.DataFrame(
        {"true_share": p, "expected_pay": expected, "marginal": marginal, "enough": marginal >= saving - 1e-12}
    )


def _pay_by_hits(n: int, terms: SlaTerms) -> Floats:
    """Net pay to the supplier for each number of hits 0 … n."""
    if n == 0 or n < terms.minimum_n:
        return np.zeros(n + 1)
    measure = np.arange(n + 1) / n
    pay = sla_payoffs(measure, terms)
    if terms.confidence is not None:
        from tierwise.engine.scoring.intervals import wilson  # noqa: PLC0415  # its package loads compiled kernels

        low, high = wilson(measure, float(n), terms.confidence)
        pay = np.where((high >= float(terms.low)) & (low <= float(terms.high)), 0.0, pay)
    return np.asarray(pay)


def _binomial(n: int, p: Floats) -> Floats:
    """Probabilities of 0 … n hits, one row per p."""
    k = np.arange(n + 1, dtype=np.float64)
    factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    ways = factorial[n] - factorial - factorial[::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        hit = np.where(k > 0, k * np.log(p[..., None]), 0.0)
        miss = np.where(k < n, (n - k) * np.log1p(-p[..., None]), 0.0)
    return np.asarray(np.exp(ways + hit + miss))


def _moments(chance: Floats, pay: Floats) -> Floats:
    fine, bonus = np.maximum(-pay, 0.0), np.maximum(pay, 0.0)
    net = chance @ pay
    variance = np.maximum(chance @ (pay * pay) - net * net, 0.0)
    return np.stack(
        [chance @ fine, chance @ bonus, net, np.sqrt(variance), chance @ (fine > 0.0), chance @ (bonus > 0.0)]
    )
