"""Site calendars: the days that imports bring as closed, and those that people add."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tierwise.directory import queries
from tierwise.directory.actions import change_closures
from tierwise.directory.desk.beginning import import_action
from tierwise.directory.records import BY_HAND, CalendarRecord
from tierwise.doors.showing import sheet_door
from tierwise.kernel.audit import NotAllowed, NotFound, Refused
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import BUYER_EDITORS, Viewer
from tierwise.web.growing import GrowingRows, RowColumn, filled_rows
from tierwise.web.pages import Column, Crumb, Empty, Grid, Kind, Page, respond
from tierwise.web.refusals import in_words
from tierwise.web.viewing import DeskRequest

Days = dict[date, str]


def read_days(text: str) -> Days:
    """Day → why, of a list as it is sent; ValidationError names every row that is none."""
    found: Days = {}
    wrong = []
    for number, (day, name) in filled_rows(text, 2):
        try:
            on = date.fromisoformat(day)
        except ValueError:
            wrong.append(_("Row %(n)d: “%(day)s” is no day; write YYYY-MM-DD.") % {"n": number, "day": day})
            continue
        if on in found:
            wrong.append(_("Row %(n)d: %(day)s stands there twice.") % {"n": number, "day": on})
        found[on] = name
    if wrong:
        raise forms.ValidationError(wrong)
    return found


def as_text(days: Days) -> str:
    return "\n".join(f"{day}, {name}" for day, name in sorted(days.items()))


class ClosuresForm(forms.Form):
    """``stood`` is the list as the page was made: what differs from it is what the reader changed."""

    days = forms.CharField(
        label=gettext_lazy("Closed days added here"), required=False,
        widget=GrowingRows((RowColumn(gettext_lazy("Day"), "date"), RowColumn(gettext_lazy("Why")))),
        help_text=gettext_lazy("One a line: the day as YYYY-MM-DD, a comma, why it is closed."),
    )  # fmt: skip
    stood = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_days(self) -> Days:
        return read_days(self.cleaned_data["days"])

    def clean_stood(self) -> Days:
        return read_days(self.cleaned_data["stood"].replace("\t", "\n"))

    def changes(self) -> tuple[Days, set[date]]:
        """(what is new or named otherwise, what was taken away) since the page was made."""
        said, stood = self.cleaned_data["days"], self.cleaned_data["stood"]
        return {day: name for day, name in said.items() if stood.get(day) != name}, set(stood) - set(said)


def calendars(request: DeskRequest) -> HttpResponse:
    found = queries.calendars(request.viewer)
    columns = (
        Column("code", _("Calendar"), Kind.LINK, href="address", card=True),
        Column("sites", _("Sites"), Kind.QUANTITY, card=True),
        Column("ahead", _("Closed days ahead"), Kind.QUANTITY, card=True),
        Column("next_day", _("Next closed day"), Kind.DATE, card=True),
        Column("by_hand", _("Added here"), Kind.QUANTITY),
    )
    rows = [
        {"code": one.code, "address": reverse("desk-calendar", args=[one.code]), "sites": one.sites, "ahead": one.ahead,
         "next_day": one.next_day, "by_hand": one.by_hand}
        for one in found
    ]  # fmt: skip
    page = Page(
        _("Calendars"), (Crumb(_("Directory")),),
        lead=_("Days on which sites do not work. Where a formula counts working days, closed ones are left out."),
    )  # fmt: skip
    text = _("Sites name their calendar, and the table closure names its closed days; both come with an extract.")
    empty = Empty(_("No calendar yet"), text, import_action(request.viewer))
    grid = Grid("calendars", columns, rows, label=_("Calendars"), empty=empty)
    return respond(request, "web/grid.html", {"page": page, "grid": grid})


def calendar(request: DeskRequest, code: str) -> HttpResponse:
    """One calendar; what is added to it or taken from it is sent as a whole."""
    viewer = request.viewer
    found = next((one for one in queries.calendars(viewer) if one.code == code), None)
    if found is None:
        raise NotFound("calendar", _("There is no such calendar."))
    edits = viewer.role in BUYER_EDITORS
    form = ClosuresForm(request.POST or None, initial=_first(viewer, code)) if edits else None
    if request.method == "POST":
        if form is None:
            raise NotAllowed("role", _("Planners, category managers and administrators change calendars."))
        if form.is_valid() and _kept(request, code, form):
            return redirect("desk-calendar", code)
    return _shown(request, found, form)


def address(subject: str, supplier: UUID | None) -> str:
    del supplier
    return reverse("desk-calendar", args=[subject])


def _first(viewer: Viewer, code: str) -> dict[str, str]:
    text = as_text({one.closed_on: one.name for one in queries.closed_days(viewer, code) if one.source == BY_HAND})
    # A hidden field is one line.
    return {"days": text, "stood": text.replace("\n", "\t")}


def _kept(request: DeskRequest, code: str, form: ClosuresForm) -> bool:
    try:
        # A refusal rolls back to here, so that the page can still be shown in the same transaction.
        with transaction.atomic(using=request.viewer.alias):
            count = change_closures(request.viewer, code, *form.changes())
    except Refused as refused:
        form.add_error("days", in_words(refused))
        return False
    told = ngettext("%d day changed. The next cycle counts by it.", "%d days changed. The next cycle counts by them.",
                    count)  # fmt: skip
    messages.success(request, told % count if count else _("Nothing changed."))
    return True


def _shown(request: DeskRequest, found: CalendarRecord, form: ClosuresForm | None) -> HttpResponse:
    columns = (
        Column("closed_on", _("Day"), Kind.DATE, card=True),
        Column("name", _("Why"), card=True, width=320),
        Column("source", _("From"), card=True),
    )
    # The days to come first, the nearest on top; below them those that are over, the latest on top.
    days = sorted(
        queries.closed_days(request.viewer, found.code),
        key=lambda one: (one.closed_on < today(), abs(one.closed_on - today())),
    )
    shown: list[dict[str, Any]] = [
        {"closed_on": one.closed_on, "name": one.name,
         "source": _("added here") if one.source == BY_HAND else one.source}
        for one in days
    ]  # fmt: skip
    page = Page(
        found.code, (Crumb(_("Directory")), Crumb(_("Calendars"), reverse("desk-calendars"))),
        lead=ngettext("%d site works by it.", "%d sites work by it.", found.sites) % found.sites,
        door=sheet_door(request.viewer, "closures", found.code),
    )  # fmt: skip
    grid = Grid("closures", columns, shown, label=_("Closed days"), empty=_("It has no closed day."))
    refused = form is not None and bool(form.errors)
    context = {"page": page, "grid": grid, "form": form}
    return respond(request, "directory/calendar.html", context, status=422 if refused else 200)
