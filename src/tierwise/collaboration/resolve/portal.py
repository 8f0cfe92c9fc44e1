"""Disputes in the supplier's portal: the form and the cases."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from tierwise.collaboration.portal import portal_names
from tierwise.collaboration.publish import shared as published
from tierwise.collaboration.resolve import shared, wording
from tierwise.collaboration.resolve.actions import add_note, discard_draft, dispute_line, save_draft, withdraw_case
from tierwise.collaboration.resolve.download import attachment
from tierwise.collaboration.resolve.forms import DisputeForm, NoteForm, draft_values, evidence_of
from tierwise.collaboration.resolve.records import CaseQuestion, CaseState
from tierwise.collaboration.showing import explain, may
from tierwise.directory import shared as own
from tierwise.kernel.audit import NotAllowed, Refused
from tierwise.kernel.viewer import Side
from tierwise.web.api.paging import Keys
from tierwise.web.navigation import Place, add_places
from tierwise.web.onward import rows_onward
from tierwise.web.pages import Action, Crumb, Empty, Fact, Page, Tone, WorklistRow, respond
from tierwise.web.segment_filter import all_segments
from tierwise.web.viewing import DeskRequest

KEYS = Keys("cases", (datetime, UUID))
SHOWN = 100

add_places(
    Place("portal-cases", gettext_lazy("My cases"), "case", Side.SUPPLIER, 31),
)


def dispute(request: DeskRequest, line_id: UUID) -> HttpResponse:
    """Says what is wrong with a judged line: sent to the buyer, or kept as a draft that no buyer can read."""
    viewer = request.viewer
    if not may(viewer, dispute_line):
        raise NotAllowed("role", _("Your role may read, but not dispute."))
    line = published.my_line(viewer, line_id)
    record = published.my_publication(viewer, line.publication)
    for running in shared.my_cases(viewer, state=CaseState.OPEN):
        if (running.order, running.line) == (line.order, line.line):
            messages.info(request, _("A case is open for this line already."))
            return redirect("portal-case", running.id)
    if record.superseded:
        messages.warning(request, _("A newer revision of this scorecard is there; dispute the line in that one."))
        return redirect("portal-publication", published.my_revisions(viewer, record)[0].id)
    draft = shared.my_draft(viewer, line_id)
    form = DisputeForm(
        request.POST or None, request.FILES or None, initial=draft_values(draft.claim if draft else None),
        unfinished="save" in request.POST,
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        answer = _sent(request, line_id, form)
        if answer is not None:
            return answer
    page = Page(
        _("Dispute order %(order)s, line %(line)s") % {"order": line.order, "line": line.line},
        (Crumb(_("Scorecards"), reverse("portal-scorecards")),
         Crumb(record.title, reverse("portal-publication", args=[record.id]))),
        segment=portal_names(viewer).segment(line.segment),
        lead=_("Until you send it, only your company can read what you write here."),
    )  # fmt: skip
    context = {
        "page": page, "form": form, "form_href": reverse("portal-dispute", args=[line_id]),
        "submit": _("Send: opens a case the buyer must rule"),
        "cancel_href": reverse("portal-publication", args=[record.id]), "facts": wording.line_facts(line),
        "draft": draft, "discard": _discard(line_id) if draft else None,
    }  # fmt: skip
    return respond(request, "resolve/portal_dispute.html", context, 422 if form.errors else 200)


def _discard(line_id: UUID) -> Action:
    asked = _("The draft cannot be brought back.")
    return Action(_("Throw the draft away"), reverse("portal-draft-discard", args=[line_id]), post=True, ask=asked)


def _sent(request: DeskRequest, line_id: UUID, form: DisputeForm) -> HttpResponse | None:
    """The answer to a form that was taken; None when it has to be mended."""
    try:
        if "save" in request.POST:
            save_draft(request.viewer, line_id, form.draft())
            messages.success(request, _("Kept as a draft. Files are attached when you send it."))
            return redirect("portal-dispute", line_id)
        made = dispute_line(request.viewer, line_id, form.claim(), evidence_of(form))
    except (ValueError, Refused) as error:
        if isinstance(error, Refused):
            if error.status != 422:
                raise
            if error.parameters.get("field") == "file":
                error.parameters["field"] = "evidence"
        explain(form, error)
        return None
    messages.success(request, _("Sent. The buyer must rule by the date shown."))
    return redirect("portal-case", made)


@require_POST
def discard(request: DeskRequest, line_id: UUID) -> HttpResponse:
    discard_draft(request.viewer, line_id)
    messages.success(request, _("The draft is gone."))
    return redirect("portal-cases")


def cases(request: DeskRequest) -> HttpResponse:
    viewer, names = request.viewer, portal_names(request.viewer)
    read = partial(shared.my_cases_page, viewer, CaseQuestion(segment=names.chosen(request)))
    found, onward = rows_onward(request, KEYS, read, lambda one: (one.opened_at, one.id), SHOWN)
    rows = [
        WorklistRow(
            wording.title(case), reverse("portal-case", args=[case.id]), str(wording.REASONS[case.claim.reason]),
            (names.segment(case.segment),), _("Buyer") if case.state is CaseState.OPEN else "",
            case.due_at if case.state is CaseState.OPEN else None, status=wording.status(case),
        )
        for case in found
    ]  # fmt: skip
    page = Page(
        _("My cases"), lead=_("What you disputed, and what became of it."), segments=names.filters(request),
        all_segments=all_segments(request),
    )  # fmt: skip
    text = _("Open a scorecard, choose a line and say what is wrong with it; the buyer must answer by a date.")
    look = Action(_("Look at the scorecards"), reverse("portal-scorecards"))
    context = {"page": page, "rows": rows, "empty": Empty(_("You have disputed nothing"), text, look), "onward": onward}
    return respond(request, "web/worklist.html", context)


def case(request: DeskRequest, case_id: UUID) -> HttpResponse:
    return _case(request, case_id)


def _case(request: DeskRequest, case_id: UUID, note_form: NoteForm | None = None, status: int = 200) -> HttpResponse:
    viewer, names = request.viewer, portal_names(request.viewer)
    file = shared.my_case(viewer, case_id)
    found = file.case
    line = published.my_line(viewer, found.subject)
    is_open = found.state is CaseState.OPEN
    withdraw = Action(
        _("Withdraw: the line stays as judged"), reverse("portal-case-withdraw", args=[case_id]), post=True,
        ask=_("The case closes without a ruling. You may dispute the line again."), tone=Tone.BAD,
    )  # fmt: skip
    page = Page(
        wording.title(found), (Crumb(_("My cases"), reverse("portal-cases")),), status=wording.status(found),
        segment=names.segment(found.segment), actions=(withdraw,) if is_open and may(viewer, withdraw_case) else (),
    )  # fmt: skip
    scorecard = reverse("portal-publication", args=[found.publication])
    people = {person.id: person.name for person in own.my_people(viewer)}
    return respond(
        request, "resolve/portal_case.html",
        {
            "page": page,
            "facts": [
                *wording.claim_facts(found), *wording.ruling_facts(found.ruled),
                Fact(_("Stands in"), _("the published scorecard"), href=scorecard),
            ],
            "line_facts": wording.line_facts(line),
            "talk_form": note_form or (NoteForm(auto_id="note_%s") if is_open and may(viewer, add_note) else None),
            "talk_href": reverse("portal-case-note", args=[case_id]),
            "timeline": wording.timeline(
                file, people, (names.company(viewer.company), _("Buyer")),
                lambda entry: reverse("portal-case-file", args=[entry]), at_desk=False,
            ),
        },
        status,
    )  # fmt: skip


@require_POST
def note(request: DeskRequest, case_id: UUID) -> HttpResponse:
    form = NoteForm(request.POST, request.FILES, auto_id="note_%s")
    if form.is_valid():
        try:
            add_note(request.viewer, case_id, form.cleaned_data["text"], evidence_of(form))
        except Refused as error:
            if error.status != 422:
                raise
            if error.parameters.get("field") == "file":
                error.parameters["field"] = "evidence"
            explain(form, error)
        else:
            return redirect("portal-case", case_id)
    return _case(request, case_id, form, 422)


@require_POST
def withdraw(request: DeskRequest, case_id: UUID) -> HttpResponse:
    withdraw_case(request.viewer, case_id)
    messages.success(request, _("Withdrawn."))
    return redirect("portal-case", case_id)


def evidence(request: DeskRequest, entry_id: UUID) -> HttpResponse:
    return attachment(shared.evidence(request.viewer, entry_id))


urlpatterns = [
    path("lines/<uuid:line_id>/dispute/", dispute, name="portal-dispute"),
    path("lines/<uuid:line_id>/draft/discard/", discard, name="portal-draft-discard"),
    path("cases/", cases, name="portal-cases"),
    path("cases/<uuid:case_id>/", case, name="portal-case"),
    path("cases/<uuid:case_id>/note/", note, name="portal-case-note"),
    path("cases/<uuid:case_id>/withdraw/", withdraw, name="portal-case-withdraw"),
    path("cases/evidence/<uuid:entry_id>/", evidence, name="portal-case-file"),
]
