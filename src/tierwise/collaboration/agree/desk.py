"""Agreements at the buyer's desk: the list, the record, the offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from tierwise.collaboration.agree import queries
from tierwise.collaboration.agree.actions import Offer, end_agreement, offer_agreement, offer_version
from tierwise.collaboration.agree.forms import EndForm, OfferForm, WordingForm, first_values
from tierwise.collaboration.agree.records import AgreementHistory, AgreementRecord, Wording, beyond_depth
from tierwise.collaboration.agree.wording import (
    difference,
    facts,
    record_status,
    shared_fields,
    statuses,
    timeline,
    too_far,
)
from tierwise.collaboration.desk import desk_names
from tierwise.collaboration.showing import Names, choices, chosen_id, explain, may, open_to
from tierwise.directory import queries as directory
from tierwise.directory.ports import Fragment, register_supplier_fragment
from tierwise.directory.records import SupportState
from tierwise.kernel.audit import NotAllowed, Refused
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Side, Viewer
from tierwise.web.choosing import offer_choice
from tierwise.web.navigation import Place, add_places
from tierwise.web.pages import Action, Column, Crumb, Empty, Fact, Grid, Kind, Notice, Page, Stat, Tone, respond
from tierwise.web.segment_filter import all_segments, nothing_of
from tierwise.web.viewing import DeskRequest

add_places(Place("desk-agreements", gettext_lazy("Agreements"), "contract", Side.BUYER, 40, gettext_lazy("Share")))


def _crumb() -> Crumb:
    return Crumb(_("Agreements"), reverse("desk-agreements"))


def agreements(request: DeskRequest) -> HttpResponse:
    names = desk_names(request.viewer)
    segment, supplier = names.chosen(request), chosen_id(request, "supplier")
    found = queries.agreements(request.viewer, segment=segment, supplier=supplier)
    offer = open_to(request.viewer, offer_agreement, Action(_("Offer an agreement"), reverse("desk-agreement-offer")))
    page = Page(
        _("Agreements"), lead=_("What each supplier may be shown, for which segment, and what it has agreed to."),
        action=offer, segments=names.filters(request),
        all_segments=all_segments(request),
    )  # fmt: skip
    text = _("Nothing is published to a supplier before an agreement with it is in force, for a segment it serves.")
    none = Empty(_("No agreement yet"), text, offer)
    chosen = names.segment(segment) if segment else None
    grid = _grid(found, names, nothing_of(request, chosen, none))
    return respond(request, "web/grid.html", {"page": page, "grid": grid})


def _grid(found: list[AgreementHistory], names: Names, empty: Empty) -> Grid:
    columns = [
        Column("title", _("Agreement"), Kind.LINK, href="href", card=True),
        Column("supplier", _("Supplier"), card=True),
        Column("segment", _("Segment"), Kind.SEGMENT, card=True),
        Column("state", _("State"), Kind.STATUS, statuses=statuses(), card=True),
        Column("version", _("Version"), Kind.QUANTITY),
        Column("shared", _("Shared")),
        Column("valid_from", _("From"), Kind.DATE),
        Column("valid_to", _("Until"), Kind.DATE),
        Column("answer_due", _("Answer due"), Kind.INSTANT),
    ]
    rows = []
    for history in found:
        latest = history.latest
        rows.append(
            {
                "title": f"{latest.number} {latest.title}",
                "href": reverse("desk-agreement", args=[latest.id]),
                "supplier": names.company(latest.supplier),
                "segment": names.segment(latest.segment).code,
                "state": latest.state.value,
                "version": latest.version,
                "shared": shared_fields((history.in_force or latest).terms),
                "valid_from": latest.valid_from,
                "valid_to": latest.valid_to,
                "answer_due": latest.answer_due_at if history.offered else None,
            }
        )
    return Grid("agreements", columns, rows, empty=empty, segments=names.chips)


def agreement(request: DeskRequest, agreement_id: UUID) -> HttpResponse:
    return _agreement(request, agreement_id)


def _agreement(
    request: DeskRequest, agreement_id: UUID, end_form: EndForm | None = None, status: int = 200
) -> HttpResponse:
    viewer = request.viewer
    history = queries.agreement(viewer, agreement_id)
    names, shown = desk_names(viewer), history.in_force or history.latest
    supplier = names.company(shown.supplier)
    offer = Action(_("Offer a new wording"), reverse("desk-agreement-version", args=[agreement_id]))
    published = Action(_("What this supplier knows"), reverse("desk-known") + f"?supplier={shown.supplier}")
    page = Page(
        f"{shown.number} {shown.title}", (_crumb(), Crumb(supplier)), status=record_status(history.latest),
        segment=names.segment(shown.segment), action=open_to(viewer, offer_version, offer), actions=(published,),
    )  # fmt: skip
    if end_form is None and history.in_force is not None and may(viewer, end_agreement):
        end_form = EndForm.starting(history.in_force)
    return respond(
        request, "agree/desk_agreement.html",
        {
            "page": page,
            "facts": [Fact(_("Supplier"), supplier), Fact(_("Version"), shown.version), *facts(shown)],
            "difference": difference(history.in_force, history.offered) if history.offered else None,
            "notices": _notices(viewer, history),
            "timeline": timeline(history, directory.host(viewer).name, supplier, at_desk=True),
            "end_form": end_form,
            "end_href": reverse("desk-agreement-end", args=[agreement_id]),
        },
        status,
    )  # fmt: skip


def _notices(viewer: Viewer, history: AgreementHistory) -> list[Notice]:
    found: list[Notice] = []
    if history.in_force is not None:
        depth = queries.depth_of(viewer, history.in_force.segment, today())
        if beyond := beyond_depth(history.in_force.terms, depth):
            found.append(Notice(too_far(beyond, depth), Tone.WATCH))
    if history.in_force is None:
        found.append(Notice(_("Nothing is published under this agreement today."), Tone.WATCH))
    if history.offered is not None and history.offered.answer_due_at is not None:
        due = history.offered.answer_due_at.date().isoformat()
        said = _("Version %(n)s waits for the supplier until %(day)s; until then nothing changes.")
        found.append(Notice(said % {"n": history.offered.version, "day": due}))
    return found


@dataclass(frozen=True)
class _About:
    """What an offer is about: where its form goes, the wording it would replace, who would read; what stands above."""

    href: str
    before: AgreementRecord | None = None
    supplier: UUID | None = None
    segment: UUID | None = None
    notices: tuple[Notice, ...] = ()


def offer(request: DeskRequest) -> HttpResponse:
    """The offer as a studio: the wording on the left, what it would mean on the right."""
    _check_editor(request.viewer, offer_agreement)
    names = desk_names(request.viewer)
    form = OfferForm(request.POST or None, initial=first_values(None))
    offer_choice(form, "supplier", names.companies)
    form.choose("segment", choices({key: f"{chip.code} {chip.name}" for key, chip in names.segments.items()}))
    if request.method == "POST" and form.is_valid() and "offer" in request.POST:
        try:
            said = form.cleaned_data
            made = offer_agreement(
                request.viewer, Offer(UUID(said["supplier"]), UUID(said["segment"]), said["title"], form.wording())
            )
        except (ValueError, Refused) as error:
            explain(form, error)
        else:
            messages.success(request, _("The offer is with the supplier."))
            return redirect("desk-agreement", made)
    said = form.cleaned_data if form.is_bound else {}
    supplier, segment = (UUID(said[name]) if said.get(name) else None for name in ("supplier", "segment"))
    page = Page(_("Offer an agreement"), (_crumb(),), lead=_("Left the wording, right what it would mean."))
    about = _About(reverse("desk-agreement-offer"), None, supplier, segment, _nobody_to_offer(names))
    return _studio(request, page, form, about)


def _nobody_to_offer(names: Names) -> tuple[Notice, ...]:
    if names.companies:
        return ()
    text = _("There is no supplier to offer it to yet: suppliers come with an import, or are invited.")
    return (Notice(text, Tone.WATCH, action=Action(_("See the suppliers"), reverse("desk-suppliers"))),)


def version(request: DeskRequest, agreement_id: UUID) -> HttpResponse:
    """A new wording of an agreement, beside what it would change."""
    _check_editor(request.viewer, offer_version)
    history = queries.agreement(request.viewer, agreement_id)
    form = WordingForm(request.POST or None, initial=first_values(history.in_force or history.latest))
    if request.method == "POST" and form.is_valid() and "offer" in request.POST:
        try:
            offer_version(request.viewer, agreement_id, form.wording())
        except (ValueError, Refused) as error:
            explain(form, error)
        else:
            messages.success(request, _("The new wording is with the supplier; the old one holds until it accepts."))
            return redirect("desk-agreement", agreement_id)
    latest, names = history.latest, desk_names(request.viewer)
    crumbs = (_crumb(), Crumb(f"{latest.number} {latest.title}", reverse("desk-agreement", args=[agreement_id])))
    page = Page(_("Offer a new wording"), crumbs, segment=names.segment(latest.segment))
    href = reverse("desk-agreement-version", args=[agreement_id])
    return _studio(request, page, form, _About(href, history.in_force, latest.supplier, latest.segment))


def _check_editor(viewer: Viewer, deed: object) -> None:
    if not may(viewer, deed):
        raise NotAllowed("role", _("Your role may not offer agreements."))


def _studio(request: DeskRequest, page: Page, form: WordingForm, about: _About) -> HttpResponse:
    wording: Wording | None = None
    # An untouched form is judged by what it begins with.
    judged = form if form.is_bound else WordingForm(_written(form.initial))
    if judged.is_valid():
        try:
            wording = judged.wording()
        except ValueError as error:
            if form.is_bound:
                explain(form, error)
    context = {
        "page": page, "form": form, "document_href": about.href, "consequence_href": about.href,
        "notices": about.notices,
        **_consequence(request, form, wording, about),
    }  # fmt: skip
    if request.headers.get("HX-Request") == "true":
        return render(request, "web/consequence.html", context)
    refused = request.method == "POST" and bool(form.errors)
    return respond(request, "web/studio.html", context, 422 if refused else 200)


def _consequence(request: DeskRequest, form: WordingForm, wording: Wording | None, about: _About) -> dict[str, Any]:
    """What the wording would mean: who reads what, from when, and what changes."""
    if wording is None:
        said = [f"{form.fields[name].label if name in form.fields else ''} {' '.join(map(str, errors))}".strip()
                for name, errors in form.errors.items()]  # fmt: skip
        return {"consequence_notices": [Notice(" ".join(said) or _("Fill in the wording."), Tone.WATCH)]}
    readers = [p for p in directory.people(request.viewer, about.supplier) if p.active] if about.supplier else []
    stats = [
        Stat(_("Fields shared"), f"{len(wording.terms.fields)} / 4"),
        Stat(_("People who could read it"), len(readers) if about.supplier else "–"),
    ]
    notices = [Notice(_("The supplier will see: %(what)s.") % {"what": shared_fields(wording.terms)})]
    hindered = _hindered(request.viewer, wording, about)
    notices += [Notice(hindered, Tone.BAD)] if hindered else []
    fields = {name: "on" if value is True else str(value) for name, value in _plain(form).items()}
    label = _("Offer: nothing is shared before the supplier accepts")
    return {
        "stats": stats, "consequence_notices": notices, "difference": difference(about.before, wording),
        "apply": Action(label, about.href, post=True, fields=fields | {"offer": "1"}, disabled=hindered),
        "apply_note": _("The supplier has %(days)s days to answer.") % {"days": wording.answer_days},
    }  # fmt: skip


def _hindered(viewer: Viewer, wording: Wording, about: _About) -> str:
    """Why the offer cannot be made to this supplier for this segment; empty where it can."""
    if about.segment is None:
        return ""
    depth = queries.depth_of(viewer, about.segment, max(wording.valid_from, today()))
    if beyond := beyond_depth(wording.terms, depth):
        return too_far(beyond, depth)
    served = {(s.supplier, s.segment) for s in directory.supports(viewer, state=SupportState.CONFIRMED)}
    if about.supplier is None or (about.supplier, about.segment) in served:
        return ""
    return _("This supplier does not serve the segment; confirm its support first.")


def _plain(form: WordingForm) -> dict[str, Any]:
    """The form's values for the button that sends them again; unticked boxes are left out."""
    values = _written(form.cleaned_data if form.is_bound else form.initial)
    return {name: value for name, value in values.items() if name in form.fields}


def _written(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value is not False and value != ""}


@require_POST
def end(request: DeskRequest, agreement_id: UUID) -> HttpResponse:
    form = EndForm(request.POST)
    if form.is_valid():
        try:
            end_agreement(request.viewer, agreement_id, form.cleaned_data["ends_on"], form.cleaned_data["reason"])
        except (ValueError, Refused) as error:
            if isinstance(error, Refused) and error.status != 422:
                raise
            explain(form, error)
        else:
            messages.success(request, _("The end is announced to the supplier."))
            return redirect("desk-agreement", agreement_id)
    return _agreement(request, agreement_id, form, 422)


def _of_supplier(request: HttpRequest, supplier: UUID) -> dict[str, object]:
    """The supplier's agreements, for its record."""
    viewer = cast(DeskRequest, request).viewer
    names = desk_names(viewer)
    offer = open_to(viewer, offer_agreement, Action(_("Offer an agreement"), reverse("desk-agreement-offer")))
    empty = Empty(_("No agreement yet"), _("Before one is in force this supplier is shown nothing."), offer)
    return {"tab_grid": _grid(queries.agreements(viewer, supplier=supplier), names, empty)}


register_supplier_fragment(
    Fragment("agreements", gettext_lazy("Agreements"), 40, "agree/supplier_tab.html", _of_supplier)
)

urlpatterns = [
    path("agreements/", agreements, name="desk-agreements"),
    path("agreements/offer/", offer, name="desk-agreement-offer"),
    path("agreements/<uuid:agreement_id>/", agreement, name="desk-agreement"),
    path("agreements/<uuid:agreement_id>/offer/", version, name="desk-agreement-version"),
    path("agreements/<uuid:agreement_id>/end/", end, name="desk-agreement-end"),
]
