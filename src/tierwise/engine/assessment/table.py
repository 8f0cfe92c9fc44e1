"""What every ranking reads: alternatives × criteria, weights and directions, checked once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def as_table(values: npt.ArrayLike, name: str = "values") -> Floats:
    """Alternatives × criteria; NaN where an alternative was not measured."""
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"{name}: has {table.ndim} axes; give alternatives × criteria")
    if np.isinf(table).any():
        raise ValueError(f"{name}: holds infinities; leave what was not measured as NaN")
    return table


def as_weights(weights: npt.ArrayLike, criteria: int, name: str = "weights") -> Floats:
    """One weight of 0 or more per criterion, scaled to sum 1."""
    found = np.asarray(weights, dtype=np.float64)
    if found.shape != (criteria,):
        raise ValueError(f"{name}: has shape {found.shape}; give one per criterion ({criteria})")
    if not np.isfinite(found).all() or (found < 0).any() or not found.sum() > 0:
        raise ValueError(f"{name}: must be 0 or more and not all 0")
    return np.asarray(found / found.sum())


def as_directions(larger_is_better: npt.ArrayLike, criteria: int) -> Flags:
    """One flag per criterion, a single one standing for all."""
    found = np.asarray(larger_is_better, dtype=np.bool_)
    if found.shape not in {(), (criteria,)}:
        raise ValueError(f"larger_is_better: has shape {found.shape}; give one flag per criterion ({criteria})")
    return np.broadcast_to(found, (criteria,))


def complete(table: Floats) -> Flags:
    """Which alternatives were measured on every criterion."""
    return np.asarray(~np.isnan(table).any(axis=1), dtype=np.bool_)
