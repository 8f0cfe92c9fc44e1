"""What scorecards need answered from above: severity events that act at n = 1."""

from __future__ import annotations

from datetime import date
from typing import Protocol

import polars as pl

from tierwise.engine.scoring import Period
from tierwise.engine.scoring.periods import period_start
from tierwise.kernel.viewer import Viewer


class SeverityEvents(Protocol):
    """Whoever keeps line stops, safety events, recalls and breaches of compliance."""

    def between(self, viewer: Viewer, first: date, last: date) -> pl.DataFrame:
        """[supplier, segment, happened_on, kind]: codes; a null segment means all the supplier's."""


_keepers: list[SeverityEvents] = []


def register_severity(keeper: SeverityEvents) -> None:
    _keepers.append(keeper)


def severity_events(viewer: Viewer, first: date, last: date, period: Period) -> pl.DataFrame | None:
    """[supplier, segment, period_start, kind] of all keepers; None where nobody keeps any."""
    found = [keeper.between(viewer, first, last) for keeper in _keepers]
    if not found:
        return None
    events = pl.concat([each.select("supplier", "segment", "happened_on", "kind") for each in found])
    return events.select("supplier", "segment", "kind", period_start=period_start(pl.col("happened_on"), period))
