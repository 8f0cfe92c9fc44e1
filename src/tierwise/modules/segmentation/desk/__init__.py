"""Buyers' pages of segmentation: segments, the scheme and its plans, cells, suppliers to confirm."""

from __future__ import annotations

from django.urls import path
from django.utils.translation import gettext_lazy as _

from tierwise.directory.ports import register_mix_explainer
from tierwise.kernel.viewer import Side
from tierwise.modules.segmentation.desk import cells, history, pins, plans, segments, studio, supports
from tierwise.web.due import add_due_sources
from tierwise.web.navigation import Place, add_places

add_places(
    Place("desk-segments", _("Segments"), "segment", Side.BUYER, 100, _("Segmentation")),
    Place("desk-scheme", _("Scheme"), "document", Side.BUYER, 110, _("Segmentation")),
)
add_due_sources(Side.BUYER, plans.waiting)
register_mix_explainer(cells.why_mixed)

urlpatterns = [
    path("segments/", segments.segment_list, name="desk-segments"),
    path("segments/cell/", cells.cell, name="desk-cell"),
    path("segments/cell/pin", cells.pin, name="desk-cell-pin"),
    path("segments/pins/", pins.pins, name="desk-pins"),
    path("segments/proposals/", supports.proposals, name="desk-segment-supports"),
    path("segments/plans/", history.history, name="desk-scheme-history"),
    path("segments/plans/<uuid:plan_id>/", plans.plan, name="desk-plan"),
    path("segments/plans/<uuid:plan_id>/apply", plans.apply, name="desk-plan-apply"),
    path("segments/<str:code>/", segments.segment, name="desk-segment"),
    path("scheme/", studio.scheme, name="desk-scheme"),
    path("scheme/trial", studio.trial, name="desk-scheme-trial"),
    path("scheme/save", studio.save, name="desk-scheme-save"),
    path("scheme/<int:number>/", history.version, name="desk-scheme-version"),
    path("scheme/<int:number>/plan", plans.plan_again, name="desk-plan-again"),
    path("scheme/<int:number>/back", history.back, name="desk-scheme-back"),
    path("scheme/<int:number>.yaml", studio.download, name="desk-scheme-file"),
]
