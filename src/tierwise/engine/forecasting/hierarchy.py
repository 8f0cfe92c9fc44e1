"""Forecasts that add up: totals and parts of a hierarchy reconciled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import splu

from tierwise.engine.forecasting.panel import Floats, Ints

_SPARSE: Any = sparse
_FACTOR: Any = splu
# The library is not typed; named once so that each call need not be excused.

METHODS = ("bottom_up", "ols", "wls_structural", "wls_variance", "mint_shrink")


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Totals over parts. Rows ``sums`` (a matrix totals × parts of what each total adds up, mostly 0 and 1) come before
    the parts themselves in every array of forecasts; ``names`` of all rows in that order."""

    sums: Any
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.sums.shape[0] + self.sums.shape[1] != len(self.names):
            raise ValueError(
                f"names: {len(self.names)} for {self.sums.shape[0]} totals and {self.sums.shape[1]} parts; one each"
            )

    @classmethod
    def of(cls, parts: Sequence[str], levels: Sequence[Sequence[str]], total: str = "total") -> Hierarchy:
        """From labels: ``levels`` lists for each grouping (region, family, …) the group of every part, crossing or
        nested; groups are named as labelled, those of one level apart from those of another. ``total`` "" leaves the
        grand total out.

        >>> Hierarchy.of(["a", "b"], []).names
        ('total', 'a', 'b')
        """
        rows, columns, names = [], [], []
        if total:
            rows.append(np.zeros(len(parts), dtype=np.int64))
            columns.append(np.arange(len(parts)))
            names.append(total)
        for place, level in enumerate(levels):
            if len(level) != len(parts):
                raise ValueError(f"levels: number {place} has {len(level)} labels for {len(parts)} parts; one each")
            groups, index = np.unique(np.asarray(level, dtype=object).astype(str), return_inverse=True)
            rows.append(len(names) + index)
            columns.append(np.arange(len(parts)))
            names.extend(groups.tolist())
        size = (len(names), len(parts))
        at = (np.concatenate(rows), np.concatenate(columns)) if rows else (np.zeros(0, int), np.zeros(0, int))
        return cls(_SPARSE.csr_array((np.ones(at[0].size), at), shape=size), (*names, *parts))

    @property
    def totals(self) -> int:
        return int(self.sums.shape[0])

    @property
    def parts(self) -> int:
        return int(self.sums.shape[1])

    def add_up(self, parts: npt.ArrayLike) -> Floats:
        """All rows from those of the parts, (parts, …)."""
        given = np.asarray(parts, dtype=np.float64)
        flat = given.reshape(self.parts, -1)
        return np.asarray(np.concatenate([self.sums @ flat, flat]).reshape(-1, *given.shape[1:]))


@dataclass(frozen=True, slots=True)
class Reconciled:
    """``forecast`` rows × horizon, coherent; ``adjustment`` what was added to each base forecast; ``gap`` totals ×
    horizon by which base totals exceeded the sum of their parts. ``shrinkage`` λ of mint_shrink, else NaN; ``cut``
    tells how many parts were raised to 0."""

    forecast: Floats
    adjustment: Floats
    gap: Floats
    method: str
    shrinkage: float
    cut: int


def reconcile(
    hierarchy: Hierarchy,
    base: npt.ArrayLike,
    method: str = "wls_structural",
    residuals: npt.ArrayLike | None = None,
    *,
    nonnegative: bool = False,
) -> Reconciled:
    """Base forecasts of totals and parts, made apart, brought to sums that fit, each moved by how little it is trusted.

    ``base`` rows × horizon (or rows). S(S'W⁻¹S)⁻¹S'W⁻¹ŷ, computed as ŷ − WC'(CWC')⁻¹Cŷ with the constraints C = [I,
    −A], so that only as many equations are solved as there are totals. W: identity (``ols``), number of parts
    (``wls_structural``), variance of one-step ``residuals`` (rows × periods, NaN left out; ``wls_variance``), or their
    covariance with correlations shrunk toward 0 by the share λ of Schäfer and Strimmer (``mint_shrink``), the least
    trace of error variance if residuals tell it. ``bottom_up`` ignores the totals. ``nonnegative`` raises parts below 0
    to 0 and adds up anew. ValueError where a base forecast is unknown, or residuals are missing or too few (2).

    Source: Hyndman, Ahmed, Athanasopoulos and Shang, CSDA 55 (2011) 2579-2589; Wickramasuriya, Athanasopoulos and
    Hyndman, JASA 114 (2019) 804-819; Schäfer and Strimmer, SAGMB 4 (2005) 32. TC-21, total 100 over parts of 45 and 50:

    >>> two = Hierarchy.of(["a", "b"], [])
    >>> for way in ("ols", "wls_structural"):
    ...     print(reconcile(two, [100, 45, 50], way).forecast.round(3).tolist())
    [98.333, 46.667, 51.667]
    [97.5, 46.25, 51.25]
    """
    given = np.asarray(base, dtype=np.float64)
    flat = given.reshape(given.shape[0], -1) if given.ndim else given.reshape(0, 0)
    if flat.shape[0] != len(hierarchy.names) or not np.isfinite(flat).all():
        raise ValueError(
            f"base: {flat.shape[0]} rows for {len(hierarchy.names)} names; give a known number for each total and part"
        )
    if method not in METHODS:
        raise ValueError(f"method: {method!r} is unknown; use one of {', '.join(METHODS)}")
    totals, sums, shrinkage = hierarchy.totals, hierarchy.sums, float("nan")
    gap = flat[:totals] - sums @ flat[totals:]
    if method == "bottom_up" or not totals:
        moved = np.concatenate([-gap, np.zeros((hierarchy.parts, flat.shape[1]))])
    elif method == "mint_shrink":
        spread, shrinkage = _shrunk(_known_residuals(residuals, flat.shape[0]))
        constraint = np.hstack([np.eye(totals), -sums.toarray()])
        reach = spread @ constraint.T
        moved = -reach @ np.linalg.lstsq(constraint @ reach, gap, rcond=None)[0]
    else:
        weight = _weights(hierarchy, method, residuals)
        upper, lower = weight[:totals], weight[totals:]
        scaled = _SPARSE.csr_array(sums * lower[None, :])
        system = _SPARSE.csc_array(scaled @ sums.T + _SPARSE.diags_array(upper))
        answer = _FACTOR(system).solve(gap)
        moved = np.concatenate([-upper[:, None] * answer, scaled.T @ answer])
    coherent = hierarchy.add_up((flat + moved)[totals:])
    cut = 0
    if nonnegative:
        below = coherent[totals:] < 0
        cut = int(below.sum())
        coherent = hierarchy.add_up(np.maximum(coherent[totals:], 0.0))
    forecast = coherent.reshape(given.shape)
    return Reconciled(forecast, forecast - given, gap.reshape(totals, *given.shape[1:]), method, shrinkage, cut)


def _known_residuals(residuals: npt.ArrayLike | None, rows: int) -> Floats:
    if residuals is None:
        raise ValueError("residuals: are needed by this method; give one-step errors, rows × periods")
    seen = np.asarray(residuals, dtype=np.float64)
    if seen.ndim != 2 or seen.shape[0] != rows or ((~np.isnan(seen)).sum(axis=1) < 2).any():
        raise ValueError(f"residuals: shape {seen.shape}; give {rows} rows with at least two known errors each")
    return seen


def _weights(hierarchy: Hierarchy, method: str, residuals: npt.ArrayLike | None) -> Floats:
    rows = len(hierarchy.names)
    if method == "ols":
        return np.ones(rows)
    if method == "wls_structural":
        return np.concatenate([np.asarray(hierarchy.sums.sum(axis=1)), np.ones(hierarchy.parts)])
    seen = _known_residuals(residuals, rows)
    known = ~np.isnan(seen)
    variance = np.where(known, seen, 0.0) ** 2
    found = variance.sum(axis=1) / known.sum(axis=1)
    # A row that never erred must still be able to move, if hardly.
    return np.asarray(np.maximum(found, 1e-8 * max(float(found.max()), 1e-300)))


def _shrunk(seen: Floats) -> tuple[Floats, float]:
    """Covariance of the residuals with correlations shrunk toward 0, and by which share."""
    complete = seen[:, ~np.isnan(seen).any(axis=0)]
    n = complete.shape[1]
    if n < 3:
        raise ValueError("residuals: fewer than three periods known in all rows; use wls_variance")
    centred = complete - complete.mean(axis=1, keepdims=True)
    covariance = centred @ centred.T / n
    deviation = np.sqrt(np.maximum(np.diag(covariance), 1e-12 * max(float(np.diag(covariance).max()), 1e-300)))
    unit = centred / deviation[:, None]
    correlation = unit @ unit.T / n
    variance = ((unit**2) @ (unit**2).T - n * correlation**2) / (n * (n - 1))
    off = ~np.eye(len(seen), dtype=bool)
    below = float((correlation[off] ** 2).sum())
    share = min(max(float(variance[off].sum()) / below, 0.0), 1.0) if below > 0 else 1.0
    shrunk = np.where(off, (1 - share) * correlation, 1.0)
    return shrunk * deviation[:, None] * deviation[None, :], share


def places(hierarchy: Hierarchy, names: Sequence[str]) -> Ints:
    """Rows of names. ValueError for an unknown one.

    >>> places(Hierarchy.of(["a", "b"], []), ["b", "total"]).tolist()
    [2, 0]
    """
    at = {name: row for row, name in reversed(list(enumerate(hierarchy.names)))}
    if missing := [name for name in names if name not in at]:
        raise ValueError(f"names: {missing[0]!r} is not in the hierarchy")
    return np.array([at[name] for name in names], dtype=np.int64)
