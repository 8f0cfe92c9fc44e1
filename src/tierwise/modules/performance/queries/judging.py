"""From facts to verdicts: the lines due in each period and what came in it, as it knew them when it closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

import numpy as np
import polars as pl

from tierwise.engine.matching import Flags, Ints, KeyIndex, beside, marked, only, taken
from tierwise.engine.scoring import Level, judge_lines, received_lines
from tierwise.modules.performance.queries.loading import Facts, ids_of
from tierwise.modules.performance.queries.windows import (
    STEP,
    Cases,
    Window,
    due_cases,
    receipt_cases,
    receipt_windows,
    revised,
)
from tierwise.modules.performance.records import Formula

_COUNTS_BY = ("line_id", "per_base", "segment_pegged", "ruled_out")
_RECEIVED = ("line_id", "revised_on", "supplier", "item", "site", "ordered_on")
_VERDICTS = ("on_time", "in_full", "otif")
_Events = tuple[pl.DataFrame, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Judged:
    """Lines of one or more windows, told apart by ``_window`` and ids that are unique over all.

    ``due`` in a window, judged as known on its last day; ``received`` in it, with what was refused of that part: what
    quality is measured by. Quantities are in the lines' units.
    """

    windows: tuple[Window, ...]
    due: pl.DataFrame = field(repr=False)
    received: pl.DataFrame = field(repr=False)


def judge(facts: Facts, formula: Formula, windows: Sequence[Window]) -> Judged:
    """The lines of some windows, each judged once for every window that it is due in."""
    cases = due_cases(facts, formula.otif, windows)
    events = cases.rows(facts.receipts), cases.rows(facts.rejects)
    due = pl.concat(_in_own(part, windows) for part in _judged(facts, (cases, events), formula, windows))
    cases, came = _came(facts, formula, windows)
    rows = cases.rows(facts.about.select(_RECEIVED))
    received = received_lines(rows, *came, formula.otif, cases.closes_on(rows, windows))
    return Judged(tuple(windows), due, _about(facts, cases, received))


def _in_own(due: pl.DataFrame, windows: Sequence[Window]) -> pl.DataFrame:
    """The lines due in the window that they are judged in: others of their dates may lie elsewhere."""
    starts, ends = (pl.Series([getattr(each, name) for each in windows]) for name in ("start", "end"))
    number = due["_window"]
    own = due["attributed_on"].is_between(starts.gather(number), ends.gather(number))
    return due if own.all(ignore_nulls=False) else due.filter(own)


def judge_received(
    facts: Facts, formula: Formula, windows: Sequence[Window], wanted: pl.Series | None = None
) -> pl.DataFrame:
    """The lines received in some windows with every column that those due have, by what came in the window.

    ``wanted`` are ids of :class:`Judged`; None: all. Of whole orders all are returned.
    """
    cases, came = _came(facts, formula, windows)
    if wanted is not None and formula.otif.level is not Level.ORDER:
        number, line = wanted.to_numpy() // STEP, wanted.to_numpy() % STEP
        kept = np.full(cases.window.size, -1, dtype=np.int64)
        own = cases.find(line, number)
        kept[own] = cases.window[own]
        cases = replace(cases, window=kept)
        mark = kept >= 0
        came = only(came[0], mark), only(came[1], mark)
    return pl.concat(_judged(facts, (cases, came), formula, windows)).filter(pl.col("received") > 0)


def together(parts: Sequence[Judged]) -> Judged:
    """Windows that were judged apart as one."""
    if len(parts) == 1:
        return parts[0]
    before = accumulate((len(part.windows) for part in parts), initial=0)
    moved = [(part, number) for part, number in zip(parts, before, strict=False)]
    return Judged(
        tuple(window for part in parts for window in part.windows),
        pl.concat(_moved(part.due, number) for part, number in moved),
        pl.concat(_moved(part.received, number) for part, number in moved),
    )


def _moved(frame: pl.DataFrame, windows: int) -> pl.DataFrame:
    return frame.with_columns(pl.col("line_id") + windows * STEP, pl.col("_window") + windows)


def with_names(facts: Facts, judged: pl.DataFrame) -> pl.DataFrame:
    """Judged lines with their key, the name of their item and their unit: what people read of a line."""
    line = judged.select(pl.col("line_id") % STEP)
    for table in (facts.keys, facts.about.select("line_id", "unit")):
        names = [name for name in table.columns if name not in judged.columns]
        judged = judged.hstack(taken(table.select(names), KeyIndex(table, ["line_id"]).find(line)))
    return beside(judged, facts.items, ["item"])


def _lines(facts: Facts, formula: Formula) -> pl.DataFrame:
    """What a verdict asks for; whole orders are told by their key."""
    if formula.otif.level is not Level.ORDER:
        return facts.lines
    return beside(facts.lines, facts.keys, ["line_id"])


def _judged(
    facts: Facts, found: tuple[Cases, _Events], formula: Formula, windows: Sequence[Window]
) -> list[pl.DataFrame]:
    """Judged lines with what they count by, in parts that know nothing of each other."""
    cases, events = found
    lines, definition = _lines(facts, formula), replace(formula.otif, closures_of=facts.closures)
    ruled, parts = pl.col("ruled_out").is_not_null(), []
    for wanted in _apart(facts, formula):
        rows = cases.rows(lines, wanted)
        own = wanted[cases.line]
        # Events of other lines count for nothing: most of them are not left out, for that would cost more.
        came = events if 2 * own.sum() > own.size else (only(events[0], own), only(events[1], own))
        part = judge_lines(rows, *came, definition, cases.closes_on(rows, windows))
        part = _about(facts, cases, part.with_columns(pl.col("exclusion").cast(pl.String)))
        verdicts = (pl.when(~ruled).then(pl.col(name)).alias(name) for name in _VERDICTS)
        parts.append(part.with_columns(*verdicts, exclusion=pl.coalesce("ruled_out", "exclusion")))
    return parts


def _apart(facts: Facts, formula: Formula) -> list[Flags]:
    """Lines that are judged together, by id: those ruled out apart, so that no order fails by them; and where lines
    are judged one by one, those that were never revised, for whom no revisions are laid together."""
    size = ids_of(facts)
    out = marked(size, facts.about.filter(pl.col("ruled_out").is_not_null())["line_id"])
    again = np.zeros(size, dtype=np.bool_) if formula.otif.level is Level.ORDER else revised(facts)
    parts = [~out & ~again, ~out & again, out]
    return [part for part in parts if part.any()] or parts[:1]


def _about(facts: Facts, cases: Cases, judged: pl.DataFrame) -> pl.DataFrame:
    line = pl.DataFrame({"line_id": pl.Series(cases.line[judged["line_id"].to_numpy()]).cast(pl.UInt32)})
    return cases.named(judged).hstack(beside(line, facts.about.select(_COUNTS_BY), ["line_id"]).drop("line_id"))


def _came(facts: Facts, formula: Formula, windows: Sequence[Window]) -> tuple[Cases, _Events]:
    """What came in the windows: cases of lines, and under their ids receipts and the rejects of those receipts."""
    window = receipt_windows(facts, formula.otif, windows)
    cases = receipt_cases(facts, window)
    receipt = cases.find(facts.receipts["line_id"].to_numpy(), window)
    rejects, of_receipt = _receipts_of(facts)
    # The last place, read by -1, is that of rejects without any receipt.
    return cases, (_under(facts.receipts, receipt), _under(rejects, np.append(receipt, -1)[of_receipt]))


def _under(events: pl.DataFrame, case: Ints) -> pl.DataFrame:
    renamed = events.with_columns(line_id=pl.Series(case))
    return renamed.filter(pl.col("line_id") >= 0).with_columns(pl.col("line_id").cast(pl.UInt32))


def _receipts_of(facts: Facts) -> tuple[pl.DataFrame, Ints]:
    """Rejects, and the place of each one's receipt; a reject that names no receipt falls on its line's last."""
    rejects = facts.rejects
    place = np.flatnonzero(marked(ids_of(facts), rejects["line_id"])[facts.receipts["line_id"].to_numpy()])
    receipts = facts.receipts[place]
    index = KeyIndex(receipts, ["line_id", "receipt"])
    place = np.append(place, -1)
    found = index.find(rejects)
    if (found >= 0).all():
        return rejects, place[found]
    loose = rejects.filter(pl.Series(found < 0))
    own = receipts.join(loose.select("line_id").unique(), on="line_id", how="semi")
    last = own.sort("line_id", pl.coalesce("arrived_on", "posted_on", "handed_over_on"), "receipt")
    last = last.unique("line_id", keep="last", maintain_order=True).select("line_id", _last="receipt")
    loose = loose.join(last, on="line_id", how="inner").with_columns(receipt="_last").drop("_last")
    every = pl.concat([rejects.filter(pl.Series(found >= 0)), loose.select(rejects.columns)])
    return every, place[index.find(every)]
