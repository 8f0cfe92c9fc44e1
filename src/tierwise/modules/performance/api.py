"""Scorecards for machines: cards as recorded, the formula, and sending out. Suppliers read what is published."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Field, Query, Schema

from tierwise.kernel.audit import Invalid
from tierwise.modules.performance import queries
from tierwise.modules.performance.actions import publish_cards, put_formula
from tierwise.modules.performance.records import CardQuestion, CardRecord, Formula, FormulaRecord
from tierwise.web.api.bodies import Body, Id, Whole, made
from tierwise.web.api.paging import Keys, Page, Paged
from tierwise.web.api.passes import ApiRequest
from tierwise.web.api.routing import ApiRouter, buyers_only
from tierwise.web.api.scopes import Area

router = ApiRouter(Area.SCORECARDS)
Period = Annotated[str, Query("", max_length=8, pattern=r"^[^\u0000]*$", description="Such as 2026-03 or 2026-Q1")]


@router.get("/scorecards", response=Page[CardRecord], operation_id="scorecards")
def list_scorecards(
    request: ApiRequest, paging: Paged, supplier: UUID | None = None, segment: UUID | None = None, period: Period = ""
) -> Page[CardRecord]:
    """The newest revision of every card with its measures, the newest period first."""
    buyers_only(request)
    keys = Keys("scorecards", (date, UUID))
    rows = queries.scorecards_page(request.viewer, CardQuestion(supplier, segment, period), keys.slice(paging))
    items, after = keys.page(rows, paging, lambda card: (card.period_start, card.id))
    return Page[CardRecord](items=items, next=after)


@router.get("/scorecards/{card_id}", response=CardRecord, operation_id="scorecard")
def read_scorecard(request: ApiRequest, card_id: UUID) -> CardRecord:
    """One revision of a card with its measures."""
    buyers_only(request)
    return queries.scorecard(request.viewer, card_id)


@router.get("/scorecards/{card_id}/revisions", response=list[CardRecord], operation_id="revisions")
def list_revisions(request: ApiRequest, card_id: UUID) -> list[CardRecord]:
    """Every revision of the same card, the newest first."""
    buyers_only(request)
    return queries.revisions(request.viewer, queries.scorecard(request.viewer, card_id))


class PublishingBody(Body):
    """Which cards; empty lists do not narrow."""

    periods: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=8, pattern=r"^[0-9A-Za-z-]+$")]], Field(max_length=100)
    ] = []
    suppliers: Annotated[list[Id], Field(max_length=500)] = []


class PublishedOut(Schema):
    publications: list[UUID]


@router.post("/scorecard-publications", response=PublishedOut, operation_id="publish_scorecards")
def publish(request: ApiRequest, body: PublishingBody) -> PublishedOut:
    """Publishes cards that have not gone out and that an agreement in force shares."""
    buyers_only(request)
    drafts = queries.drafts_of(request.viewer, body.periods, body.suppliers)
    return PublishedOut(publications=publish_cards(request.viewer, drafts))


class FormulaOut(Schema):
    """One version of how scorecards are computed."""

    id: UUID
    number: int
    title: str
    formula: dict[str, Any]
    written_at: datetime
    written_by: UUID

    @classmethod
    def told(cls, record: FormulaRecord) -> FormulaOut:
        plain = {name: getattr(record, name) for name in cls.model_fields if name != "formula"}
        return cls(**plain, formula=record.formula.to_dict())


@router.get("/formulas", response=list[FormulaOut], operation_id="formulas")
def list_formulas(request: ApiRequest) -> list[FormulaOut]:
    """Every version of the formula, the newest first."""
    buyers_only(request)
    return [FormulaOut.told(one) for one in queries.formulas(request.viewer)]


class FormulaBody(Body):
    """The formula as ``formulas`` shows it; what is left out takes the default. ``based_on`` is the version read."""

    formula: dict[str, Any]
    based_on: Whole


@router.post("/formulas", response={201: FormulaOut}, operation_id="put_formula")
def write_formula(request: ApiRequest, body: FormulaBody) -> FormulaOut:
    """Adds a version of the formula; it holds for periods scored from now on."""
    buyers_only(request)
    written = put_formula(request.viewer, _formula(body.formula), body.based_on)
    found = queries.formula(request.viewer, written)
    assert found is not None
    return FormulaOut.told(found)


def _formula(given: dict[str, Any]) -> Formula:
    if "\\u0000" in json.dumps(given):
        raise Invalid("value", "formula: a text holds a character that cannot be kept.", field="formula")
    try:
        return made(lambda: Formula.from_dict(given))
    except (TypeError, AttributeError, KeyError) as error:
        raise Invalid("value", f"formula: {error}; compare it with GET /formulas.", field="formula") from None
