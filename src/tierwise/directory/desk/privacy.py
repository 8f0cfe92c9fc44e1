"""People's data: what is kept how long, erasing a person, redacting a text; and looking behind a supplier's glass."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from tierwise.directory import queries
from tierwise.directory.privacy import MOST_HOURS, GlassRecord, break_glass, close_glass, glasses, look_behind_glass
from tierwise.directory.redacting import Passage, find_text, redact_text
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound
from tierwise.kernel.glass import private_models
from tierwise.kernel.retention import kept_tables
from tierwise.kernel.viewer import Role, Viewer
from tierwise.web.pages import Column, Crumb, Grid, Kind, Page, respond
from tierwise.web.viewing import DeskRequest, names_of


def _administrator(viewer: Viewer) -> Viewer:
    if viewer.role is not Role.ADMINISTRATOR:
        raise NotAllowed("role", _("Only administrators decide about people's data."))
    return viewer


def kept(request: DeskRequest) -> HttpResponse:
    """Every table with its retention, and the search for words in free text."""
    viewer = _administrator(request.viewer)
    words = request.GET.get("words", "").strip()
    columns = (
        Column("table", _("Table"), Kind.CODE, card=True), Column("zone", _("Zone")),
        Column("kept", _("Kept"), card=True), Column("dated_by", _("Counted from"), Kind.CODE),
        Column("basis", _("Basis"), card=True, width=420),
    )  # fmt: skip
    rows = [
        {
            "table": one.table, "zone": one.zone.value, "dated_by": one.dated_by, "basis": one.basis,
            "kept": ngettext("%d day", "%d days", one.days) % one.days if one.days else _("while in use"),
        }
        for one in kept_tables()
    ]  # fmt: skip
    return respond(request, "directory/kept.html", {
        "page": Page(_("People's data"), (Crumb(_("Administration")),)), "words": words,
        "found": find_text(viewer, words), "grid": Grid("retention", columns, rows, label=_("What is kept how long")),
    })  # fmt: skip


@require_POST
def redact(request: DeskRequest) -> HttpResponse:
    given = request.POST
    try:
        row = UUID(given.get("row", ""))
    except ValueError:
        raise NotFound("text", _("There is no such text.")) from None
    passage = Passage(
        given.get("table", ""), row, given.get("field", ""), given.get("words", ""), given.get("digest", "")
    )
    redact_text(request.viewer, passage, given.get("reason", ""))
    messages.success(request, _("Taken out for both companies; a mark stands in its place."))
    return redirect(f"{reverse('desk-privacy')}?{urlencode({'words': passage.words})}")


class GlassForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Why"), max_length=600, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("The supplier reads it, word for word, at once."),
    )  # fmt: skip
    hours = forms.TypedChoiceField(
        label=gettext_lazy("For how long"), coerce=int,
        choices=[(1, gettext_lazy("1 hour")), (4, gettext_lazy("4 hours")), (MOST_HOURS, gettext_lazy("24 hours"))],
    )  # fmt: skip


def private_zone(request: DeskRequest, supplier: UUID) -> HttpResponse:
    """What a supplier keeps to itself: closed, unless an administrator opens it with a reason the supplier reads."""
    viewer = _administrator(request.viewer)
    company = queries.company(viewer, supplier)
    if company is None or supplier == viewer.company:
        raise NotFound("supplier", _("There is no such supplier."))
    form = GlassForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if request.POST.get("close"):
            close_glass(viewer, supplier)
            return redirect("desk-supplier-private", supplier=supplier)
        if form.is_valid():
            try:
                break_glass(viewer, supplier, form.cleaned_data["reason"], form.cleaned_data["hours"])
            except Invalid as refused:
                form.add_error(refused.parameters.get("field"), refused.message)
            else:
                messages.warning(request, _("Open. The supplier has been told."))
                return redirect("desk-supplier-private", supplier=supplier)
    history = glasses(viewer, supplier)
    mine = next((one for one in history if one.open and one.person == viewer.person), None)
    crumbs = (
        Crumb(_("Suppliers"), reverse("desk-suppliers")),
        Crumb(company.name, reverse("desk-supplier", args=[supplier])),
    )
    response = respond(request, "directory/private.html", {
        "page": Page(_("What the supplier keeps to itself"), crumbs), "company": company, "form": form, "mine": mine,
        "tables": look_behind_glass(viewer, supplier) if mine else [], "history": _named(viewer, history),
        "kinds": [str(model._meta.verbose_name) for model in private_models()],
    }, status=422 if form.errors else 200)  # fmt: skip
    response["Cache-Control"] = "no-store"
    return response


def _named(viewer: Viewer, history: list[GlassRecord]) -> list[dict[str, Any]]:
    names = names_of(viewer, {one.person for one in history})
    return [{"record": one, "name": names.get(one.person, "")} for one in history]
