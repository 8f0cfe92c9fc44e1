"""Sorting into tiers by outranking: a strong point cannot buy off a failing one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine.assessment.table import Floats, as_directions, as_table, as_weights, complete

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TierParams:
    """The borders between tiers and how alike is alike.

    ``profiles`` borders × criteria, from the lowest border up: reaching border h is what tier h + 1 asks. Per
    criterion, a shortfall of up to ``indifference`` does not count, from ``preference`` on it counts in full, and one
    of ``veto`` forbids the tier whatever the rest (NaN: no veto). ``cut`` is the share of the weights that must speak
    for a tier.
    """

    profiles: tuple[tuple[float, ...], ...]
    weights: tuple[float, ...]
    indifference: tuple[float, ...]
    preference: tuple[float, ...]
    veto: tuple[float, ...]
    larger_is_better: tuple[bool, ...] | bool = True
    cut: float = 0.75

    def __post_init__(self) -> None:
        borders = as_table(self.profiles, "profiles")
        criteria = borders.shape[1]
        as_weights(self.weights, criteria)
        up = as_directions(self.larger_is_better, criteria)
        if len(borders) == 0:
            raise ValueError("profiles: are empty; give at least one border between two tiers")
        if np.isnan(borders).any():
            raise ValueError("profiles: hold missing values; every border needs one per criterion")
        if (np.where(up, np.diff(borders, axis=0), -np.diff(borders, axis=0)) < 0).any():
            raise ValueError("profiles: each border must ask at least as much as the one below it")
        for name in ("indifference", "preference", "veto"):
            if len(getattr(self, name)) != criteria:
                raise ValueError(f"{name}: give one per criterion ({criteria})")
        q, p, v = (np.asarray(each, dtype=np.float64) for each in (self.indifference, self.preference, self.veto))
        if not ((q >= 0) & (p >= q) & (np.isnan(v) | (v >= p))).all():
            raise ValueError(
                "indifference, preference, veto: must be 0 or more and rise in this order (veto may be NaN)"
            )
        if not 0.5 <= self.cut <= 1:
            raise ValueError(f"cut: is {self.cut}; give a share of the weights from 0.5 to 1")


@dataclass(frozen=True, slots=True)
class TierResult:
    """``tier`` 0 is below the lowest border; -1 where a criterion was not measured.

    ``tier`` (pessimistic) is the highest border the alternative outranks, ``optimistic`` the tier below the first
    border that is clearly better than it; a gap between the two says that it cannot be compared well.
    ``credibility`` alternatives × borders is σ(a, b). ``held_back_by`` is the criterion that speaks most against the
    next tier (-1 in the highest), ``vetoed`` whether it does so by veto.
    """

    tier: Ints
    optimistic: Ints
    credibility: Floats
    held_back_by: Ints
    vetoed: npt.NDArray[np.bool_]


def sort_into_tiers(values: npt.ArrayLike, params: TierParams) -> TierResult:
    """Which tier does each alternative deserve, and what keeps it out of the next (ELECTRE TRI-B)?

    ``values`` alternatives × criteria. With shortfall s = b − a: concordance c = 1 − (s − q)/(p − q) within 0…1,
    discordance d = (s − p)/(v − p) within 0…1, C = Σ w c, σ = C · Π over d > C of (1 − d)/(1 − C); a outranks b when
    σ ≥ cut. An alternative with a missing value (NaN) gets no tier.
    Source: Mousseau, Slowinski and Zielniewicz, ELECTRE TRI 2.0 methodological guide, Document du LAMSADE 111 (1999),
    pp. 10-16, whose example this is.

    >>> border = TierParams(
    ...     profiles=((70, 75, 80, 75, 85),),
    ...     weights=(1,) * 5,
    ...     indifference=(5,) * 5,
    ...     preference=(10,) * 5,
    ...     veto=(30,) * 5,
    ... )
    >>> found = sort_into_tiers([[75, 67, 85, 82, 90], [28, 35, 70, 90, 95], [45, 60, 55, 68, 60]], border)
    >>> found.credibility.round(3).tolist(), found.tier.tolist()
    ([[0.88], [0.0], [0.002]], [1, 0, 0])
    """
    table, borders = as_table(values), as_table(params.profiles)
    criteria = borders.shape[1]
    if table.shape[1] != criteria:
        raise ValueError(f"values: have {table.shape[1]} criteria and the profiles {criteria}; give the same")
    sign = np.where(as_directions(params.larger_is_better, criteria), 1.0, -1.0)
    weights = as_weights(params.weights, criteria)
    known = complete(table)
    short = (borders[None] - np.where(known[:, None], table, 0.0)[:, None]) * sign
    upward, against, objecting = _credibility(short, weights, params)
    downward, _, _ = _credibility(-short, weights, params)
    # A rounding error in a sum of weights must not cost a tier that is exactly reached.
    reaches, beaten = upward >= params.cut - 1e-12, downward >= params.cut - 1e-12
    highest = np.arange(1, len(borders) + 1)
    tier = np.where(reaches, highest, 0).max(axis=1, initial=0)
    better = beaten & ~reaches
    optimistic = np.where(better, highest - 1, len(borders)).min(axis=1, initial=len(borders))
    following = np.minimum(tier, len(borders) - 1)
    rows = np.arange(len(table))
    blame = against[rows, following]
    open_above = known & (tier < len(borders))
    return TierResult(
        tier=np.where(known, tier, -1).astype(np.int64),
        optimistic=np.where(known, optimistic, -1).astype(np.int64),
        credibility=np.where(known[:, None], upward, np.nan),
        held_back_by=np.where(open_above, blame.argmax(axis=1), -1).astype(np.int64),
        vetoed=open_above & (objecting[rows, following] >= 1).any(axis=1),
    )


def _credibility(short: Floats, weights: Floats, params: TierParams) -> tuple[Floats, Floats, Floats]:
    """σ; per criterion how much it speaks against, by lack of concordance and by objection; discordance alone."""
    q, p, v = (np.asarray(each, dtype=np.float64) for each in (params.indifference, params.preference, params.veto))
    concordance = np.where(short <= q, 1.0, np.where(short >= p, 0.0, (p - short) / np.where(p > q, p - q, 1.0)))
    width = np.where(np.isnan(v) | (v <= p), 1.0, v - p)
    discordance = np.where(np.isnan(v) | (short <= p), 0.0, np.where(short >= v, 1.0, (short - p) / width))
    whole = (concordance * weights).sum(axis=2)
    objects = discordance > whole[..., None]
    left = np.where(objects, (1 - discordance) / np.where(objects, 1 - whole[..., None], 1.0), 1.0)
    against = (1 - concordance) * weights + np.where(objects, discordance, 0.0)
    return whole * left.prod(axis=2), against, discordance
