"""Calendars of scoring: months, ISO weeks, quarters and years that follow each other without gap or overlap."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import polars as pl


class Period(StrEnum):
    """Length of a scoring period. An ISO week has seven days, Monday to Sunday, and belongs to its Thursday's year."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


_EVERY = {Period.WEEK: "1w", Period.MONTH: "1mo", Period.QUARTER: "1q", Period.YEAR: "1y"}


def period_start(day: pl.Expr, period: Period) -> pl.Expr:
    """First day of the period in which ``day`` lies; null stays null.

    >>> pl.select(period_start(pl.lit(date(2021, 1, 1)), Period.WEEK)).item()
    datetime.date(2020, 12, 28)
    """
    return day.dt.truncate(_EVERY[period])


def period_end(start: pl.Expr, period: Period) -> pl.Expr:
    """Last day (inclusive) of the period that begins on ``start``.

    >>> pl.select(period_end(pl.lit(date(2024, 2, 1)), Period.MONTH)).item()
    datetime.date(2024, 2, 29)
    """
    return start.dt.offset_by(_EVERY[period]).dt.offset_by("-1d")


def period_label(start: pl.Expr, period: Period) -> pl.Expr:
    """Name that people read: 2026-W01, 2026-01, 2026-Q1, 2026. The week of 1 January 2021 is 2020-W53 (ISO 8601).

    >>> pl.select(period_label(pl.lit(date(2020, 12, 28)), Period.WEEK)).item()
    '2020-W53'
    """
    if period is Period.WEEK:
        return start.dt.strftime("%G-W%V")
    if period is Period.MONTH:
        return start.dt.strftime("%Y-%m")
    if period is Period.QUARTER:
        return pl.format("{}-Q{}", start.dt.year(), start.dt.quarter())
    return start.dt.strftime("%Y")


def periods_between(first: date, last: date, period: Period) -> pl.DataFrame:
    """Every period that holds a day from ``first`` to ``last``: columns period, period_start, period_end.

    Standings are decided over this list, so that a period in which nothing happened is seen as such.
    Raises ValueError when ``last`` is before ``first``.

    >>> periods_between(date(2024, 2, 10), date(2024, 5, 2), Period.QUARTER)["period"].to_list()
    ['2024-Q1', '2024-Q2']
    """
    if last < first:
        raise ValueError(f"last ({last}) is before first ({first}); swap them")
    days = pl.select(day=pl.date_range(first, last, "1d"))
    starts = days.select(period_start=period_start(pl.col("day"), period)).unique().sort("period_start")
    begin = pl.col("period_start")
    return starts.select(period=period_label(begin, period), period_start=begin, period_end=period_end(begin, period))
