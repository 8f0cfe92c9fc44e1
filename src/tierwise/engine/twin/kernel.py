"""Functions that run as they stand or compiled, whichever pays.

A kernel goes over the runs by ``for j in each(at):``. Compiled, ``j`` is one run after the other; as it stands, in
plain NumPy, it is a slice with all of them, and an expression in ``x[j]`` says the same. So one text is both the
compiled simulation and the one that starts without loading a compiler. Two rules follow: what differs from run to run
is chosen by :func:`choose`, not by ``if``; and as ``x[j]`` may be a view, it is read for the last time before it is
written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tierwise.engine.twin import layout


class Kernel:
    """A function; ``plain`` stands in for it where it does not run compiled. ``plain_seconds``: what it took so far as
    it stands, for who decides whether to compile."""

    def __init__(self, function: Callable[..., Any], plain: Callable[..., Any], **options: bool) -> None:
        self._function, self._plain, self._options = function, plain, options
        self._compiled: Any = None
        self.plain_seconds = 0.0

    def __call__(self, *given: Any) -> Any:
        return self._plain(*given)

    @property
    def loaded(self) -> bool:
        return self._compiled is not None

    @property
    def compiled(self) -> Any:
        if self._compiled is None:
            from numba import njit  # noqa: PLC0415 - the plain way does without it

            # Divisions are not watched for zeros, or loops with one would not become vector instructions.
            options: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"} | self._options
            self._compiled = njit(**options)(self._function)
        return self._compiled

    @property
    def _numba_type_(self) -> Any:
        """Under this name Numba asks a global value what it is: so kernels that call kernels call compiled ones."""
        return self.compiled._numba_type_


_INSIDE = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Only other kernels call it, so that it needs no way in from Python, which takes the compiler as long as the code."""


def kernel(function: Callable[..., Any]) -> Kernel:
    """A kernel that lives on the memory it is given; counting who refers to it would take as long as the work."""
    return Kernel(function, function, _nrt=False, **_INSIDE)


def inlined(function: Callable[..., Any]) -> Kernel:
    """A kernel for one run, which becomes part of the loops that call it, or they would not become vectors."""
    return Kernel(function, function, _nrt=False, forceinline=True, **_INSIDE)


def owner(plain: Callable[..., Any] | None = None) -> Callable[[Callable[..., Any]], Kernel]:
    """A kernel that takes memory of its own."""
    return lambda function: Kernel(function, plain or function, **_INSIDE)


def entry(function: Callable[..., Any]) -> Kernel:
    """A kernel that Python calls."""
    return Kernel(function, function)


def instead(plain: Callable[..., Any]) -> Callable[[Callable[..., Any]], Kernel]:
    """A kernel for which ``plain`` stands in."""
    return lambda function: Kernel(function, plain, _nrt=False, **_INSIDE)


_ALL = (slice(None),)


def _all(*_: object) -> Iterable[slice]:
    return _ALL


@instead(_all)
def each(at):  # type: ignore[no-untyped-def]
    """The runs of a block. Compiled also up to three spare ones, which are never looked at, so that they go in fours.
    Unsigned: the compiler then knows that no place counts from the end, and makes vector instructions."""
    return range(np.uint64(at.size))


@instead(_all)
def among(size):  # type: ignore[no-untyped-def]
    """The runs of a block without spare ones."""
    return range(np.uint64(size))


@instead(np.minimum)
def least(a, b):  # type: ignore[no-untyped-def]
    return min(b, a)


@instead(np.maximum)
def most(a, b):  # type: ignore[no-untyped-def]
    return max(b, a)


@instead(np.where)
def choose(condition, a, b):  # type: ignore[no-untyped-def]
    return a if condition else b


@instead(lambda values, _: bool((values > 0.0).any()))
def some(values, at):  # type: ignore[no-untyped-def]
    """Whether any is above 0."""
    found = False
    for j in range(np.uint64(at.size)):
        found |= values[j] > 0.0
    return found


def _put(rings: layout.Floats, row: layout.Floats, _: slice, values: layout.Floats) -> None:
    rings[row.astype(np.int64), np.arange(len(values))] += values


@instead(_put)
def put(rings, row, j, value):  # type: ignore[no-untyped-def]
    """Adds a value per run to the rings, in a row of each run's own."""
    rings[int(row), j] += value
