"""Lines of one or more periods: loaded, judged, measured, wherever that is worked."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from tierwise.directory import queries as directory
from tierwise.kernel.compute import grouped, spread
from tierwise.kernel.viewer import Viewer
from tierwise.modules.performance.queries.computing.periods import Request
from tierwise.modules.performance.queries.judging import Judged, judge, together
from tierwise.modules.performance.queries.loading import Facts, load_facts, load_spans, part_of, shelf_of
from tierwise.modules.performance.queries.measuring import Measured, lines_beneath, measure
from tierwise.modules.performance.queries.reading import Span
from tierwise.modules.performance.queries.shelf import Shelf
from tierwise.modules.performance.queries.windows import Window
from tierwise.modules.performance.records import Formula


def load_lines(viewer: Viewer, request: Request) -> tuple[Facts, Judged]:
    """Facts of a period with rulings laid over them, and its lines judged."""
    period = request.period
    shelf = shelf_of(viewer, request.manifest, request.suppliers)
    facts = load_facts(viewer, Span(period.start, period.end), request.manifest, shelf, request.supposed)
    return facts, judge(facts, request.formula.formula, [period.window(request.formula.formula)])


def lines_of(viewer: Viewer, request: Request) -> pl.DataFrame:
    """Every judged line of a period with the segment and share it counts for: what stands beneath the cards."""
    return measured_of(viewer, request).lines


def measured_of(viewer: Viewer, request: Request) -> Measured:
    """Measures of a period with the lines behind them; no score."""
    facts, judged = load_lines(viewer, request)
    return measure(facts, judged, request.formula.formula, _segments(viewer))[0]


def _segments(viewer: Viewer) -> tuple[str, ...]:
    return tuple(segment.code for segment in directory.segments(viewer, active=False))


def measured_periods(
    viewer: Viewer, requests: Sequence[Request], shelf: Shelf | None = None
) -> list[tuple[Facts, Measured]]:
    """Facts and measures of several periods at once; the requests differ in nothing else.

    ``shelf`` is that of their manifest and suppliers, where others of their periods have been read from it.
    """
    (facts, parts), judged = _judged_periods(viewer, requests, shelf)
    measured = measure(facts, judged, requests[0].formula.formula, _segments(viewer))
    return list(zip(parts, measured, strict=True))


def lines_of_periods(viewer: Viewer, requests: Sequence[Request]) -> list[pl.DataFrame]:
    """What :func:`lines_of` returns for each of several periods, at once; the requests differ in nothing else."""
    (facts, _), judged = _judged_periods(viewer, requests, None)
    return lines_beneath(facts, judged, requests[0].formula.formula, _segments(viewer))


def _judged_periods(
    viewer: Viewer, requests: Sequence[Request], shelf: Shelf | None
) -> tuple[tuple[Facts, list[Facts]], Judged]:
    formula, manifest = requests[0].formula.formula, requests[0].manifest
    spans = [Span(each.period.start, each.period.end) for each in requests]
    loaded = load_spans(viewer, spans, manifest, shelf or shelf_of(viewer, manifest, requests[0].suppliers))
    groups = grouped([each.period.window(formula) for each in requests])
    parts = [loaded[0]] if len(groups) == 1 else [_part(loaded[0], group) for group in groups]
    return loaded, together(spread(judge_part, list(zip(parts, groups, strict=True)), formula))


def _part(facts: Facts, windows: Sequence[Window]) -> Facts:
    return part_of(facts, Span(min(each.start for each in windows), max(each.end for each in windows)))


def judge_part(part: tuple[Facts, Sequence[Window]], formula: Formula) -> Judged:
    """The lines of some periods judged, wherever that is worked."""
    facts, windows = part
    return judge(facts, formula, windows)
