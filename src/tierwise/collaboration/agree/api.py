"""Agreements for machines: offered by the buyer, answered by the supplier."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from ninja import Field, Schema

from tierwise.collaboration.agree import queries, shared
from tierwise.collaboration.agree.actions import (
    Offer,
    accept_agreement,
    decline_agreement,
    end_agreement,
    offer_agreement,
    offer_version,
)
from tierwise.collaboration.agree.records import (
    SHARED_FIELDS,
    AgreementHistory,
    AgreementKind,
    AgreementRecord,
    AgreementState,
    DataSharingTerms,
    Frequency,
    Grain,
    Wording,
)
from tierwise.kernel.pages import cut
from tierwise.web.api.bodies import Body, Comment, Day, Days, DaysOfAYear, Id, Name, Sentence, made
from tierwise.web.api.paging import Keys, Page, Paged
from tierwise.web.api.passes import ApiRequest
from tierwise.web.api.routing import ApiRouter, buyers_only, suppliers_only
from tierwise.web.api.scopes import Area
from tierwise.web.api.versions import for_change, versioned

router = ApiRouter(Area.AGREEMENTS)


class AgreementOut(Schema):
    """An agreement with all its wordings, the newest first, and the one that holds today."""

    id: UUID
    number: int
    title: str
    kind: AgreementKind
    supplier: UUID
    segment: UUID
    state: AgreementState = Field(description="Of the newest wording, today")
    in_force: AgreementRecord | None
    versions: tuple[AgreementRecord, ...]

    @classmethod
    def told(cls, history: AgreementHistory) -> AgreementOut:
        last = history.latest
        return cls(
            id=last.id, number=last.number, title=last.title, kind=last.kind, supplier=last.supplier,
            segment=last.segment, state=last.state, in_force=history.in_force, versions=history.versions,
        )  # fmt: skip


@router.get("/agreements", response=Page[AgreementOut], operation_id="list_agreements")
def list_agreements(
    request: ApiRequest, paging: Paged, supplier: UUID | None = None, segment: UUID | None = None
) -> Page[AgreementOut]:
    """Agreements by supplier and number."""
    viewer, keys = request.viewer, Keys("agreements", (str, int))
    if viewer.is_supplier:
        found = shared.my_agreements(viewer, segment=segment)
    else:
        found = queries.agreements(viewer, supplier=supplier, segment=segment)
    rows = cut(found, _place, keys.slice(paging))
    items, after = keys.page(rows, paging, _place)
    return Page[AgreementOut](items=[AgreementOut.told(one) for one in items], next=after)


def _place(history: AgreementHistory) -> tuple[str, int]:
    return str(history.latest.supplier), history.latest.number


def _read(request: ApiRequest, agreement_id: UUID) -> AgreementOut:
    own = shared.agreement if request.viewer.is_supplier else queries.agreement
    return AgreementOut.told(own(request.viewer, agreement_id))


@router.get("/agreements/{agreement_id}", response=AgreementOut, operation_id="read_agreement")
def read_agreement(request: ApiRequest, agreement_id: UUID) -> AgreementOut:
    """One agreement with all its wordings."""
    return _read(request, agreement_id)


class TermsBody(Body):
    """What is shared, how finely, how far, how often, and what the supplier may do with it."""

    fields: Annotated[
        list[Annotated[str, Field(pattern=rf"^({'|'.join(SHARED_FIELDS)})$")]], Field(min_length=1, max_length=4)
    ]
    grain: Annotated[Grain, Field(strict=False)] = Grain.ITEM_MONTH
    horizon_days: Days = 180
    history_days: Days = 365
    frequency: Annotated[Frequency, Field(strict=False)] = Frequency.MONTHLY
    purpose: Name = "joint planning"
    retention_days: Days = 730
    ruling_days: Days = 10
    notice_days: DaysOfAYear = 30

    def terms(self) -> DataSharingTerms:
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return DataSharingTerms(**given | {"fields": tuple(dict.fromkeys(self.fields))})


class WordingBody(Body):
    """Terms, the days between which they shall hold, and the days the supplier has to answer."""

    terms: TermsBody
    valid_from: Day
    valid_to: Day | None = None
    answer_days: DaysOfAYear = 14

    def wording(self) -> Wording:
        return made(lambda: Wording(self.terms.terms(), self.valid_from, self.valid_to, self.answer_days))


class OfferBody(WordingBody):
    supplier: Id
    segment: Id
    title: Name


@router.post("/agreements", response={201: AgreementOut}, operation_id="offer_agreement")
def offer(request: ApiRequest, body: OfferBody) -> AgreementOut:
    """Offers a new agreement to a supplier that serves the segment."""
    buyers_only(request)
    offered = made(lambda: Offer(body.supplier, body.segment, body.title, body.wording()))
    return _read(request, offer_agreement(request.viewer, offered))


@router.post("/agreements/{agreement_id}/versions", response={201: AgreementOut}, operation_id="offer_version")
@versioned
def offer_changed(request: ApiRequest, agreement_id: UUID, body: WordingBody) -> AgreementOut:
    """Offers a changed wording; the one in force stays until the supplier accepts."""
    buyers_only(request)
    _for_change(request, agreement_id)
    offer_version(request.viewer, agreement_id, body.wording())
    return _read(request, agreement_id)


def _for_change(request: ApiRequest, agreement_id: UUID) -> AgreementOut:
    return for_change(request, AgreementOut, f"agreement {agreement_id}", lambda: _read(request, agreement_id))


class AcceptanceBody(Body):
    version: Id
    comment: Comment = ""


@router.post("/agreements/{agreement_id}/acceptance", response=AgreementOut, operation_id="accept_agreement")
@versioned
def accept(request: ApiRequest, agreement_id: UUID, body: AcceptanceBody) -> AgreementOut:
    """Puts an offered wording in force."""
    suppliers_only(request)
    _for_change(request, agreement_id)
    return _read(request, accept_agreement(request.viewer, body.version, body.comment))


class RefusalBody(Body):
    version: Id
    reason: Sentence


@router.post("/agreements/{agreement_id}/refusal", response=AgreementOut, operation_id="decline_agreement")
@versioned
def decline(request: ApiRequest, agreement_id: UUID, body: RefusalBody) -> AgreementOut:
    """Declines an offered wording, saying why; what is in force stays."""
    suppliers_only(request)
    _for_change(request, agreement_id)
    return _read(request, decline_agreement(request.viewer, body.version, body.reason))


class AgreementEndBody(Body):
    ends_on: Day
    reason: Comment = ""


@router.post("/agreements/{agreement_id}/end", response=AgreementOut, operation_id="end_agreement")
@versioned
def end(request: ApiRequest, agreement_id: UUID, body: AgreementEndBody) -> AgreementOut:
    """Ends an agreement on a day that keeps the notice agreed."""
    buyers_only(request)
    _for_change(request, agreement_id)
    end_agreement(request.viewer, agreement_id, body.ends_on, body.reason)
    return _read(request, agreement_id)
