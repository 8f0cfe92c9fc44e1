"""Random quantities of a simulation, one per row and all kinds mixed: demand, lead times, yields, capacity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.twin import layout
from tierwise.engine.twin.layout import Floats, Ints

_LARGEST_TABLE = 50_000_000
_KINDS = ("constant", "trace", "normal", "uniform", "exponential", "lognormal", "weibull", "gamma", "table")


@dataclass(frozen=True, slots=True)
class Spread:
    """A column of random quantities. Make one with the functions below its name; every parameter broadcasts to rows.

    Whole and empirical kinds are tables drawn by inversion, exact to 2⁻⁵³; normal, lognormal, exponential, Weibull and
    uniform by inversion of 64 bits; gamma by rejection. All but gamma rise with the random number behind them, so that
    scenarios with other parameters keep their luck. NaN, an empty list and parameters out of range raise ValueError.

    >>> demand = Spread.join([Spread.normal([50, 20], [8, 5]), Spread.poisson(6), Spread.constant(3)])
    >>> demand.kinds, demand.mean.round(6).tolist()
    (['normal', 'normal', 'table', 'constant'], [50.0, 20.0, 6.0, 3.0])
    """

    kind: Ints
    number: Floats
    table: Ints
    values: Floats
    below: Floats
    guide: Ints
    mean: Floats

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def kinds(self) -> list[str]:
        return [_KINDS[kind] for kind in self.kind]

    @staticmethod
    def constant(value: npt.ArrayLike) -> Spread:
        """The same every time."""
        value = _column(value=value)[0]
        return _plain(layout.CONSTANT, (value, value), value)

    @staticmethod
    def normal(
        mean: npt.ArrayLike, sd: npt.ArrayLike, low: npt.ArrayLike = 0.0, high: npt.ArrayLike = np.inf
    ) -> Spread:
        """Normal, values beyond ``low`` and ``high`` set to them; ``mean`` is that before."""
        mean, sd, low, high = _column(mean=mean, sd=sd, low=low, high=high)
        _refuse(sd < 0, "sd: must be 0 or more")
        _refuse(low > high, "low: must not exceed high")
        return _plain(layout.NORMAL, (mean, sd), mean, (low, high))

    @staticmethod
    def lognormal(mean: npt.ArrayLike, sd: npt.ArrayLike, high: npt.ArrayLike = np.inf) -> Spread:
        """Lognormal by its own mean and standard deviation."""
        mean, sd, high = _column(mean=mean, sd=sd, high=high)
        _refuse((mean <= 0) | (sd < 0), "mean, sd: must be above 0 and 0 or more")
        variance = np.log1p((sd / mean) ** 2)
        return _plain(
            layout.LOGNORMAL, (np.log(mean) - variance / 2, np.sqrt(variance)), mean, (np.zeros_like(high), high)
        )

    @staticmethod
    def gamma(mean: npt.ArrayLike, sd: npt.ArrayLike, high: npt.ArrayLike = np.inf) -> Spread:
        mean, sd, high = _column(mean=mean, sd=sd, high=high)
        _refuse((mean <= 0) | (sd <= 0), "mean, sd: must be above 0")
        return _plain(layout.GAMMA, ((mean / sd) ** 2, sd * sd / mean), mean, (np.zeros_like(high), high))

    @staticmethod
    def uniform(low: npt.ArrayLike, high: npt.ArrayLike) -> Spread:
        low, high = _column(low=low, high=high)
        _refuse((low > high) | np.isinf(high - low), "low: must not exceed high, and both be finite")
        return _plain(layout.UNIFORM, (low, high), (low + high) / 2)

    @staticmethod
    def exponential(mean: npt.ArrayLike) -> Spread:
        (mean,) = _column(mean=mean)
        _refuse(mean <= 0, "mean: must be above 0")
        return _plain(layout.EXPONENTIAL, (mean, np.ones_like(mean)), mean)

    @staticmethod
    def weibull(scale: npt.ArrayLike, shape: npt.ArrayLike) -> Spread:
        """P(X > x) = exp(−(x/scale)^shape)."""
        from scipy import special  # noqa: PLC0415 - only where a Weibull is used

        scale, shape = _column(scale=scale, shape=shape)
        _refuse((scale <= 0) | (shape <= 0), "scale, shape: must be above 0")
        return _plain(layout.WEIBULL, (scale, shape), scale * special.gamma(1 + 1 / shape))

    @staticmethod
    def poisson(mean: npt.ArrayLike) -> Spread:
        from scipy import special  # noqa: PLC0415 - only where a table is made

        (mean,) = _column(mean=mean)
        _refuse(mean < 0, "mean: must be 0 or more")
        sd = np.sqrt(mean)
        low, high = np.maximum(np.floor(mean - 10 * sd - 10), 0), np.ceil(mean + 12 * sd + 40)
        return _tables(low, high, mean, lambda row, x: special.pdtr(x, mean[row]))

    @staticmethod
    def negative_binomial(mean: npt.ArrayLike, sd: npt.ArrayLike) -> Spread:
        """Counts whose variance exceeds their mean."""
        from scipy import special  # noqa: PLC0415 - only where a table is made

        mean, sd = _column(mean=mean, sd=sd)
        _refuse((mean <= 0) | (sd * sd <= mean), "sd: its square must exceed the mean; use poisson where it does not")
        p = mean / (sd * sd)
        r = mean * p / (1 - p)
        high = np.ceil(mean + 12 * sd + 40 / -np.log1p(-p))
        return _tables(np.zeros_like(mean), high, mean, lambda row, x: special.betainc(r[row], x + 1, p[row]))

    @staticmethod
    def geometric(chance: npt.ArrayLike) -> Spread:
        """Periods until something that has this ``chance`` in each of them happens: 1, 2, 3, …"""
        (chance,) = _column(chance=chance)
        _refuse((chance <= 0) | (chance > 1), "chance: must lie above 0 and up to 1")
        with np.errstate(divide="ignore"):
            rest = np.log1p(-chance)
            high = np.ceil(np.maximum(40 / -rest, 1))
        return _tables(np.ones_like(chance), high, 1 / chance, lambda row, x: -np.expm1(x * rest[row]))

    @staticmethod
    def listed(values: npt.ArrayLike, probabilities: npt.ArrayLike) -> Spread:
        """One quantity that takes listed values with listed probabilities (brought to sum 1)."""
        at, weight = checks.numbers("values", values), checks.nonnegative("probabilities", probabilities)
        if at.ndim != 1 or at.shape != weight.shape or not at.size or not np.isfinite(at).all():
            raise ValueError("values, probabilities: must be two lists of one length, at least one known value")
        _refuse(~np.isfinite(weight) | (weight.sum() <= 0), "probabilities: must be known, and some above 0")
        order = np.argsort(at, kind="stable")
        at, weight = at[order], weight[order] / weight.sum()
        return _packed(at, np.cumsum(weight), np.array([at.size]), np.array([at @ weight]))

    @staticmethod
    def empirical(samples: npt.ArrayLike | Sequence[npt.ArrayLike]) -> Spread:
        """As history had it: each row draws among its own observations (a list, or a list of lists). NaN left out."""
        given: Any = samples
        if not np.size(given[0] if len(given) else given):
            raise ValueError("samples: is empty; leave the row out or give a constant")
        listed = [given] if np.ndim(given[0]) == 0 else list(given)
        rows = []
        for sample in listed:
            known = checks.numbers("samples", sample)
            known = known[np.isfinite(known)]
            if not known.size:
                raise ValueError("samples: a row has no known observation; leave it out or give a constant")
            value, count = np.unique(known, return_counts=True)
            rows.append(Spread.listed(value, count))
        return Spread.join(rows)

    @staticmethod
    def trace(values: npt.ArrayLike) -> Spread:
        """What is known period by period, (periods,) or (rows, periods): a forecast, a plan, a history to replay."""
        known = np.atleast_2d(checks.numbers("values", values))
        _refuse(~np.isfinite(known), "values: must be known for every period; fill gaps first")
        rows, periods = known.shape
        table = np.zeros((rows, 4), dtype=np.int64)
        table[:, 0], table[:, 1] = np.arange(rows) * periods, periods
        none = np.empty(0)
        return Spread(
            np.full(rows, layout.TRACE), np.zeros((rows, 4)), table, known.ravel().copy(), none,
            np.empty(0, dtype=np.int64), known.mean(axis=1),
        )  # fmt: skip

    @staticmethod
    def join(spreads: Sequence[Spread]) -> Spread:
        """One column below the other."""
        if not spreads:
            raise ValueError("spreads: is empty; give at least one")
        moved, values, guides = [], 0, 0
        for each in spreads:
            table = each.table.copy()
            table[:, 0] += np.where(table[:, 1] > 0, values, 0)
            table[:, 2] += np.where(table[:, 3] > 0, guides, 0)
            moved.append(table)
            values += each.values.size
            guides += each.guide.size
        # Traces have no cumulated probabilities; both pools are addressed alike, so they are padded.
        below = [each.below if each.below.size else np.zeros(each.values.size) for each in spreads]
        return Spread(
            np.concatenate([each.kind for each in spreads]),
            np.concatenate([each.number for each in spreads]),
            np.concatenate(moved),
            np.concatenate([each.values for each in spreads]),
            np.concatenate(below),
            np.concatenate([each.guide for each in spreads]),
            np.concatenate([each.mean for each in spreads]),
        )

    def take(self, rows: npt.ArrayLike) -> Spread:
        """Some rows, in the order given."""
        at = np.asarray(rows, dtype=np.int64)
        return replace(self, kind=self.kind[at], number=self.number[at], table=self.table[at], mean=self.mean[at])

    def of(self, rows: int, name: str = "spread") -> Spread:
        """As many rows as needed: one is given to all. ValueError where the number fits neither."""
        if len(self) == rows:
            return self
        if len(self) == 1:
            return self.take(np.zeros(rows, dtype=np.int64))
        raise ValueError(f"{name}: has {len(self)} rows where {rows} are needed; give one, or one per row")


def spread(name: str, value: Spread | npt.ArrayLike, rows: int) -> Spread:
    """A plain number, or one per row, stands for itself."""
    if isinstance(value, Spread):
        return value.of(rows, name)
    known = checks.numbers(name, value)
    return Spread.constant(known if known.size else 0.0).of(rows, name)


def _column(**given: npt.ArrayLike) -> list[Floats]:
    arrays = checks.together(**{name: np.atleast_1d(checks.numbers(name, value)) for name, value in given.items()})
    for name, array in zip(given, arrays, strict=True):
        if array.ndim != 1 or not array.size or np.isnan(array).any():
            raise ValueError(f"{name}: must be a known number, or a list with one per row")
        if np.isinf(array).any() and name not in {"low", "high"}:
            raise ValueError(f"{name}: must be finite")
    return [array.copy() for array in arrays]


def _refuse(wrong: npt.NDArray[np.bool_] | np.bool_, what: str) -> None:
    if np.any(wrong):
        raise ValueError(what)


def _plain(
    kind: int, parameters: tuple[Floats, Floats], mean: Floats, bounds: tuple[Floats, Floats] | None = None
) -> Spread:
    low, high = bounds or (np.full_like(mean, -np.inf), np.full_like(mean, np.inf))
    none = np.empty(0)
    return Spread(
        np.full(mean.size, kind), np.column_stack([*parameters, low, high]), np.zeros((mean.size, 4), dtype=np.int64),
        none, none, np.empty(0, dtype=np.int64), mean.copy(),
    )  # fmt: skip


def _tables(low: Floats, high: Floats, mean: Floats, below) -> Spread:  # type: ignore[no-untyped-def]
    """Whole values from low to high of each row, ``below(row, x)`` = P(X ≤ x)."""
    length = (high - low).astype(np.int64) + 1
    if length.sum() > _LARGEST_TABLE:
        raise ValueError(f"sd: tables of {length.sum():,} values would be needed; use gamma for such wide counts")
    row = np.repeat(np.arange(low.size), length)
    start = np.cumsum(length) - length
    x = low[row] + (np.arange(row.size) - start[row])
    return _packed(x, below(row, x), length, mean)


def _packed(values: Floats, below: Floats, length: Ints, mean: Floats) -> Spread:
    start = np.cumsum(length) - length
    below = np.clip(below, 0.0, 1.0)
    below[start + length - 1] = 1.0
    row = np.repeat(np.arange(length.size), length)
    step = (np.arange(row.size) - start[row]) / length[row]
    # A guess per step that never lies beyond the first value above it; the search goes on from there.
    guess = np.searchsorted(row + below, row + step * (1 - 1e-9) - 1e-6 * (row > 0), side="right")
    guide = np.clip(guess - 1 - start[row], 0, length[row] - 1)
    table = np.column_stack([start, length, start, length]).astype(np.int64)
    return Spread(
        np.full(length.size, layout.TABLE), np.zeros((length.size, 4)), table, values, below,
        guide.astype(np.int64), np.asarray(mean, dtype=np.float64),
    )  # fmt: skip
