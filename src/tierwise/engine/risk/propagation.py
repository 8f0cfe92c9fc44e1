"""How a failure travels: from one cause to an effect, and through a whole network, with what has been seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.risk.order import causes_first

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_ENUMERATED = 16
"""Up to so many nodes every combination of failures is counted: 65,536 of them take milliseconds."""


def noisy_or(probability: npt.ArrayLike, weight: npt.ArrayLike, leak: npt.ArrayLike = 0.0) -> Floats:
    """How likely an effect is when independent causes (last axis) can each bring it about.

    P = 1 − (1 − leak) Π (1 − p·w): ``probability`` of each cause, ``weight`` the chance that it passes through,
    ``leak`` the chance of the effect without any of them. All broadcast. NaN spreads; no causes leave the leak. Source:
    Pearl, Probabilistic Reasoning in Intelligent Systems (1988), 4.3.2. Two suppliers of one part:

    >>> round(float(noisy_or([0.05, 0.1], [0.8, 0.5], 0.01)), 5)
    0.09712
    """
    p, w, none = _causes(probability, weight, leak)
    return np.asarray(1 - (1 - none) * np.prod(1 - p * w, axis=-1))


def causes_given_effect(probability: npt.ArrayLike, weight: npt.ArrayLike, leak: npt.ArrayLike = 0.0) -> Floats:
    """How likely each cause is once the effect has been seen: P(cause | effect) by Bayes, shape of the causes.

    Inputs and source as `noisy_or`; NaN where the effect cannot happen.

    >>> causes_given_effect([0.05, 0.1], [0.8, 0.5], 0.01).round(5).tolist()
    [0.41799, 0.54036]
    """
    p, w, none = _causes(probability, weight, leak)
    spared = 1 - p * w
    effect = noisy_or(p, w, none)[..., None]
    every = np.prod(spared, axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        without = np.where(spared > 0, every / spared, np.nan)
        for at in np.argwhere(spared == 0):
            others = np.delete(spared[tuple(at[:-1])], at[-1])
            without[tuple(at)] = np.prod(others)
        return np.asarray(p * (1 - (1 - none[..., None]) * (1 - w) * without) / effect)


def _causes(probability: npt.ArrayLike, weight: npt.ArrayLike, leak: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    p, w = checks.together(probability=checks.part("probability", probability), weight=checks.part("weight", weight))
    p, w = np.atleast_1d(p), np.atleast_1d(w)
    none = checks.part("leak", leak)
    return p, w, np.broadcast_to(none, np.broadcast_shapes(none.shape, p.shape[:-1]))


@dataclass(frozen=True, slots=True, eq=False)
class RippleNetwork:
    """Nodes that fail by themselves with probability ``own``, links that pass a failure of ``source`` on to ``target``
    with probability ``weight``. No circles."""

    own: npt.ArrayLike
    source: npt.ArrayLike
    target: npt.ArrayLike
    weight: npt.ArrayLike

    def __post_init__(self) -> None:
        own = np.atleast_1d(checks.part("own", self.own))
        source, target = checks.counts("source", self.source), checks.counts("target", self.target)
        if source.ndim != 1 or source.shape != target.shape:
            raise ValueError("source, target: give one of each per link")
        if source.size and max(int(source.max()), int(target.max())) >= own.size:
            raise ValueError(f"source, target: name a node beyond {own.size - 1}; nodes are numbered from 0")
        weight = np.array(np.broadcast_to(checks.part("weight", self.weight), source.shape))
        if np.isnan(own).any() or np.isnan(weight).any():
            raise ValueError("own, weight: some are NaN; give an estimate, or leave the link out")
        for name, array in (("own", own), ("source", source), ("target", target), ("weight", weight)):
            object.__setattr__(self, name, array)


@dataclass(frozen=True, slots=True, eq=False)
class Ripple:
    """``probability`` of failure per node given the evidence, ``error`` its standard error (0 where ``exact``),
    ``evidence`` how likely the evidence itself was, ``draws`` used (0 where exact)."""

    probability: Floats
    error: Floats
    evidence: float
    exact: bool
    draws: int


def ripple(
    network: RippleNetwork, evidence: Mapping[int, bool] | None = None, draws: int = 20_000, seed: int = 0
) -> Ripple:
    """How likely each node fails when failures travel through a network, given what is known of some nodes.

    A node fails by itself or through any source that failed (noisy-or); common sources are counted once, which
    multiplying along paths would not. Up to 16 nodes every combination is counted, beyond that ``draws`` weighted by
    the evidence (Fung and Chang, Uncertainty in AI 5 (1990) 209-219) give an estimate with its error. ``evidence``:
    node → failed. ValueError for evidence that cannot be. With the numbers of `noisy_or`:

    >>> part = RippleNetwork([0.05, 0.1, 0.01], [0, 1], [2, 2], [0.8, 0.5])
    >>> ripple(part).probability.round(5).tolist(), ripple(part, {2: True}).probability.round(5).tolist()
    ([0.05, 0.1, 0.09712], [0.41799, 0.54036, 1.0])
    """
    seen = dict(evidence or {})
    own = np.asarray(network.own)
    if unknown := [node for node in seen if not 0 <= node < own.size]:
        raise ValueError(f"evidence: names node {unknown[0]}, but nodes are 0 to {own.size - 1}")
    source, target, weight = (np.asarray(each) for each in (network.source, network.target, network.weight))
    order = causes_first(own.size, source, target)
    exact = own.size <= _ENUMERATED
    if exact:
        failed = (np.arange(2**own.size)[:, None] >> np.arange(own.size) & 1).astype(np.bool_).T
    else:
        if draws < 2:
            raise ValueError("draws: must be 2 or more; 20,000 give errors below 0.004")
        failed = np.zeros((own.size, draws), np.bool_)
    chance = np.random.default_rng(seed)
    mass = np.ones(failed.shape[1])
    for node in order.tolist():
        spared = np.full(failed.shape[1], 1 - own[node])
        for link in np.flatnonzero(target == node).tolist():
            spared *= np.where(failed[source[link]], 1 - weight[link], 1.0)
        if exact:
            mass *= np.where(failed[node], 1 - spared, spared)
            if node in seen:
                mass[failed[node] != seen[node]] = 0.0
        elif node in seen:
            failed[node] = seen[node]
            mass *= 1 - spared if seen[node] else spared
        else:
            failed[node] = chance.random(draws) >= spared
    total = float(mass.sum())
    if total <= 0:
        raise ValueError(
            "evidence: cannot happen in this network; check it, or give the nodes some chance of their own"
        )
    probability = failed @ mass / total
    error = np.zeros(own.size)
    if not exact:
        error = np.sqrt(((failed - probability[:, None]) ** 2) @ mass**2) / total
    return Ripple(np.asarray(probability), error, total / (1 if exact else draws), exact, 0 if exact else draws)
