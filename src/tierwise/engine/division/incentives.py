"""What each rule means for each party: outcomes side by side, fairness, and whether an inflated claim pays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.engine.division.rules import RULES, Floats

FACTORS = (0.5, 0.8, 0.9, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0)
"""What a party may try to claim, as multiples of its need; both ways, as some rules reward asking for less."""


def inflation_gain(
    rule: str, needs: npt.ArrayLike, estate: npt.ArrayLike, factors: Sequence[float] = FACTORS
) -> tuple[Floats, Floats]:
    """The most that a party gains by claiming a multiple of its need while the others tell the truth.

    ``needs`` … × parties; returns gain in usable units (award up to the need, less the same when truthful) and the
    factor that brings it (1 where nothing does). NaN for parties that are not there. Under the uniform rule no gain is
    ever above 0 (Sprumont 1991). Our own numbers: under proportional division whoever doubles its order gets all it
    needs or nearly: the order of 50 gains 14.29.

    >>> gain, factor = inflation_gain("proportional", [50, 40, 30, 20], 100, [2.0])
    >>> gain.round(2).tolist(), inflation_gain("uniform", [50, 40, 30, 20], 100)[0].tolist()
    ([14.29, 11.43, 8.57, 5.71], [0.0, 0.0, 0.0, 0.0])
    """
    if rule not in RULES:
        raise ValueError(f"rule: {rule!r} is unknown; use {', '.join(RULES)}")
    tried = np.asarray(factors, dtype=np.float64)
    if tried.ndim != 1 or not tried.size or not (np.isfinite(tried) & (tried >= 0)).all():
        raise ValueError("factors: give at least one finite multiple of 0 or more")
    need = np.asarray(needs, dtype=np.float64)
    honest = RULES[rule](need, estate)
    need = np.broadcast_to(need, honest.shape)
    gain, best = np.zeros(honest.shape), np.ones(honest.shape)
    for party in range(need.shape[-1]):
        claims = np.repeat(need[..., None, :], tried.size, axis=-2)
        claims[..., party] *= tried
        awards = RULES[rule](claims, np.asarray(estate, dtype=np.float64)[..., None])[..., party]
        usable = np.minimum(awards, need[..., None, party]) - honest[..., None, party]
        at = np.argmax(np.where(np.isnan(usable), -np.inf, usable), axis=-1)
        top = np.take_along_axis(usable, at[..., None], -1)[..., 0]
        # Division in floats leaves hairs; they are no gain.
        real = top > 1e-9 * np.maximum(need[..., party], 1.0)
        gain[..., party], best[..., party] = np.where(real, top, 0.0), np.where(real, tried[at], 1.0)
    absent = np.isnan(honest)
    return np.where(absent, np.nan, gain), np.where(absent, np.nan, best)


def compare_rules(
    parties: Sequence[str], claims: npt.ArrayLike, estate: float, rules: Sequence[str] = tuple(RULES)
) -> pl.DataFrame:
    """Each party's outcome under each rule, before one is agreed on.

    One row per rule and party: ``claim``, ``award``, ``met`` (share of the claim), ``inflation_gain`` and
    ``inflation_factor`` as `inflation_gain`; per rule ``least_met`` (worst party) and ``jain`` (fairness of the shares
    met). Our own numbers:

    >>> table = compare_rules(list("abcd"), [50, 40, 30, 20], 100, ["uniform", "linear"])
    >>> table.filter(pl.col("party") == "a").select("rule", pl.col("award").round(2), "inflation_gain").rows()
    [('uniform', 26.67, 0.0), ('linear', 40.0, 10.0)]
    """
    asked = np.asarray(claims, dtype=np.float64)
    if asked.shape != (len(parties),):
        raise ValueError(f"claims: {asked.shape} for {len(parties)} parties; give one each")
    rows = []
    for rule in rules:
        gain, factor = inflation_gain(rule, asked, estate)
        award = RULES[rule](asked, estate)
        met = np.divide(award, asked, out=np.full(asked.shape, np.nan), where=asked > 0)
        columns = {"claim": asked, "award": award, "met": met, "inflation_gain": gain, "inflation_factor": factor}
        fair = {"least_met": np.nanmin(met) if not np.isnan(met).all() else np.nan, "jain": float(jain_index(met))}
        rows.append(
            pl.DataFrame({"rule": [rule] * len(parties), "party": list(parties), **columns}).with_columns(
                **{name: pl.lit(value, pl.Float64) for name, value in fair.items()}
            )
        )
    return pl.concat(rows).with_columns(pl.col(pl.Float64).fill_nan(None)) if rows else pl.DataFrame()


def jain_index(values: npt.ArrayLike) -> Floats:
    """How even values are over the last axis, 1/n to 1: (Σx)² / (n·Σx²).

    NaN values are left out; none, or all 0, gives NaN. Source: Jain, Chiu and Hawe, DEC Research Report TR-301, 1984,
    page 4: with 1 of 10 users served it is 0.1.

    >>> jain_index([1.0] + [0.0] * 9).item()
    0.1
    """
    x = np.asarray(values, dtype=np.float64)
    total, squares = np.nansum(x, axis=-1), np.nansum(x * x, axis=-1)
    n = (~np.isnan(x)).sum(axis=-1)
    return np.asarray(np.divide(total**2, n * squares, out=np.full(np.shape(total), np.nan), where=squares > 0))
