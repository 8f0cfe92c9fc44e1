"""Agreements in the supplier's portal: read, accept, decline."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from tierwise.collaboration.agree import shared
from tierwise.collaboration.agree.actions import accept_agreement, decline_agreement
from tierwise.collaboration.agree.forms import DeclineForm
from tierwise.collaboration.agree.records import AgreementHistory, AgreementRecord, AgreementState
from tierwise.collaboration.agree.wording import (
    difference,
    facts,
    record_status,
    shared_fields,
    statuses,
    timeline,
)
from tierwise.collaboration.portal import portal_names
from tierwise.collaboration.showing import explain, may
from tierwise.doors.showing import sheet_door
from tierwise.kernel.audit import Refused
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Side, Viewer
from tierwise.web.navigation import Place, add_places
from tierwise.web.pages import Action, Column, Crumb, Grid, Kind, Notice, Page, Tone, respond
from tierwise.web.segment_filter import all_segments
from tierwise.web.viewing import DeskRequest

add_places(Place("portal-agreements", gettext_lazy("Agreements"), "contract", Side.SUPPLIER, 40))


def agreements(request: DeskRequest) -> HttpResponse:
    names = portal_names(request.viewer)
    found = shared.my_agreements(request.viewer, segment=names.chosen(request))
    columns = [
        Column("title", _("Agreement"), Kind.LINK, href="href", card=True),
        Column("segment", _("Segment"), Kind.SEGMENT, card=True),
        Column("state", _("State"), Kind.STATUS, statuses=statuses(), card=True),
        Column("shared", _("You are shown")),
        Column("valid_from", _("From"), Kind.DATE),
        Column("valid_to", _("Until"), Kind.DATE),
        Column("answer_due", _("Answer due"), Kind.INSTANT, card=True),
    ]
    rows = [
        {
            "title": f"{history.latest.number} {history.latest.title}",
            "href": reverse("portal-agreement", args=[history.latest.id]),
            "segment": names.segment(history.latest.segment).code,
            "state": history.latest.state.value,
            "shared": shared_fields((history.in_force or history.latest).terms),
            "valid_from": history.latest.valid_from,
            "valid_to": history.latest.valid_to,
            "answer_due": history.latest.answer_due_at if history.offered else None,
        }
        for history in found
    ]
    page = Page(
        _("Agreements"), lead=_("What the buyer may show you, and what you may use it for."),
        segments=names.filters(request), all_segments=all_segments(request),
        door=sheet_door(request.viewer, "agreement-offers") if any(history.offered for history in found) else None,
    )  # fmt: skip
    empty = _("No agreement yet. When the buyer offers one, you will find it here and under what is due.")
    grid = Grid("agreements", columns, rows, empty=empty, segments=names.chips)
    return respond(request, "web/grid.html", {"page": page, "grid": grid})


def agreement(request: DeskRequest, agreement_id: UUID) -> HttpResponse:
    return _agreement(request, shared.agreement(request.viewer, agreement_id))


def _agreement(
    request: DeskRequest, history: AgreementHistory, decline_form: DeclineForm | None = None, status: int = 200
) -> HttpResponse:
    viewer, names = request.viewer, portal_names(request.viewer)
    shown, offered = history.in_force or history.latest, history.offered
    answers = offered is not None and may(viewer, accept_agreement)
    page = Page(
        f"{shown.number} {shown.title}", (Crumb(_("Agreements"), reverse("portal-agreements")),),
        status=record_status(history.latest), segment=names.segment(shown.segment),
        action=_accept(offered) if offered and answers else None,
    )  # fmt: skip
    return respond(
        request, "agree/portal_agreement.html",
        {
            "page": page,
            "facts": facts(shown),
            "difference": difference(history.in_force, offered) if offered else None,
            "notices": _notices(viewer, history),
            "timeline": timeline(history, names.company(viewer.company), _("Buyer"), at_desk=False),
            "decline_form": (decline_form or DeclineForm()) if answers else None,
            "decline_href": reverse("portal-agreement-decline", args=[offered.version_id]) if offered else "",
        },
        status,
    )  # fmt: skip


def _accept(offered: AgreementRecord) -> Action:
    said = _("Accept: the buyer may publish to you from %(day)s") % {
        "day": max(offered.valid_from, today()).isoformat()
    }
    return Action(said, reverse("portal-agreement-accept", args=[offered.version_id]), post=True)


def _notices(viewer: Viewer, history: AgreementHistory) -> list[Notice]:
    found: list[Notice] = []
    offered = history.offered
    if offered is not None and offered.answer_due_at is not None:
        said = _(
            "The buyer offers this wording until %(day)s. You bind yourself to use what you are shown for: %(what)s."
        )
        found.append(Notice(said % {"day": offered.answer_due_at.date().isoformat(), "what": offered.terms.purpose}))
        if not may(viewer, accept_agreement):
            found.append(Notice(_("Your administrator or planner can answer it."), Tone.WATCH))
    if history.latest.state is AgreementState.EXPIRED:
        found.append(Notice(_("The offer ran out unanswered. Ask the buyer to offer it again."), Tone.WATCH))
    return found


@require_POST
def accept(request: DeskRequest, version_id: UUID) -> HttpResponse:
    made = accept_agreement(request.viewer, version_id)
    messages.success(request, _("Accepted. What is published to you will appear under what is due."))
    return redirect("portal-agreement", made)


@require_POST
def decline(request: DeskRequest, version_id: UUID) -> HttpResponse:
    form = DeclineForm(request.POST)
    if form.is_valid():
        try:
            made = decline_agreement(request.viewer, version_id, form.cleaned_data["reason"])
        except Refused as error:
            if error.status != 422:
                raise
            explain(form, error)
        else:
            messages.success(request, _("Declined. The buyer reads what you would need changed."))
            return redirect("portal-agreement", made)
    history = next(
        (h for h in shared.my_agreements(request.viewer) if any(v.version_id == version_id for v in h.versions)), None
    )
    if history is None:
        return redirect("portal-agreements")
    return _agreement(request, history, form, 422)


urlpatterns = [
    path("agreements/", agreements, name="portal-agreements"),
    path("agreements/<uuid:agreement_id>/", agreement, name="portal-agreement"),
    path("agreements/versions/<uuid:version_id>/accept/", accept, name="portal-agreement-accept"),
    path("agreements/versions/<uuid:version_id>/decline/", decline, name="portal-agreement-decline"),
]
