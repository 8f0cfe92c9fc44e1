"""Which periods there are, which of them are closed, and how many are computed together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from tierwise.engine.scoring import periods_between
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.lake.records import ManifestRecord
from tierwise.modules.performance.queries.windows import Window
from tierwise.modules.performance.records import Correction, Formula, FormulaRecord

CHUNK = 24
"""Most periods that are read and measured together: enough to share the work."""
LINES_AT_ONCE = 1_000_000
"""Lines that are read and measured together, where one period has no more: some 2 GB."""


@dataclass(frozen=True, slots=True)
class PeriodSpan:
    """A period by its label and days."""

    label: str
    start: date
    end: date

    def window(self, formula: Formula) -> Window:
        return Window(self.start, self.end, formula.closes_on(self.end))


@dataclass(frozen=True, slots=True)
class Request:
    """What to compute: a formula, a period of it, and the facts at one manifest.

    ``suppliers`` (codes) narrows it; ``supposed`` are corrections on trial; ``anew`` forgets what the period keeps from
    its first scoring (policy and priors), as a new formula on trial does.
    """

    formula: FormulaRecord
    period: PeriodSpan
    manifest: ManifestRecord
    suppliers: frozenset[str] | None = None
    supposed: tuple[Correction, ...] = ()
    anew: bool = False


def closed_periods(formula: Formula, first: date, on: date | None = None) -> list[PeriodSpan]:
    """Periods from the one that holds ``first`` to the last one closed on a day (today)."""
    day = on or today()
    if day < first:
        return []
    table = periods_between(first, day, formula.period)
    spans = [PeriodSpan(*row) for row in table.iter_rows()]
    return [span for span in spans if formula.closes_on(span.end) <= day]


def facts_reach(viewer: Viewer, manifest: ManifestRecord) -> date | None:
    """The last day that the facts tell of: no period is judged before they reach the day it closes on."""
    told = {
        "purchase_line": ("ordered_on", "revised_on"),
        "receipt": ("posted_on", "arrived_on"),
        "demand": ("ordered_on",),
    }
    tables = [
        lake.facts(viewer, table, manifest).select(pl.max_horizontal(pl.col(name).max() for name in names).alias("day"))
        for table, names in told.items()
    ]
    found: date | None = pl.concat(tables).select(pl.col("day").max()).collect().item()
    return found


def closed(viewer: Viewer, formula: Formula, manifest: ManifestRecord, on: date | None = None) -> list[PeriodSpan]:
    """Periods of the facts, the oldest first, that closed by a day (today) and by the last day the facts tell of."""
    began, reach = first_due(viewer, manifest), facts_reach(viewer, manifest)
    if began is None or reach is None:
        return []
    return closed_periods(formula, began, min(reach, on or today()))


def periods_at_once(viewer: Viewer, manifest: ManifestRecord, periods: int) -> int:
    """How many of some periods are read and measured together, by how many lines there are to them on the average."""
    lines: int = lake.facts(viewer, "purchase_line", manifest).select(pl.len()).collect().item()
    return max(1, min(CHUNK, LINES_AT_ONCE * periods // max(1, lines)))


def first_due(viewer: Viewer, manifest: ManifestRecord) -> date | None:
    """The earliest day that any purchase line was ordered on."""
    found: date | None = (
        lake.facts(viewer, "purchase_line", manifest).select(pl.col("ordered_on").min()).collect().item()
    )
    return found
