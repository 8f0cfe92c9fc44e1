"""What a demand line and a demand cell are, and how days become buckets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import polars as pl

GRAIN: tuple[str, ...] = ("item", "customer_group", "region", "channel")

Bucket = Literal["day", "week", "month"]
DAYS_PER_MONTH = 365.2425 / 12
_MONTHS_PER_BUCKET: dict[str, float] = {"day": 1 / DAYS_PER_MONTH, "week": 7 / DAYS_PER_MONTH, "month": 1.0}
_SEASON_LENGTH: dict[str, int] = {"day": 7, "week": 52, "month": 12}


@dataclass(frozen=True, slots=True)
class DemandParams:
    """The window, buckets and tests by which cells are measured.

    ``window_from`` and ``window_to`` (both included) must be whole buckets; `whole_buckets` cuts a period to such.
    ``season_length`` counts buckets in one cycle (0: 7 days, 52 weeks or 12 months, as the bucket says).
    ``min_buckets`` and ``min_nonzero`` are the least history on which a pattern is believed.
    """

    window_from: date
    window_to: date
    bucket: Bucket = "month"
    grain: tuple[str, ...] = GRAIN
    season: Literal["multiplicative", "additive", "none"] = "multiplicative"
    season_length: int = 0
    significance: float = 0.05
    adi_cut: float = 1.32
    cv2_cut: float = 0.49
    cv2_kind: Literal["population", "sample"] = "sample"
    min_buckets: int = 6
    min_nonzero: int = 2

    def __post_init__(self) -> None:
        if self.bucket not in _MONTHS_PER_BUCKET:
            raise ValueError(f"bucket: {self.bucket!r} is unknown; use day, week or month")
        if self.season not in {"multiplicative", "additive", "none"}:
            raise ValueError(f"season: {self.season!r} is unknown; use multiplicative, additive or none")
        if self.cv2_kind not in {"population", "sample"}:
            raise ValueError(f"cv2_kind: {self.cv2_kind!r} is unknown; use population or sample")
        if not self.grain or len(set(self.grain)) != len(self.grain):
            raise ValueError(f"grain: {self.grain!r} must name at least one column, each once")
        if not 0 < self.significance < 1:
            raise ValueError(f"significance: {self.significance} must lie between 0 and 1, for example 0.05")
        if self.adi_cut < 1 or self.cv2_cut <= 0:
            raise ValueError("adi_cut must be at least 1 and cv2_cut above 0; the published pair is 1.32 and 0.49")
        if self.season_length < 0 or self.season_length == 1:
            raise ValueError(f"season_length: {self.season_length} must be 0 (automatic) or at least 2 buckets")
        if self.min_buckets < 1 or self.min_nonzero < 1:
            raise ValueError("min_buckets and min_nonzero must be at least 1")
        _check_window(self.window_from, self.window_to, self.bucket)

    @property
    def cycle(self) -> int:
        return self.season_length or _SEASON_LENGTH[self.bucket]

    @property
    def buckets(self) -> int:
        """How many buckets the window holds."""
        return bucket_number(self.window_to, self.bucket) - bucket_number(self.window_from, self.bucket) + 1

    @property
    def months_per_bucket(self) -> float:
        return _MONTHS_PER_BUCKET[self.bucket]


def _check_window(window_from: date, window_to: date, bucket: Bucket) -> None:
    if window_from > window_to:
        raise ValueError(f"window_to: {window_to} is before window_from {window_from}; swap them")
    if window_from != bucket_start(bucket_number(window_from, bucket), bucket):
        start = bucket_start(bucket_number(window_from, bucket), bucket)
        raise ValueError(f"window_from: {window_from} lies inside a {bucket}; use its first day, {start}")
    end = bucket_start(bucket_number(window_to, bucket) + 1, bucket) - timedelta(days=1)
    if window_to != end:
        raise ValueError(f"window_to: {window_to} lies inside a {bucket}; use its last day, {end}, or the one before")


def bucket_number(day: date, bucket: Bucket) -> int:
    """Running number of the calendar day, ISO week (Monday to Sunday) or month that holds the day."""
    if bucket == "month":
        return day.year * 12 + day.month - 1
    days = day.toordinal() - 1  # ordinal 1, 0001-01-01, is a Monday
    return days // 7 if bucket == "week" else days


def bucket_start(number: int, bucket: Bucket) -> date:
    """First day of a bucket; the inverse of `bucket_number`."""
    if bucket == "month":
        return date(number // 12, number % 12 + 1, 1)
    return date.fromordinal((number * 7 if bucket == "week" else number) + 1)


def bucket_expr(column: str, bucket: Bucket) -> pl.Expr:
    """`bucket_number` for a whole date column."""
    day = pl.col(column)
    if bucket == "month":
        return day.dt.year().cast(pl.Int32) * 12 + day.dt.month().cast(pl.Int32) - 1
    days = day.cast(pl.Date).to_physical().cast(pl.Int32) + (date(1970, 1, 1).toordinal() - 1)
    return days.floordiv(7) if bucket == "week" else days


def whole_buckets(first: date, last: date, bucket: Bucket) -> tuple[date, date]:
    """The longest window of whole buckets between two days, both included.

    >>> whole_buckets(date(2024, 1, 17), date(2024, 5, 30), "month")
    (datetime.date(2024, 2, 1), datetime.date(2024, 4, 30))
    """
    low = bucket_number(first, bucket)
    if bucket_start(low, bucket) < first:
        low += 1
    high = bucket_number(last, bucket)
    if bucket_start(high + 1, bucket) - timedelta(days=1) > last:
        high -= 1
    if high < low:
        raise ValueError(f"first, last: no whole {bucket} lies between {first} and {last}; widen the period")
    return bucket_start(low, bucket), bucket_start(high + 1, bucket) - timedelta(days=1)
