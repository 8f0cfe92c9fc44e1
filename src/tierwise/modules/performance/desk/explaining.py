"""What stands behind one number of a card: formula in words, inputs, n and interval, the lines beneath."""

from __future__ import annotations

from uuid import UUID

import polars as pl
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from tierwise.directory import queries as directory
from tierwise.kernel.audit import NotFound
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.modules.performance import queries, words
from tierwise.modules.performance.desk.card import address, lines_grid, measured_for, own_lines
from tierwise.modules.performance.desk.heatmap import crumb, least_n
from tierwise.modules.performance.records import BY_RECEIPT, CardRecord, FormulaRecord, MeasureRecord
from tierwise.web.pages import Crumb, Fact, Page, Quantity, respond
from tierwise.web.viewing import DeskRequest


def explain(request: DeskRequest, card_id: UUID, measure: str) -> HttpResponse:
    """What stands behind one number: formula in words, inputs, n and interval, the lines beneath."""
    viewer = request.viewer
    card = queries.scorecard(viewer, card_id)
    formula = queries.formula(viewer, card.formula)
    assert formula is not None
    if measure == "score":
        return _explain_score(request, card, formula)
    found = card.measure(measure)
    if found is None:
        raise NotFound("measure", _("This scorecard has no such measure."))
    measured = measured_for(viewer, card, formula)
    lines = own_lines(measured.received if measure in BY_RECEIPT else measured.lines, card, viewer)
    if measure not in BY_RECEIPT:
        lines = lines.filter(pl.col("exclusion").is_null())
    said = words.MEASURES[measure]
    context = {
        "page": _explain_page(viewer, card, str(said.name)),
        "explained": {"value": words.interval(found, least_n(card))},
        "formula": str(said.formula),
        "facts": _measure_facts(viewer, card, formula, found),
        "grids": [lines_grid(lines)],
    }
    return respond(request, "web/explain.html", context)


def _explain_page(viewer: Viewer, card: CardRecord, title: str) -> Page:
    company = directory.company(viewer, card.supplier)
    own = Crumb(company.name if company else "?", reverse("desk-scorecard", args=[card.id]))
    return Page(title, (crumb(), own), segment=directory.segment_chips(viewer)[card.segment], as_of=card.period)


def _measure_facts(viewer: Viewer, card: CardRecord, formula: FormulaRecord, found: MeasureRecord) -> list[Fact]:
    said, used = words.MEASURES[found.measure], formula.formula
    level = _("%(level)d %% interval") % {"level": round(100 * used.confidence)}
    bounds = f"{words.plain(found.measure, found.low)} – {words.plain(found.measure, found.high)}"
    basis = str(words.BASES[str(used.basis_of(found.measure))])
    manifest = lake.manifest(viewer, card.manifest)
    cited = _("version %(n)d") % {"n": formula.number}
    facts = [
        Fact(str(said.numerator), Quantity(round(found.numerator or 0.0, 2), "")),
        Fact(str(said.denominator), Quantity(round(found.denominator or 0.0, 2), "")),
        Fact("n", found.n, note=_("effective %(n).1f") % {"n": found.effective_n or 0.0}),
        Fact(level, bounds),
        Fact(_("Segment read from"), basis),
        Fact(_("Facts"), _("manifest %(n)d") % {"n": manifest.number}, note=manifest.moved_at.date().isoformat()),
        Fact(_("Judged as known on"), used.closes_on(card.period_end)),
        Fact(_("Formula"), cited, note=used.otif.fingerprint, href=reverse("desk-scorecard-formula")),
    ]
    if found.weight is not None and found.limit is not None:
        scale = f"{words.plain(found.measure, found.limit)} → {words.plain(found.measure, found.target)}"
        facts.append(Fact(_("0 to 100 points"), scale, note=_("weight %(weight).0f %%") % {"weight": found.weight}))
        facts.append(Fact(_("Points"), None if found.points is None else round(found.points, 1)))
    if found.shrunk is not None and found.prior_n is not None:
        note = _("comparable suppliers say %(mean)s, which counts as %(n).0f lines") % {
            "mean": words.plain(found.measure, found.prior_mean), "n": found.prior_n,
        }  # fmt: skip
        facts.append(Fact(_("Scored as"), words.figure(found.measure, found.shrunk), note=note))
    return facts


def _explain_score(request: DeskRequest, card: CardRecord, formula: FormulaRecord) -> HttpResponse:
    used = formula.formula
    text = _(
        "Σ weight × points ÷ Σ weight over the measures there are; points run straight from 0 at the limit to 100 at "
        "the target. A gate that was surely failed caps the sum. The standing moves after %(periods)d periods in a row "
        "with at least %(n)d lines each, beyond the edge by %(margin)s points."
    ) % {"periods": used.standing_periods, "n": least_n(card), "margin": f"{used.margin:g}"}
    facts = [
        Fact(
            str(words.MEASURES[each.measure].name), None if each.points is None else round(each.points, 1),
            note=_("points, weight %(weight).0f %%") % {"weight": each.weight}, href=address(card, each.measure),
        )
        for each in sorted(card.measures, key=lambda each: -(each.weight or 0))
        if each.weight
    ]  # fmt: skip
    if card.ungated is not None and card.ungated != card.score:
        facts.append(Fact(_("Before gates"), round(card.ungated, 1)))
    edges = ", ".join(f"{words.standing_name(band.name)} {band.low:g}–{band.high:g}" for band in used.standings)
    facts.append(Fact(_("Standings"), edges))
    facts.append(Fact(_("Standing"), words.standing_name(card.standing or "–"), note=words.reason_text(card)))
    score = None if card.score is None else round(card.score, 1)
    facts.insert(0, Fact("n", card.n, note=_("least effective number of lines behind a scored measure")))
    page = _explain_page(request.viewer, card, _("Score"))
    return respond(
        request, "web/explain.html", {"page": page, "explained": {"value": score}, "formula": text, "facts": facts}
    )
