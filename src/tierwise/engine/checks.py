"""What the engine's functions ask of their arguments; who calls on a wrong one reads its name and the remedy.

In arrays NaN passes: it means unknown and comes back as NaN.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import polars as pl

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Kind = TypeVar("Kind", bound=np.generic)


def numbers(name: str, values: npt.ArrayLike) -> Floats:
    """Floats of any shape. ValueError where they are not numbers."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: must be numbers; give NaN where one is unknown") from error


def positive(name: str, values: npt.ArrayLike) -> Floats:
    """Finite numbers above zero."""
    array = numbers(name, values)
    if np.any(array <= 0) or np.any(np.isinf(array)):
        raise ValueError(f"{name}: must be above 0 and finite; leave out items without one or give NaN")
    return array


def nonnegative(name: str, values: npt.ArrayLike) -> Floats:
    """Finite numbers of zero or more."""
    array = numbers(name, values)
    if np.any(array < 0) or np.any(np.isinf(array)):
        raise ValueError(f"{name}: must be 0 or more and finite; check the sign, give NaN where unknown")
    return array


def share(name: str, values: npt.ArrayLike) -> Floats:
    """Numbers strictly between 0 and 1."""
    array = numbers(name, values)
    if np.any(array <= 0) or np.any(array >= 1):
        raise ValueError(f"{name}: must lie between 0 and 1, both excluded; 95 % is 0.95")
    return array


def part(name: str, values: npt.ArrayLike) -> Floats:
    """Numbers of 0 to 1, both included."""
    array = nonnegative(name, values)
    if np.any(array > 1):
        raise ValueError(f"{name}: must lie between 0 and 1; 5 % is 0.05")
    return array


def each(name: str, values: npt.NDArray[Kind], shape: tuple[int, ...]) -> npt.NDArray[Kind]:
    """One value for all, or one each, as an array of its own."""
    if values.size != 1 and values.shape != shape:
        raise ValueError(f"{name}: shape {values.shape} does not fit {shape}; give one value, or one each")
    return np.array(np.broadcast_to(values.reshape(shape if values.shape == shape else ()), shape))


def known(name: str, values: npt.ArrayLike, shape: tuple[int, ...]) -> Floats:
    """One number for all, or one each, every one of them known and 0 or more."""
    array = each(name, numbers(name, values), shape)
    if np.isnan(array).any() or np.any(array < 0):
        raise ValueError(f"{name}: must be known and 0 or more; fill what is missing, check the sign")
    return array


def confidence(value: float) -> None:
    """A level of confidence, strictly between 0 and 1."""
    if not 0 < value < 1:
        raise ValueError(f"confidence: is {value}; give a probability between 0 and 1, such as 0.95")


def columns(name: str, frame: pl.DataFrame, wanted: Iterable[str]) -> None:
    """A frame that has the wanted columns."""
    if absent := [column for column in wanted if column not in frame.columns]:
        has = ", ".join(frame.columns) or "none"
        raise ValueError(f"{name}: column {', '.join(absent)} is missing; it has {has}")


def counts(name: str, values: npt.ArrayLike) -> Ints:
    """Whole numbers of zero or more; NaN is not one."""
    array = numbers(name, values)
    if not np.all(np.isfinite(array)) or np.any(array < 0) or np.any(array != np.floor(array)):
        raise ValueError(f"{name}: must be whole numbers of 0 or more; choose a unit of time in which they are")
    return array.astype(np.int64)


def together(**given: npt.ArrayLike) -> list[Floats]:
    """The arrays broadcast to one shape, not to be written to. ValueError naming them where they do not fit."""
    arrays = [np.asarray(value, dtype=np.float64) for value in given.values()]
    try:
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
    except ValueError as error:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(given, arrays, strict=True))
        raise ValueError(f"shapes do not fit together: {shapes}; give one value, or one per item") from error
    return [np.broadcast_to(array, shape) for array in arrays]


def own(values: npt.ArrayLike) -> Floats:
    """A copy in memory order, as kernels take it: views that may not be written to would be compiled for once more."""
    return np.array(values, dtype=np.float64, order="C")
