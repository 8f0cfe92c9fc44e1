"""Weights from pairwise judgements, and which judgement to talk about again: the analytic hierarchy process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RANDOM_INDEX = (0.0, 0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51, 1.54, 1.56, 1.57, 1.59)
"""Saaty's mean consistency index of random matrices by size, from 0 up to 15."""


@dataclass(frozen=True, slots=True)
class Priorities:
    """One row per matrix.

    ``weights`` matrices × items, summing to 1. ``consistency_ratio`` below 0.10 is commonly accepted; 0 for two items
    or fewer. ``worst`` holds the two items (row, column) whose judgement departs most from what the weights imply, and
    ``implied`` the ratio that would fit; (-1, -1) and NaN where nothing was judged. ``judged`` is the share of the
    pairs that were judged.
    """

    weights: Floats
    eigenvalue: Floats
    consistency_ratio: Floats
    worst: Ints
    implied: Floats
    judged: Floats


def comparison_matrix(items: Sequence[str], judgements: Mapping[tuple[str, str], float]) -> Floats:
    """A reciprocal matrix from judgements "first over second": 3 means three times as important.

    Pairs not judged stay NaN. Raises ValueError for unknown items, ratios that are not positive and pairs given in
    both directions.

    >>> comparison_matrix(["price", "quality"], {("quality", "price"): 3}).round(3).tolist()
    [[1.0, 0.333], [3.0, 1.0]]
    """
    at = {item: row for row, item in enumerate(items)}
    matrix = np.full((len(items), len(items)), np.nan)
    np.fill_diagonal(matrix, 1.0)
    for (first, second), ratio in judgements.items():
        unknown = {first, second} - at.keys()
        if unknown or first == second:
            raise ValueError(f"judgements: {first!r} over {second!r} does not name two of the items {list(items)}")
        if not (np.isfinite(ratio) and ratio > 0):
            raise ValueError(f"judgements: {first!r} over {second!r} is {ratio}; give a positive ratio")
        if not np.isnan(matrix[at[first], at[second]]):
            raise ValueError(f"judgements: {first!r} and {second!r} are judged twice; give one direction")
        matrix[at[first], at[second]], matrix[at[second], at[first]] = ratio, 1 / ratio
    return matrix


def priorities(matrices: npt.ArrayLike) -> Priorities:
    """How heavy is each item, and do the judgements agree with each other?

    ``matrices`` items × items, or a stack of them (judges × items × items): entry (i, j) says how many times as
    important i is as j, reciprocal, NaN where a pair was not judged. Weights are the principal eigenvector; missing
    pairs are completed by Harker's method (0 off the diagonal, 1 + number missing on it), which needs judgements that
    connect all items. CI = (λ − n)/(n − 1), CR = CI/RI; with missing pairs CR understates. Raises ValueError for
    matrices that are not reciprocal, not connected, or of more than 15 items (group them into a hierarchy, and
    multiply the weights down).
    Source: Saaty, The Analytic Hierarchy Process (1980), ch. 1-3; Harker, Mathematical Modelling 9 (1987) 353-360.

    >>> found = priorities([[1, 3, 5], [1 / 3, 1, 3], [1 / 5, 1 / 3, 1]])
    >>> found.weights.round(3).tolist(), found.consistency_ratio.round(3).tolist()
    ([[0.637, 0.258, 0.105]], [0.033])
    """
    stack = _stack(matrices)
    judges, n, _ = stack.shape
    if n > len(RANDOM_INDEX) - 1:
        raise ValueError(f"matrices: compare {n} items; group them into a hierarchy of at most 15 each")
    if judges == 0 or n == 0:
        nothing = np.empty(judges)
        return Priorities(np.empty((judges, n)), nothing, nothing, np.full((judges, 2), -1), nothing, nothing)
    missing = np.isnan(stack)
    filled = np.where(missing, 0.0, stack)
    filled[:, np.arange(n), np.arange(n)] = 1.0 + missing.sum(axis=2)
    _connected(filled)
    values, vectors = np.linalg.eig(filled)
    lead = values.real.argmax(axis=1)
    rows = np.arange(judges)
    weights = np.abs(vectors[rows, :, lead].real)
    weights /= weights.sum(axis=1, keepdims=True)
    eigenvalue = values[rows, lead].real
    index = (eigenvalue - n) / max(n - 1, 1)
    ratio = np.maximum(index, 0.0) / RANDOM_INDEX[n] if n > 2 else np.zeros(judges)
    worst, implied = _worst(stack, weights)
    pairs = n * (n - 1)
    judged = 1 - missing.sum(axis=(1, 2)) / pairs if pairs else np.ones(judges)
    return Priorities(weights, eigenvalue, ratio, worst, implied, judged)


def merge_judgements(matrices: npt.ArrayLike, voice: npt.ArrayLike | None = None) -> Floats:
    """One matrix for a group: the geometric mean of what its members judged, weighted by ``voice`` (default equal).

    Keeps reciprocity, which an arithmetic mean does not. A pair that a member did not judge is merged from the others;
    NaN where nobody did. Source: Aczél and Saaty, Journal of Mathematical Psychology 27 (1983) 93-102.

    >>> merge_judgements([[[1, 2], [1 / 2, 1]], [[1, 8], [1 / 8, 1]]]).round(6).tolist()
    [[1.0, 4.0], [0.25, 1.0]]
    """
    stack = _stack(matrices)
    say = np.ones(len(stack)) if voice is None else np.asarray(voice, dtype=np.float64)
    if say.shape != (len(stack),) or (say < 0).any() or not say.sum() > 0:
        raise ValueError(f"voice: give one weight of 0 or more per member ({len(stack)}), not all 0")
    known = ~np.isnan(stack)
    logs = np.log(np.where(known, stack, 1.0))
    share = say[:, None, None] * known
    total = share.sum(axis=0)
    with np.errstate(invalid="ignore"):
        return np.asarray(
            np.where(total > 0, np.exp((share * logs).sum(axis=0) / np.where(total > 0, total, 1)), np.nan)
        )


def _stack(matrices: npt.ArrayLike) -> Floats:
    stack = np.asarray(matrices, dtype=np.float64)
    stack = stack[None] if stack.ndim == 2 else stack
    if stack.ndim != 3 or stack.shape[1] != stack.shape[2]:
        raise ValueError(f"matrices: have shape {stack.shape}; give items × items, or a stack of such")
    given = stack[~np.isnan(stack)]
    if (given <= 0).any() or np.isinf(given).any():
        raise ValueError("matrices: must hold positive ratios; leave pairs that were not judged as NaN")
    product = stack * stack.transpose(0, 2, 1)
    half = np.isnan(stack) != np.isnan(stack.transpose(0, 2, 1))
    if half.any() or (np.abs(product[~np.isnan(product)] - 1) > 1e-6).any():
        raise ValueError("matrices: are not reciprocal; entry (j, i) must be 1 over entry (i, j), and the diagonal 1")
    return stack


def _connected(filled: Floats) -> None:
    n = filled.shape[1]
    reach = (filled > 0).astype(np.float64)
    for _ in range(max(n.bit_length(), 1)):
        reach = (reach @ reach > 0).astype(np.float64)
    if (reach == 0).any():
        raise ValueError("matrices: judge two groups of items without a pair between them; add one such pair")


def _worst(stack: Floats, weights: Floats) -> tuple[Ints, Floats]:
    expected = weights[:, :, None] / weights[:, None, :]
    gap = np.abs(np.log(stack) - np.log(expected))
    gap[:, *np.tril_indices(stack.shape[1])] = np.nan
    flat = np.where(np.isnan(gap), -1.0, gap).reshape(len(stack), -1)
    cell = flat.argmax(axis=1)
    rows = np.arange(len(stack))
    judged = flat[rows, cell] >= 0
    pair = np.stack(np.divmod(cell, stack.shape[1]), axis=1)
    implied = expected[rows, pair[:, 0], pair[:, 1]]
    return np.where(judged[:, None], pair, -1), np.where(judged, implied, np.nan)
