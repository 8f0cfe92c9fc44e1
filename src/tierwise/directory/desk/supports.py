"""Which segments a supplier serves: proposed by lanes and mix, decided here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from tierwise.directory import queries
from tierwise.directory.actions import confirm_support, end_support
from tierwise.directory.records import CompanyRecord, Involvement, SupportRecord, SupportState
from tierwise.kernel.audit import Invalid, NotFound
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import BUYER_EDITORS, Viewer
from tierwise.web.due import Coming, Due
from tierwise.web.pages import (
    Action,
    Difference,
    DifferenceRow,
    Fact,
    Money,
    Panel,
    SegmentChip,
    Status,
    Tone,
    WorklistRow,
)
from tierwise.web.viewing import DeskRequest

STATE_WORDS: dict[SupportState, tuple[str | Promise, Tone]] = {
    SupportState.PROPOSED: (gettext_lazy("Proposed"), Tone.WATCH),
    SupportState.CONFIRMED: (gettext_lazy("Confirmed"), Tone.GOOD),
    SupportState.ENDED: (gettext_lazy("Ended"), Tone.PLAIN),
}


def state_of(support: SupportRecord) -> Status:
    label, tone = STATE_WORDS[support.state]
    return Status(str(label), tone)


def waiting(viewer: Viewer) -> Sequence[Due]:
    """Suppliers with proposed segments that nobody has confirmed."""
    if viewer.role not in BUYER_EDITORS:
        return []
    by_supplier: dict[UUID, list[SupportRecord]] = defaultdict(list)
    for support in queries.supports(viewer, state=SupportState.PROPOSED):
        by_supplier[support.supplier].append(support)
    if not by_supplier:
        return []
    chips, year = queries.segment_chips(viewer), queries.purchases(viewer)
    spend = year.by("supplier")
    companies = {company.id: company for company in queries.suppliers(viewer)}
    due = []
    for supplier, found in by_supplier.items():
        company = companies[supplier]
        due.append(_due(company, found, chips, queries.as_money(spend.get(company.code) or 0, year.currency)))
    return due


def _due(company: CompanyRecord, found: list[SupportRecord], chips: dict[UUID, SegmentChip], worth: Money) -> Due:
    what = ngettext(
        "Confirm that %(name)s serves %(n)d segment", "Confirm that %(name)s serves %(n)d segments", len(found)
    ) % {"name": company.name, "n": len(found)}
    segments = [chips[support.segment] for support in found]
    address = reverse("desk-supplier", args=[company.id])
    detail = _("Lanes and demand show it; until then the supplier sees nothing of it")
    status = Status(_("Proposed"), Tone.WATCH)
    row = WorklistRow(what, f"{address}#segments", detail, segments, value=worth, status=status)

    def panel() -> Panel:
        action = Action(
            ngettext(
                "Confirm: %(name)s gains %(n)d segment", "Confirm: %(name)s gains %(n)d segments", len(found)
            ) % {"name": company.name, "n": len(found)},
            reverse("desk-supports", args=[company.id]), True,
            {"decision": "confirm", "involvement": Involvement.EXECUTION.value, "next": reverse("desk-home")},
        )  # fmt: skip
        rows = [
            DifferenceRow(
                chip.name, _("sees nothing"), _("sees what is published"), who=company.name, segments=(chip,),
                tone=Tone.WATCH,
            )
            for chip in segments
        ]  # fmt: skip
        facts = (Fact(_("Purchases in twelve months"), worth), Fact(_("Country"), company.country))
        return Panel(
            company.name, reverse("desk-home"), address, status, segments, facts, Difference(rows), "", action,
            (Action(_("Decide one by one"), f"{address}#segments"),),
        )  # fmt: skip

    return Due(row, company.id, f"supports-{company.id}", panel)


def ending(viewer: Viewer) -> Sequence[Coming]:
    """Supports that end by themselves within a quarter."""
    soon = queries.Standing(SupportState.CONFIRMED, ends_by=today() + timedelta(days=92))
    found = queries.standing_supports(viewer, soon)
    chips = queries.segment_chips(viewer)
    companies = queries.companies_named(viewer, {support.supplier for support in found})
    return [
        Coming(
            support.valid_to + timedelta(days=1),
            _("%(name)s stops serving %(segment)s")
            % {"name": companies.get(support.supplier, ""), "segment": chips[support.segment].name},
            reverse("desk-supplier", args=[support.supplier]),
        )
        for support in found
        if support.valid_to is not None
    ]


@require_POST
def decide(request: DeskRequest, supplier: UUID) -> HttpResponse:
    """Confirms or ends one support, or confirms all that are proposed for the supplier."""
    given = request.POST
    standing = queries.supports(request.viewer, supplier=supplier)
    wanted = [s for s in standing if str(s.id) == given["support"]] if given.get("support") else standing
    if given.get("support") and not wanted:
        raise NotFound("support", _("There is no such support."))
    if given.get("decision") == "end" and given.get("support"):
        end_support(request.viewer, wanted[0].id, _day(given.get("on", "")))
        messages.success(request, _("Ended. The supplier's access to the segment ends with that day."))
    else:
        involvement = _involvement(given.get("involvement", ""))
        chosen = [s for s in wanted if given.get("support") or s.state is SupportState.PROPOSED]
        for support in chosen:
            confirm_support(request.viewer, support.id, involvement)
        text = ngettext("%d segment confirmed.", "%d segments confirmed.", len(chosen)) % len(chosen)
        messages.success(request, text)
    # Only these two pages hold the form; an address from outside is never followed.
    home = reverse("desk-home")
    return redirect(home if given.get("next") == home else reverse("desk-supplier", args=[supplier]) + "#segments")


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
