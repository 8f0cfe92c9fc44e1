"""From scores to a standing that does not flap: bands, minimum n, hysteresis, severity events, idle periods."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_UNRATED = -1
_PAIR = ("supplier", "segment")


@dataclass(frozen=True, slots=True)
class Band:
    """A standing for scores from ``low`` up to but not including ``high``; the best band includes its top, 100."""

    name: str
    low: float
    high: float


class Reason(StrEnum):
    """Why the standing is what it is after a period."""

    FIRST_RATING = "first_rating"
    CONFIRMED = "confirmed"
    UPGRADED = "upgraded"
    DOWNGRADED = "downgraded"
    WITHIN_MARGIN = "within_margin"
    WAITING = "waiting"
    SMALL_SAMPLE = "small_sample"
    INCOMPLETE = "incomplete"
    NO_ACTIVITY = "no_activity"
    SEVERITY = "severity"


_REASON = pl.Enum([str(each) for each in Reason])
_CODES = {reason: code for code, reason in enumerate(Reason)}


@dataclass(frozen=True, slots=True)
class StandingParams:
    """Bands from worst to best that cover 0 to 100, and what it takes to leave one.

    A standing moves only when the score is beyond the band's edge by ``margin`` points in ``periods`` consecutive
    periods with activity, each with at least ``least_n``; it then moves to the nearest band that all of them reached.
    ``severity`` maps kinds of event to the best band still allowed in their period; those act at once and at n = 1.
    """

    bands: tuple[Band, ...]
    least_n: int = 10
    margin: float = 2.0
    periods: int = 2
    severity: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.bands:
            raise ValueError("bands are empty; give at least one from 0 to 100")
        names = [band.name for band in self.bands]
        if len(set(names)) != len(names) or not all(names):
            raise ValueError(f"bands are named {', '.join(names)}; give each its own name")
        for band in self.bands:
            if not (math.isfinite(band.low) and math.isfinite(band.high) and band.low < band.high):
                raise ValueError(f"band {band.name} runs from {band.low} to {band.high}; low must be below high")
        if self.bands[0].low != 0 or self.bands[-1].high != 100:
            raise ValueError("bands must begin at 0 and end at 100, worst first; extend the outer ones")
        for below, above in zip(self.bands, self.bands[1:], strict=False):
            if below.high != above.low:
                problem = "leave a gap" if below.high < above.low else "overlap"
                raise ValueError(
                    f"bands {below.name} and {above.name} {problem} at {below.high} and {above.low}; let them meet"
                )
        if self.least_n < 1:
            raise ValueError(f"least_n is {self.least_n}; give 1 or more")
        if not 0 <= self.margin < 100:
            raise ValueError(f"margin is {self.margin}; give points from 0 to below 100")
        if self.periods < 1:
            raise ValueError(f"periods is {self.periods}; give 1 or more")
        if unknown := sorted(set(self.severity.values()) - set(names)):
            raise ValueError(f"severity names bands {', '.join(unknown)}; choose from {', '.join(names)}")

    def band_of(self, score: float) -> str:
        """The band a score falls in by itself; 100 is in the best one. Raises ValueError outside 0 to 100."""
        if not 0 <= score <= 100:
            raise ValueError(f"score is {score}; give 0 to 100")
        return self.bands[int(_raw_bands(np.array([score]), self)[0])].name


def standing(
    scores: pl.DataFrame,
    params: StandingParams,
    periods: pl.DataFrame,
    events: pl.DataFrame | None = None,
    previous: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Which standing does each supplier have for each segment after each period, and why?

    ``scores`` from :func:`score`; ``periods`` from :func:`periods_between`, in which pairs without a score count as
    idle: their standing stays and the reason is "no_activity". ``events``: supplier, segment (null for all its
    segments), period_start, kind. ``previous``: supplier, segment, standing held before the first period. Returns per
    pair and period: score, n, ``standing`` (null until ``least_n`` was seen once), ``reason``, ``streak`` (periods
    beyond the edge).

    Idle periods, small samples and scores that miss too many measures ("incomplete") neither continue nor break a
    streak. Below, 79 is within the margin of 2 and the first 77 waits for a second.

    >>> bands = (Band("C", 0, 50), Band("B", 50, 80), Band("A", 80, 100))
    >>> from datetime import date
    >>> from tierwise.engine.scoring import Period, periods_between
    >>> quarters = periods_between(date(2024, 1, 1), date(2024, 12, 31), Period.QUARTER)
    >>> of = quarters.with_columns(supplier=pl.lit("S"), segment=pl.lit("X"), n=pl.lit(20))
    >>> scores = of.with_columns(score=pl.Series([85.0, 79, 77, 77]))
    >>> found = standing(scores, StandingParams(bands), quarters)
    >>> found["standing"].to_list(), found["reason"].to_list()[1:]
    (['A', 'A', 'A', 'B'], ['within_margin', 'waiting', 'downgraded'])
    """
    order = periods.select("period", "period_start").unique().sort("period_start")
    pairs = _pairs(scores, events, previous)
    if strange := scores.join(order, on="period_start", how="anti")["period_start"].unique().sort().to_list():
        raise ValueError(f"scores hold periods that periods lack, first {strange[0]}; list every period between")
    grid = pairs.join(order.with_row_index("_period"), how="cross").join(
        scores.select(*_PAIR, "period_start", "score", "n"), on=[*_PAIR, "period_start"], how="left"
    )
    grid = grid.sort("_pair", "_period")
    shape = (len(pairs), len(order))
    if not math.prod(shape):
        found: dict[str, pl.DataType] = {"standing": pl.String(), "reason": _REASON, "streak": pl.Int64()}
        return grid.drop("_pair", "_period").with_columns(pl.lit(None, found[name]).alias(name) for name in found)
    if len(grid) != math.prod(shape):
        raise ValueError("scores hold a supplier, segment and period more than once; keep one score each")
    value = grid["score"].cast(pl.Float64).fill_null(np.nan).to_numpy().reshape(shape)
    if np.any((value < 0) | (value > 100)):
        raise ValueError("scores.score must lie within 0 to 100; scale the scores first")
    n = grid["n"].cast(pl.Float64).fill_null(0.0).to_numpy().reshape(shape)
    caps = _caps(pairs, order, events, params)
    held = _held(pairs, previous, params)
    bands, reasons, streaks = _walk(value, n, caps, held, params)
    names = pl.Series([band.name for band in params.bands], dtype=pl.String)
    taken = np.where(bands.ravel() == _UNRATED, 0, bands.ravel())
    result = grid.with_columns(
        standing=names.gather(taken.astype(np.uint32)).alias("standing"),
        _rated=pl.Series(bands.ravel() != _UNRATED),
        reason=pl.Series([str(each) for each in Reason], dtype=_REASON).gather(reasons.ravel().astype(np.uint32)),
        streak=pl.Series(streaks.ravel()),
    ).with_columns(standing=pl.when(pl.col("_rated")).then(pl.col("standing")))
    return result.select(*_PAIR, "period", "period_start", "score", "n", "standing", "reason", "streak").sort(
        *_PAIR, "period_start"
    )


def _walk(value: Floats, n: Floats, caps: Ints, held: Ints, params: StandingParams) -> tuple[Ints, Ints, Ints]:
    """Period by period over all pairs at once. Arrays are pairs × periods; ``streak`` is signed: up positive."""
    lows = np.array([band.low for band in params.bands])
    highs = np.array([band.high for band in params.bands])
    bands, reasons, streaks = (np.zeros(value.shape, dtype=np.int64) for _ in range(3))
    streak = np.zeros(len(value), dtype=np.int64)
    reach = np.zeros(len(value), dtype=np.int64)
    for period in range(value.shape[1]):
        x, active = value[:, period], ~np.isnan(value[:, period]) & (n[:, period] > 0)
        enough = active & (n[:, period] >= params.least_n)
        raw = _raw_bands(np.where(active, x, 0.0), params)
        rated = held != _UNRATED
        own = np.maximum(held, 0)
        # A margin must not put 0 and 100 out of reach: they always count as beyond the edge.
        up = enough & rated & (raw > own) & (x >= np.minimum(highs[own] + params.margin, 100.0))
        down = enough & rated & (raw < own) & (x <= np.maximum(np.nextafter(lows[own] - params.margin, -1.0), 0.0))
        direction = up.astype(np.int64) - down.astype(np.int64)
        goes_on = (direction != 0) & (np.sign(streak) == direction)
        farthest = np.where(up, np.minimum(reach, raw), np.maximum(reach, raw))
        # A period that may not judge interrupts nothing: neither the streak nor how far it reaches.
        reach = np.where(enough, np.where(goes_on, farthest, raw), reach)
        streak = np.where(enough, np.where(goes_on, streak + direction, direction), streak)
        moved = enough & rated & (np.abs(streak) >= params.periods)
        first = enough & ~rated
        reason = np.select(
            [first, moved & up, moved & down, up | down, enough & (raw != own), enough, active, n[:, period] > 0],
            [
                _CODES[Reason.FIRST_RATING],
                _CODES[Reason.UPGRADED],
                _CODES[Reason.DOWNGRADED],
                _CODES[Reason.WAITING],
                _CODES[Reason.WITHIN_MARGIN],
                _CODES[Reason.CONFIRMED],
                _CODES[Reason.SMALL_SAMPLE],
                _CODES[Reason.INCOMPLETE],
            ],
            default=_CODES[Reason.NO_ACTIVITY],
        )
        held = np.where(first, raw, np.where(moved, reach, held))
        streaks[:, period] = np.abs(streak)
        streak = np.where(moved, 0, streak)
        cap = caps[:, period]
        struck = (cap < len(params.bands)) & ((held > cap) | (held == _UNRATED))
        held = np.where(struck, cap, held)
        streak = np.where(struck, 0, streak)
        bands[:, period] = held
        reasons[:, period] = np.where(struck, _CODES[Reason.SEVERITY], reason)
    return bands, reasons, streaks


def _raw_bands(score: Floats, params: StandingParams) -> Ints:
    lows = np.array([band.low for band in params.bands])
    return (np.searchsorted(lows, score, side="right") - 1).astype(np.int64)


def _pairs(scores: pl.DataFrame, events: pl.DataFrame | None, previous: pl.DataFrame | None) -> pl.DataFrame:
    known = [scores.select(_PAIR)]
    if previous is not None:
        known.append(previous.select(_PAIR))
    if events is not None:
        known.append(events.filter(pl.col("segment").is_not_null()).select(_PAIR))
    return pl.concat(known).unique().sort(_PAIR).with_row_index("_pair")


def _held(pairs: pl.DataFrame, previous: pl.DataFrame | None, params: StandingParams) -> Ints:
    if previous is None:
        return np.full(len(pairs), _UNRATED, dtype=np.int64)
    codes = {band.name: code for code, band in enumerate(params.bands)}
    if unknown := sorted(set(previous["standing"].drop_nulls().to_list()) - set(codes)):
        raise ValueError(f"previous names standings {', '.join(unknown)}; choose from {', '.join(codes)}")
    joined = pairs.join(previous.select(*_PAIR, "standing"), on=_PAIR, how="left", maintain_order="left")
    if len(joined) != len(pairs):
        raise ValueError("previous holds a supplier and segment more than once; keep one standing each")
    coded = joined["standing"].cast(pl.String).replace_strict(codes, default=None, return_dtype=pl.Int64)
    return coded.fill_null(_UNRATED).to_numpy().copy()


def _caps(pairs: pl.DataFrame, order: pl.DataFrame, events: pl.DataFrame | None, params: StandingParams) -> Ints:
    """Best band allowed per pair and period; the number of bands where no event speaks."""
    caps = np.full((len(pairs), len(order)), len(params.bands), dtype=np.int64)
    if events is None or events.is_empty():
        return caps
    codes = {band.name: code for code, band in enumerate(params.bands)}
    limits = {kind: codes[band] for kind, band in params.severity.items()}
    acting = events.filter(pl.col("kind").is_in(list(limits))).with_columns(
        _cap=pl.col("kind").replace_strict(limits, default=None, return_dtype=pl.Int64)
    )
    acting = acting.join(order.with_row_index("_period").select("_period", "period_start"), on="period_start")
    named = acting.filter(pl.col("segment").is_not_null()).join(pairs, on=_PAIR)
    everywhere = acting.filter(pl.col("segment").is_null()).drop("segment").join(pairs, on="supplier")
    hits = pl.concat([part.select("_pair", "_period", "_cap") for part in (named, everywhere)])
    np.minimum.at(caps, (hits["_pair"].to_numpy(), hits["_period"].to_numpy()), hits["_cap"].to_numpy())
    return caps
