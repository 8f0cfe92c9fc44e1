"""Do units agree? Ranks, classes and groupings compared, and where they part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import special

from tierwise.engine.assessment.table import Floats, as_table

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Concordance:
    """``w`` from 0 (no agreement) to 1 (same order); ``p`` of as much agreement by chance, by χ².

    ``spread`` has one entry per item: the standard deviation of the ranks it was given, the conflict list.
    ``against`` has one entry per judge: Spearman's correlation with the mean rank of the others. NaN with fewer than
    two judges or items, or where nobody distinguishes.
    """

    w: float
    chi2: float
    p: float
    judges: int
    items: int
    mean_rank: Floats
    spread: Floats
    against: Floats


def concordance(ranks: npt.ArrayLike) -> Concordance:
    """How far do judges agree on the order of items, and on which items not (Kendall's W)?

    ``ranks`` judges × items: ranks, or any scores where less comes first; equal ones share the mean rank. Items that a
    judge left out (NaN) are left out for all. W = 12 S/(m²(n³ − n) − m ΣT), S the squared deviations of the rank sums,
    T = Σ(t³ − t) per judge for ties; χ² = m(n − 1)W with n − 1 degrees.
    Source: Kendall and Babington Smith, Annals of Mathematical Statistics 10 (1939) 275-287; Siegel and Castellan,
    Nonparametric Statistics, 9.6.

    >>> found = concordance([[1, 2, 3, 4], [1, 3, 2, 4], [2, 1, 3, 4]])
    >>> round(found.w, 4), round(found.chi2, 2)
    (0.7778, 7.0)
    """
    table = as_table(ranks, "ranks")
    judges, asked = table.shape
    shared = ~np.isnan(table).any(axis=0)
    items = int(shared.sum())
    mean_rank, spread, against = np.full(asked, np.nan), np.full(asked, np.nan), np.full(judges, np.nan)
    nan = float("nan")
    if judges < 2 or items < 2:
        return Concordance(nan, nan, nan, judges, items, mean_rank, spread, against)
    ranked = _mean_ranks(table[:, shared])
    mean_rank[shared], spread[shared] = ranked.mean(axis=0), ranked.std(axis=0, ddof=1)
    total = ranked.sum(axis=0)
    ties = sum(float((_counts(row) ** 3 - _counts(row)).sum()) for row in ranked)
    possible = judges**2 * (items**3 - items) - judges * ties
    w = 12 * float(((total - total.mean()) ** 2).sum()) / possible if possible > 0 else nan
    chi2 = judges * (items - 1) * w
    for judge in range(judges):
        others = _mean_ranks((total - ranked[judge])[None])[0]
        against[judge] = _correlation(ranked[judge], others)
    p = float(special.chdtrc(items - 1, chi2)) if not np.isnan(w) else nan
    return Concordance(w, chi2, p, judges, items, mean_rank, spread, against)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Pairwise: judges × judges, 1 on the diagonal, NaN where a pair has nothing in common to compare.

    ``split`` has one entry per item: the share of the pairs of judges who put it into different classes.
    """

    pairwise: Floats
    split: Floats


def class_agreement(classes: npt.ArrayLike, *, ordered: bool = False) -> Agreement:
    """Do units put the same items into the same classes, beyond chance (Cohen's κ)?

    ``classes`` judges × items: whole numbers, NaN where not classified. ``ordered`` weighs a difference by its square
    (a neighbour is a smaller quarrel), classes being numbered in their order. κ = 1 − Σ w o/Σ w e, o observed and e
    expected shares of the pairs of classes; 1 where both use one and the same class only.
    Source: Cohen, Educational and Psychological Measurement 20 (1960) 37-46; weighted: Psychological Bulletin 70
    (1968) 213-220.

    >>> first = [1] * 25 + [0] * 25
    >>> second = [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    >>> class_agreement([first, second]).pairwise.round(2).tolist()
    [[1.0, 0.4], [0.4, 1.0]]
    """
    table = _classes(classes)
    return Agreement(_each_pair(table, lambda a, b: _kappa(a, b, ordered)), _split(table))


def grouping_agreement(groups: npt.ArrayLike) -> Agreement:
    """Do two groupings put the same items together, whatever the groups are called (adjusted Rand index)?

    ``groups`` groupings × items: whole numbers, NaN where not grouped. 1 is the same grouping, 0 what chance would
    give, negative worse. ``split`` counts items called differently, so it needs common names to mean something.
    Source: Hubert and Arabie, Journal of Classification 2 (1985) 193-218.

    >>> float(grouping_agreement([[0, 0, 1, 2], [0, 0, 1, 1]]).pairwise[0, 1].round(2))
    0.57
    """
    table = _classes(groups)
    return Agreement(_each_pair(table, _adjusted_rand), _split(table))


def _each_pair(table: Floats, measure: Callable[[Codes, Codes], float]) -> Floats:
    judges = len(table)
    out = np.eye(judges)
    for first, second in combinations(range(judges), 2):
        both = ~np.isnan(table[first]) & ~np.isnan(table[second])
        value = float("nan")
        if both.any():
            value = measure(table[first, both].astype(np.int64), table[second, both].astype(np.int64))
        out[first, second] = out[second, first] = value
    return out


def _kappa(a: Codes, b: Codes, ordered: bool) -> float:
    names, codes = np.unique(np.concatenate([a, b]), return_inverse=True)
    count = np.zeros((len(names), len(names)))
    np.add.at(count, (codes[: len(a)], codes[len(a) :]), 1.0)
    expected = np.outer(count.sum(axis=1), count.sum(axis=0)) / len(a)
    apart = (names[:, None] - names[None]).astype(np.float64)
    weight = apart**2 if ordered else (apart != 0).astype(np.float64)
    chance = float((weight * expected).sum())
    return 1.0 if chance == 0 else 1 - float((weight * count).sum()) / chance


def _adjusted_rand(a: Codes, b: Codes) -> float:
    left, right = np.unique(a, return_inverse=True)[1], np.unique(b, return_inverse=True)[1]
    count = np.zeros((left.max() + 1, right.max() + 1))
    np.add.at(count, (left, right), 1.0)
    together, in_a, in_b = (float((c * (c - 1) / 2).sum()) for c in (count, count.sum(axis=1), count.sum(axis=0)))
    pairs = len(a) * (len(a) - 1) / 2
    chance = in_a * in_b / pairs if pairs else 0.0
    most = (in_a + in_b) / 2
    return 1.0 if most == chance else (together - chance) / (most - chance)


def _split(table: Floats) -> Floats:
    different, known = np.zeros(table.shape[1]), np.zeros(table.shape[1])
    for first, second in combinations(range(len(table)), 2):
        both = ~np.isnan(table[first]) & ~np.isnan(table[second])
        known += both
        different += both & (table[first] != table[second])
    return np.asarray(np.divide(different, known, out=np.full(table.shape[1], np.nan), where=known > 0))


def _classes(classes: npt.ArrayLike) -> Floats:
    table = as_table(classes, "classes")
    given = table[~np.isnan(table)]
    if (given != np.round(given)).any():
        raise ValueError("classes: must be whole numbers; number the classes first")
    return table


def _mean_ranks(scores: Floats) -> Floats:
    """Ranks from 1 along each row, equal scores sharing their mean."""
    out = np.empty(scores.shape)
    for row, each in enumerate(scores):
        _, code, count = np.unique(each, return_inverse=True, return_counts=True)
        last = np.cumsum(count)
        out[row] = ((last - count + 1 + last) / 2)[code]
    return out


def _counts(row: Floats) -> Floats:
    return np.unique(row, return_counts=True)[1].astype(np.float64)


def _correlation(a: Floats, b: Floats) -> float:
    x, y = a - a.mean(), b - b.mean()
    length = float(np.sqrt((x**2).sum() * (y**2).sum()))
    return float((x * y).sum()) / length if length > 0 else float("nan")
