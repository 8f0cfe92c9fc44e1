"""Words and values of segmentation that may cross a border."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Final

CELL: Final = ("item", "customer_group", "region", "channel")
"""The finest grain of a demand cell; a scheme may use fewer columns, the rest then stand at ``*``."""


class SchemeState(StrEnum):
    DRAFT = "draft"
    LIVE = "live"
    PAST = "past"


class PlanState(StrEnum):
    OPEN = "open"
    APPLIED = "applied"
    STALE = "stale"


EARLIEST = date(1900, 1, 1)
"""A cell's first assignment reaches back to here: imported history is seen under the first scheme."""


def next_month(day: date) -> date:
    """The first day of the month after: mixes and scores go by month, so moves take effect with one."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
