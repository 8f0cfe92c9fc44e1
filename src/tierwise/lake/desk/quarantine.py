"""Rows that imports set aside: what is wrong with them, and the ways out of there."""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from tierwise.kernel.audit import Invalid, NotAllowed, NotFound
from tierwise.kernel.viewer import BUYER_EDITORS, Viewer
from tierwise.lake import queries
from tierwise.lake.actions import discard_quarantined
from tierwise.lake.desk.runs import upload_action
from tierwise.lake.jobs import repair
from tierwise.lake.quarantine import MOST
from tierwise.lake.records import QuarantinedRecord
from tierwise.lake.repairs import corrections, joined, read_sheet, workbook_of
from tierwise.web.pages import Column, Crumb, Empty, Grid, Kind, Page, respond
from tierwise.web.pages.answer import XLSX
from tierwise.web.viewing import DeskRequest

LARGEST = 50 * 1024 * 1024


class RepairForm(forms.Form):
    sheet = forms.FileField(
        label=gettext_lazy("Corrected sheet"), required=False,
        help_text=gettext_lazy("The file downloaded here, corrected. Without one the rows are tried as they are."),
    )  # fmt: skip


class DiscardForm(forms.Form):
    why = forms.CharField(label=gettext_lazy("Reason"), max_length=200)


def rows(request: DeskRequest) -> HttpResponse:
    """The open rows of one mapping, and how many wait under the others."""
    viewer = request.viewer
    counts = queries.quarantine_counts(viewer)
    mapping = request.GET.get("mapping") or next(iter(sorted(counts)), "")
    found = queries.quarantined(viewer, mapping, limit=20_000) if mapping in counts else []
    page = Page(
        _("Quarantine"), (Crumb(_("Directory")), Crumb(_("Imports"), reverse("desk-import"))),
        lead=_("Rows that imports set aside. Download them, correct the texts, hand the sheet in again."),
    )  # fmt: skip
    context = {
        "page": page, "counts": counts, "chosen": mapping, "grid": _grid(found) if found else None,
        "empty": _nothing_waits(viewer),
        "repair_form": RepairForm(), "discard_form": DiscardForm(), "editor": viewer.role in BUYER_EDITORS,
    }  # fmt: skip
    return respond(request, "lake/quarantine.html", context)


def _nothing_waits(viewer: Viewer) -> Empty:
    text = _("Rows with faults land here when an import is asked to keep them aside and to take the others.")
    return Empty(_("No row waits for repair"), text, upload_action(viewer))


def _grid(found: list[QuarantinedRecord]) -> Grid:
    columns = (
        Column("file", _("File"), card=True),
        Column("row", _("Row"), Kind.QUANTITY, card=True, width=90),
        Column("table", _("Table"), Kind.CODE, card=True),
        Column("key", _("Key"), width=220),
        Column("why", _("What is wrong"), card=True, width=340),
        Column("remedy", _("What to do"), width=340),
    )
    return Grid("quarantine", columns, [
        {"file": row.file, "row": row.row, "table": row.table, "key": row.key, "why": joined(row, "why"),
         "remedy": joined(row, "remedy")}
        for row in found
    ])  # fmt: skip


def sheet(request: DeskRequest) -> HttpResponse:
    """The open rows as a workbook to be corrected."""
    mapping = request.GET.get("mapping", "")
    found = queries.quarantined(request.viewer, mapping, limit=MOST)
    if not found:
        raise NotFound("quarantine", _("No row of this mapping waits for repair."))
    response = HttpResponse(workbook_of(found), content_type=XLSX)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote('quarantine ' + mapping)}.xlsx"
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def repair_rows(request: DeskRequest) -> HttpResponse:
    """Tries the rows again with what was corrected; leads to the import this makes."""
    viewer = _editor(request.viewer)
    mapping, file = request.POST.get("mapping", ""), request.FILES.get("sheet")
    given: dict[UUID, dict[str, str | None]] = {}
    if file is not None:
        if (file.size or 0) > LARGEST:
            raise Invalid("file_size", _("The sheet is larger than %d MB.") % (LARGEST >> 20), field="sheet")
        try:
            given = corrections(
                read_sheet(str(file.name), file.read()), queries.quarantined(viewer, mapping, limit=MOST)
            )
        except ValueError as error:
            raise Invalid("sheet", str(error), field="sheet") from error
    outcomes = repair(viewer, mapping, given)
    return redirect("desk-import-run", run=outcomes[-1].run)


@require_POST
def discard(request: DeskRequest) -> HttpResponse:
    """Gives up every open row of a mapping."""
    viewer = _editor(request.viewer)
    found = queries.quarantined(viewer, request.POST.get("mapping", ""), limit=MOST)
    discard_quarantined(viewer, [row.id for row in found], request.POST.get("why", ""))
    return redirect("desk-quarantine")


def _editor(viewer: Viewer) -> Viewer:
    if viewer.role not in BUYER_EDITORS:
        raise NotAllowed("role", _("Planners, category managers and administrators repair rows."))
    return viewer
