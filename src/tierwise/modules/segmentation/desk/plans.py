"""A plan: who moves and why, what it touches, and the button that names the consequence."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import polars as pl
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from tierwise.directory import queries as directory
from tierwise.directory.records import SupportState
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Viewer
from tierwise.modules.segmentation import actions, queries, words
from tierwise.modules.segmentation.desk.members import cell_columns, may, with_addresses
from tierwise.modules.segmentation.desk.segments import crumb
from tierwise.modules.segmentation.desk.studio import given_day
from tierwise.modules.segmentation.records import PlanRecord, PlanState, next_month, read_scheme
from tierwise.web.due import Due
from tierwise.web.pages import (
    Action,
    Column,
    Crumb,
    Difference,
    DifferenceRow,
    Fact,
    Grid,
    HeatCell,
    HeatMap,
    Kind,
    Money,
    Notice,
    Page,
    SegmentChip,
    Stat,
    Status,
    Tone,
    WorklistRow,
    respond,
)
from tierwise.web.viewing import DeskRequest

_ENDLESS = 1e8
"""Hours nobody limits: the document's default stands for no limit."""


def plan(request: DeskRequest, plan_id: UUID) -> HttpResponse:
    viewer = request.viewer
    found = queries.plan(viewer, plan_id)
    chips = plan_chips(viewer, found)
    names = directory.names_of(viewer, [found.planned_by])
    filed = _("the cycle") if found.filed_by_cycle else names.get(found.planned_by, _("a colleague"))
    history = Crumb(_("Plans and versions"), reverse("desk-scheme-history"))
    page = Page(
        _("Plan of version %(n)d from %(day)s") % {"n": found.version, "day": found.effective_on}, (crumb(), history),
        status=words.status(words.PLAN[found.state]), action=_apply(viewer, found),
        lead=_("%(title)s. Filed by %(who)s.") % {"title": found.title, "who": filed},
        actions=(Action(_("Open the document"), f"{reverse('desk-scheme')}?version={found.version}"),),
    )  # fmt: skip
    return respond(request, "segmentation/plan.html", {
        "page": page, "plan": found, "notices": _notices(found), "stats": _stats(found),
        "difference": segment_difference(found, chips), "charts": _matrix(found, chips),
        "grids": [_moves(viewer, found, chips), _supports(found, chips)],
        "selection": _selection(found, chips), "hours": _hours(found), "pools": _pools(found),
        "sections": found.sections[1:],
        "again": max(found.effective_on, next_month(today())),
        "plans": may(viewer, actions.file_plan),
    })  # fmt: skip


def plan_chips(viewer: Viewer, found: PlanRecord) -> dict[str, SegmentChip]:
    """Chips of the segments as they are and as the planned document has them."""
    chips = {chip.code: chip for chip in directory.segment_chips(viewer).values()}
    document = read_scheme(queries.scheme_version(viewer, found.version).document)
    return chips | {s.code: SegmentChip(s.code, s.name, s.slot) for s in document.segments}


def touched(found: PlanRecord) -> tuple[int, int]:
    """How many suppliers gain access to a segment, and how many lose it."""
    rows = found.summary.get("supports", [])
    gain = {r["supplier"] for r in rows if r["begins"] and r["standing"] != SupportState.CONFIRMED.value}
    lose = {r["supplier"] for r in rows if not r["begins"] and r["standing"] == SupportState.CONFIRMED.value}
    return len(gain), len(lose)


def consequence(found: PlanRecord) -> str:
    """What happens when it is applied, in one line."""
    moves, new = found.summary["moves"], found.summary["new_cells"]
    gain, lose = touched(found)
    parts = []
    if moves or not new:
        parts.append(ngettext("%(n)d member moves", "%(n)d members move", moves) % {"n": moves})
    if new:
        parts.append(ngettext("%(n)d is placed", "%(n)d are placed", new) % {"n": new})
    if gain:
        parts.append(ngettext("%(n)d supplier is proposed for access", "%(n)d suppliers are proposed for access", gain)
                     % {"n": gain})  # fmt: skip
    if lose:
        parts.append(
            ngettext("%(n)d supplier falls below its least share", "%(n)d suppliers fall below their least share", lose)
            % {"n": lose}
        )
    return ", ".join(parts)


def _apply(viewer: Viewer, found: PlanRecord) -> Action | None:
    if found.state is not PlanState.OPEN or not may(viewer, actions.apply_plan):
        return None
    ask = _("From %(day)s these segments and policies hold. Days that have passed stay as they are; going back is a "
            "new version.") % {"day": found.effective_on}  # fmt: skip
    return Action(
        _("Apply: %(what)s") % {"what": consequence(found)}, reverse("desk-plan-apply", args=[found.id]), True,
        {"fingerprint": found.fingerprint}, ask,
    )  # fmt: skip


@require_POST
def apply(request: DeskRequest, plan_id: UUID) -> HttpResponse:
    done = actions.apply_plan(request.viewer, plan_id, request.POST.get("fingerprint", ""))
    text = _(
        "Version %(n)d is applied: %(moved)d moved, %(new)d placed. Mixes and suppliers follow with the next cycle."
    )
    messages.success(request, text % {"n": done.version, "moved": done.moved, "new": done.new_cells})
    return redirect("desk-segments")


@require_POST
def plan_again(request: DeskRequest, number: int) -> HttpResponse:
    """Plans a version for a day, against what is live now."""
    version = queries.scheme_version(request.viewer, number)
    day = given_day(request.POST.get("effective_on", ""))
    planned = queries.plan_scheme(request.viewer, read_scheme(version.document), day)
    return redirect("desk-plan", actions.file_plan(request.viewer, number, planned))


def _notices(found: PlanRecord) -> list[Notice]:
    notices = [Notice(text, Tone.WATCH) for text in found.summary.get("warnings", [])]
    if found.state is PlanState.STALE:
        text = _("Facts, pins or the live scheme have changed since. Plan again to see what would move now.")
        notices.insert(0, Notice(text, Tone.WATCH, _("This plan is out of date")))
    return notices


def _stats(found: PlanRecord) -> list[Stat]:
    told, (gain, lose) = found.summary, touched(found)
    return [
        Stat(_("Members that move"), told["moves"], _("of %(n)s") % {"n": f"{told['cells']:,}"}),
        Stat(_("Newly placed"), told["new_cells"]),
        Stat(_("Margin that moves"), Money(Decimal(round(told["profit_moved"])), told["currency"])),
        Stat(_("Units that move"), round(told["units_moved"])),
        Stat(_("Suppliers touched"), gain + lose, _("%(a)d gain, %(b)d lose") % {"a": gain, "b": lose}),
        Stat(_("Held"), told["held"], _("near a cut, not yet often enough")),
    ]


def segment_difference(found: PlanRecord, chips: dict[str, SegmentChip]) -> Difference:
    rows = []
    currency = found.summary["currency"]
    for row in sorted(found.summary["segments"], key=lambda row: _place(row["segment"], chips)):
        change = row["profit_joined"] - row["profit_left"]
        rows.append(DifferenceRow(
            _("Members"), row["before"], row["after"],
            Money(Decimal(round(change)), currency) if row["joined"] or row["left"] else None,
            who=_("%(a)d join, %(b)d leave") % {"a": row["joined"], "b": row["left"]},
            tone=Tone.WATCH if row["joined"] or row["left"] else Tone.PLAIN,
            segments=(chips[row["segment"]],) if row["segment"] in chips else (),
        ))  # fmt: skip
    return Difference(rows, _("The change is the net margin that moves in, less what moves out."))


def _place(code: str, chips: dict[str, SegmentChip]) -> int:
    """Where a segment stands among the others, by rank."""
    return list(chips).index(code) if code in chips else len(chips)


def _matrix(found: PlanRecord, chips: dict[str, SegmentChip]) -> list[HeatMap]:
    """From → to, members; the diagonal stays."""
    cells = {(row["from"], row["to"]): row for row in found.summary["matrix"] if row["from"]}
    if not any(start != end for start, end in cells):
        return []
    codes = sorted({code for pair in cells for code in pair}, key=lambda code: _place(code, chips))
    table = [
        [HeatCell(cells[start, end]["count"], tone=Tone.PLAIN if start == end else Tone.WATCH)
         if (start, end) in cells else None for end in codes]
        for start in codes
    ]  # fmt: skip
    return [HeatMap(
        _("Members from → to"), _("members"), _("On the diagonal they stay."), rows=[chips[c].name for c in codes],
        columns=[chips[c] for c in codes], cells=table, decimals=0, row_label=_("From"),
        height=80 + 36 * len(codes),
    )]  # fmt: skip


def _moves(viewer: Viewer, found: PlanRecord, chips: dict[str, SegmentChip]) -> Grid:
    moves = with_addresses(viewer, queries.moves(viewer, found.id))
    why = [words.reason_in_words(reason) for reason in moves["reason"]]
    unit = found.summary["currency"]
    item, *rest = cell_columns()
    columns = (
        item,
        Column("from_segment", _("From"), Kind.SEGMENT, card=True, width=130),
        Column("to_segment", _("To"), Kind.SEGMENT, card=True, width=130),
        Column("why", _("Why"), card=True, width=330),
        Column("revenue", _("Net revenue"), Kind.MONEY, unit=unit, decimals=0, total=True, card=True),
        Column("profit", _("Net margin"), Kind.MONEY, unit=unit, decimals=0, total=True),
        Column("units", _("Units"), Kind.QUANTITY, total=True),
        *rest,
    )
    rows = moves.with_columns(pl.Series("why", why, dtype=pl.String))
    empty = _("Nobody moves.")
    return Grid("moves", columns, rows, label=_("Who moves"), segments=tuple(chips.values()), empty=empty)


def _supports(found: PlanRecord, chips: dict[str, SegmentChip]) -> Grid:
    rows = [
        {
            **row, "address": reverse("desk-supplier", args=[row["supplier"]]),
            "change": "begins" if row["begins"] else "ends",
            "standing": row["standing"] or "none",
        }
        for row in found.summary.get("supports", [])
    ]  # fmt: skip
    label = f"{found.sections[0]['title']}: {found.sections[0]['headline']}" if found.sections else ""
    states = words.statuses({k.value: v for k, v in words.SUPPORT.items()}) | {"none": Status(_("None yet"))}
    changes = {"begins": Status(_("Begins"), Tone.PLAIN), "ends": Status(_("Ends"), Tone.WATCH)}
    columns = (
        Column("supplier_name", _("Supplier"), Kind.LINK, href="address", card=True, width=240),
        Column("segment", _("Segment"), Kind.SEGMENT, card=True),
        Column("change", _("Its part"), Kind.STATUS, statuses=changes, card=True),
        Column("share_before", _("Share now"), Kind.RATIO),
        Column("share_after", _("Share then"), Kind.RATIO, card=True),
        Column("standing", _("Support today"), Kind.STATUS, statuses=states, card=True),
        Column("people", _("People"), Kind.QUANTITY, note=_("who sign in for it")),
    )
    return Grid(
        "supports", columns, rows, label=label, segments=tuple(chips.values()),
        empty=_("No supplier begins or ceases to serve a segment."),
    )  # fmt: skip


def _selection(found: PlanRecord, chips: dict[str, SegmentChip]) -> list[dict[str, Any]]:
    """Which segments get collaboration within the hours and how deep, and why the others do not."""
    told: dict[str, dict[str, Any]] = {}
    # The pick of a segment; of one without, what it wanted most.
    for row in sorted(found.summary.get("selection", []), key=lambda row: (not row["picked"], -row["value"])):
        told.setdefault(row["code"], row)
    return [
        {
            "chip": chips[code], "value": Money(Decimal(round(row["value"])), found.summary["currency"]),
            "hours": row["effort_hours"], "partner_hours": row["partner_hours"], "depth": words.DEPTH[row["level"]],
            "why": words.SELECTION.get(row["reason"], row["reason"]), "picked": row["picked"],
        }
        for code, row in sorted(told.items(), key=lambda each: -each[1]["value"])
        if code in chips
    ]  # fmt: skip


def _hours(found: PlanRecord) -> str:
    limits = found.summary.get("hours", {})
    used = [sum(row[name] for row in found.summary.get("selection", []) if row["picked"])
            for name in ("effort_hours", "partner_hours")]  # fmt: skip
    parts = []
    for name, spent, words_ in (("hours", used[0], _("ours")), ("partner_hours", used[1], _("the suppliers'"))):
        limit = limits.get(name, 0)
        of = f" / {limit:,.0f}" if limit < _ENDLESS else ""
        parts.append(f"{words_} {spent:,.0f}{of} h")
    return "; ".join(parts)


def _pools(found: PlanRecord) -> list[Fact]:
    """Capacity of the cost pools that serving customers did not use; it is charged to nobody."""
    currency = found.summary["currency"]
    return [
        Fact(
            row["pool"], Money(Decimal(round(row["unused_cost"])), currency),
            _("unused, %(share)s of its capacity") % {"share": f"{100 * (1 - row['utilisation']):.0f} %"},
        )
        for row in found.summary.get("pools", [])
    ]  # fmt: skip


def waiting(viewer: Viewer) -> Sequence[Due]:
    """Plans that the cycle filed and nobody has applied."""
    if not may(viewer, actions.apply_plan):
        return []
    open_plans = [one for one in queries.plans(viewer, 20) if one.state is PlanState.OPEN and one.filed_by_cycle]
    chips = {chip.code: chip for chip in directory.segment_chips(viewer).values()}
    due = []
    for one in open_plans[:1]:
        codes = [row["segment"] for row in one.summary["segments"] if row["joined"] or row["left"]]
        value = Money(Decimal(round(one.summary["profit_moved"])), one.summary["currency"])
        row = WorklistRow(
            _("Decide on the plan of the last evaluation: %(what)s") % {"what": consequence(one)},
            reverse("desk-plan", args=[one.id]), _("A cycle moves nobody by itself"),
            [chips[code] for code in codes if code in chips], due=one.effective_on, value=value,
            late=one.effective_on < today(), status=words.status(words.PLAN[one.state]),
        )  # fmt: skip
        due.append(Due(row, key=f"plan-{one.id}"))
    return due
