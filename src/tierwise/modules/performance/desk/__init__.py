"""Scorecards at the buyer's desk: the heat map, one card, what stands behind a number, and the formula."""

from __future__ import annotations

from django.urls import path
from django.utils.translation import gettext_lazy as _

from tierwise.directory.ports import Fragment, register_segment_figure, register_supplier_fragment
from tierwise.kernel.viewer import Side
from tierwise.modules.performance.desk import card, explaining, formula, heatmap, supplier
from tierwise.web.navigation import Place, add_places

add_places(Place("desk-scorecards", _("Scorecards"), "score", Side.BUYER, 300, _("Performance")))
register_supplier_fragment(
    Fragment("scorecards", _("Scorecards"), 10, "performance/supplier.html", supplier.fragment, supplier.count)
)
register_segment_figure("score", _("Latest score"), supplier.segment_figure)

urlpatterns = [
    path("scorecards/", heatmap.heat_map, name="desk-scorecards"),
    path("scorecards/publish", heatmap.publish, name="desk-scorecards-publish"),
    path("scorecards/formula/", formula.read, name="desk-scorecard-formula"),
    path("scorecards/formula/new", formula.write, name="desk-scorecard-formula-new"),
    path("scorecards/formula/trial", formula.trial, name="desk-scorecard-formula-trial"),
    path("scorecards/<uuid:card_id>/", card.record, name="desk-scorecard"),
    path("scorecards/<uuid:card_id>/publish", card.publish, name="desk-scorecard-publish"),
    path("scorecards/<uuid:card_id>/<slug:measure>/", explaining.explain, name="desk-scorecard-measure"),
]
