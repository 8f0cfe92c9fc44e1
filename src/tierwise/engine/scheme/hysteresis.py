"""Who stays: members near a boundary are held, so that segments do not flap."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.engine.scheme.conditions import Verdict
from tierwise.engine.scheme.params import SchemeParams

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_NEW, _GONE = -1, -2


class Reason(StrEnum):
    """Why a cell is in its segment."""

    ASSIGNED = "assigned"
    """New cell: the rules decide at once."""
    KEPT = "kept"
    """The rules put it where it is."""
    MOVED_BEYOND_MARGIN = "moved_beyond_margin"
    """It left: beyond the boundary by more than the margin."""
    MOVED_AFTER_STREAK = "moved_after_streak"
    """It left: qualified for the same other segment often enough in a row."""
    MOVED_SEGMENT_GONE = "moved_segment_gone"
    """Its segment is no longer in the scheme."""
    HELD = "held"
    """It would leave, but is held by hysteresis."""
    PINNED = "pinned"
    """Somebody put it there by hand."""


@dataclass(frozen=True, slots=True)
class Members:
    """Per row of the metrics, as indices into `SchemeParams.codes`: where it is (-1 new, -2 in a segment that is gone),
    how often in a row it has qualified elsewhere, and where (-1 nowhere)."""

    segment: Ints
    streak: Ints
    streak_segment: Ints


@dataclass(frozen=True, slots=True)
class Decision:
    segment: Ints
    streak: Ints
    streak_segment: Ints
    reason: pl.Series


def name_segments(index: Ints, params: SchemeParams) -> pl.Series:
    """Codes for indices; null below 0."""
    where = pl.Series(index, dtype=pl.Int64)
    return pl.Series(params.codes, dtype=pl.String).gather(pl.select(pl.when(where >= 0).then(where)).to_series())


def read_members(metrics: pl.DataFrame, current: pl.DataFrame | None, params: SchemeParams) -> Members:
    """Where every row of the metrics is now; rows of ``current`` that the metrics lack are passed over."""
    height = metrics.height
    if current is None:
        nobody = np.full(height, _NEW, dtype=np.int64)
        return Members(nobody, np.zeros(height, dtype=np.int64), nobody)
    for name in (*params.grain, "segment"):
        if name not in current.columns:
            raise ValueError(f"current: column {name!r} is missing; pass the state of the last evaluation")
    if current.select(params.grain).is_duplicated().any():
        raise ValueError(f"current: a cell stands twice; give one row per {', '.join(params.grain)}")
    if "streak" not in current.columns or "streak_segment" not in current.columns:
        current = current.with_columns(streak=pl.lit(0), streak_segment=pl.lit(None, pl.String))
    position = {code: index for index, code in enumerate(params.codes)}

    def place(column: str, otherwise: int) -> pl.Expr:
        found = pl.col(column).replace_strict(position, default=otherwise, return_dtype=pl.Int64)
        return pl.when(pl.col(column).is_null()).then(_NEW).otherwise(found)

    joined = (
        metrics.select(params.grain)
        .join(current, on=params.grain, how="left", maintain_order="left")
        .select(
            place("segment", _GONE).alias("segment"),
            pl.col("streak").cast(pl.Int64).fill_null(0),
            place("streak_segment", _NEW).alias("streak_segment"),
        )
    )
    return Members(*(joined[name].to_numpy() for name in ("segment", "streak", "streak_segment")))


def would_stay(verdicts: list[Verdict], params: SchemeParams, segment: Ints) -> Mask:
    """Would the rules keep the member with every cut moved by the margin in favour of where it is?

    Conditions of its own segment's rules are relaxed, those of the other segments' rules tightened, priority as ever;
    so a member leaves upwards, to a rule tried earlier, under the same protection as downwards.
    """
    stays = np.zeros(len(segment), dtype=np.bool_)
    for index, code in enumerate(params.codes):
        rows = np.flatnonzero(segment == index)
        if not len(rows):
            continue
        kept = np.full(len(rows), code == params.default_segment)
        for rule, verdict in zip(reversed(params.rules), reversed(verdicts), strict=True):
            own = rule.segment == code
            kept[(verdict.relaxed if own else verdict.strict)[rows]] = own
        stays[rows] = kept
    return stays


def hold(proposed: Ints, member: Members, stays: Mask, consecutive: int) -> Decision:
    """The rules' proposal, or the present segment where hysteresis holds the member."""
    here = member.segment >= 0
    elsewhere = here & (proposed != member.segment)
    streak = np.where(elsewhere, np.where(member.streak_segment == proposed, member.streak, 0) + 1, 0)
    beyond = elsewhere & ~stays
    patient = elsewhere & stays & (streak >= consecutive)
    held = elsewhere & ~beyond & ~patient
    reason = np.select(
        [member.segment == _NEW, member.segment == _GONE, beyond, patient, held],
        [
            Reason.ASSIGNED.value,
            Reason.MOVED_SEGMENT_GONE.value,
            Reason.MOVED_BEYOND_MARGIN.value,
            Reason.MOVED_AFTER_STREAK.value,
            Reason.HELD.value,
        ],
        default=Reason.KEPT.value,
    )
    return Decision(
        segment=np.where(held, member.segment, proposed),
        streak=np.where(held, streak, 0),
        streak_segment=np.where(held, proposed, -1),
        reason=pl.Series(reason.tolist(), dtype=pl.String),
    )
