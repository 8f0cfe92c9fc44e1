"""The bad end of a distribution of losses: value at risk, conditional value at risk, and who makes it up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks

Floats = npt.NDArray[np.float64]
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class TailRisk:
    """Per distribution: ``expected`` loss, ``value_at_risk``, ``conditional`` value at risk (mean of the worst
    1 − level), and ``error``, the standard error of the latter where losses are equally likely draws (else NaN)."""

    expected: Floats
    value_at_risk: Floats
    conditional: Floats
    error: Floats


def tail_risk(losses: npt.ArrayLike, probabilities: npt.ArrayLike | None = None, level: float = 0.95) -> TailRisk:
    """Value at risk and conditional value at risk of losses on the last axis, others are a batch.

    ``probabilities`` broadcast to the losses and sum to 1; without them losses are draws. VaR is the least loss not
    exceeded with probability ``level``; CVaR = VaR + E max(0, loss − VaR) ÷ (1 − level), which splits a lump of
    probability at the VaR as it must. NaN losses make their row NaN; no losses give NaN. Source: Rockafellar and
    Uryasev, Journal of Banking and Finance 26 (2002) 1443-1471.

    >>> found = tail_risk([0, 10, 20, 50, 200], [0.6, 0.2, 0.1, 0.06, 0.04])
    >>> float(found.value_at_risk), round(float(found.conditional), 6), round(float(found.expected), 6)
    (50.0, 170.0, 15.0)
    """
    loss, chance = _weighted(losses, probabilities, level)
    if loss.shape[-1] == 0:
        nothing = np.full(loss.shape[:-1], np.nan)
        return TailRisk(nothing, nothing, nothing, nothing)
    order = np.argsort(loss, axis=-1)
    ranked = np.take_along_axis(loss, order, -1)
    reached = np.cumsum(np.take_along_axis(chance, order, -1), axis=-1) >= level - _ROUNDING
    reached[..., -1] = True
    value = np.take_along_axis(ranked, reached.argmax(axis=-1)[..., None], -1)
    value = np.where(np.isnan(loss).any(axis=-1, keepdims=True), np.nan, value)
    over = np.maximum(loss - value, 0.0)
    conditional = value[..., 0] + (over * chance).sum(axis=-1) / (1 - level)
    error = np.full(conditional.shape, np.nan)
    if probabilities is None and loss.shape[-1] > 1:
        error = np.asarray(over.std(axis=-1, ddof=1) / np.sqrt(loss.shape[-1]) / (1 - level))
    return TailRisk(np.asarray((loss * chance).sum(axis=-1)), value[..., 0], np.asarray(conditional), error)


def tail_shares(parts: npt.ArrayLike, probabilities: npt.ArrayLike | None = None, level: float = 0.95) -> Floats:
    """What each part (last axis) of a loss contributes to the conditional value at risk of the sum.

    ``parts``: scenarios × parts. E[part | the worst 1 − level], scenarios at the VaR taken with the share of their
    probability that belongs to the tail: the parts sum to the CVaR (Euler allocation; Tasche, Capital Allocation to
    Business Units, 1999). The example's tail is 50 with probability .01 and 200 with .04:

    >>> tail_shares([[0, 0], [10, 0], [15, 5], [50, 0], [50, 150]], [0.6, 0.2, 0.1, 0.06, 0.04]).round(6).tolist()
    [50.0, 120.0]
    """
    each = np.atleast_2d(checks.numbers("parts", parts))
    loss, chance = _weighted(each.sum(axis=1), probabilities, level)
    value = float(tail_risk(loss, chance, level).value_at_risk)
    beyond = loss > value
    weight = np.where(beyond, chance, 0.0)
    at = (loss == value) & ~beyond
    rest = (1 - level) - weight.sum()
    weight[at] = chance[at] / chance[at].sum() * max(rest, 0.0) if chance[at].sum() > 0 else 0.0
    return np.asarray(weight @ each / (1 - level))


def _weighted(losses: npt.ArrayLike, probabilities: npt.ArrayLike | None, level: float) -> tuple[Floats, Floats]:
    loss = np.atleast_1d(checks.numbers("losses", losses))
    if not 0 < level < 1:
        raise ValueError("level: must lie between 0 and 1, both excluded; 95 % is 0.95")
    if probabilities is None:
        return loss, np.full(loss.shape, 1.0 / max(loss.shape[-1], 1))
    chance = checks.nonnegative("probabilities", probabilities)
    loss, chance = checks.together(losses=loss, probabilities=chance)
    if loss.shape[-1] and np.any(np.abs(chance.sum(axis=-1) - 1) > 1e-9):
        raise ValueError("probabilities: must sum to 1 over the last axis; divide them by their sum")
    return loss, chance
