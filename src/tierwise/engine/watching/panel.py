"""What every chart reads: a panel of series, one per row, checked once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Signs = npt.NDArray[np.int8]


def as_panel(values: npt.ArrayLike) -> Floats:
    """Series × periods, oldest first; a single series is a panel of one. NaN is a period without observation.

    Shorter series are padded with NaN at either end. Raises ValueError for more than two axes and for infinities.
    """
    panel = np.atleast_2d(np.asarray(values, dtype=np.float64))
    if panel.ndim != 2:
        raise ValueError(f"values: has {panel.ndim} axes; give one series, or a panel of series × periods")
    if np.isinf(panel).any():
        raise ValueError("values: holds infinities; leave a period without observation as NaN")
    return np.ascontiguousarray(panel)


def per_series(value: npt.ArrayLike, series: int, name: str) -> Floats:
    """One finite number per series, a single one standing for all."""
    spread = np.asarray(value, dtype=np.float64)
    if spread.ndim > 1 or (spread.ndim == 1 and len(spread) != series):
        raise ValueError(f"{name}: has shape {spread.shape}; give one number, or one per series ({series})")
    if not np.isfinite(spread).all():
        raise ValueError(f"{name}: holds missing or infinite numbers; every series needs one")
    return np.ascontiguousarray(np.broadcast_to(spread, (series,)))


def per_series_positive(value: npt.ArrayLike, series: int, name: str) -> Floats:
    """One positive number per series, a single one standing for all."""
    spread = per_series(value, series, name)
    if (spread <= 0).any():
        raise ValueError(f"{name}: must be above 0; a series that never varied has nothing to be measured against")
    return spread


def first_of(marked: npt.NDArray[np.bool_]) -> Ints:
    """The first marked period of each series, -1 where none is."""
    if marked.shape[1] == 0:
        return np.full(marked.shape[0], -1, dtype=np.int64)
    return np.where(marked.any(axis=1), marked.argmax(axis=1), -1).astype(np.int64)
