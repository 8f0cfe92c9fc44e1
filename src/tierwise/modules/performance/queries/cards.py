"""Recorded formulas, cards and corrections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import polars as pl
from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from tierwise.directory import queries as directory
from tierwise.kernel.audit import NotAllowed, NotFound
from tierwise.kernel.pages import Slice, keyset
from tierwise.kernel.viewer import Viewer, viewer_scope
from tierwise.modules.performance.models import LineCorrection, Scorecard, ScorecardFormula, ScorecardMeasure
from tierwise.modules.performance.records import (
    CardQuestion,
    CardRecord,
    Correction,
    Formula,
    FormulaRecord,
    MeasureRecord,
)

_MEASURE = (
    "id", "measure", "value", "low", "high", "shrunk", "numerator", "denominator", "n", "effective_n", "limit",
    "target", "weight", "points", "prior_mean", "prior_n", "note",
)  # fmt: skip


def refuse_supplier(viewer: Viewer) -> None:
    """Suppliers read what was published to them; these tables would not answer them anyway."""
    if viewer.is_supplier:
        raise NotAllowed("scorecards", "Scorecards reach suppliers as publications.")


def formulas(viewer: Viewer) -> list[FormulaRecord]:
    """Every version, the newest first."""
    refuse_supplier(viewer)
    with viewer_scope(viewer):
        return [_formula(row) for row in ScorecardFormula.objects.order_by("-number")]


def formula(viewer: Viewer, formula_id: UUID | None = None) -> FormulaRecord | None:
    """One version, or the newest; None before the first was written."""
    refuse_supplier(viewer)
    with viewer_scope(viewer):
        rows = ScorecardFormula.objects.filter(id=formula_id) if formula_id else ScorecardFormula.objects.all()
        found = rows.order_by("-number").first()
        return _formula(found) if found else None


def _formula(row: ScorecardFormula) -> FormulaRecord:
    return FormulaRecord(
        row.id, row.number, row.title, Formula.from_dict(row.parameters), row.written_at, row.written_by
    )


def corrections(viewer: Viewer, suppliers: Iterable[str] | None = None) -> list[Correction]:
    """Every ruling that changes a line, of all suppliers or of those with the codes given."""
    refuse_supplier(viewer)
    with viewer_scope(viewer):
        rows = LineCorrection.objects.all()
        if suppliers is not None:
            rows = rows.filter(supplier__code__in=list(suppliers))
        return [
            Correction(
                row.supplier_id, row.order, row.line, row.case, row.ruled_at, row.delivered_on, row.received,
                row.rejected, row.excluded,
            )
            for row in rows.order_by("ruled_at", "id")
        ]  # fmt: skip


def latest_cards(rows: QuerySet[Scorecard]) -> QuerySet[Scorecard]:
    """Of each card its newest revision."""
    newer = Scorecard.objects.filter(
        supplier=OuterRef("supplier"), segment=OuterRef("segment"), period=OuterRef("period"),
        revision__gt=OuterRef("revision"),
    )  # fmt: skip
    return rows.filter(~Exists(newer))


def scorecards(
    viewer: Viewer,
    *,
    supplier: UUID | None = None,
    segment: UUID | None = None,
    period: str = "",
    measures: bool | Collection[str] = False,
) -> list[CardRecord]:
    """The newest revision of cards, the newest period first; with all their measures, or with those named."""
    refuse_supplier(viewer)
    asked = {"supplier_id": supplier, "segment_id": segment, "period": period}
    with viewer_scope(viewer):
        rows = latest_cards(Scorecard.objects.filter(**{k: v for k, v in asked.items() if v}))
        found = rows.select_related("formula").order_by("-period_start", "supplier_id", "segment__rank")
        if measures:
            every = ScorecardMeasure.objects.all()
            wanted = every if isinstance(measures, bool) else every.filter(measure__in=list(measures))
            found = found.prefetch_related(Prefetch("measures", wanted))
        return [_card(row, latest=True, measures=bool(measures)) for row in found]


def scorecards_page(viewer: Viewer, question: CardQuestion, part: Slice) -> list[CardRecord]:
    """One page of the newest revisions with their measures, the newest period first."""
    refuse_supplier(viewer)
    asked = {"supplier_id": question.supplier, "segment_id": question.segment, "period": question.period}
    with viewer_scope(viewer):
        rows = latest_cards(Scorecard.objects.filter(**{k: v for k, v in asked.items() if v}))
        found = rows.select_related("formula").prefetch_related("measures")
        return [_card(row, latest=True, measures=True) for row in keyset(found, ("-period_start", "-id"), part)]


@dataclass(frozen=True, slots=True)
class CardKey:
    """What tells a card from others, without what it says."""

    id: UUID
    supplier: UUID
    segment: UUID
    period_end: date


def unpublished(
    viewer: Viewer, since: date, periods: Collection[str] = (), suppliers: Collection[UUID] = ()
) -> list[CardKey]:
    """Newest revisions with numbers that went out with no publication, of periods that end on a day or later."""
    refuse_supplier(viewer)
    asked = {"period__in": list(periods), "supplier__in": list(suppliers)}
    measured = ScorecardMeasure.objects.filter(scorecard=OuterRef("id"))
    with viewer_scope(viewer):
        rows = Scorecard.objects.filter(
            publication=None, period_end__gte=since, **{k: v for k, v in asked.items() if v}
        )
        found = latest_cards(rows).filter(Exists(measured)).order_by("-period_start", "supplier_id", "segment__rank")
        return [CardKey(*row) for row in found.values_list("id", "supplier_id", "segment_id", "period_end")]


def cards_by_id(viewer: Viewer, ids: Sequence[UUID]) -> list[CardRecord]:
    """Cards in the order of their ids, each taken for the newest revision; without measures."""
    refuse_supplier(viewer)
    with viewer_scope(viewer):
        rows = Scorecard.objects.select_related("formula").in_bulk(ids)
        return [_card(rows[key], latest=True, measures=False) for key in ids]


def scores(viewer: Viewer, period: str) -> dict[tuple[UUID, UUID], float | None]:
    """(supplier, segment) → the score of a period."""
    refuse_supplier(viewer)
    with viewer_scope(viewer):
        rows = latest_cards(Scorecard.objects.filter(period=period)).values_list("supplier_id", "segment_id", "score")
        return {(supplier, segment): score for supplier, segment, score in rows}


def measures_of(viewer: Viewer, cards: Sequence[UUID]) -> pl.DataFrame:
    """The measures of many cards, by the id of the card as text: card, measure, the numbers, note."""
    refuse_supplier(viewer)
    with viewer_scope(viewer):
        rows = ScorecardMeasure.objects.filter(scorecard__in=list(cards)).order_by("scorecard", "measure")
        found = list(rows.values_list("scorecard_id", *_MEASURE[1:]))
    schema: dict[str, Any] = {"card": pl.String, **dict.fromkeys(_MEASURE[1:], pl.Float64)}
    schema |= {"measure": pl.String, "n": pl.Int64, "note": pl.String}
    return pl.DataFrame([(str(row[0]), *row[1:]) for row in found], schema=schema, orient="row")


def scorecard(viewer: Viewer, card_id: UUID) -> CardRecord:
    """One revision of a card with its measures."""
    refuse_supplier(viewer)
    with viewer_scope(viewer):
        row = Scorecard.objects.select_related("formula").prefetch_related("measures").filter(id=card_id).first()
        if row is None:
            raise NotFound("scorecard", "There is no such scorecard.")
        newest = not Scorecard.objects.filter(
            supplier=row.supplier_id, segment=row.segment_id, period=row.period, revision__gt=row.revision
        ).exists()
        return _card(row, latest=newest, measures=True)


def revisions(viewer: Viewer, card: CardRecord) -> list[CardRecord]:
    """Every revision of the same card, the newest first, with measures."""
    refuse_supplier(viewer)
    with viewer_scope(viewer):
        rows = Scorecard.objects.select_related("formula").prefetch_related("measures")
        rows = rows.filter(supplier=card.supplier, segment=card.segment, period=card.period).order_by("-revision")
        return [_card(row, latest=place == 0, measures=True) for place, row in enumerate(rows)]


def _card(row: Scorecard, *, latest: bool, measures: bool) -> CardRecord:
    return CardRecord(
        id=row.id, supplier=row.supplier_id, segment=row.segment_id, period=row.period, period_start=row.period_start,
        period_end=row.period_end, revision=row.revision, latest=latest, formula=row.formula_id,
        formula_number=row.formula.number, manifest=row.manifest, scheme_version=row.scheme_version,
        fingerprint=row.fingerprint, policy=row.policy, n=row.n, score=row.score, ungated=row.ungated, gates=row.gates,
        missing=row.missing, first_mix=row.first_mix, standing=row.standing, standing_reason=row.standing_reason,
        computed_at=row.computed_at, publication=row.publication,
        measures=tuple(_measure(each) for each in row.measures.all()) if measures else (),
    )  # fmt: skip


def _measure(row: ScorecardMeasure) -> MeasureRecord:
    return MeasureRecord(**{name: getattr(row, name) for name in _MEASURE})


def codes_of(viewer: Viewer) -> tuple[dict[UUID, str], dict[UUID, str]]:
    """(suppliers, segments): id → code, inactive ones included."""
    suppliers = {company.id: company.code for company in directory.suppliers(viewer)}
    return suppliers, {key: code for code, key in directory.segment_ids(viewer).items()}


def history(viewer: Viewer, formula_id: UUID | None = None, before: date | None = None) -> pl.DataFrame:
    """The newest revision of every card by code: supplier, segment, period, period_start, score, n, standing.

    ``formula_id`` keeps the cards of one formula, ``before`` those of periods that start before a day.
    """
    refuse_supplier(viewer)
    names = ("supplier_id", "segment_id", "period", "period_start", "period_end", "score", "n", "standing",
             "standing_reason", "fingerprint", "id", "publication")  # fmt: skip
    asked = {"formula": formula_id, "period_start__lt": before}
    with viewer_scope(viewer):
        rows = Scorecard.objects.filter(**{name: value for name, value in asked.items() if value is not None})
        values = list(latest_cards(rows).values_list(*names))
    suppliers, segments = codes_of(viewer)
    found: list[tuple[Any, ...]] = [
        (suppliers.get(row[0], ""), segments.get(row[1], ""), *row[2:10], str(row[10]), row[11] and str(row[11]))
        for row in values
    ]
    text = dict.fromkeys(("standing", "standing_reason", "fingerprint", "id", "publication"), pl.String)
    schema = {"supplier": pl.String, "segment": pl.String, "period": pl.String, "period_start": pl.Date,
              "period_end": pl.Date, "score": pl.Float64, "n": pl.Int64, **text}  # fmt: skip
    return pl.DataFrame(found, schema=schema, orient="row").sort("supplier", "segment", "period_start")


@dataclass(frozen=True, slots=True)
class Kept:
    """What a period keeps from its first scoring: policy by segment code, the peers' priors, and the last formula.

    Priors: segment, measure, prior_mean, prior_n (null where there were too few peers).
    """

    policies: Mapping[str, dict[str, Any]]
    priors: pl.DataFrame = field(repr=False)
    formula: UUID


def kept(viewer: Viewer, periods: Iterable[str]) -> dict[str, Kept]:
    """Period → what it keeps; periods without cards are left out."""
    refuse_supplier(viewer)
    wanted = list(periods)
    with viewer_scope(viewer):
        cards = Scorecard.objects.filter(period__in=wanted)
        newest = dict(
            cards.order_by("period", "-computed_at", "-id").distinct("period").values_list("period", "formula_id")
        )
        first = cards.order_by("period", "segment__code", "computed_at", "id").distinct("period", "segment__code")
        policies: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        for period, segment, policy in first.values_list("period", "segment__code", "policy"):
            policies[period][segment] = policy
        priors = _priors(newest)
    return {period: Kept(policies[period], priors[period], formula) for period, formula in newest.items()}


def _priors(formulas: Mapping[str, UUID]) -> dict[str, pl.DataFrame]:
    """Period → priors of its first scoring by the formula given for it."""
    by_formula: dict[UUID, list[str]] = defaultdict(list)
    for period, formula in formulas.items():
        by_formula[formula].append(period)
    keys = ("scorecard__period", "scorecard__segment__code", "measure")
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for formula, periods in by_formula.items():
        rows = ScorecardMeasure.objects.filter(scorecard__period__in=periods, scorecard__formula=formula)
        first = rows.order_by(*keys, "scorecard__computed_at", "id").distinct(*keys)
        for period, *row in first.values_list(*keys, "prior_mean", "prior_n"):
            found[period].append(tuple(row))
    schema = {"segment": pl.String, "measure": pl.String, "prior_mean": pl.Float64, "prior_n": pl.Float64}
    return {period: pl.DataFrame(found[period], schema=schema, orient="row") for period in formulas}


def recorded_periods(viewer: Viewer) -> list[str]:
    """Periods that have cards, the oldest first."""
    refuse_supplier(viewer)
    with viewer_scope(viewer):
        rows = Scorecard.objects.order_by("period_start").values_list("period", "period_start").distinct()
        return [period for period, _ in rows]
