"""Rules that divide what is too little among claims: the classical ones, over batches.

All take ``claims`` (… × parties, 0 or more) and ``estate`` (what there is, one per row or one for all, 0 or more) in
the same unit, and return awards of the claims' shape with 0 ≤ award ≤ claim and Σ awards = min(estate, Σ claims). What
the claims leave of an estate stays undivided. A NaN claim is a party that takes no part in its row: NaN award; a NaN
estate makes its row NaN. No parties or no rows give none. The law and the surveys: Thomson, "Axiomatic and
game-theoretic analysis of bankruptcy and taxation problems", Mathematical Social Sciences 45 (2003) 249-297.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def proportional(claims: npt.ArrayLike, estate: npt.ArrayLike) -> Floats:
    """Everybody gets the same share of its claim: x_i = c_i · E / Σc. Inflating a claim pays.

    Our own numbers: 100 over 50, 40, 30, 20.

    >>> proportional([50, 40, 30, 20], 100).round(2).tolist()
    [35.71, 28.57, 21.43, 14.29]
    """
    asked, there, total = _checked(claims, estate)
    share = np.divide(there, total, out=np.zeros_like(total), where=total > 0)
    return asked * share[..., None]


def constrained_equal_awards(
    claims: npt.ArrayLike, estate: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Floats:
    """Equal awards, but nobody more than it claims: x_i = min(c_i, λ·w_i), λ so that all is given.

    ``weights`` (above 0, … × parties; None: 1) give entitlements per unit of λ; then it also is the division that
    maximises Σ w_i log x_i, proportional fairness on one resource. Source: Maimonides; Thomson 2003, section 2. Two
    small claims are met, the rest goes to the large one:

    >>> constrained_equal_awards([100, 200, 300], 300).tolist()
    [100.0, 100.0, 100.0]
    >>> constrained_equal_awards([20, 50, 300], 300).tolist()
    [20.0, 50.0, 230.0]
    """
    asked, there, total = _checked(claims, estate)
    return _fill(asked, np.minimum(there, total), weights)


def uniform(claims: npt.ArrayLike, estate: npt.ArrayLike) -> Floats:
    """The uniform rule for orders: the same as constrained equal awards, and the only efficient, anonymous rule under
    which nobody gains by ordering other than it needs.

    Source: Sprumont, "The division problem with single-peaked preferences", Econometrica 59 (1991) 509-519; for supply
    Cachon and Lariviere, "An equilibrium analysis of linear, proportional and uniform allocation of scarce capacity",
    IIE Transactions 31 (1999) 835-849. Our own numbers:

    >>> uniform([50, 40, 30, 20], 100).round(2).tolist()
    [26.67, 26.67, 26.67, 20.0]
    """
    return constrained_equal_awards(claims, estate)


def constrained_equal_losses(claims: npt.ArrayLike, estate: npt.ArrayLike) -> Floats:
    """Equal losses, but nobody loses more than its claim: x_i = max(0, c_i − μ).

    Source: Maimonides; Aumann and Maschler, JET 36 (1985) 195-213. Claims of 100, 200, 300 on 300 lose 100 each:

    >>> constrained_equal_losses([100, 200, 300], 300).tolist()
    [0.0, 100.0, 200.0]
    """
    asked, there, total = _checked(claims, estate)
    return asked - _fill(asked, np.maximum(total - there, 0.0), None)


def linear(claims: npt.ArrayLike, estate: npt.ArrayLike) -> Floats:
    """Linear allocation of capacity: every order is cut by the same amount, those it would take below 0 drop out.

    It is constrained equal losses under the name used for capacity (Cachon and Lariviere 1999, see `uniform`);
    inflating an order pays. Our own numbers:

    >>> linear([50, 40, 30, 20], 100).tolist()
    [40.0, 30.0, 20.0, 10.0]
    """
    return constrained_equal_losses(claims, estate)


def talmud(claims: npt.ArrayLike, estate: npt.ArrayLike) -> Floats:
    """The rule of the Mishnah (Kethubot 93a): up to half of all claims equal awards, beyond it equal losses, each on
    half claims.

    With two parties it is the contested garment; it is the nucleolus of the game in which a coalition can count on what
    the others' claims leave. Source: Aumann and Maschler, JET 36 (1985) 195-213. Its claims of 100, 200, 300.

    >>> [talmud([100, 200, 300], estate).round(2).tolist() for estate in (100, 200, 300)]
    [[33.33, 33.33, 33.33], [50.0, 75.0, 75.0], [50.0, 100.0, 150.0]]
    """
    asked, there, total = _checked(claims, estate)
    half = asked / 2
    low = _fill(half, np.minimum(there, total / 2), None)
    high = asked - _fill(half, np.minimum(np.maximum(total - there, 0.0), total / 2), None)
    return np.where((there <= total / 2)[..., None], low, high)


RULES: Mapping[str, Callable[[npt.ArrayLike, npt.ArrayLike], Floats]] = {
    "proportional": proportional,
    "uniform": uniform,
    "linear": linear,
    "constrained_equal_awards": constrained_equal_awards,
    "constrained_equal_losses": constrained_equal_losses,
    "talmud": talmud,
}
"""The rules by the name that a contract gives them."""


def _fill(claims: Floats, amount: Floats, weights: npt.ArrayLike | None) -> Floats:
    """min(c_i, λ·w_i) with sum ``amount`` (at most Σ claims), all rows at once by one sort."""
    absent = np.isnan(claims)
    capacity = np.where(absent, 0.0, claims)
    weight = np.ones_like(capacity) if weights is None else _weights(weights, capacity.shape)
    if not capacity.shape[-1]:
        return capacity
    order = np.argsort(capacity / weight, axis=-1, kind="stable")
    rising, heavy = np.take_along_axis(capacity, order, -1), np.take_along_axis(weight, order, -1)
    met = np.cumsum(rising, axis=-1) - rising
    open_weight = np.cumsum(heavy[..., ::-1], axis=-1)[..., ::-1]
    level = (amount[..., None] - met) / open_weight
    # The first party in order of claim per weight that the level does not fill; beyond the last all are filled.
    binds = level * heavy <= rising
    at = np.where(binds.any(axis=-1), np.argmax(binds, axis=-1), capacity.shape[-1] - 1)
    found = np.minimum(capacity, np.take_along_axis(level, at[..., None], -1) * weight)
    return np.where(absent, np.nan, np.maximum(found, 0.0) + 0.0 * amount[..., None])


def _checked(claims: npt.ArrayLike, estate: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Claims, estate per row, sum of the claims per row."""
    asked = np.asarray(claims, dtype=np.float64)
    if asked.ndim < 1:
        raise ValueError("claims: give at least one axis, of the parties")
    if np.any(asked < 0) or np.any(np.isinf(asked)):
        raise ValueError("claims: one is below 0 or infinite; give what each claims, NaN for a party that is not there")
    there = np.asarray(estate, dtype=np.float64)
    if np.any(there < 0):
        raise ValueError("estate: is below 0; share a shortfall as a cost instead")
    shape = np.broadcast_shapes(asked.shape[:-1], there.shape)
    asked = np.broadcast_to(asked, (*shape, asked.shape[-1]))
    total = np.nansum(asked, axis=-1)
    return asked, np.where(np.isnan(there), np.nan, np.minimum(np.broadcast_to(there, shape), total)), np.asarray(total)


def _weights(weights: npt.ArrayLike, shape: tuple[int, ...]) -> Floats:
    given = np.asarray(weights, dtype=np.float64)
    if not ((given > 0) & np.isfinite(given)).all():
        raise ValueError("weights: one is 0, below or unknown; leave a party out by a NaN claim")
    return np.broadcast_to(given, shape)
