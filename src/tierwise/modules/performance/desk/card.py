"""One scorecard, and what stands behind each of its numbers."""

from __future__ import annotations

from uuid import UUID

import polars as pl
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from tierwise.collaboration.publish import queries as publications
from tierwise.directory import queries as directory
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.modules.performance import actions, queries, words
from tierwise.modules.performance.desk.heatmap import crumb, least_n, may
from tierwise.modules.performance.records import CardRecord, FormulaRecord, MeasureRecord
from tierwise.web.pages import (
    Action,
    Chart,
    Column,
    Crumb,
    Fact,
    Grid,
    Kind,
    LineChart,
    Mark,
    Notice,
    Page,
    Pareto,
    Series,
    Stat,
    Status,
    Timeline,
    TimelineEntry,
    Tone,
    respond,
)
from tierwise.web.viewing import DeskRequest

TREND_PERIODS = 24


def record(request: DeskRequest, card_id: UUID) -> HttpResponse:
    viewer = request.viewer
    card = queries.scorecard(viewer, card_id)
    formula = queries.formula(viewer, card.formula)
    assert formula is not None
    measured = measured_for(viewer, card, formula)
    history = [
        each
        for each in reversed(
            queries.scorecards(viewer, supplier=card.supplier, segment=card.segment, measures=words.SCORED)
        )
        if each.period_start <= card.period_start
    ][-TREND_PERIODS:]
    history = [card if each.period == card.period else each for each in history]
    lines = own_lines(measured.lines, card, viewer)
    context = {
        "page": _page(viewer, card, formula), "notices": _notices(card), "stats": _stats(card, history),
        "facts": _facts(viewer, card, formula), "charts": _charts(card, formula, history, lines),
        "grids": [_measures_grid(card), lines_grid(lines)], "timeline": _timeline(viewer, card),
    }  # fmt: skip
    return respond(request, "web/record.html", context)


def measured_for(viewer: Viewer, card: CardRecord, formula: FormulaRecord) -> queries.Measured:
    """The card's lines, judged again from the manifest that it names."""
    company = directory.company(viewer, card.supplier)
    span = queries.PeriodSpan(card.period, card.period_start, card.period_end)
    manifest = lake.manifest(viewer, card.manifest)
    code = company.code if company else ""
    return queries.measured_of(viewer, queries.Request(formula, span, manifest, frozenset({code})))


def own_lines(lines: pl.DataFrame, card: CardRecord, viewer: Viewer) -> pl.DataFrame:
    code = directory.segment_chips(viewer)[card.segment].code
    return lines.filter(pl.col("segment") == code)


def _page(viewer: Viewer, card: CardRecord, formula: FormulaRecord) -> Page:
    company = directory.company(viewer, card.supplier)
    name = company.name if company else _("Unknown supplier")
    others = [Action(_("Formula"), reverse("desk-scorecard-formula"))]
    if card.publication is not None:
        others.insert(0, Action(_("See it as published"), reverse("desk-publication", args=[card.publication])))
    return Page(
        name, (crumb(), Crumb(card.period, f"{reverse('desk-scorecards')}?period={card.period}")),
        status=words.standing_status(card.standing, formula.formula),
        segment=directory.segment_chips(viewer)[card.segment], action=_publish_action(viewer, card), actions=others,
        lead=_("Standing: %(reason)s.") % {"reason": words.reason_text(card)},
        as_of=_("%(period)s, revision %(revision)d") % {"period": card.period, "revision": card.revision},
    )  # fmt: skip


def _publish_action(viewer: Viewer, card: CardRecord) -> Action | None:
    if card.publication is not None or not card.latest or not may(viewer, actions.publish_cards):
        return None
    label, href = _("Publish to the supplier"), reverse("desk-scorecard-publish", args=[card.id])
    if card.id not in queries.publishable(viewer, [card.period], [card.supplier]):
        return Action(label, href, disabled=_("No agreement in force shares scorecards of this segment and period."))
    ask = _("The supplier reads it at once. It can be replaced by a later revision, never taken back.")
    return Action(label, href, post=True, ask=ask)


@require_POST
def publish(request: DeskRequest, card_id: UUID) -> HttpResponse:
    card = queries.scorecard(request.viewer, card_id)
    own = [each for each in queries.drafts_of(request.viewer, [card.period], [card.supplier]) if each.card == card_id]
    if actions.publish_cards(request.viewer, own):
        messages.success(request, _("Published. The supplier reads it and may question any line of it."))
    else:
        messages.warning(request, _("Nothing was published: it went out already, or no agreement shares it."))
    return redirect("desk-scorecard", card_id)


def _notices(card: CardRecord) -> list[Notice]:
    found = []
    if not card.latest:
        found.append(Notice(_("A later revision replaces this one; the timeline leads to it."), Tone.WATCH))
    if card.idle:
        found.append(Notice(_("Nothing was due or received in this period. The standing stays as it was.")))
    elif card.n < least_n(card):
        text = ngettext(
            "Only %(n)d line stands behind the score; the segment judges from %(least)d, so no standing moves.",
            "Only %(n)d lines stand behind the score; the segment judges from %(least)d, so no standing moves.",
            card.n,
        )
        found.append(Notice(text % {"n": card.n, "least": least_n(card)}))
    if card.gates:
        names = ", ".join(str(words.MEASURES[name].name) for name in card.gates.split(", "))
        found.append(
            Notice(_("The score is capped, because a gate was failed: %(names)s.") % {"names": names}, Tone.BAD)
        )
    if card.missing and not card.idle:
        names = ", ".join(str(words.MEASURES[name].name) for name in card.missing.split(", "))
        found.append(Notice(_("Not measured, its weight went to the others: %(names)s.") % {"names": names}))
    if card.first_mix > 0:
        text = _("%(share)s %% of it is attributed by the first mix known, carried back before its time.")
        found.append(Notice(text % {"share": f"{card.first_mix * 100:.0f}"}))
    return found


def address(card: CardRecord, measure: str) -> str:
    return reverse("desk-scorecard-measure", args=[card.id, measure])


def _stats(card: CardRecord, history: list[CardRecord]) -> list[Stat]:
    few = card.n < least_n(card)
    score = None if card.score is None else f"{'○ ' if few else ''}{card.score:.0f}"
    found = [
        Stat(
            _("Score of 100"),
            score,
            _lines_note(card),
            href=address(card, "score"),
            trend=[each.score for each in history],
        )
    ]
    for name in words.SCORED:
        measure = card.measure(name)
        if measure is None:
            continue
        target = (
            _("target %(value)s") % {"value": words.plain(name, measure.target)} if measure.target is not None else ""
        )
        past = [each.value if (each := one.measure(name)) else None for one in history]
        tone = _tone(measure, card)
        found.append(
            Stat(str(words.MEASURES[name].name), words.interval(measure, least_n(card)), target, address(card, name),
                 tone, past)
        )  # fmt: skip
    return found


def _lines_note(card: CardRecord) -> str:
    if card.n >= least_n(card):
        return _("n = %(n)d lines") % {"n": card.n}
    return _("n = %(n)d lines, of %(least)d it takes to judge") % {"n": card.n, "least": least_n(card)}


def _tone(measure: MeasureRecord, card: CardRecord) -> Tone:
    """Bad only when surely so: the interval must lie beyond the target."""
    if measure.target is None or measure.limit is None or measure.low is None or measure.high is None:
        return Tone.PLAIN
    more = measure.target > measure.limit
    value = measure.value or 0.0
    if value >= measure.target if more else value <= measure.target:
        return Tone.GOOD
    missed = measure.high < measure.target if more else measure.low > measure.target
    return Tone.BAD if missed and (measure.effective_n or 0) >= least_n(card) else Tone.WATCH


def _facts(viewer: Viewer, card: CardRecord, formula: FormulaRecord) -> list[Fact]:
    manifest = lake.manifest(viewer, card.manifest)
    sent = publications.publication(viewer, card.publication) if card.publication else None
    reply = _("not published") if sent is None else f"{sent.number} {sent.title}"
    return [
        Fact(_("Supplier"), _("Record and all its scorecards"),
             href=reverse("desk-supplier-tab", args=[card.supplier, "scorecards"])),
        Fact(_("Period"), f"{card.period_start.isoformat()} – {card.period_end.isoformat()}"),
        Fact(_("Judged as known on"), formula.formula.closes_on(card.period_end)),
        Fact(_("Formula"), f"{formula.title}, {_('version')} {formula.number}", href=reverse("desk-scorecard-formula")),
        Fact(_("Facts"), _("manifest %(n)d") % {"n": manifest.number}, note=manifest.moved_at.date().isoformat()),
        Fact(_("Scheme version"), card.scheme_version or None),
        Fact(_("Computed"), card.computed_at),
        Fact(_("Publication"), reply, href=reverse("desk-publication", args=[sent.id]) if sent else ""),
    ]  # fmt: skip


def _charts(card: CardRecord, formula: FormulaRecord, history: list[CardRecord], lines: pl.DataFrame) -> list[Chart]:
    periods = [each.period for each in history]
    marks = [
        Mark(
            each.period,
            words.standing_name(each.standing),
            Tone.GOOD if each.standing_reason == "upgraded" else Tone.BAD,
        )
        for each in history
        if each.standing_reason in {"upgraded", "downgraded", "severity"}
    ]
    found: list[Chart] = []
    if len(history) > 1:
        otif = [each.measure("otif") for each in history]
        policy = card.measure("otif")

        def percent(name: str) -> list[float | None]:
            values = [getattr(each, name) if each else None for each in otif]
            return [None if value is None else 100 * value for value in values]

        target = None if policy is None or policy.target is None else 100 * policy.target
        series = [Series(str(words.MEASURES["otif"].name), percent("value"), percent("low"), percent("high"))]
        note = _("The band is the %(level)d %% interval.") % {"level": round(100 * formula.formula.confidence)}
        found.append(LineChart(_("On time in full"), "%", note, x=periods, series=series, target=target, marks=marks))
        scores = [Series(_("Score"), [each.score for each in history])]
        found.append(LineChart(_("Score"), _("points of 100"), x=periods, series=scores, marks=marks, height=220))
    causes = queries.miss_causes(lines)
    if causes:
        named = [(str(words.CAUSES[name]), round(value, 2)) for name, value in causes.items()]
        found.append(Pareto(_("Why lines missed"), _("lines, by share"), causes=named, height=240))
    return found


def _measures_grid(card: CardRecord) -> Grid:
    rows = [
        {
            "name": str(words.MEASURES[each.measure].name), "href": address(card, each.measure),
            "value": words.plain(each.measure, each.value), "low": words.plain(each.measure, each.low),
            "high": words.plain(each.measure, each.high), "shrunk": words.plain(each.measure, each.shrunk), "n": each.n,
            "effective_n": each.effective_n, "limit": words.plain(each.measure, each.limit),
            "target": words.plain(each.measure, each.target), "weight": each.weight, "points": each.points,
        }
        for each in sorted(card.measures, key=lambda each: (-(each.weight or 0), each.measure))
    ]  # fmt: skip
    columns = [
        Column("name", _("Measure"), Kind.LINK, href="href", card=True),
        Column("value", _("Value"), card=True),
        Column("low", _("Low"), card=True, note=_("Lower end of the interval")),
        Column("high", _("High"), card=True, note=_("Upper end of the interval")),
        Column("target", _("Target"), card=True, note=_("Earns 100 points")),
        Column("points", _("Points"), Kind.QUANTITY, decimals=0, card=True),
        Column("weight", _("Weight"), Kind.QUANTITY, unit="%", decimals=0),
        Column("n", _("n"), Kind.QUANTITY, card=True),
        Column("effective_n", _("Effective n"), Kind.QUANTITY, decimals=1),
        Column("shrunk", _("Scored as"), note=_("Leant on comparable suppliers, for few lines say little")),
        Column("limit", _("Limit"), note=_("Earns 0 points")),
    ]
    return Grid("measures", columns, rows, label=_("Measures"), empty=_("Nothing was measured."))


def lines_grid(lines: pl.DataFrame) -> Grid:
    """Judged purchase lines; marks in words, never by colour alone."""
    marks = {"true": Status(_("Yes"), Tone.GOOD), "false": Status(_("No"), Tone.BAD)}
    columns = [
        Column("order", _("Order"), Kind.CODE, card=True),
        Column("line", _("Line"), Kind.CODE, frozen=True, card=True),
        Column("item", _("Item"), Kind.CODE, card=True),
        Column("item_name", _("Name")),
        Column("site", _("Site"), Kind.CODE),
        Column("due_on", _("Due"), Kind.DATE, card=True),
        Column("due_from", _("Due by")),
        Column("delivered_on", _("Delivered"), Kind.DATE, card=True),
        Column("days_late", _("Days late"), Kind.QUANTITY, note=_("Negative: early")),
        Column("ordered", _("Ordered"), Kind.QUANTITY, unit_field="unit"),
        Column("received", _("Received"), Kind.QUANTITY, unit_field="unit"),
        Column("rejected", _("Refused"), Kind.QUANTITY, unit_field="unit"),
        Column("on_time", _("On time"), Kind.STATUS, statuses=marks, card=True),
        Column("in_full", _("In full"), Kind.STATUS, statuses=marks, card=True),
        Column("exclusion", _("Left out"), note=_("Why the line is not judged")),
        Column("share", _("Counts with"), Kind.RATIO, note=_("Share with which the line counts for this segment")),
    ]
    reasons = {code: str(label) for code, label in words.EXCLUSIONS.items()}
    sources = {code: str(label) for code, label in words.DUE_FROM.items()}
    shown = lines.with_columns(
        pl.col("on_time", "in_full").cast(pl.String), pl.col("exclusion").replace(reasons),
        pl.col("due_from").cast(pl.String).replace(sources),
    )  # fmt: skip
    return Grid("lines", columns, shown, label=_("Purchase lines"), empty=_("No line stands beneath."), height="34rem")


def _timeline(viewer: Viewer, card: CardRecord) -> Timeline:
    entries = []
    for each in queries.revisions(viewer, card):
        score = "–" if each.score is None else f"{each.score:.1f}"
        what = _("Revision %(n)d: %(score)s points") % {"n": each.revision, "score": score}
        href = "" if each.id == card.id else reverse("desk-scorecard", args=[each.id])
        entries.append(TimelineEntry(each.computed_at, what, side="system", href=href, note=words.reason_text(each)))
        if each.publication is not None:
            sent = publications.publication(viewer, each.publication)
            link = reverse("desk-publication", args=[sent.id])
            entries.append(
                TimelineEntry(sent.published_at, _("Published as number %(n)d") % {"n": sent.number}, href=link)
            )
            if sent.reply is not None and sent.replied_at is not None:
                entries.append(
                    TimelineEntry(sent.replied_at, sent.reply.value.capitalize(), side="theirs", note=sent.comment)
                )
    entries.sort(key=lambda entry: str(entry.at), reverse=True)
    return Timeline(entries, title=_("Revisions"))
