"""Site calendars as they cross a border."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

BY_HAND = "by hand"
"""The source of closed days that people add; every other one is an import's."""


@dataclass(frozen=True, slots=True)
class CalendarRecord:
    """A calendar: how many sites work by it, its closed days from today on, and how many days were added by hand."""

    code: str
    sites: int
    ahead: int
    next_day: date | None
    by_hand: int


@dataclass(frozen=True, slots=True)
class ClosedDay:
    closed_on: date
    name: str
    source: str
