"""How many equal observations a weighted sample is worth."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import ArrayLike


def effective_n(weights: ArrayLike) -> float:
    """Kish's effective sample size: (Σw)² ÷ Σw².

    What intervals use for n where lines count with shares: 100 lines that each count 30 % for a segment carry the
    evidence of 100 lines, one whole line beside 99 slivers that of little more than one. Weights of 0 count nothing;
    no weights give 0. Raises ValueError on negative weights or NaN.

    Source: L. Kish, Survey Sampling, Wiley 1965, section 11.7 (1 + relvariance of the weights is the loss). Weights
    1, 1, 1, 1 and 4 give 64 ÷ 20 = 3.2.

    >>> effective_n([1, 1, 1, 1, 4])
    3.2
    """
    weight = np.asarray(weights, np.float64)
    if np.isnan(weight).any() or (weight < 0).any():
        raise ValueError("weights must be numbers of at least 0; leave out lines without a share")
    largest = weight.max(initial=0.0)
    if largest == 0:
        return 0.0
    scaled = weight / largest
    return float(scaled.sum() ** 2 / np.square(scaled).sum())


def effective_n_of(weight: str) -> pl.Expr:
    """The same as a Polars aggregate over the column `weight`, for use in `group_by(…).agg(…)`."""
    total, squares = pl.col(weight).sum(), (pl.col(weight) ** 2).sum()
    return pl.when(squares > 0).then(total**2 / squares).otherwise(0.0).alias("effective_n")
