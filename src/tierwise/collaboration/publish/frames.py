"""The rows of a batch of drafts, checked and typed together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from tierwise.collaboration.publish import rows
from tierwise.collaboration.publish.records import HELD_BACK_COLUMNS, SERIES_KEY, CellStatus, Draft
from tierwise.collaboration.publish.rows import PLACE, refuse_if

_CELL = (PLACE, *SERIES_KEY)


@dataclass(frozen=True, slots=True)
class Frames:
    """Rows of all drafts, by kind; ``place`` is the draft's place in the batch. ``reasons`` are of held-back cells."""

    series: pl.DataFrame
    measures: pl.DataFrame
    lines: pl.DataFrame
    reasons: pl.DataFrame

    @classmethod
    def of(cls, drafts: Sequence[Draft]) -> Frames:
        """Refuses the batch where rows are wrong, and names the draft."""
        numbered = list(enumerate(drafts))
        series = {place: draft.series for place, draft in numbered if draft.series is not None}
        measures = {place: draft.measures for place, draft in numbered if draft.measures is not None}
        lines = {place: draft.lines for place, draft in numbered if draft.lines is not None}
        cells = rows.normalised(rows.SERIES, series, drafts)
        _check_cells(cells, drafts)
        return cls(
            cells,
            rows.normalised(rows.MEASURES, measures, drafts),
            rows.normalised(rows.LINES, lines, drafts),
            _reasons(cells, drafts),
        )

    def kinds(self) -> Iterable[tuple[rows.RowKind, pl.DataFrame]]:
        return (rows.SERIES, self.series), (rows.MEASURES, self.measures), (rows.LINES, self.lines)


def _check_cells(series: pl.DataFrame, drafts: Sequence[Draft]) -> None:
    hidden, valued = _hidden(), pl.col("quantity").is_not_null()
    said = "A cell that is held back must not carry its quantity."
    refuse_if(series.filter(hidden & valued), drafts, "held_back_value", said, "quantity")
    said = "A cell that is shown needs its quantity."
    refuse_if(series.filter(~hidden & ~valued), drafts, "no_quantity", said, "quantity")
    unknown = series.filter(~pl.col("status").is_in([status.value for status in CellStatus]))
    said = f"No such status: {', '.join(sorted(unknown['status'].unique()))}."
    refuse_if(unknown, drafts, "status", said, "status")


def _hidden() -> pl.Expr:
    return pl.col("status") == CellStatus.HELD_BACK.value


def _reasons(series: pl.DataFrame, drafts: Sequence[Draft]) -> pl.DataFrame:
    """Why each held-back cell is held back: ``place``, the cell's ``id``, ``reason``, ``numbers``."""
    given = {place: draft.held_back for place, draft in enumerate(drafts) if draft.held_back is not None}
    for place, frame in given.items():
        if missing := sorted({*SERIES_KEY, "reason"} - set(frame.columns)):
            said = f"held_back: the columns {', '.join(missing)} are missing."
            raise rows.invalid(drafts[place], "held_back", said, "held_back")
    why = rows.stacked("held_back", HELD_BACK_COLUMNS, given, drafts).with_columns(
        pl.col("site", "region").fill_null("")
    )
    cells = series.filter(_hidden()).select("id", *_CELL)
    alone = cells.join(why, on=_CELL, how="anti").select(PLACE)
    idle = why.join(cells, on=_CELL, how="anti").select(PLACE)
    twice = why.filter(why.select(_CELL).is_duplicated()).select(PLACE)
    said = "Each held-back cell needs exactly one reason, and others none."
    refuse_if(pl.concat([alone, idle, twice]), drafts, "held_back", said, "held_back")
    return cells.join(why, on=_CELL).select(PLACE, "id", "reason", "numbers")
