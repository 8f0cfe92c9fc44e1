"""The first page of a buyer: what is due for him, and his segments at a glance."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from django.http import HttpResponse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tierwise.directory import queries, shared
from tierwise.directory.desk.beginning import first_step
from tierwise.directory.ports import segment_figures
from tierwise.directory.records import SupportState
from tierwise.directory.telling import in_words
from tierwise.kernel.clock import now
from tierwise.kernel.viewer import Viewer
from tierwise.web import formats
from tierwise.web.due import Coming, coming_for, due_for, worklist
from tierwise.web.onward import part_of
from tierwise.web.pages import BarChart, Empty, Page, SegmentChip, Series, WorklistRow, respond
from tierwise.web.segment_filter import all_segments, chosen_segment, segment_filters
from tierwise.web.viewing import DeskRequest

LONGEST = 100


def home(request: DeskRequest) -> HttpResponse:
    viewer = request.viewer
    chips = {s.id: queries.chip_of(s.code, s.name, s.slot) for s in queries.segments(viewer)}
    chosen = chosen_segment(request, chips.values())
    rows, panel = worklist(due_for(viewer), request.GET.get("open", ""))
    rows = [row for row in rows if chosen is None or chosen.code in {chip.code for chip in row.segments}]
    glance, coming = _glance(viewer, chips), coming_for(viewer)
    shown, onward = part_of(request, rows, LONGEST)
    page = Page(
        _("What is due"), lead=_lead(rows), segments=segment_filters(request, chips.values()),
        all_segments=all_segments(request),
    )  # fmt: skip
    return respond(request, "directory/home.html", {
        "page": page, "rows": shown, "onward": onward, "panel": panel,
        "empty": None if shown else first_step(viewer) or _nothing(coming),
        "coming": coming, "news": in_words(shared.my_news(viewer), at_desk=True), "glance": glance,
        "figures": [label for label, _f in segment_figures().values()],
        "picture": _picture(glance),
    })  # fmt: skip


def _lead(rows: list[WorklistRow]) -> str:
    late = sum(row.late for row in rows)
    if not rows:
        return ""
    waiting = ngettext("%d thing waits for you", "%d things wait for you", len(rows)) % len(rows)
    return _("%(waiting)s, %(late)d late.") % {"waiting": waiting, "late": late} if late else f"{waiting}."


def _nothing(nearest: list[Coming]) -> Empty:
    if not nearest:
        return Empty(_("Nothing is due"), _("New work appears here as soon as it waits for you."))
    text = _("Next: %(what)s, %(when)s.") % {"what": nearest[0].what, "when": when(nearest[0].at)}
    return Empty(_("Nothing is due"), text)


def nightly_cycle(viewer: Viewer) -> list[Coming]:
    """The worker's nightly run, in the hour that its schedule names."""
    del viewer
    at = now().replace(hour=2, minute=15, second=0, microsecond=0)
    text = _("The nightly cycle brings segments, mixes and scores up to date")
    return [Coming(at if at > now() else at + timedelta(days=1), text)]


def when(at: date | datetime) -> str:
    """A day, or an instant in the reader's zone, as plain text within a sentence."""
    return localtime(at).strftime("%Y-%m-%d %H:%M") if isinstance(at, datetime) else formats.business_date(at)


class SegmentGlance:
    """One segment's line: members, what they are worth, who supplies it, and the figures of modules."""

    def __init__(self, chip: SegmentChip, numbers: dict[str, float], suppliers: tuple[int, int]) -> None:
        self.chip = chip
        self.cells = int(numbers.get("cells", 0))
        self.revenue = numbers.get("revenue") or 0.0
        self.suppliers, self.proposed = suppliers
        self.figures: list[object] = []


def _glance(viewer: Viewer, chips: dict[UUID, SegmentChip]) -> list[SegmentGlance]:
    demand = {row["segment"]: row for row in queries.demand_by_segment(viewer).iter_rows(named=True)}
    counted = queries.support_counts(viewer)
    figures = [figure(viewer) for _label, figure in segment_figures().values()]
    lines = []
    for segment, chip in chips.items():
        counts = (counted.get((segment, SupportState.CONFIRMED), 0), counted.get((segment, SupportState.PROPOSED), 0))
        line = SegmentGlance(chip, demand.get(chip.code, {}), counts)
        line.figures = [found.get(segment) for found in figures]
        lines.append(line)
    return lines


def _picture(glance: list[SegmentGlance]) -> BarChart | None:
    """How members, revenue and suppliers divide among segments: three bars of 100 %."""
    wholes = [
        sum(line.cells for line in glance),
        sum(line.revenue for line in glance),
        sum(line.suppliers for line in glance),
    ]
    if not any(wholes):
        return None
    series = [
        Series(line.chip.code, [_percent(part, whole) for part, whole in zip(_parts(line), wholes, strict=True)],
               slot=line.chip.colour)
        for line in glance
    ]  # fmt: skip
    axis = [_("Demand cells"), _("Revenue"), _("Supplier places")]
    return BarChart(_("How segments divide the business"), "%", height=200, x=axis, series=series, stacked=True,
                    lying=True)  # fmt: skip


def _parts(line: SegmentGlance) -> tuple[float, float, float]:
    return line.cells, line.revenue, line.suppliers


def _percent(part: float, whole: float) -> float:
    return round(100 * part / whole, 1) if whole else 0.0
