"""The import pages: what came in, and the way to hand in an extract."""

from __future__ import annotations

from django.urls import path
from django.utils.translation import gettext_lazy

from tierwise.kernel.viewer import Side
from tierwise.lake.desk import handing_in, runs
from tierwise.web import navigation
from tierwise.web.due import add_due_sources
from tierwise.web.navigation import Place
from tierwise.web.subjects import register_subject

navigation.add_places(
    Place("desk-import", gettext_lazy("Imports"), "exchange", Side.BUYER, 620, gettext_lazy("Directory"))
)
add_due_sources(Side.BUYER, runs.refused)
register_subject("import", runs.address)

urlpatterns = [
    path("imports/", runs.log, name="desk-import"),
    path("imports/new", handing_in.new, name="desk-import-new"),
    path("imports/check", handing_in.check, name="desk-import-check"),
    path("imports/<uuid:run>/", runs.record, name="desk-import-run"),
    path("imports/<uuid:run>/progress", runs.progress, name="desk-import-progress"),
    path("imports/<uuid:run>/again", handing_in.again, name="desk-import-again"),
]
