"""Suppliers × segments at a glance, and the list of the same cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from tierwise.directory import queries as directory
from tierwise.kernel.viewer import Viewer
from tierwise.modules.performance import actions, queries, words
from tierwise.modules.performance.records import CardRecord, Formula
from tierwise.web.pages import (
    Action,
    Column,
    Crumb,
    Empty,
    Grid,
    HeatCell,
    HeatMap,
    Kind,
    Page,
    SegmentChip,
    Stat,
    Status,
    Tab,
    Tone,
    respond,
)
from tierwise.web.segment_filter import all_segments, chosen_segment, segment_filters
from tierwise.web.viewing import DeskRequest

SHOWN_PERIODS = 6


def heat_map(request: DeskRequest) -> HttpResponse:
    viewer = request.viewer
    chips = directory.segment_chips(viewer)
    periods = queries.recorded_periods(viewer)
    formula = queries.formula(viewer)
    if not periods:
        return respond(request, "web/heatmap.html", {"page": _page(request, chips), "empty": _nothing()})
    chosen = request.GET.get("period", "")
    period = chosen if chosen in periods else periods[-1]
    place = periods.index(period)
    chosen_chip = chosen_segment(request, chips.values())
    cards = queries.scorecards(viewer, period=period, measures=["otif"])
    before = queries.scores(viewer, periods[place - 1]) if place else {}
    names = {company.id: company.name for company in directory.suppliers(viewer)}
    shown = [card for card in cards if chosen_chip is None or chips[card.segment] == chosen_chip]
    columns = {key: chip for key, chip in chips.items() if any(card.segment == key for card in shown)}
    used = formula.formula if formula else None
    picture = cards_map(shown, (before, names, columns), used)
    ready = len(queries.publishable(viewer)) if may(viewer, actions.publish_cards) else 0
    context = {
        "page": _page(request, chips, periods, period, ready), "stats": _stats(shown, before),
        "heatmap": picture, "grids": [cards_grid(shown, (before, names, columns), used)],
    }  # fmt: skip
    return respond(request, "web/heatmap.html", context)


Shown = tuple[Mapping[tuple[UUID, UUID], float | None], Mapping[UUID, str], Mapping[UUID, SegmentChip]]
"""Scores of the period before, names of suppliers, and the segments that are columns."""


def _page(
    request: DeskRequest,
    chips: Mapping[UUID, SegmentChip],
    periods: Sequence[str] = (),
    period: str = "",
    ready: int = 0,
) -> Page:
    query = request.GET.copy()

    def address(one: str) -> str:
        query["period"] = one
        query.pop("export", None)
        return f"?{query.urlencode()}"

    last = list(periods[-SHOWN_PERIODS:])
    last = last if period in last or not period else [period, *last[1:]]
    action = None
    if ready:
        label = ngettext("Publish %(n)d scorecard", "Publish %(n)d scorecards", ready) % {"n": ready}
        ask = _("Suppliers read what is published; it is replaced by later revisions, never taken back.")
        action = Action(label, reverse("desk-scorecards-publish"), post=True, ask=ask)
    return Page(
        _("Scorecards"),
        lead=_("How each supplier delivered for each segment. Standings move only on enough lines for long enough."),
        action=action, actions=(Action(_("Formula"), reverse("desk-scorecard-formula")),),
        tabs=[Tab(one, address(one), one == period) for one in reversed(last)],
        segments=segment_filters(request, chips.values()) if periods else (), all_segments=all_segments(request),
        as_of=period,
    )  # fmt: skip


def _nothing() -> Empty:
    return Empty(
        _("No period has been scored yet"),
        _("Once purchase orders and receipts are imported, the cycle scores every period that has closed."),
        Action(_("Look at the formula"), reverse("desk-scorecard-formula")),
    )


def least_n(card: CardRecord) -> int:
    return int(card.policy.get("least_n", 10))


def cards_map(cards: Sequence[CardRecord], shown: Shown, formula: Formula | None) -> HeatMap:
    """Scores with their change since the period before; the worst supplier first."""
    before, names, columns = shown
    by_supplier: dict[UUID, dict[UUID, CardRecord]] = {}
    for card in cards:
        by_supplier.setdefault(card.supplier, {})[card.segment] = card

    def worst(supplier: UUID) -> tuple[float, str]:
        scores = [card.score for card in by_supplier[supplier].values() if card.score is not None]
        return (min(scores, default=101.0), names.get(supplier, ""))

    rows = sorted(by_supplier, key=worst)
    cells = [[_cell(by_supplier[row].get(column), before, formula) for column in columns] for row in rows]
    return HeatMap(
        _("Score by supplier and segment"), _("points of 100"),
        _("Hollow: too few lines to judge by. The arrow is the change since the period before."),
        rows=[names.get(row, "?") for row in rows], columns=list(columns.values()), cells=cells,
        row_hrefs=[reverse("desk-supplier-tab", args=[row, "scorecards"]) for row in rows], decimals=0,
        enough=max((least_n(card) for card in cards), default=10), row_label=_("Supplier"),
    )  # fmt: skip


def _cell(
    card: CardRecord | None, before: Mapping[tuple[UUID, UUID], float | None], formula: Formula | None
) -> HeatCell | None:
    if card is None or card.score is None:
        return None
    last = before.get((card.supplier, card.segment))
    # A score on few lines is shown as such, and judged by nobody.
    own = words.standing_status(formula.standing_with(1).band_of(card.score), formula).tone if formula else Tone.PLAIN
    tone = own if card.n >= least_n(card) else Tone.PLAIN
    trend = None if last is None else round(card.score - last, 1)
    return HeatCell(round(card.score, 1), card.n, trend, tone, reverse("desk-scorecard", args=[card.id]))


def _stats(cards: Sequence[CardRecord], before: Mapping[tuple[UUID, UUID], float | None]) -> list[Stat]:
    active = [card for card in cards if not card.idle]
    few = sum(card.n < least_n(card) for card in active)
    moved = sum(card.standing_reason in {"downgraded", "upgraded", "severity"} for card in cards)
    fell = sum(
        1
        for card in active
        if (last := before.get((card.supplier, card.segment))) is not None and (card.score or 0) < last
    )
    return [
        Stat(_("Scorecards"), len(active), _("%(n)d suppliers") % {"n": len({card.supplier for card in active})}),
        Stat(_("Standings that moved"), moved),
        Stat(_("Scores below the period before"), fell),
        Stat(_("Too few lines to judge"), few, _("they move no standing")),
        Stat(_("Restated"), sum(card.revision > 1 for card in cards)),
    ]


def cards_grid(cards: Sequence[CardRecord], shown: Shown, formula: Formula | None, *, over_time: bool = False) -> Grid:
    """The same cards as a list that sorts and exports; ``over_time`` lists one supplier's periods."""
    before, names, chips = shown
    statuses: dict[str, Status] = {}
    rows = []
    for card in cards:
        statuses[card.standing] = words.standing_status(card.standing, formula)
        otif, last = card.measure("otif"), before.get((card.supplier, card.segment))
        rows.append(
            {
                "supplier": names.get(card.supplier, "?"), "href": reverse("desk-scorecard", args=[card.id]),
                "segment": chips[card.segment].code, "period": card.period, "score": card.score,
                "change": None if last is None or card.score is None else card.score - last, "n": card.n,
                "otif": otif.value if otif else None, "low": otif.low if otif else None,
                "high": otif.high if otif else None, "standing": card.standing, "reason": words.reason_text(card),
                "revision": card.revision, "published": card.publication is not None,
            }
        )  # fmt: skip
    columns = [
        *([] if over_time else [Column("supplier", _("Supplier"), Kind.LINK, href="href", card=True)]),
        *([Column("period", _("Period"), Kind.LINK, href="href", card=True)] if over_time else []),
        Column("segment", _("Segment"), Kind.SEGMENT, card=True),
        Column("score", _("Score"), Kind.QUANTITY, decimals=1, card=True),
        *([] if over_time else [Column("change", _("Change"), Kind.QUANTITY, decimals=1)]),
        Column(
            "n", _("n"), Kind.QUANTITY, card=True, note=_("Least effective number of lines behind a scored measure")
        ),
        Column("otif", _("On time in full"), Kind.RATIO, card=True),
        Column("standing", _("Standing"), Kind.STATUS, statuses=statuses, card=True),
        Column("reason", _("Why")),
        Column("low", _("Low"), Kind.RATIO, note=_("Interval of on time in full")),
        Column("high", _("High"), Kind.RATIO),
        Column("revision", _("Revision"), Kind.QUANTITY),
        Column("published", _("Published"), Kind.FLAG),
    ]
    return Grid("scorecards", columns, rows, label=_("Scorecards"), empty=_("No card."), segments=tuple(chips.values()))


@require_POST
def publish(request: DeskRequest) -> HttpResponse:
    """Sends every card that may go out."""
    drafts = queries.drafts_of(request.viewer)
    made = actions.publish_cards(request.viewer, drafts)
    text = ngettext("%(n)d scorecard was published.", "%(n)d scorecards were published.", len(made)) % {"n": len(made)}
    messages.success(request, text)
    return redirect("desk-scorecards")


def may(viewer: Viewer, deed: object) -> bool:
    """Whether the viewer's role may do an action at all, so that no page offers what would be refused."""
    return viewer.role in getattr(deed, "roles", ())


def crumb() -> Crumb:
    return Crumb(_("Scorecards"), reverse("desk-scorecards"))
