"""Inspection that tightens with bad lots and relaxes with good ones, without flapping."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt


class Severity(StrEnum):
    """How a lot is inspected; DISCONTINUED lots are not accepted by sampling until the supplier has acted."""

    NORMAL = "normal"
    TIGHTENED = "tightened"
    REDUCED = "reduced"
    DISCONTINUED = "discontinued"


class Switch(StrEnum):
    """Why the next lot is inspected otherwise than this one."""

    NONE = ""
    TIGHTEN = "misses_within_window"
    BACK_TO_NORMAL = "accepted_in_a_row"
    REDUCE = "switching_score"
    END_REDUCED = "miss_on_reduced"
    DISCONTINUE = "misses_on_tightened"


@dataclass(frozen=True, slots=True)
class SwitchingParams:
    """The rules of ISO 2859-1, each number of which a contract may set.

    Tighten when ``misses`` of the last ``window`` or fewer lots were not accepted; back after ``accepted`` in a row;
    reduce from ``reduce_score`` on, if ``may_reduce`` (production steady, and the customer wishes it); discontinue once
    ``most_tightened_misses`` lots were not accepted during one stay on tightened inspection.
    """

    misses: int = 2
    window: int = 5
    accepted: int = 5
    reduce_score: int = 30
    most_tightened_misses: int = 5
    may_reduce: bool = True

    def __post_init__(self) -> None:
        for name in ("misses", "window", "accepted", "reduce_score", "most_tightened_misses"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: is {getattr(self, name)}; give 1 or more")
        if self.misses > self.window:
            raise ValueError(f"misses: is {self.misses}, more than the window of {self.window} lots can hold")


@dataclass(frozen=True, slots=True)
class SwitchingState:
    """Where a history stands, so that the next lots can go on from it."""

    severity: Severity = Severity.NORMAL
    score: int = 0
    recent: tuple[bool, ...] = ()
    tightened_misses: int = 0


@dataclass(frozen=True, slots=True)
class SwitchingResult:
    """One entry per lot: how it was inspected, the score after it, why the next is inspected otherwise; and the end."""

    severity: npt.NDArray[np.str_]
    score: npt.NDArray[np.int64]
    switch: npt.NDArray[np.str_]
    state: SwitchingState


STANDARD = SwitchingParams()
START = SwitchingState()


def switch_inspection(
    accepted: npt.ArrayLike,
    acceptance_number: npt.ArrayLike,
    tighter_accepted: npt.ArrayLike,
    params: SwitchingParams = STANDARD,
    start: SwitchingState = START,
) -> SwitchingResult:
    """How severely is each lot of a supplier inspected, given the lots before it?

    Per lot in order of inspection (first submissions only): ``accepted``; ``acceptance_number`` of its plan;
    ``tighter_accepted``, whether it would also have been accepted at the acceptance quality limit one step tighter
    (read only where the acceptance number is 2 or more). One number or flag stands for all lots. The switching score
    counts on normal inspection: with acceptance number 2 or more it grows by 3 when also accepted one step tighter,
    else falls to 0; with 0 or 1 it grows by 2 when accepted, else falls to 0. No lots leave the state as it was.
    Raises ValueError for lists of different length and negative acceptance numbers.
    Source: ISO 2859-1:1999, 9.3 and 9.4.

    >>> found = switch_inspection([True, False, True, False, True, True, True, True, True, True], 1, True)
    >>> found.severity.tolist()[3:]
    ['normal', 'tightened', 'tightened', 'tightened', 'tightened', 'tightened', 'normal']
    """
    lots = np.atleast_1d(np.asarray(accepted, dtype=np.bool_))
    count = len(lots)
    try:
        number = np.broadcast_to(np.asarray(acceptance_number, dtype=np.int64), (count,))
        tighter = np.broadcast_to(np.asarray(tighter_accepted, dtype=np.bool_), (count,))
    except ValueError as error:
        raise ValueError(
            f"acceptance_number, tighter_accepted: give one for all lots or one per lot ({count})"
        ) from error
    if (number < 0).any():
        raise ValueError("acceptance_number: must be 0 or more")
    severities, switches = [], []
    scores = np.zeros(count, dtype=np.int64)
    state = start
    for at in range(count):
        severities.append(state.severity.value)
        state, switch, scores[at] = _after(state, (bool(lots[at]), int(number[at]), bool(tighter[at])), params)
        switches.append(switch.value)
    return SwitchingResult(np.array(severities, dtype=np.str_), scores, np.array(switches, dtype=np.str_), state)


def _after(
    state: SwitchingState, lot: tuple[bool, int, bool], params: SwitchingParams
) -> tuple[SwitchingState, Switch, int]:
    accepted, number, tighter = lot
    if state.severity is Severity.NORMAL:
        recent = (*state.recent, accepted)[-params.window :]
        score = _score(state.score, accepted, number, tighter)
        if recent.count(False) >= params.misses:
            return SwitchingState(Severity.TIGHTENED), Switch.TIGHTEN, score
        if params.may_reduce and score >= params.reduce_score:
            return SwitchingState(Severity.REDUCED), Switch.REDUCE, score
        return SwitchingState(Severity.NORMAL, score, recent), Switch.NONE, score
    if state.severity is Severity.TIGHTENED:
        recent = (*state.recent, accepted)[-params.accepted :]
        missed = state.tightened_misses + (not accepted)
        if missed >= params.most_tightened_misses:
            return SwitchingState(Severity.DISCONTINUED), Switch.DISCONTINUE, 0
        if len(recent) == params.accepted and all(recent):
            return SwitchingState(Severity.NORMAL), Switch.BACK_TO_NORMAL, 0
        return SwitchingState(Severity.TIGHTENED, 0, recent, missed), Switch.NONE, 0
    if state.severity is Severity.REDUCED and not accepted:
        return SwitchingState(Severity.NORMAL), Switch.END_REDUCED, 0
    return state, Switch.NONE, 0


def _score(score: int, accepted: bool, number: int, tighter: bool) -> int:
    if number >= 2:
        return score + 3 if accepted and tighter else 0
    return score + 2 if accepted else 0
