"""How many to look at, what a sample proves, and where to spend the looking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from tierwise.engine import checks

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_LARGEST_PLAN = 10_000


def detection_probability(population: npt.ArrayLike, bad: npt.ArrayLike, sample: npt.ArrayLike) -> Floats:
    """How probable is it to see at least one of the ``bad`` among ``sample`` drawn from ``population``?

    Arrays broadcast, drawn without replacement: 1 − C(N−b, n)/C(N, n). Raises ValueError where bad or sample exceed the
    population, or anything is negative or missing.

    >>> float(detection_probability(100, 5, 45).round(4))
    0.9538
    """
    whole, wrong, seen = np.broadcast_arrays(
        *(np.asarray(each, dtype=np.float64) for each in (population, bad, sample))
    )
    if not ((wrong >= 0) & (seen >= 0) & (wrong <= whole) & (seen <= whole)).all():
        raise ValueError("population, bad, sample: must be 0 or more, and bad and sample at most the population")
    possible = seen <= whole - wrong
    rest = np.where(possible, whole - wrong - seen, 0.0)
    log_none = special.gammaln(whole - wrong + 1) - special.gammaln(rest + 1)
    log_none = log_none + special.gammaln(whole - seen + 1) - special.gammaln(whole + 1)
    return np.asarray(np.where(possible, -np.expm1(np.minimum(log_none, 0.0)), 1.0))


def detection_sample(population: npt.ArrayLike, bad: npt.ArrayLike, confidence: float = 0.95) -> Ints:
    """How many must be drawn to see at least one of ``bad`` with this probability?

    Arrays broadcast; the smallest such number, by bisection. Where there is nothing bad to be seen the whole population
    is needed. Errors as :func:`detection_probability`.

    >>> detection_sample([100, 1000], [5, 50]).tolist()
    [45, 57]
    """
    checks.confidence(confidence)
    whole, wrong = np.broadcast_arrays(np.asarray(population, dtype=np.float64), np.asarray(bad, dtype=np.float64))
    detection_probability(whole, wrong, 0)
    below, above = np.full(whole.shape, -1.0), whole.copy()
    while (above - below > 1).any():
        middle = np.floor((below + above) / 2).clip(min=0.0)
        enough = detection_probability(whole, wrong, middle) >= confidence - 1e-12
        above, below = np.where(enough, middle, above), np.where(enough, below, middle)
    return np.asarray(above).astype(np.int64)


def error_bound(
    found: npt.ArrayLike, sample: npt.ArrayLike, population: npt.ArrayLike | None = None, confidence: float = 0.95
) -> Floats:
    """At most which share is bad, after ``found`` bad ones in a ``sample``?

    Arrays broadcast; a one-sided bound. Without ``population`` binomial (Clopper and Pearson): the p at which so few
    have probability 1 − confidence. With it the largest number bad, as a share of the population, under which so few
    still have more than that probability: a sample of a tenth or more proves more. NaN for an empty sample.

    >>> error_bound([0, 0], [59, 59], [np.inf, 100]).round(4).tolist()
    [0.0495, 0.03]
    """
    checks.confidence(confidence)
    k, n = np.broadcast_arrays(np.asarray(found, dtype=np.float64), np.asarray(sample, dtype=np.float64))
    if (k < 0).any() or (k > n).any():
        raise ValueError("found: must lie between 0 and the sample")
    binomial = np.where(k < n, special.betaincinv(k + 1, np.maximum(n - k, 1e-300), confidence), 1.0)
    if population is None:
        return np.asarray(np.where(n > 0, binomial, np.nan))
    k, n, whole = np.broadcast_arrays(k, n, np.asarray(population, dtype=np.float64))
    if (n > whole).any():
        raise ValueError("sample: must not exceed the population")
    out = np.broadcast_to(binomial, k.shape).copy()
    for at in np.ndindex(k.shape):
        if np.isfinite(whole[at]):
            out[at] = _finite_bound(int(k[at]), int(n[at]), int(whole[at]), 1 - confidence)
    return np.asarray(np.where(n > 0, out, np.nan))


@dataclass(frozen=True, slots=True)
class Plan:
    """Look at ``sample``, accept with up to ``accept`` bad. Risks as they really are at the two qualities asked for."""

    sample: int
    accept: int
    producer_risk: float
    consumer_risk: float


@dataclass(frozen=True, slots=True)
class PlanParams:
    """Lots as good as ``good`` are refused with ``producer_risk``, those as bad as ``bad`` accepted with the other."""

    good: float
    bad: float
    producer_risk: float = 0.05
    consumer_risk: float = 0.10

    def __post_init__(self) -> None:
        if not 0 <= self.good < self.bad < 1:
            raise ValueError(f"good, bad: are {self.good} and {self.bad}; give shares with 0 <= good < bad < 1")
        for name in ("producer_risk", "consumer_risk"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name}: is {getattr(self, name)}; give a probability between 0 and 1")


def acceptance_probability(
    sample: npt.ArrayLike, accept: npt.ArrayLike, bad: npt.ArrayLike, population: npt.ArrayLike | None = None
) -> Floats:
    """How probable is it that a lot with the share ``bad`` is accepted (the operating characteristic)?

    Arrays broadcast: P(X ≤ c). Without ``population`` X is binomial with n and p, which holds for lots of ten samples
    or more; with it hypergeometric, the number bad being the nearest whole one. Raises ValueError for shares outside of
    0…1, negative or missing numbers, and samples larger than the population.

    >>> acceptance_probability(89, 2, [0.01, 0.05]).round(4).tolist()
    [0.9397, 0.1721]
    >>> acceptance_probability(13, 1, 0.1, [50, 100_000]).round(4).tolist()
    [0.611, 0.6213]
    """
    n, c, p = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (sample, accept, bad)))
    if not ((p >= 0) & (p <= 1) & (n >= 0) & (c >= 0)).all():
        raise ValueError("sample, accept: must be 0 or more, and bad a known share from 0 to 1")
    if population is None:
        return np.asarray(np.where(c >= n, 1.0, special.betainc(np.maximum(n - c, 1e-300), c + 1, 1 - p)))
    n, c, p, whole = np.broadcast_arrays(n, c, p, np.asarray(population, dtype=np.float64))
    if not (n <= whole).all():
        raise ValueError("population: must be at least the sample")
    wrong, total = np.rint(p * whole), np.zeros(n.shape)
    for k in range(int(c.max(initial=-1)) + 1):
        possible = (k <= c) & (k <= np.minimum(wrong, n)) & (n - k <= whole - wrong)
        at_k = [np.where(possible, each, 0.0) for each in (wrong, whole - wrong, n, whole)]
        few = np.where(possible, k, 0)
        log = _log_choose(at_k[0], few) + _log_choose(at_k[1], at_k[2] - few) - _log_choose(at_k[3], at_k[2])
        total += np.where(possible, np.exp(log), 0.0)
    return np.asarray(np.where(c >= n, 1.0, np.minimum(total, 1.0)))


def find_plan(params: PlanParams) -> Plan:
    """Which is the smallest single sampling plan that keeps both risks?

    For c = 0, 1, … the smallest n that keeps the consumer's risk, until the producer's is kept as well. Raises
    ValueError where more than 10,000 would have to be looked at.
    The number: Kiermeier, Journal of Statistical Software 26/6 (2008), 5 % and 15 % with risks 5 % and 7.5 %.

    >>> find_plan(PlanParams(good=0.05, bad=0.15, producer_risk=0.05, consumer_risk=0.075)).sample
    80
    """
    sizes = np.arange(1, _LARGEST_PLAN + 1)
    for accept in range(_LARGEST_PLAN):
        # Acceptance falls with n, so the first size within the risk is the smallest.
        at = int(np.searchsorted(-acceptance_probability(sizes, accept, params.bad), -params.consumer_risk))
        if at == len(sizes):
            break
        sample = int(sizes[at])
        producer = 1 - float(acceptance_probability(sample, accept, params.good))
        if producer <= params.producer_risk:
            return Plan(sample, accept, producer, float(acceptance_probability(sample, accept, params.bad)))
    raise ValueError(f"good, bad: are so near that more than {_LARGEST_PLAN} would have to be looked at; widen the gap")


@dataclass(frozen=True, slots=True)
class Misstatement:
    """In the currency of the book value: ``likely`` projected from the sample, ``bound`` not exceeded at confidence.

    ``basic`` is the part of the bound that the sample size alone costs, had nothing been found.
    """

    likely: float
    bound: float
    basic: float
    found: int
    sample: int


def misstatement(book_value: float, sample: int, taints: npt.ArrayLike = (), confidence: float = 0.95) -> Misstatement:
    """By how much may a total be overstated, after a sample drawn with probability proportional to value?

    ``taints`` are the shares by which the wrong ones among ``sample`` monetary units were overstated (0 to 1; 0.2 for
    an invoice of 100 that should be 80). Stringer's bound: B·(p₀ + Σ (pⱼ − pⱼ₋₁)·tⱼ) with taints falling and pⱼ the
    upper Poisson limit of j errors over n. Raises ValueError for no sample and taints outside of 0…1.
    Source: Leslie, Teitlebaum and Anderson, Dollar-Unit Sampling (1979); with 95 % the factors are 3.00, 4.75, 6.30.

    >>> found = misstatement(1_000_000, sample=100, taints=[1.0, 0.5])
    >>> round(found.basic), round(found.bound), round(found.likely)
    (29957, 55198, 15000)
    """
    checks.confidence(confidence)
    wrong = np.sort(np.asarray(taints, dtype=np.float64).ravel())[::-1]
    if sample < 1 or len(wrong) > sample:
        raise ValueError(f"sample: is {sample} with {len(wrong)} errors; give the number of monetary units looked at")
    if not book_value >= 0:
        raise ValueError(f"book_value: is {book_value}; give the total looked into, 0 or more")
    if not ((wrong >= 0) & (wrong <= 1)).all():
        raise ValueError("taints: must lie between 0 and 1; divide the overstatement by the booked amount")
    factors = special.gammaincinv(np.arange(len(wrong) + 1) + 1.0, confidence) / sample
    share = float(factors[0] + (np.diff(factors) * wrong).sum())
    likely = float(wrong.sum()) / sample * book_value
    return Misstatement(likely, min(share, 1.0) * book_value, float(factors[0]) * book_value, len(wrong), sample)


def allocate_samples(sizes: npt.ArrayLike, spreads: npt.ArrayLike, total: int, least: int = 1) -> Ints:
    """Which stratum gets how many of ``total`` looks, so that the whole is known best?

    ``sizes`` and ``spreads`` (standard deviations, or risk) one per stratum. Every stratum gets ``least`` (or its size,
    if smaller), no one more than its size, the rest in proportion to size × spread (Neyman), fractions by largest
    remainder, the earlier stratum first where equal. Gives away everything as long as there is something left to look
    at. Raises ValueError where ``total`` does not cover the minimum, for negative or missing inputs.
    Source: Neyman, JRSS 97 (1934) 558-625; Cochran, Sampling Techniques (1977), 5.5.

    >>> allocate_samples([500, 300, 200], [10, 20, 40], total=38).tolist()
    [10, 12, 16]
    """
    size, spread = np.asarray(sizes, dtype=np.float64), np.asarray(spreads, dtype=np.float64)
    if size.ndim != 1 or size.shape != spread.shape or not ((size >= 0) & (spread >= 0)).all():
        raise ValueError("sizes, spreads: give one of 0 or more per stratum")
    room = np.floor(size).astype(np.int64)
    given = np.minimum(room, least)
    if given.sum() > total:
        raise ValueError(f"total: is {total}, and the minimum alone takes {given.sum()}; raise it or lower least")
    target = min(total, int(room.sum()))
    weight = size * spread
    share = given.astype(np.float64)
    open_strata = (room > given) & (weight > 0)
    # Strata that would fall below their minimum or beyond their size are fixed there, the rest shared anew.
    low, high = given.astype(np.float64), room.astype(np.float64)
    while open_strata.any():
        rest = target - share[~open_strata].sum()
        part = np.divide(weight, weight[open_strata].sum(), out=np.zeros_like(weight), where=open_strata)
        wish = rest * part
        over, under = open_strata & (wish > high), open_strata & (wish < low)
        if not (over | under).any():
            share = np.where(open_strata, wish, share)
            break
        # Fix the side that is farther off first, else a stratum pinned low could later deserve more.
        side = over if (wish - high)[over].sum() >= (low - wish)[under].sum() else under
        share = np.where(side, np.where(over, high, low), share)
        open_strata &= ~side
    whole = np.floor(share + 1e-9).astype(np.int64)
    order = np.argsort(-(share - whole), kind="stable")
    while whole.sum() < target:
        for stratum in order:
            if whole.sum() < target and whole[stratum] < room[stratum]:
                whole[stratum] += 1
    return whole


def _finite_bound(found: int, sample: int, population: int, risk: float) -> float:
    """The largest share of bad under which at most ``found`` in the sample still have more than ``risk``."""
    below, above = found, population - (sample - found)
    while below < above:
        middle = (below + above + 1) // 2
        if _at_most(found, sample, population, middle) > risk + 1e-12:
            below = middle
        else:
            above = middle - 1
    return below / population if population else float("nan")


def _at_most(found: int, sample: int, population: int, bad: int) -> float:
    k = np.arange(max(0, sample - (population - bad)), min(found, bad) + 1)
    log = _log_choose(bad, k) + _log_choose(population - bad, sample - k) - _log_choose(population, sample)
    return float(np.exp(log).sum())


def _log_choose(n: npt.ArrayLike, k: npt.ArrayLike) -> Floats:
    n, k = np.asarray(n, dtype=np.float64), np.asarray(k, dtype=np.float64)
    return np.asarray(special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1))
