"""Proposed supports, to be confirmed one by one or many at once."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tierwise.directory import queries as directory
from tierwise.directory.actions import confirm_support, end_support
from tierwise.directory.records import Involvement, SupportState
from tierwise.kernel.audit import Invalid, NotFound
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.modules.segmentation import queries, words
from tierwise.modules.segmentation.desk.members import may
from tierwise.modules.segmentation.desk.segments import crumb
from tierwise.web.addresses import addresses_of
from tierwise.web.onward import part_of
from tierwise.web.pages import Action, Empty, Page, respond
from tierwise.web.segment_filter import all_segments, chosen_segment, segment_filters
from tierwise.web.viewing import DeskRequest


def proposals(request: DeskRequest) -> HttpResponse:
    if request.method == "POST":
        return _decide(request)
    viewer = request.viewer
    chips = directory.segment_chips(viewer)
    chosen = chosen_segment(request, chips.values())
    waiting = [
        s for s in directory.supports(viewer, state=SupportState.PROPOSED)
        if chosen is None or chips[s.segment] == chosen
    ]  # fmt: skip
    companies = {company.id: company for company in directory.suppliers(viewer)}
    addresses = addresses_of("desk-supplier", [one.supplier for one in waiting])
    shares = _shares(viewer)
    rows: list[dict[str, Any]] = [
        {
            "record": one, "name": companies[one.supplier].name, "chip": chips[one.segment],
            "href": href,
            "share": shares.get((companies[one.supplier].code, chips[one.segment].code)),
        }
        for one, href in zip(waiting, addresses, strict=True)
    ]  # fmt: skip
    rows.sort(key=lambda row: (-(row["share"] or 0), row["name"]))
    text = _("Lanes and the mix of demand propose suppliers; the next cycle looks again.")
    page = Page(
        _("Proposed suppliers"), (crumb(),), segments=segment_filters(request, chips.values()),
        all_segments=all_segments(request),
        lead=_("Lanes and demand show that they serve these segments. Until confirmed they see nothing of it."),
    )  # fmt: skip
    shown, onward = part_of(request, rows, 200)
    return respond(request, "segmentation/proposals.html", {
        "page": page, "rows": shown, "onward": onward, "edits": may(viewer, confirm_support),
        "involvements": [(key.value, word) for key, word in words.INVOLVEMENT.items()],
        "empty": Empty(_("Nothing is proposed"), text, Action(_("See the segments"), reverse("desk-segments"))),
    })  # fmt: skip


def _shares(viewer: Viewer) -> dict[tuple[str, str], float]:
    """(supplier, segment) → the share of the supplier's deliveries that counts for the segment today."""
    at = lake.manifest(viewer)
    found = queries.supplier_shares(viewer, queries.mix_of_day(viewer, today(), at), today(), at)
    return {(supplier, segment): share for supplier, segment, share in found.iter_rows()}


def _decide(request: DeskRequest) -> HttpResponse:
    given = request.POST
    wanted = set(given.getlist("support"))
    standing = {str(one.id): one for one in directory.supports(request.viewer)}
    if not wanted <= set(standing):
        raise NotFound("support", _("There is no such support."))
    if not wanted:
        raise Invalid("support", _("Tick at least one supplier."), field="support")
    ids: list[UUID] = [standing[one].id for one in sorted(wanted)]
    if given.get("decision") == "end":
        for one in ids:
            end_support(request.viewer, one, _day(given.get("on", "")))
        messages.success(request, _("Ended. Access to the segment ends with that day."))
    else:
        involvement = _involvement(given.get("involvement", ""))
        for one in ids:
            confirm_support(request.viewer, one, involvement)
        text = ngettext("%(n)d supplier confirmed.", "%(n)d suppliers confirmed.", len(ids)) % {"n": len(ids)}
        messages.success(request, text)
    code = given.get("back", "")
    known = {segment.code for segment in directory.segments(request.viewer, active=False)}
    return redirect("desk-segment", code) if code in known else redirect("desk-segment-supports")


def _involvement(text: str) -> Involvement:
    try:
        return Involvement(text)
    except ValueError:
        raise Invalid("involvement", _("Choose how the supplier is involved."), field="involvement") from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid("on", _("Give the last day as YYYY-MM-DD."), field="on") from None
