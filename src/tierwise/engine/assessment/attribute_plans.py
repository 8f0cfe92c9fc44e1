"""Inspection of lots by attributes: which sample the quality agreed on asks for, and what it lets through."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import special

from tierwise.engine import checks
from tierwise.engine.assessment.sampling import Floats, Ints
from tierwise.engine.assessment.switching import (
    STANDARD,
    START,
    Severity,
    SwitchingParams,
    SwitchingResult,
    SwitchingState,
    switch_inspection,
)

Texts = npt.NDArray[np.str_]
Flags = npt.NDArray[np.bool_]

LETTERS = "ABCDEFGHJKLMNPQRS"
"""Code letters of sample sizes, small to large; S is reached by one tightened plan alone."""
QUALITY_LIMITS = (
    0.01, 0.015, 0.025, 0.04, 0.065, 0.1, 0.15, 0.25, 0.4, 0.65, 1.0, 1.5, 2.5, 4.0, 6.5, 10.0,
    15.0, 25.0, 40.0, 65.0, 100.0, 150.0, 250.0, 400.0, 650.0, 1000.0,
)  # fmt: skip
"""Acceptance quality limits: per cent nonconforming, or faults per hundred items; beyond 10 only the latter."""
LEVELS = {
    "S-1": "AAAABBBBCCCCDDD", "S-2": "AAABBBCCCDDDEEE", "S-3": "AABBCCDDEEFFGGH", "S-4": "AABCCDEEFGGHJJK",
    "I": "AABCCDEFGHJKLMN", "II": "ABCDEFGHJKLMNPQ", "III": "BCDEFGHJKLMNPQR",
}  # fmt: skip
"""Code letter of each inspection level by size of lot, as LARGEST divides them."""
LARGEST = (8, 15, 25, 50, 90, 150, 280, 500, 1200, 3200, 10_000, 35_000, 150_000, 500_000)

SIZES = np.array([2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1250, 2000, 3150])
REDUCED_SIZES = np.array([2, 2, 2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800])
# Sizes and limits grow in the same steps, so one number serves a diagonal: it is written at letter + limit.
_FIRST_DIAGONAL = 14
ARROW_UP, ARROW_DOWN = -1, -2
_DIAGONALS = {
    Severity.NORMAL: (0, ARROW_UP, ARROW_DOWN, 1, 2, 3, 5, 7, 10, 14, 21, 30, 44),
    Severity.TIGHTENED: (ARROW_DOWN, 0, ARROW_DOWN, ARROW_DOWN, 1, 2, 3, 5, 8, 12, 18, 27, 41),
    Severity.REDUCED: (0, ARROW_UP, ARROW_DOWN, ARROW_DOWN, 1, 2, 3, 5, 6, 8, 10, 14, 21),
}
# The last two diagonals are kept for the letters A to E (in reduced inspection C to E); beyond, 21, 18 or 10 is most.
_LAST_LETTER_OF_THE_HIGHEST = 4
_LAST_ORDINARY_DIAGONAL = 24


@dataclass(frozen=True, slots=True)
class AttributePlans:
    """One entry per lot: look at ``sample``, accept with up to ``accept`` bad, refuse with more.

    ``letter`` is what size of lot and level ask for, ``plan_letter`` that of the plan found, which is another where the
    table's arrow leads there. ``tighter_accept`` is the acceptance number at the limit one step tighter, which the
    switching score asks for (-1: there is none). ``whole``: the sample takes in the whole lot, whose size it then is.
    """

    letter: Texts
    plan_letter: Texts
    sample: Ints
    accept: Ints
    tighter_accept: Ints
    whole: Flags


def code_letters(lot: npt.ArrayLike, level: str = "II") -> Texts:
    """Which code letter does a lot of this size have?

    ``lot`` an array of sizes, ``level`` of S-1 to S-4 (small samples, larger risks) and I to III. Raises ValueError for
    lots of fewer than 2 and levels that do not exist.
    Source: ISO 2859-1:1999, table 1.

    >>> code_letters([8, 1200, 2000, 500_001]).tolist(), str(code_letters(2000, "S-3"))
    (['A', 'J', 'K', 'Q'], 'E')
    """
    if level not in LEVELS:
        raise ValueError(f"level: is {level!r}; give one of {', '.join(LEVELS)}")
    sizes = checks.numbers("lot", lot)
    if not (sizes >= 2).all():
        raise ValueError("lot: must be 2 or more; a single item is looked at itself")
    return np.array(list(LEVELS[level]))[np.searchsorted(LARGEST, sizes)]


def attribute_plans(
    lot: npt.ArrayLike, limit: npt.ArrayLike, level: str = "II", severity: Severity = Severity.NORMAL
) -> AttributePlans:
    """How many of each lot are looked at, and how many of them may be bad, by the tables that the trade agrees on?

    ``lot`` sizes and ``limit`` (the acceptance quality limit, one of QUALITY_LIMITS) broadcast. Single sampling. The
    master tables follow from one rule: sizes (2, 3, 5 … 2000) and limits grow in the same steps, so that acceptance
    numbers 0, 1, 2, 3, 5, 7, 10, 14, 21 stand on diagonals, 1, 2, 3, 5, 8, 12, 18 tightened, 1, 2, 3, 5, 6, 8, 10 with
    smaller samples reduced; where a diagonal has none, an arrow leads to the next plan up or down. Raises ValueError
    for limits between those of the series, discontinued inspection, and as :func:`code_letters`.
    Source: ISO 2859-1:1999, tables 2-A to 2-C; reduced plans of its predecessors (MIL-STD-105E, ANSI/ASQ Z1.4) differ.
    The numbers: Montgomery, Introduction to Statistical Quality Control, 15.4: lots of 2,000 at 0.65 %: code letter K,
    n = 125 and c = 2, tightened 1:

    >>> [attribute_plans(2000, 0.65, severity=each).accept.item() for each in (Severity.NORMAL, Severity.TIGHTENED)]
    [2, 1]
    >>> found = attribute_plans([2000, 100], [0.65, 1.0])
    >>> found.letter.tolist(), found.plan_letter.tolist(), found.sample.tolist(), found.accept.tolist()
    (['K', 'F'], ['K', 'E'], [125, 13], [2, 0])
    """
    if severity not in _DIAGONALS:
        raise ValueError("severity: is discontinued; nothing is accepted by sampling until the supplier has acted")
    sizes, limits = np.broadcast_arrays(checks.numbers("lot", lot), checks.numbers("limit", limit))
    letters = code_letters(sizes, level)
    asked, column = table_places(letters, limits)
    rows, numbers = _master(severity)
    row, accept = rows[asked, column], numbers[asked, column]
    before = np.where(column > 0, numbers[row, np.maximum(column - 1, 0)], -1)
    sample = (REDUCED_SIZES if severity is Severity.REDUCED else SIZES)[row]
    whole = sample >= sizes
    return AttributePlans(
        letters, np.array(list(LETTERS))[row], np.where(whole, sizes, sample).astype(np.int64), accept, before, whole
    )


def table_places(letters: Texts, limits: Floats) -> tuple[Ints, Ints]:
    """Row of each letter and column of each limit in the master tables. ValueError for limits not of the series."""
    series = np.array(QUALITY_LIMITS)
    column = np.abs(limits[..., None] - series).argmin(axis=-1)
    if not np.isclose(limits, series[column], rtol=1e-9, atol=0).all():
        raise ValueError(f"limit: must be one of {', '.join(f'{each:g}' for each in QUALITY_LIMITS)}")
    asked = np.array([LETTERS.index(each) for each in letters.ravel()], dtype=np.int64).reshape(letters.shape)
    return asked, np.asarray(column)


def faults_acceptance(sample: npt.ArrayLike, accept: npt.ArrayLike, per_hundred: npt.ArrayLike) -> Floats:
    """How probable is it that a lot is accepted, where faults are counted and one item may have several?

    Arrays broadcast: P(X ≤ c), X Poisson with n·p/100 for ``per_hundred`` faults in a hundred items. Items that are bad
    or not: :func:`acceptance_probability`. Raises ValueError for negative or missing inputs.
    Source: Schilling and Neubauer, Acceptance Sampling in Quality Control (2009), table T5-1: with c = 2, 95 % are
    accepted at np = 0.818 and 10 % at 5.322.

    >>> faults_acceptance(100, 2, [0.818, 5.322]).round(3).tolist()
    [0.95, 0.1]
    """
    n, c, p = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (sample, accept, per_hundred)))
    if not ((n >= 0) & (c >= 0) & (p >= 0)).all():
        raise ValueError("sample, accept, per_hundred: must be 0 or more")
    return np.asarray(special.gammaincc(np.floor(c) + 1, n * p / 100))


@dataclass(frozen=True, slots=True)
class InspectionParams:
    """What was agreed: the acceptance quality limit (one of QUALITY_LIMITS), the level, and the switching rules."""

    limit: float
    level: str = "II"
    switching: SwitchingParams = STANDARD

    def __post_init__(self) -> None:
        attribute_plans(2, self.limit, self.level)


@dataclass(frozen=True, slots=True)
class InspectedLots:
    """One entry per lot: the plan it was judged by (0 and -1 once inspection is discontinued), whether it was accepted;
    ``switching`` tells how severely and why that changed, and its ``state`` goes on with the next lots."""

    sample: Ints
    accept: Ints
    accepted: Flags
    switching: SwitchingResult


def inspect_lots(
    lot: npt.ArrayLike, found: npt.ArrayLike, params: InspectionParams, start: SwitchingState = START
) -> InspectedLots:
    """How was each lot of a supplier judged, with plans of the tables and severities that follow from the lots before?

    ``lot`` sizes and ``found`` bad ones in the samples, one per lot in order of inspection (first submissions), both
    1-D. No lots give empty results. Raises ValueError for lists of different length, negative counts, and as
    :func:`attribute_plans`.
    Source: ISO 2859-1:1999, 9.3 and 9.4. Ten clean lots of 2,000 at 0.65 % (c = 2, each 3 points, also accepted one
    step tighter) lead to reduced inspection, n = 50:

    >>> done = inspect_lots([2000] * 11, [0] * 11, InspectionParams(limit=0.65))
    >>> done.sample.tolist()[9:], done.switching.score.tolist()[8:10]
    ([125, 50], [27, 30])
    """
    sizes, bad = np.asarray(lot, dtype=np.int64).ravel(), np.asarray(found, dtype=np.int64).ravel()
    if len(sizes) != len(bad) or (bad < 0).any():
        raise ValueError("lot, found: give one of 0 or more per lot, both as many")
    plans = {each: attribute_plans(sizes, params.limit, params.level, each) for each in _DIAGONALS}
    count = len(sizes)
    sample, accept, accepted = np.zeros(count, np.int64), np.full(count, -1), np.zeros(count, np.bool_)
    severities, switches, scores = [], [], np.zeros(count, dtype=np.int64)
    state = start
    for at in range(count):
        plan, tighter = plans.get(state.severity), False
        if plan is not None:
            sample[at], accept[at] = plan.sample[at], plan.accept[at]
            accepted[at], tighter = bad[at] <= accept[at], bool(bad[at] <= plan.tighter_accept[at])
        one = switch_inspection([accepted[at]], max(int(accept[at]), 0), tighter, params.switching, state)
        state = one.state
        severities.append(str(one.severity[0]))
        switches.append(str(one.switch[0]))
        scores[at] = one.score[0]
    told = SwitchingResult(np.array(severities, dtype=np.str_), scores, np.array(switches, dtype=np.str_), state)
    return InspectedLots(sample, accept, accepted, told)


@cache
def _master(severity: Severity) -> tuple[Ints, Ints]:
    """Letter and acceptance number of the plan that each letter and limit lead to."""
    letters = len(LETTERS) - (severity is Severity.REDUCED)
    cells = np.array([[_cell(severity, r, c) for c in range(len(QUALITY_LIMITS))] for r in range(letters)])
    return follow_arrows(cells, severity)


def follow_arrows(cells: Ints, severity: Severity) -> tuple[Ints, Ints]:
    """Letter and entry that each cell of a master table leads to, its arrows being ARROW_UP and ARROW_DOWN."""
    letters, last = len(cells), len(LETTERS) - 1
    if severity is not Severity.REDUCED:
        # The letter S has no plans of its own but one, that closes the column whose arrows lead down out of R.
        only = (cells[last] == 1) & (severity is Severity.TIGHTENED)
        cells[last] = np.where(only, 1, ARROW_UP)
    row = np.zeros(cells.shape, dtype=np.int64)
    for c in range(cells.shape[1]):
        plans = np.flatnonzero(cells[:, c] >= 0)
        for r in range(letters):
            above, below = plans[plans < r], plans[plans > r]
            up = cells[r, c] == ARROW_UP
            if cells[r, c] >= 0:
                row[r, c] = r
            elif (up and above.size) or not below.size:
                row[r, c] = above[-1]
            else:
                row[r, c] = below[0]
    return row, np.take_along_axis(cells, row, axis=0)


def _cell(severity: Severity, row: int, column: int) -> int:
    """Acceptance number, or an arrow."""
    if severity is Severity.REDUCED and row < 2 and column > _FIRST_DIAGONAL:
        # The two smallest samples are those of A on normal inspection, and have its numbers.
        severity, row = Severity.NORMAL, 0
    return on_diagonal(_DIAGONALS[severity], row, column)


def on_diagonal(entries: tuple[int, ...], row: int, column: int) -> int:
    """What a master table holds at a letter and limit, its diagonals being given from the first to the last."""
    diagonal = row + column
    if diagonal < _FIRST_DIAGONAL:
        return ARROW_DOWN
    if diagonal > _FIRST_DIAGONAL + 12 or (diagonal > _LAST_ORDINARY_DIAGONAL and row > _LAST_LETTER_OF_THE_HIGHEST):
        return ARROW_UP
    return entries[diagonal - _FIRST_DIAGONAL]
