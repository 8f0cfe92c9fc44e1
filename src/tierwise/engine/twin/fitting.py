"""Which distribution a history follows, and whether it may be believed: estimates with honest goodness of fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special

from tierwise.engine import checks
from tierwise.engine.twin.families import FAMILIES, Family, Pair
from tierwise.engine.twin.layout import Floats
from tierwise.engine.twin.spread import Spread

KINDS = tuple(FAMILIES)
_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class FitParams:
    """``kinds`` tried; ``resamples`` per kind for the p-value, ``seed`` makes them repeatable; a kind is believed when
    its p-value reaches ``significance``. With fewer than ``least`` observations none is: the sample itself is used."""

    kinds: Sequence[str] = KINDS
    resamples: int = 499
    significance: float = 0.05
    least: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        unknown = [kind for kind in self.kinds if kind not in FAMILIES]
        if unknown:
            raise ValueError(f"kinds: {unknown[0]!r} is unknown; use some of {', '.join(KINDS)}")
        if self.resamples < 99:
            raise ValueError(f"resamples: is {self.resamples}; give 99 or more, p-values are no finer than that")
        if not 0 < self.significance < 1:
            raise ValueError(f"significance: is {self.significance}; give a share between 0 and 1, 0.05 is usual")


@dataclass(frozen=True, slots=True)
class Fit:
    """``spread`` to simulate with, ``kind`` it is of (``empirical`` where none is believed) on ``n`` observations.

    ``table``, best first, one row per kind tried: its parameters ``a`` and ``b``, ``aic``, the Kolmogorov–Smirnov
    distance ``ks`` with ``ks_p``, ``chi2`` with its degrees of freedom and ``chi2_p`` (NaN where too few) and
    ``believed``.
    """

    spread: Spread
    kind: str
    n: int
    table: pl.DataFrame


DEFAULT = FitParams()


def fit(sample: npt.ArrayLike, params: FitParams = DEFAULT) -> Fit:
    """What distribution do these observations follow?

    Estimates by maximum likelihood (negative binomial by moments). The p-value of the Kolmogorov–Smirnov distance is by
    parametric bootstrap: each resample is drawn from the fitted distribution *and fitted again*, since tables for known
    parameters would accept nearly everything; p = (1 + #{D* ≥ D})/(1 + resamples). χ² on cells of equal probability
    (whole kinds: values joined until 5 are expected) with cells − 1 − parameters degrees of freedom. Of the believed
    kinds the one with the least AIC is taken; kinds for whole values are tried only on whole ones, positive kinds only
    on positive ones, and one kind of numbers is never compared with the other by AIC: on whole values continuous kinds
    are left out where they have fewer than 30 distinct values. NaN is left out; ValueError for nothing left.

    Source: Stute, González Manteiga and Presedo Quindimil, Metrika 40 (1993) 243-256; Law (2015), 6.6.

    >>> rng = np.random.default_rng(4)
    >>> found = fit(rng.gamma(4, 2.5, 400))
    >>> found.kind, found.n
    ('gamma', 400)
    """
    x = checks.numbers("sample", sample).ravel()
    x = x[np.isfinite(x)]
    if not x.size:
        raise ValueError("sample: has no known observation; give a constant or an agreed value instead")
    whole = bool(np.all(x == np.floor(x)) and x.min() >= 0)
    distinct = np.unique(x).size
    rows, like = [], []
    for kind in params.kinds:
        family = FAMILIES[kind]
        if x.size < params.least or distinct < 2 or (family.positive and x.min() <= 0):
            continue
        if family.whole != whole and (family.whole or distinct < 30):
            continue
        rows.append({"kind": kind, **_judged(family, x, params)})
        like.append(family.whole == whole)
    schema = {
        "kind": pl.String, "a": pl.Float64, "b": pl.Float64, "aic": pl.Float64, "ks": pl.Float64, "ks_p": pl.Float64,
        "chi2": pl.Float64, "chi2_freedom": pl.Int64, "chi2_p": pl.Float64,
    }  # fmt: skip
    table = pl.DataFrame(rows, schema=schema).with_columns(
        believed=pl.col("ks_p") >= params.significance, like=pl.Series(like, dtype=pl.Boolean)
    )
    table = table.sort("believed", "like", "aic", descending=[True, True, False]).drop("like")
    if table.height and table["believed"][0]:
        kind = str(table["kind"][0])
        return Fit(FAMILIES[kind].spread(table["a"][0], table["b"][0]), kind, x.size, table)
    return Fit(Spread.empirical(x), "empirical", x.size, table)


def fit_all(samples: Sequence[npt.ArrayLike], params: FitParams = DEFAULT) -> tuple[Spread, pl.DataFrame]:
    """Many histories at once: one spread with a row each, and a frame of ``row``, ``kind``, ``n``, ``ks_p`` (NaN where
    empirical).

    >>> rng = np.random.default_rng(0)
    >>> spreads, why = fit_all([rng.poisson(5, 200), [3, 4, 4]])
    >>> why["kind"].to_list(), len(spreads)
    (['poisson', 'empirical'], 2)
    """
    fits = [fit(sample, params) for sample in samples]
    frame = pl.DataFrame(
        {
            "row": np.arange(len(fits)),
            "kind": [each.kind for each in fits],
            "n": [each.n for each in fits],
            "ks_p": [float("nan") if each.kind == "empirical" else float(each.table["ks_p"][0]) for each in fits],
        }
    )
    return Spread.join([each.spread for each in fits]), frame


def _judged(family: Family, x: Floats, params: FitParams) -> dict[str, float | int]:
    one = x[None, :]
    to = family.estimate(one)
    distance = float(_distance(family, one, to)[0])
    rng, beyond, left = np.random.default_rng(params.seed), 0, params.resamples
    with np.errstate(all="ignore"):
        while left:
            count = max(1, min(left, _AT_ONCE // x.size))
            again = family.draw(rng, to, (count, x.size))
            beyond += int(np.sum(_distance(family, again, family.estimate(again)) >= distance - 1e-12))
            left -= count
    chi2, freedom = _chi2(family, x, to)
    log_likelihood = float(family.log_density(one, to).sum())
    return {
        "a": float(to[0][0, 0]), "b": float(to[1][0, 0]), "aic": 2 * family.free - 2 * log_likelihood, "ks": distance,
        "ks_p": (1 + beyond) / (1 + params.resamples), "chi2": chi2, "chi2_freedom": freedom,
        "chi2_p": float(special.chdtrc(freedom, chi2)) if freedom > 0 else float("nan"),
    }  # fmt: skip


def _distance(family: Family, x: Floats, to: Pair) -> Floats:
    """Largest gap between the sample's steps and the distribution; ties are one step."""
    x = np.sort(x, axis=1)
    n = x.shape[1]
    upto = np.arange(1, n + 1) / n
    last = np.ones(x.shape, dtype=np.bool_)
    last[:, :-1] = np.diff(x, axis=1) > 0
    first = np.ones(x.shape, dtype=np.bool_)
    first[:, 1:] = last[:, :-1]
    above = np.where(last, np.abs(upto - family.below(x, to)), 0.0)
    before = family.below(x - 1, to) if family.whole else family.below(x, to)
    under = np.where(first, np.abs(before - (upto - 1 / n)), 0.0)
    return np.asarray(np.maximum(above, under).max(axis=1))


def _chi2(family: Family, x: Floats, to: Pair) -> tuple[float, int]:
    n = x.size
    if family.whole:
        values = np.arange(int(x.max()) + 1, dtype=np.float64)
        ends = n * family.below(values[None, :], to)[0]
        cuts, done = [], 0.0
        for value, end in zip(values, ends, strict=True):
            if end - done >= 5 and n - end >= 5:
                cuts.append(value)
                done = end
        edges = np.array(cuts)
        seen = np.bincount(np.searchsorted(edges, x, side="left"), minlength=edges.size + 1)
        expected = np.diff(np.concatenate([[0.0], n * family.below(edges[None, :], to)[0], [float(n)]]))
    else:
        cells = int(min(max(4, np.floor(2 * n**0.4)), n // 5))
        edges = family.quantile(np.arange(1, cells)[None, :] / cells, to)[0]
        seen = np.bincount(np.searchsorted(edges, x, side="left"), minlength=cells)
        expected = np.full(cells, n / cells)
    return float(np.sum((seen - expected) ** 2 / expected)), int(expected.size - 1 - family.free)
