"""Figures with noise that hides every contributor, and the ledger of what all releases together give away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, exp, floor, isfinite, log

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.engine import checks

Floats = npt.NDArray[np.float64]


def laplace_epsilon(sensitivity: npt.ArrayLike, scale: npt.ArrayLike) -> Floats:
    """What a release with Laplace noise costs: ε = Δ/b.

    ``sensitivity`` is the most that one contributor changes all released figures by, summed; ``scale`` the noise's b,
    in the same units. Shapes broadcast; NaN gives NaN. Source: Dwork, McSherry, Nissim and Smith, TCC (2006), 265-284.

    >>> float(laplace_epsilon(sensitivity=100, scale=50))
    2.0
    """
    return np.asarray(_nonnegative("sensitivity", sensitivity) / checks.positive("scale", scale))


def laplace_scale(sensitivity: npt.ArrayLike, epsilon: npt.ArrayLike) -> Floats:
    """The noise that a budget asks for: b = Δ/ε. Shapes broadcast; NaN gives NaN. Source as `laplace_epsilon`.

    >>> float(laplace_scale(sensitivity=100, epsilon=2))
    50.0
    """
    return np.asarray(_nonnegative("sensitivity", sensitivity) / checks.positive("epsilon", epsilon))


def noise_width(scale: npt.ArrayLike, confidence: float = 0.95) -> Floats:
    """Half the width of the interval around a noisy figure that holds the true one: b·ln(1/(1 − confidence)).

    It may be told to the reader. Source: quantiles of the Laplace distribution.

    >>> round(float(noise_width(50)), 1)
    149.8
    """
    checks.confidence(confidence)
    return np.asarray(checks.positive("scale", scale) * log(1 / (1 - confidence)))


def _nonnegative(name: str, values: npt.ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if (array < 0).any() or np.isinf(array).any():
        raise ValueError(f"{name}: must be 0 or more and finite; bound what one contributor may add first")
    return array


@dataclass(frozen=True, slots=True)
class Spent:
    """One release in the ledger. ``part`` names the contributors it concerns: releases about parts that share nobody
    (regions, say) do not add up; "" concerns everybody."""

    release: str
    epsilon: float
    part: str = ""

    def __post_init__(self) -> None:
        if not self.release:
            raise ValueError("release: is empty; name what was released, so that the ledger can be read")
        if not (isfinite(self.epsilon) and self.epsilon > 0):
            raise ValueError(f"epsilon: is {self.epsilon}; give what the release cost, above 0")


def _composed(entries: Sequence[Spent]) -> float:
    parts: dict[str, float] = {}
    for entry in entries:
        parts[entry.part] = parts.get(entry.part, 0.0) + entry.epsilon
    return parts.pop("", 0.0) + max(parts.values(), default=0.0)


@dataclass(frozen=True, slots=True)
class BudgetLedger:
    """What one reader was given of one set of contributors, against the most it may learn, ``budget`` (ε in all).

    A ledger is a value: `spend` gives the next one. Readers who may talk to each other share a ledger.
    """

    budget: float
    entries: tuple[Spent, ...] = ()

    def __post_init__(self) -> None:
        if not (isfinite(self.budget) and self.budget > 0):
            raise ValueError(f"budget: is {self.budget}; give the most ε in all, above 0, such as 1")
        if self.spent > self.budget * (1 + 1e-12):
            raise ValueError(f"entries: already cost {self.spent:g} of {self.budget:g}; a ledger is never overdrawn")

    @property
    def spent(self) -> float:
        """ε of everything so far: what concerns everybody in sum, and of the separate parts the dearest."""
        return _composed(self.entries)

    @property
    def left(self) -> float:
        return max(0.0, self.budget - self.spent)

    def affords(self, epsilon: float, part: str = "") -> bool:
        """Whether a release of that cost fits the budget still."""
        return _composed((*self.entries, Spent("?", epsilon, part))) <= self.budget * (1 + 1e-12)

    def spend(self, release: str, epsilon: float, part: str = "") -> BudgetLedger:
        """The ledger after a release; ValueError where the budget does not reach.

        By sequential composition costs add up; by parallel composition parts without a common contributor do not.
        Source: McSherry, SIGMOD (2009), 19-30, theorems 3 and 4.

        >>> ledger = BudgetLedger(budget=3).spend("march", 2)
        >>> ledger.left, ledger.affords(1.5)
        (1.0, False)
        """
        if any(entry.release == release and entry.part == part for entry in self.entries):
            raise ValueError(
                f"release: {release!r} is in the ledger already; the same figures again cost nothing, new ones a name"
            )
        if not self.affords(epsilon, part):
            raise ValueError(
                f"epsilon: {epsilon:g} for {release!r} is more than the {self.left:g} left of {self.budget:g}; "
                "release less, coarser, or with more noise"
            )
        return replace(self, entries=(*self.entries, Spent(release, epsilon, part)))


@dataclass(frozen=True, slots=True)
class NoiseParams:
    """How sums are made noisy.

    ``cells``: columns that make a cell. A holding's part of a cell is cut to ±``largest`` and counts in at most
    ``cells_each`` cells (its largest), so that it changes the whole release by no more than largest × cells_each.
    ``epsilon`` is what the release may cost. Figures come out as multiples of ``step``.
    """

    cells: tuple[str, ...]
    largest: float
    cells_each: int
    epsilon: float
    step: float = 1.0

    def __post_init__(self) -> None:
        if not self.cells or len(set(self.cells)) != len(self.cells):
            raise ValueError(f"cells: are {self.cells}; name each column that makes a cell once")
        for name in ("largest", "epsilon", "step"):
            if not (isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"{name}: is {getattr(self, name)}; give a number above 0")
        if self.cells_each < 1:
            raise ValueError(f"cells_each: is {self.cells_each}; give 1 or more")
        if self.step > self.largest:
            raise ValueError(f"step: {self.step} is above largest {self.largest}; give a finer one")

    @property
    def steps(self) -> int:
        """The most steps by which one holding moves the rounded release."""
        return ceil(self.largest / self.step) * self.cells_each

    @property
    def scale(self) -> float:
        """The noise's b."""
        return self.steps * self.step / self.epsilon


@dataclass(frozen=True, slots=True)
class NoisySums:
    """``released``: cell columns and ``value``, nothing more. ``scale`` and ``width`` (95 %) may be told with it.

    ``ledger`` is the one to keep. ``internal``: cell columns, ``total``, ``clipped`` (what cutting took away) and
    ``value``.
    """

    released: pl.DataFrame
    scale: float
    width: float
    ledger: BudgetLedger
    internal: pl.DataFrame


def noisy_sums(
    contributions: pl.DataFrame, params: NoiseParams, account: tuple[BudgetLedger, str],
    random: np.random.Generator, every: pl.DataFrame | None = None,
) -> NoisySums:  # fmt: skip
    """Sums per cell with as much noise as hides whether any one holding is in them at all.

    ``contributions``: columns of ``cells``, ``contributor``, ``value``, perhaps ``holding``; ``account``: the ledger
    and the release's name in it; ``every``: all cells to be released, empty ones too (by default those with
    contributions, which itself tells that somebody is there). Noise is two-sided geometric on the grid of ``step``, so
    that no digit of a floating number betrays what was added: P(k) ∝ e^(−ε|k|/steps). Cells are noised one by one, so
    they do not add up to a noisy total: release the parts and let the reader add. ValueError where the budget does not
    reach, before anything is drawn. Give a generator seeded from the system's entropy, and keep its seed.
    Source: Ghosh, Roughgarden and Sundararajan, SIAM J. Computing 41 (2012) 1673-1693; why not plain Laplace on floats:
    Mironov, CCS (2012), 650-661. Cost by `laplace_epsilon`:

    >>> rows = pl.DataFrame({"week": ["1", "1", "2"], "contributor": ["a", "b", "a"], "value": [60.0, 80.0, 500.0]})
    >>> params = NoiseParams(("week",), largest=100, cells_each=1, epsilon=2)
    >>> found = noisy_sums(rows, params, (BudgetLedger(3), "w1-2"), np.random.default_rng(1))
    >>> found.scale, found.ledger.left, found.internal["clipped"].to_list()
    (50.0, 1.0, [60.0, 400.0])
    """
    ledger, release = account
    spent = ledger.spend(release, params.epsilon)
    cells = list(params.cells)
    if missing := [name for name in (*cells, "contributor", "value") if name not in contributions.columns]:
        raise ValueError(f"contributions lack {', '.join(missing)}; add them or change the cells")
    value = pl.col("value").cast(pl.Float64)
    if not contributions.select(value.is_finite().fill_null(value=False).all()).item():
        raise ValueError("contributions.value must be a finite number on every row; repair or leave out those rows")
    owner = pl.col("contributor").cast(pl.String)
    if "holding" in contributions.columns:
        owner = pl.coalesce(pl.col("holding").cast(pl.String), owner)
    held = contributions.group_by(*cells, owner.alias("_holding")).agg(whole=value.sum())
    # A holding keeps its largest cells; ties by name, never by the order of the rows.
    held = held.sort(pl.col("whole").abs(), *cells, descending=[True, *[False] * len(cells)])
    kept = pl.col("whole").cum_count().over("_holding") <= params.cells_each
    cut = pl.when(kept).then(pl.col("whole").clip(-params.largest, params.largest)).otherwise(0.0)
    sums = held.with_columns(cut=cut).group_by(cells).agg(total=pl.col("whole").sum(), cut=pl.col("cut").sum())
    wanted = (sums if every is None else every).select(cells).unique().sort(cells)
    both = wanted.join(sums, on=cells, how="left", maintain_order="left", nulls_equal=True).fill_null(0.0)
    # Halves always up: to the even one, a part of one step could move a sum by two.
    whole = np.floor(both["cut"].to_numpy() / params.step + 0.5)
    noisy = (whole + _geometric(params, len(whole), random)) * params.step
    internal = both.select(*cells, "total", clipped=pl.col("total") - pl.col("cut")).with_columns(
        value=pl.Series(noisy)
    )
    width = float(noise_width(params.scale))
    return NoisySums(internal.select(*cells, "value"), params.scale, width, spent, internal)


def _geometric(params: NoiseParams, count: int, random: np.random.Generator) -> Floats:
    fall = exp(-params.epsilon / params.steps)
    drawn = random.geometric(1 - fall, size=(2, count)).astype(np.float64)
    return np.asarray(drawn[0] - drawn[1])


def spread_budget(budget: float, releases: int | Sequence[float]) -> list[float]:
    """How a budget lasts for so many releases, evenly or by weights. ValueError without releases.

    >>> spread_budget(2.0, 4)
    [0.5, 0.5, 0.5, 0.5]
    """
    weights = [1.0] * releases if isinstance(releases, int) else [float(weight) for weight in releases]
    if not weights or min(weights) <= 0 or not budget > 0:
        raise ValueError("budget, releases: give a budget above 0 and at least one release with a weight above 0")
    total = sum(weights)
    # Rounded down, so that they never add up to more.
    return [floor(budget * weight / total * 1e12) / 1e12 for weight in weights]
