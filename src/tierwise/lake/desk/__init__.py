"""The import pages: what came in, and the way to hand in an extract."""

from __future__ import annotations

from django.urls import path
from django.utils.translation import gettext_lazy

from tierwise.kernel.viewer import Side
from tierwise.lake.desk import handing_in, history, quarantine, runs
from tierwise.web import navigation
from tierwise.web.due import add_due_sources
from tierwise.web.navigation import Place
from tierwise.web.subjects import register_subject

navigation.add_places(
    Place("desk-import", gettext_lazy("Imports"), "exchange", Side.BUYER, 620, gettext_lazy("Directory")),
    Place("desk-quarantine", gettext_lazy("Quarantine"), "exchange", Side.BUYER, 621, gettext_lazy("Directory")),
    Place("desk-lake", gettext_lazy("History of facts"), "exchange", Side.BUYER, 622, gettext_lazy("Directory")),
)
add_due_sources(Side.BUYER, runs.refused)
register_subject("import", runs.address)

urlpatterns = [
    path("imports/", runs.log, name="desk-import"),
    path("imports/new", handing_in.new, name="desk-import-new"),
    path("imports/check", handing_in.check, name="desk-import-check"),
    path("imports/<uuid:run>/", runs.record, name="desk-import-run"),
    path("imports/<uuid:run>/progress", runs.progress, name="desk-import-progress"),
    path("imports/<uuid:run>/cancel", handing_in.cancel, name="desk-import-cancel"),
    path("imports/quarantine/", quarantine.rows, name="desk-quarantine"),
    path("imports/quarantine/sheet", quarantine.sheet, name="desk-quarantine-sheet"),
    path("imports/quarantine/repair", quarantine.repair_rows, name="desk-quarantine-repair"),
    path("imports/quarantine/discard", quarantine.discard, name="desk-quarantine-discard"),
    path("imports/history/", history.states, name="desk-lake"),
    path("imports/<uuid:run>/again", handing_in.again, name="desk-import-again"),
]
