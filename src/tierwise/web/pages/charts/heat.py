"""Heat maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tierwise.web.pages.charts.chart import Chart
from tierwise.web.pages.values import ENOUGH, SegmentChip, Tone


@dataclass(frozen=True)
class HeatCell:
    """``trend`` is the change since the period before; ``tone`` judges the value; small ``n`` is shown hollow."""

    value: float | None
    n: float | None = None
    trend: float | None = None
    tone: Tone = Tone.PLAIN
    href: str = ""


@dataclass(frozen=True)
class HeatMap(Chart):
    """Rows × columns, such as supplier × segment. ``cells[row][column]``; None where nothing was measured."""

    rows: Sequence[str] = ()
    columns: Sequence[str | SegmentChip] = ()
    cells: Sequence[Sequence[HeatCell | None]] = ()
    row_hrefs: Sequence[str] = ()
    decimals: int = 1
    enough: int = ENOUGH
    row_label: str = ""

    kind = "heat"

    def __post_init__(self) -> None:
        if len(self.cells) != len(self.rows) or any(len(line) != len(self.columns) for line in self.cells):
            raise ValueError(f"HeatMap {self.title!r}: cells must be rows × columns")
        if self.row_hrefs and len(self.row_hrefs) != len(self.rows):
            raise ValueError(f"HeatMap {self.title!r}: give one row_href per row or none")

    def content(self) -> dict[str, object]:
        return {
            "rowLabel": str(self.row_label),
            "rows": [str(row) for row in self.rows],
            "rowHrefs": list(self.row_hrefs),
            "columns": [c.payload() if isinstance(c, SegmentChip) else {"name": str(c)} for c in self.columns],
            "cells": [[_cell(cell, self.enough) for cell in line] for line in self.cells],
            "decimals": self.decimals,
        }


def _cell(cell: HeatCell | None, enough: int) -> dict[str, object] | None:
    if cell is None or cell.value is None:
        return None
    small = cell.n is not None and cell.n < enough
    return {"v": cell.value, "n": cell.n, "d": cell.trend, "t": cell.tone.value, "h": cell.href, "s": small}
