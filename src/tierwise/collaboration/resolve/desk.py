"""Cases at the buyer's desk: what is to be ruled, the record, the ruling."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from tierwise.collaboration.desk import desk_names
from tierwise.collaboration.publish import queries as publications
from tierwise.collaboration.resolve import queries, wording
from tierwise.collaboration.resolve.actions import add_note, rule_case
from tierwise.collaboration.resolve.download import attachment
from tierwise.collaboration.resolve.forms import NoteForm, RulingForm, evidence_of, ruling_values
from tierwise.collaboration.resolve.ports import changes_of
from tierwise.collaboration.resolve.records import CaseQuestion, CaseRecord, CaseState, Ruling
from tierwise.collaboration.showing import Names, chosen_id, explain, may
from tierwise.directory import queries as directory
from tierwise.directory.ports import Fragment, register_supplier_fragment
from tierwise.doors.showing import sheet_door
from tierwise.kernel.audit import Refused
from tierwise.kernel.clock import now
from tierwise.kernel.viewer import Side, Viewer
from tierwise.web.api.paging import Keys
from tierwise.web.navigation import Place, add_places
from tierwise.web.onward import Onward, rows_onward
from tierwise.web.pages import (
    Action,
    Column,
    Crumb,
    Difference,
    Empty,
    Fact,
    Grid,
    Kind,
    Page,
    Stat,
    Tab,
    Tone,
    WorklistRow,
    respond,
)
from tierwise.web.segment_filter import all_segments
from tierwise.web.viewing import DeskRequest

KEYS = Keys("cases", (datetime, UUID))
SHOWN = 100

add_places(Place("desk-cases", gettext_lazy("Cases"), "case", Side.BUYER, 43, gettext_lazy("Share")))


def cases(request: DeskRequest) -> HttpResponse:
    viewer, names = request.viewer, desk_names(request.viewer)
    segment, supplier = names.chosen(request), chosen_id(request, "supplier")
    everything = request.GET.get("show") == "all"
    asked = CaseQuestion(supplier, segment)
    waiting, late = queries.open_count(viewer, asked)
    found, onward = _newest(request, asked) if everything else _by_clock(request, asked)
    page = Page(
        _("Cases"), lead=_("What suppliers dispute, the nearest clock first. The days to rule stand in the agreement."),
        segments=names.filters(request), all_segments=all_segments(request),
        tabs=(
            Tab(_("To be ruled"), _address(request, "open"), not everything, waiting),
            Tab(_("All cases"), _address(request, "all"), everything),
        ),
        door=sheet_door(viewer, "open-cases") if waiting else None,
    )  # fmt: skip
    stats = [
        Stat(_("To be ruled"), waiting),
        Stat(_("Past their date"), late, tone=Tone.BAD if late else Tone.PLAIN),
    ]
    empty = Empty(
        _("No case yet") if everything else _("No case is open"),
        _("When a supplier disputes a line of a scorecard that was published to it, it appears here."),
        Action(_("See what was published"), reverse("desk-publications")),
    )
    rows = [_row(case, names) for case in found]
    context = {"page": page, "stats": stats, "rows": rows, "empty": empty, "onward": onward}
    return respond(request, "web/worklist.html", context)


def _by_clock(request: DeskRequest, asked: CaseQuestion) -> tuple[list[CaseRecord], Onward]:
    read = partial(queries.open_cases_page, request.viewer, asked)
    return rows_onward(request, KEYS, read, lambda one: (one.due_at, one.id), SHOWN)


def _newest(request: DeskRequest, asked: CaseQuestion) -> tuple[list[CaseRecord], Onward]:
    read = partial(queries.cases_page, request.viewer, asked)
    return rows_onward(request, KEYS, read, lambda one: (one.opened_at, one.id), SHOWN)


def _address(request: DeskRequest, show: str) -> str:
    query = request.GET.copy()
    query["show"] = show
    query.pop("after", None)
    return f"?{query.urlencode()}"


def _row(case: CaseRecord, names: Names) -> WorklistRow:
    waits = case.state is CaseState.OPEN
    return WorklistRow(
        wording.title(case), reverse("desk-case", args=[case.id]), str(wording.REASONS[case.claim.reason]),
        (names.segment(case.segment),), names.company(case.supplier), case.due_at if waits else None,
        late=waits and case.due_at < now(), status=wording.status(case),
    )  # fmt: skip


def case(request: DeskRequest, case_id: UUID) -> HttpResponse:
    return _case(request, case_id)


def _case(
    request: DeskRequest, case_id: UUID, ruling_form: RulingForm | None = None, note_form: NoteForm | None = None,
    status: int = 200,
) -> HttpResponse:  # fmt: skip
    viewer, names = request.viewer, desk_names(request.viewer)
    file = queries.case(viewer, case_id)
    found, supplier = file.case, names.company(file.case.supplier)
    line = publications.line(viewer, found.subject)
    is_open = found.state is CaseState.OPEN
    if ruling_form is None and is_open and may(viewer, rule_case):
        ruling_form = RulingForm(initial=ruling_values(found) | {"verdict": "uphold"})
    page = Page(
        wording.title(found), (Crumb(_("Cases"), reverse("desk-cases")), Crumb(supplier)),
        status=wording.status(found), segment=names.segment(found.segment),
    )  # fmt: skip
    scorecard = reverse("desk-publication", args=[found.publication])
    return respond(
        request, "resolve/desk_case.html",
        {
            "page": page,
            "facts": [
                Fact(_("Supplier"), supplier), *wording.claim_facts(found), *wording.ruling_facts(found.ruled),
                Fact(_("Stands in"), _("the published scorecard"), href=scorecard),
            ],
            "line_facts": wording.line_facts(line),
            "ruling_form": ruling_form,
            "ruling_href": reverse("desk-case-rule", args=[case_id]),
            "effect_href": reverse("desk-case-effect", args=[case_id]),
            "effect": _effect(viewer, found, _proposed(found, ruling_form), supplier) if ruling_form else None,
            "talk_form": note_form or (NoteForm(auto_id="note_%s") if is_open and may(viewer, add_note) else None),
            "talk_href": reverse("desk-case-note", args=[case_id]),
            "timeline": wording.timeline(
                file, directory.names_of(viewer, [e.person for e in file.entries]),
                (directory.host(viewer).name, supplier), lambda entry: reverse("desk-case-file", args=[entry]),
                at_desk=True,
            ),
        },
        status,
    )  # fmt: skip


def _proposed(found: CaseRecord, form: RulingForm) -> Ruling | None:
    """The ruling as the form says it, complete or not; a reason is not needed to see what changes."""
    values = dict(form.data.items()) if form.is_bound else {k: v for k, v in form.initial.items() if v is not None}
    written = RulingForm({**values, "text": values.get("text") or found.claim.text})
    if not written.is_valid():
        return None
    try:
        return written.ruling()
    except ValueError:
        return None


def _effect(viewer: Viewer, found: CaseRecord, ruling: Ruling | None, supplier: str) -> Difference:
    if ruling is None:
        return Difference((), empty=_("Give the date or quantity that is right, or leave the line out."))
    line = publications.line(viewer, found.subject)
    return wording.effect(changes_of(viewer, line, ruling), who=supplier)


@require_POST
def effect(request: DeskRequest, case_id: UUID) -> HttpResponse:
    """What the ruling written so far would change; nothing is kept."""
    found = queries.case(request.viewer, case_id).case
    names = desk_names(request.viewer)
    difference = _effect(
        request.viewer, found, _proposed(found, RulingForm(request.POST)), names.company(found.supplier)
    )
    return render(request, "resolve/effect.html", {"effect": difference})


@require_POST
def rule(request: DeskRequest, case_id: UUID) -> HttpResponse:
    form = RulingForm(request.POST)
    if form.is_valid():
        try:
            rule_case(request.viewer, case_id, form.ruling())
        except ValueError as error:
            explain(form, error)
        else:
            messages.success(request, _("Ruled. The supplier reads it, and the score is stated anew."))
            return redirect("desk-case", case_id)
    return _case(request, case_id, ruling_form=form, status=422)


@require_POST
def note(request: DeskRequest, case_id: UUID) -> HttpResponse:
    form = NoteForm(request.POST, request.FILES, auto_id="note_%s")
    if form.is_valid():
        try:
            add_note(request.viewer, case_id, form.cleaned_data["text"], evidence_of(form))
        except Refused as error:
            if error.status != 422:
                raise
            _explain_file(form, error)
        else:
            return redirect("desk-case", case_id)
    return _case(request, case_id, note_form=form, status=422)


def _explain_file(form: NoteForm, error: Refused) -> None:
    if error.parameters.get("field") == "file":
        error.parameters["field"] = "evidence"
    explain(form, error)


def evidence(request: DeskRequest, entry_id: UUID) -> HttpResponse:
    return attachment(queries.evidence(request.viewer, entry_id))


def _of_supplier(request: HttpRequest, supplier: UUID) -> dict[str, object]:
    """The supplier's cases, for its record."""
    viewer = cast(DeskRequest, request).viewer
    names, states = desk_names(viewer), {}
    rows = []
    cases_found, onward = _newest(cast(DeskRequest, request), CaseQuestion(supplier))
    for found in cases_found:
        state = wording.status(found)
        states[state.label] = state
        rows.append(
            {
                "title": wording.title(found), "href": reverse("desk-case", args=[found.id]),
                "segment": names.segment(found.segment).code, "state": state.label,
                "reason": str(wording.REASONS[found.claim.reason]), "opened": found.opened_at, "due": found.due_at,
            }
        )  # fmt: skip
    columns = [
        Column("title", _("Case"), Kind.LINK, href="href", card=True),
        Column("segment", _("Segment"), Kind.SEGMENT, card=True),
        Column("state", _("State"), Kind.STATUS, statuses=states, card=True),
        Column("reason", _("Reason")),
        Column("opened", _("Opened"), Kind.INSTANT),
        Column("due", _("Ruling due"), Kind.INSTANT, card=True),
    ]
    empty = _("This supplier has disputed nothing.")
    return {"tab_grid": Grid("cases", columns, rows, empty=empty, segments=names.chips), "onward": onward}


def _open_count(viewer: Viewer, supplier: UUID) -> int:
    return queries.open_count(viewer, CaseQuestion(supplier))[0]


register_supplier_fragment(
    Fragment("cases", gettext_lazy("Cases"), 43, "agree/supplier_tab.html", _of_supplier, _open_count)
)

urlpatterns = [
    path("cases/", cases, name="desk-cases"),
    path("cases/<uuid:case_id>/", case, name="desk-case"),
    path("cases/<uuid:case_id>/rule/", rule, name="desk-case-rule"),
    path("cases/<uuid:case_id>/effect/", effect, name="desk-case-effect"),
    path("cases/<uuid:case_id>/note/", note, name="desk-case-note"),
    path("cases/evidence/<uuid:entry_id>/", evidence, name="desk-case-file"),
]
