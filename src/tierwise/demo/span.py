"""The weeks that the demo lives through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from tierwise.demo.frames import Days, Ints

HISTORY_YEARS = 3
FUTURE_WEEKS = 48
"""Demand beyond the last day, which open orders and forecasts already aim at."""

EARLIEST, LATEST = date(2023, 1, 1), date(2034, 12, 31)
"""Bounds of the last day: lunar new years are tabled for the years around them."""


@dataclass(frozen=True, slots=True)
class Span:
    """Three years of weeks that end with ``ends_on``, and the weeks after it that plans already look at."""

    ends_on: date

    def __post_init__(self) -> None:
        if not EARLIEST <= self.ends_on <= LATEST:
            raise ValueError(f"ends_on {self.ends_on} is outside {EARLIEST} to {LATEST}; choose a day within")

    @property
    def last(self) -> np.datetime64:
        return np.datetime64(self.ends_on, "D")

    @property
    def first(self) -> np.datetime64:
        """Monday of the first week."""
        start = self.last - np.timedelta64(365 * HISTORY_YEARS, "D")
        return start - np.timedelta64(int((start.astype(np.int64) + 3) % 7), "D")

    @property
    def first_date(self) -> date:
        first: date = self.first.astype(object)
        return first

    @property
    def history(self) -> int:
        """Weeks up to and including the one of ``ends_on``."""
        return int((self.last - self.first).astype(int)) // 7 + 1

    @property
    def weeks(self) -> int:
        return self.history + FUTURE_WEEKS

    @property
    def mondays(self) -> Days:
        mondays: Days = self.first + 7 * np.arange(self.weeks)
        return mondays

    def day_of_year(self, days: Days) -> Ints:
        found: Ints = (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
        return found

    def month_starts(self) -> Days:
        """First days of the months from the first whole one to the last."""
        months = np.arange(self.first.astype("datetime64[M]") + 1, self.last.astype("datetime64[M]") + 1)
        return months.astype("datetime64[D]")
