"""Samples in stages: a second look only where the first does not decide, and what that saves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import special

from tierwise.engine import checks
from tierwise.engine.assessment.attribute_plans import (
    ARROW_DOWN,
    ARROW_UP,
    LETTERS,
    QUALITY_LIMITS,
    REDUCED_SIZES,
    SIZES,
    Flags,
    Texts,
    attribute_plans,
    code_letters,
    follow_arrows,
    on_diagonal,
    table_places,
)
from tierwise.engine.assessment.sampling import Floats, Ints, PlanParams, find_plan
from tierwise.engine.assessment.switching import Severity

_LARGEST_SAMPLE = 10_000
_MOST_ACCEPTED = 30

# Per diagonal: accept, refuse after the first sample; accept, refuse after both. The first entry, 0 in the tables
# below, is the single plan that accepts with none.
_NUMBERS = {
    Severity.NORMAL: (
        (0, 2, 1, 2), (0, 3, 3, 4), (1, 4, 4, 5), (2, 5, 6, 7), (3, 7, 8, 9), (5, 9, 12, 13), (7, 11, 18, 19),
        (11, 16, 26, 27), (17, 22, 37, 38), (25, 31, 56, 57),
    ),
    Severity.TIGHTENED: (
        (0, 2, 1, 2), (0, 3, 3, 4), (1, 4, 4, 5), (2, 5, 6, 7), (3, 7, 11, 12), (6, 10, 15, 16), (9, 14, 23, 24),
        (15, 20, 34, 35), (23, 29, 52, 53),
    ),
    Severity.REDUCED: (
        (0, 2, 0, 2), (0, 3, 0, 4), (0, 4, 1, 5), (0, 4, 3, 6), (1, 5, 4, 7), (2, 7, 6, 9), (3, 8, 8, 12),
        (5, 10, 12, 16), (7, 12, 18, 22), (11, 17, 26, 30),
    ),
}  # fmt: skip
_DIAGONALS = {
    Severity.NORMAL: (0, ARROW_UP, ARROW_DOWN, *range(1, 11)),
    Severity.TIGHTENED: (ARROW_DOWN, 0, ARROW_DOWN, ARROW_DOWN, *range(1, 10)),
    Severity.REDUCED: (0, ARROW_UP, ARROW_DOWN, *range(1, 11)),
}
# Half of a sample of two is no sample: from this letter on there are double plans.
_FIRST_LETTER = {Severity.NORMAL: 1, Severity.TIGHTENED: 1, Severity.REDUCED: 3}


@dataclass(frozen=True, slots=True)
class DoublePlans:
    """One entry per lot: look at ``first``; accept with up to ``accept_first`` bad, refuse with ``refuse_first`` or
    more, else look at ``second`` further ones; of both together accept with up to ``accept``, refuse with ``refuse`` or
    more. Between these two (reduced inspection only) the lot is accepted and normal inspection is due.

    ``single``: there is no double plan, the numbers are those of the single one and ``second`` is 0. ``whole``: the two
    samples take in the whole lot, or more; look at all of it.
    """

    letter: Texts
    plan_letter: Texts
    first: Ints
    second: Ints
    accept_first: Ints
    refuse_first: Ints
    accept: Ints
    refuse: Ints
    single: Flags
    whole: Flags


def double_plans(
    lot: npt.ArrayLike, limit: npt.ArrayLike, level: str = "II", severity: Severity = Severity.NORMAL
) -> DoublePlans:
    """How many of each lot are looked at first, how many more if that does not decide, and what decides?

    As :func:`attribute_plans`, by the tables of MIL-STD-105E (ANSI/ASQ Z1.4, ISO 2859-1:1989), where both samples are
    one step of the series smaller than the single one and numbers stand on the same diagonals. ISO 2859-1:1999 keeps
    sizes and most numbers but refuses some lots after fewer bad ones in the first sample. Raises ValueError as there.
    Source: MIL-STD-105E (1989), tables III-A to III-C. Lots of 2,000 at 0.65 %, code letter K, instead of 125 with 2:

    >>> found = double_plans(2000, 0.65)
    >>> found.first.item(), found.second.item()
    (80, 80)
    >>> [getattr(found, each).item() for each in ("accept_first", "refuse_first", "accept", "refuse")]
    [0, 3, 3, 4]
    """
    sizes, limits = np.broadcast_arrays(checks.numbers("lot", lot), checks.numbers("limit", limit))
    one = attribute_plans(sizes, limits, level, severity)
    asked, column = table_places(code_letters(sizes, level), limits)
    rows, entries = _master(severity)
    row, entry = rows[asked, column], entries[asked, column]
    single = (entry == 0) | (row < _FIRST_LETTER[severity])
    series = REDUCED_SIZES if severity is Severity.REDUCED else SIZES
    half = series[np.maximum(row - 1, 0)]
    numbers = np.array(_NUMBERS[severity])[np.maximum(entry - 1, 0)]
    alone = np.stack([one.accept, one.accept + 1, one.accept, one.accept + 1], axis=-1)
    numbers = np.where(single[..., None], alone, numbers)
    letters = np.where(single, one.plan_letter, np.array(list(LETTERS))[row])
    whole = np.where(single, one.whole, 2 * half >= sizes)
    first, second = np.where(single, one.sample, half), np.where(single, 0, half)
    accept_first, refuse_first, accept, refuse = (np.asarray(numbers[..., k]) for k in range(4))
    return DoublePlans(
        one.letter, letters, first, second, accept_first, refuse_first, accept, refuse, np.asarray(single), whole
    )


@cache
def _master(severity: Severity) -> tuple[Ints, Ints]:
    """Letter and place among the numbers (from 1; 0: a single sample, none bad) that each letter and limit lead to."""
    letters = len(LETTERS) - (severity is Severity.REDUCED)
    entries = _DIAGONALS[severity]
    cells = [[on_diagonal(entries, r, c) for c in range(len(QUALITY_LIMITS))] for r in range(letters)]
    return follow_arrows(np.array(cells), severity)


@dataclass(frozen=True, slots=True)
class StagedPlan:
    """Stage by stage: look at ``sample`` more; of all so far accept with up to ``accept`` bad (-1: not yet), refuse
    with ``refuse`` or more. At the last stage all below ``refuse`` is accepted."""

    sample: tuple[int, ...]
    accept: tuple[int, ...]
    refuse: tuple[int, ...]

    def __post_init__(self) -> None:
        stages = len(self.sample)
        if not stages or len(self.accept) != stages or len(self.refuse) != stages:
            raise ValueError("sample, accept, refuse: give one number per stage, for at least one")
        if min(self.sample) < 1:
            raise ValueError("sample: must be 1 or more at each stage; leave empty stages out")
        if any(a < -1 or r <= a or r < 1 for a, r in zip(self.accept, self.refuse, strict=True)):
            raise ValueError("accept, refuse: accept must be -1 or more at each stage, and refuse more than it")
        if list(self.accept) != sorted(self.accept) or list(self.refuse) != sorted(self.refuse):
            raise ValueError("accept, refuse: count all bad ones so far; they cannot fall from stage to stage")


@dataclass(frozen=True, slots=True)
class StagedCurve:
    """Per quality: probability of being ``accepted``, items ``looked_at`` on average, and probability of being
    ``decided`` at each stage (last axis)."""

    accepted: Floats
    looked_at: Floats
    decided: Floats


def staged_curve(plan: StagedPlan, bad: npt.ArrayLike, *, faults: bool = False) -> StagedCurve:
    """What does a plan in stages let through, and how much work is it, at each quality?

    ``bad`` an array of shares 0 to 1 (binomial; lots of ten samples or more), or with ``faults`` of faults per item
    (Poisson). The bad ones so far are carried from stage to stage; every stage begun is looked at to its end. An empty
    array gives empty results. Raises ValueError for shares outside of 0…1, negative or missing ones.
    Source: Montgomery, Introduction to Statistical Quality Control, 15.3: 50 with 1 and 100 more with 3 accept 29 % of
    lots with 5 % bad; nearly half of these lots need the second sample:

    >>> found = staged_curve(StagedPlan((50, 100), (1, 3), (4, 4)), [0.05])
    >>> found.accepted.round(2).tolist(), found.looked_at.round().tolist()
    ([0.29], [98.0])
    """
    quality = checks.numbers("bad", bad)
    if not ((quality >= 0) & ((quality <= 1) | faults)).all():
        raise ValueError("bad: must be shares from 0 to 1; per cent are divided by 100 (faults per item: faults=True)")
    flat = quality.ravel()
    most = max(plan.refuse)
    found = np.arange(most)
    # Probability of going on with so many bad ones.
    going = np.zeros((flat.size, most))
    going[:, 0] = 1.0
    accepted, looked_at = np.zeros(flat.size), np.zeros(flat.size)
    decided = np.zeros((flat.size, len(plan.sample)))
    for stage, (sample, accept, refuse) in enumerate(zip(plan.sample, plan.accept, plan.refuse, strict=True)):
        before = going.sum(axis=1)
        looked_at += sample * before
        more = _chances(sample, flat, most, faults=faults)
        going = np.stack([(going[:, : k + 1] * more[:, k::-1]).sum(axis=1) for k in range(most)], axis=1)
        going[:, found >= refuse] = 0.0
        enough = found < refuse if stage == len(plan.sample) - 1 else found <= accept
        accepted += going[:, enough].sum(axis=1)
        going[:, enough] = 0.0
        decided[:, stage] = before - going.sum(axis=1)
    shape = quality.shape
    return StagedCurve(accepted.reshape(shape), looked_at.reshape(shape), decided.reshape(*shape, len(plan.sample)))


def _chances(sample: int, bad: Floats, most: int, *, faults: bool) -> Floats:
    """Probability of 0 … most − 1 bad ones in a sample, one row per quality."""
    k, p = np.arange(most, dtype=np.float64), bad[:, None]
    if faults:
        return np.asarray(np.exp(special.xlogy(k, sample * p) - sample * p - special.gammaln(k + 1)))
    ways = special.gammaln(sample + 1) - special.gammaln(k + 1) - special.gammaln(np.maximum(sample - k, 0) + 1)
    rest = np.maximum(sample - k, 0)
    return np.where(k <= sample, np.exp(ways + special.xlogy(k, p) + special.xlog1py(rest, -p)), 0.0)


def find_double_plan(params: PlanParams, ratio: int = 1) -> StagedPlan:
    """Which double plan keeps both risks and looks at the fewest items on average where lots are good?

    ``ratio``: the second sample is so many times the first. For each pair of acceptance numbers the smallest samples
    that keep the consumer's risk; of those that keep the producer's too the one with the least average at ``good``.
    The second sample's refusal number also ends the first. Raises ValueError for a ratio below 1, for qualities so near
    that a single plan accepts with more than 30, and as :func:`find_plan`.
    Source of the measures: Duncan, Quality Control and Industrial Statistics (1974), chapter 8. Where a single plan for
    2 % and 9.3 % looks at 84, the best double one looks at 58 on average, at 47 in three lots of four:

    >>> plan = find_double_plan(PlanParams(good=0.02, bad=0.093))
    >>> curve = staged_curve(plan, [0.02])
    >>> plan.sample, plan.accept, curve.looked_at.round(1).tolist(), curve.decided.round(2).tolist()
    ((47, 47), (1, 4), [58.3], [[0.76, 0.24]])
    """
    if ratio < 1:
        raise ValueError("ratio: must be 1 or more; the second sample is so many times the first")
    single = find_plan(params)
    if single.accept > _MOST_ACCEPTED:
        raise ValueError(f"good, bad: are so near that a single plan accepts with {single.accept}; widen the gap")
    found = []
    # Numbers of both samples together are near the single plan's.
    for accept in range(max(1, single.accept - 2), single.accept + single.accept // 3 + 4):
        plans = (_smallest(params, (first, accept), ratio) for first in range(accept))
        found += [(plan, staged_curve(plan, [params.good])) for plan in plans if plan is not None]
    kept = [(c.looked_at.item(), plan) for plan, c in found if 1 - c.accepted.item() <= params.producer_risk]
    return min(kept, key=lambda each: each[0])[1]


def _smallest(params: PlanParams, accept: tuple[int, int], ratio: int) -> StagedPlan | None:
    """The smallest samples with which these numbers keep the consumer's risk; acceptance falls as they grow."""
    low, high = 0, _LARGEST_SAMPLE
    while high - low > 1:
        middle = (low + high) // 2
        plan = StagedPlan((middle, ratio * middle), accept, (accept[1] + 1,) * 2)
        kept = staged_curve(plan, [params.bad]).accepted.item() <= params.consumer_risk
        low, high = (low, middle) if kept else (middle, high)
    if high == _LARGEST_SAMPLE:
        return None
    return StagedPlan((high, ratio * high), accept, (accept[1] + 1,) * 2)
