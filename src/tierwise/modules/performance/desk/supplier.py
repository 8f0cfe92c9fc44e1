"""A supplier's scorecards over time, for its record; and each segment's latest score, for the home page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from tierwise.directory import queries as directory
from tierwise.kernel.viewer import Viewer
from tierwise.modules.performance import queries, words
from tierwise.modules.performance.desk.heatmap import cards_grid, least_n
from tierwise.modules.performance.records import CardRecord
from tierwise.web.pages import Action, Empty, HeatCell, HeatMap, Interval, Tone

PERIODS = 12


def fragment(request: HttpRequest, supplier: UUID) -> Mapping[str, object]:
    """Context of ``performance/supplier.html``: segments × periods, and the cards as a list."""
    viewer: Viewer = request.viewer  # type: ignore[attr-defined]
    cards = queries.scorecards(viewer, supplier=supplier, measures=["otif"])
    if not cards:
        text = _("The first follows the close of a period with deliveries.")
        return {"empty": Empty(_("No scorecard yet"), text, Action(_("Scorecards"), reverse("desk-scorecards")))}
    chips = directory.segment_chips(viewer)
    names = {company.id: company.name for company in directory.suppliers(viewer)}
    formula = queries.formula(viewer)
    used = formula.formula if formula else None
    periods = sorted({(card.period_start, card.period) for card in cards})[-PERIODS:]
    found = {(card.segment, card.period): card for card in cards}
    rows = [key for key in chips if any(card.segment == key for card in cards)]

    def cell(card: CardRecord | None) -> HeatCell | None:
        if card is None or card.score is None:
            return None
        tone = words.standing_status(card.standing, used).tone if card.n >= least_n(card) else Tone.PLAIN
        return HeatCell(round(card.score, 1), card.n, None, tone, reverse("desk-scorecard", args=[card.id]))

    picture = HeatMap(
        _("Score by segment and period"), _("points of 100"), _("Hollow: too few lines to judge by."),
        rows=[chips[row].name for row in rows], columns=[period for _start, period in periods],
        cells=[[cell(found.get((row, period))) for _start, period in periods] for row in rows], decimals=0,
        enough=max(least_n(card) for card in cards), row_label=_("Segment"),
    )  # fmt: skip
    grid = cards_grid(cards, ({}, names, {row: chips[row] for row in rows}), used, over_time=True)
    return {"heatmap": picture, "grid": grid}


def count(viewer: Viewer, supplier: Any) -> int | None:
    """Segments with a card in the latest period that the supplier has one for."""
    cards = queries.scorecards(viewer, supplier=supplier)
    return sum(card.period == cards[0].period for card in cards) if cards else None


def segment_figure(viewer: Viewer) -> dict[UUID, Interval]:
    """Each segment's mean score in its latest period, suppliers weighted by the lines behind them."""
    periods = queries.recorded_periods(viewer)
    cards = (
        [card for card in queries.scorecards(viewer, period=periods[-1]) if card.score is not None] if periods else []
    )
    found = {}
    for segment in {card.segment for card in cards}:
        own = [card for card in cards if card.segment == segment]
        n = sum(card.n for card in own)
        if n:
            mean = sum((card.score or 0.0) * card.n for card in own) / n
            found[segment] = Interval(mean, n=n, unit="", decimals=0)
    return found
