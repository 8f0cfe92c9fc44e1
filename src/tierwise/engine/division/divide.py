"""A division as a contract asks for it: entitlements first, then priority, then the rule, in whole lots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.engine.division.rules import RULES, Floats


@dataclass(frozen=True, slots=True)
class DivisionParams:
    """``rule`` a name in RULES. ``entitlements`` (per party): what contract or law gives first, up to the claim; where
    even these are too much they are divided in proportion. ``priority`` (per party, 1 first; None: all alike): a class
    is served only from what the classes before it left. ``lot``: awards in whole multiples of it (0: any)."""

    rule: str = "uniform"
    entitlements: tuple[float, ...] | None = None
    priority: tuple[int, ...] | None = None
    lot: float = 0.0

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"rule: {self.rule!r} is unknown; use {', '.join(RULES)}")
        if self.entitlements is not None and not all(0 <= each < np.inf for each in self.entitlements):
            raise ValueError("entitlements: give each party a finite quantity of 0 or more")
        if not 0 <= self.lot < np.inf:
            raise ValueError(f"lot: {self.lot} must be 0 or more")


@dataclass(frozen=True, slots=True)
class Division:
    """Awards and what made them, … × parties: ``entitled`` by right, ``ruled`` by the rule, ``rounded`` by lots;
    their sum is ``awards``. ``losses`` = claim − award, ``met`` = award / claim (NaN for a claim of 0). ``left`` per
    row: what nobody claimed, or what lots could not give out."""

    awards: Floats
    entitled: Floats
    ruled: Floats
    rounded: Floats
    losses: Floats
    met: Floats
    left: Floats
    rule: str

    def frame(self, parties: Sequence[str]) -> pl.DataFrame:
        """One row per party of a single division."""
        if self.awards.shape != (len(parties),):
            raise ValueError(f"parties: {len(parties)} names for awards of shape {self.awards.shape}")
        columns = {
            "entitled": self.entitled,
            "ruled": self.ruled,
            "rounded": self.rounded,
            "award": self.awards,
            "loss": self.losses,
            "met": self.met,
        }
        return pl.DataFrame({"party": list(parties), **columns}).with_columns(pl.col(pl.Float64).fill_nan(None))


def divide(claims: npt.ArrayLike, estate: npt.ArrayLike, params: DivisionParams | None = None) -> Division:
    """Divides scarce supply: first rights, then classes of priority, within a class the rule.

    Shapes, NaN and empty input as in the rules. With entitlements a claim stands for the whole need: the rule divides
    what is left over the open parts of the claims. Lots: each award is cut to whole lots, and the lots that frees go to
    the largest cut parts that still have room in their claim; an award never passes its claim.

    Our own numbers, under entitlements of 10 for the smallest order, uniform on the rest:

    >>> found = divide([50, 40, 30, 20], 100, DivisionParams("linear", entitlements=(0, 0, 0, 10)))
    >>> found.entitled.tolist(), found.awards.round(2).tolist()
    ([0.0, 0.0, 0.0, 10.0], [40.0, 30.0, 20.0, 10.0])
    """
    rule = params or DivisionParams()
    asked = np.asarray(claims, dtype=np.float64)
    entitled = _entitled(asked, estate, rule)
    # Checks shapes and signs once for all and limits the estate to the claims.
    whole = RULES["proportional"](asked, estate)
    entitled = np.broadcast_to(entitled, whole.shape)
    open_claims = np.broadcast_to(asked, whole.shape) - entitled
    there = np.broadcast_to(np.asarray(estate, dtype=np.float64), whole.shape[:-1])
    left = np.maximum(there - np.nansum(entitled, axis=-1), 0.0)
    ruled = _by_class(open_claims, left, rule)
    awards = entitled + ruled
    lots = _whole_lots(awards, np.broadcast_to(asked, whole.shape), there, rule.lot) if rule.lot else awards
    with np.errstate(divide="ignore", invalid="ignore"):
        met = np.where(asked > 0, lots / asked, np.nan)
    return Division(
        awards=lots, entitled=entitled, ruled=ruled, rounded=lots - awards, losses=asked - lots, met=met,
        left=np.asarray(there - np.nansum(lots, axis=-1)), rule=rule.rule,
    )  # fmt: skip


def _entitled(asked: Floats, estate: npt.ArrayLike, rule: DivisionParams) -> Floats:
    if rule.entitlements is None:
        return np.where(np.isnan(asked), np.nan, 0.0)
    if len(rule.entitlements) != asked.shape[-1]:
        raise ValueError(f"entitlements: {len(rule.entitlements)} for {asked.shape[-1]} parties; give one each")
    return RULES["proportional"](np.minimum(asked, np.array(rule.entitlements)), estate)


def _by_class(open_claims: Floats, left: Floats, rule: DivisionParams) -> Floats:
    if rule.priority is None:
        return RULES[rule.rule](open_claims, left)
    if len(rule.priority) != open_claims.shape[-1]:
        raise ValueError(f"priority: {len(rule.priority)} for {open_claims.shape[-1]} parties; give one each")
    ranks, found = np.array(rule.priority), np.full(open_claims.shape, np.nan)
    for rank in np.unique(ranks):
        members = ranks == rank
        found[..., members] = RULES[rule.rule](open_claims[..., members], left)
        left = np.maximum(left - np.nansum(found[..., members], axis=-1), 0.0)
    return found


def _whole_lots(awards: Floats, claims: Floats, estate: Floats, lot: float) -> Floats:
    absent = np.isnan(awards)
    # A hair of tolerance, so that 3.0000000004 / 1 is no fourth of a lot and 2.9999999996 is three.
    ideal = np.where(absent, 0.0, awards) / lot
    most = np.floor(np.where(absent, 0.0, claims) / lot + 1e-9)
    given = np.minimum(np.floor(ideal + 1e-9), most)
    spare = np.floor(np.minimum(estate, np.nansum(awards, axis=-1)) / lot + 1e-9) - given.sum(axis=-1)
    cut = np.where(most > given, ideal - given, -np.inf)
    rank = np.argsort(np.argsort(-cut, axis=-1, kind="stable"), axis=-1, kind="stable")
    given = given + ((rank < spare[..., None]) & np.isfinite(cut))
    return np.where(absent, np.nan, given * lot)
