"""Offering, answering and ending agreements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from tierwise.collaboration.agree import queries
from tierwise.collaboration.agree.models import Agreement, AgreementCounter, AgreementVersion
from tierwise.collaboration.agree.records import (
    AgreementKind,
    AgreementState,
    DataSharingTerms,
    Wording,
    beyond_depth,
)
from tierwise.collaboration.agree.standing import state_today
from tierwise.collaboration.agree.wording import too_far
from tierwise.collaboration.numbering import hold
from tierwise.directory import queries as directory
from tierwise.directory.records import SupportState
from tierwise.kernel.audit import Invalid, NotFound, Stale, Subject, action, publish_event, record
from tierwise.kernel.clock import now, today
from tierwise.kernel.viewer import BUYER_EDITORS, SUPPLIER_EDITORS, Viewer

LIVE = (AgreementState.OFFERED, AgreementState.IN_FORCE)


@dataclass(frozen=True, slots=True)
class Offer:
    """A new agreement with one supplier for one segment."""

    supplier: UUID
    segment: UUID
    title: str
    wording: Wording
    kind: AgreementKind = AgreementKind.DATA_SHARING

    def __post_init__(self) -> None:
        if not self.title.strip():
            raise ValueError("title: give the agreement a name that both sides recognise")


@action("offer_agreement", roles=BUYER_EDITORS)
def offer_agreement(actor: Viewer, offer: Offer) -> UUID:
    """Offers version 1 to a supplier that serves the segment; returns the agreement's id."""
    served = directory.supports(actor, state=SupportState.CONFIRMED, supplier=offer.supplier)
    if offer.segment not in {support.segment for support in served}:
        raise Invalid("not_supported", "This supplier does not serve the segment; confirm that first.", field="segment")
    _check_depth(actor, offer.segment, offer.wording)
    counter = hold(actor, AgreementCounter, offer.supplier)
    rows = AgreementVersion.objects.select_related("agreement").filter(
        supplier_id=offer.supplier, segment_id=offer.segment, agreement__kind=offer.kind, state__in=LIVE
    )
    for row in rows:
        if state_today(row) in LIVE:
            raise Stale(
                "agreement_exists",
                f"Agreement {row.agreement.number} covers this already; offer a new version of it instead.",
                agreement=str(row.agreement_id),
            )
    agreement = Agreement(
        supplier_id=offer.supplier, segment_id=offer.segment, kind=offer.kind.value, number=counter.advance(),
        title=offer.title.strip()[:160],
    )  # fmt: skip
    agreement.save(force_insert=True)
    version = _offered(actor, agreement, 1, offer.wording)
    _tell(actor, "agreement_offered", version, agreement.number)
    return agreement.id


@action("offer_version", roles=BUYER_EDITORS)
def offer_version(actor: Viewer, agreement_id: UUID, wording: Wording) -> UUID:
    """Offers a changed wording; the one in force stays until the supplier accepts. Returns the version's id.

    An earlier offer still open is withdrawn. Offering the same wording twice has no second effect.
    """
    agreement, versions = _locked(agreement_id)
    _check_depth(actor, agreement.segment_id, wording)
    states = {state_today(v) for v in versions}
    if AgreementState.ENDED in states and not states & set(LIVE):
        raise Stale("agreement_ended", "This agreement has ended; offer a new one.")
    last = versions[-1]
    if state_today(last) is AgreementState.OFFERED:
        if _same(last, wording):
            record(actor, _subject(last), repeated=True)
            return last.id
        last.state = AgreementState.WITHDRAWN.value
        last.save(update_fields=["state"])
    version = _offered(actor, agreement, last.version + 1, wording)
    _tell(actor, "agreement_offered", version, agreement.number)
    return version.id


def _check_depth(actor: Viewer, segment: UUID, wording: Wording) -> None:
    """What goes further than the scheme found hours for is not offered; what is agreed already is kept."""
    depth = queries.depth_of(actor, segment, max(wording.valid_from, today()))
    if beyond := beyond_depth(wording.terms, depth):
        raise Invalid("beyond_depth", too_far(beyond, depth), field=beyond[0], depth=depth)


def _same(row: AgreementVersion, wording: Wording) -> bool:
    terms = DataSharingTerms.from_json(row.terms)
    return (terms, row.valid_from, row.valid_to) == (wording.terms, wording.valid_from, wording.valid_to)


def _offered(actor: Viewer, agreement: Agreement, number: int, wording: Wording) -> AgreementVersion:
    at = now()
    version = AgreementVersion(
        supplier_id=agreement.supplier_id, segment_id=agreement.segment_id, agreement=agreement, version=number,
        state=AgreementState.OFFERED.value, terms=wording.terms.as_json(), valid_from=wording.valid_from,
        valid_to=wording.valid_to, offered_at=at, offered_by=actor.person,
        answer_due_at=at + timedelta(days=wording.answer_days),
    )  # fmt: skip
    version.save(force_insert=True)
    return version


def _locked(agreement_id: UUID) -> tuple[Agreement, list[AgreementVersion]]:
    """The agreement and its wordings, oldest first, locked in that order; a supplier locks the wordings alone."""
    agreement = Agreement.objects.select_for_update().filter(id=agreement_id).first()
    if agreement is None:
        raise NotFound("agreement", "There is no such agreement.")
    return agreement, _locked_versions(agreement_id)


def _locked_versions(agreement_id: UUID) -> list[AgreementVersion]:
    return list(AgreementVersion.objects.select_for_update().filter(agreement_id=agreement_id).order_by("version"))


@action("accept_agreement", roles=SUPPLIER_EDITORS)
def accept_agreement(actor: Viewer, version_id: UUID, comment: str = "") -> UUID:
    """Puts an offered wording in force and returns the agreement's id; accepting it again has no second effect."""
    version, others = _answerable(actor, version_id, AgreementState.IN_FORCE)
    if version is None:
        return others[0].agreement_id
    _answer(actor, version, AgreementState.IN_FORCE, comment)
    for other in others:
        # One that is to begin later leaves the one before it in force until then.
        over = version.valid_from <= today() and other.id != version.id
        if over and other.state == AgreementState.IN_FORCE:
            other.state = AgreementState.SUPERSEDED.value
            other.save(update_fields=["state"])
    _tell(actor, "agreement_accepted", version, version.agreement.number)
    return version.agreement_id


@action("decline_agreement", roles=SUPPLIER_EDITORS)
def decline_agreement(actor: Viewer, version_id: UUID, reason: str) -> UUID:
    """Declines an offered wording, saying why; what is in force stays. Returns the agreement's id."""
    if not reason.strip():
        raise Invalid("reason", "Say in a sentence what you would need changed.", field="reason")
    version, others = _answerable(actor, version_id, AgreementState.DECLINED)
    if version is None:
        return others[0].agreement_id
    _answer(actor, version, AgreementState.DECLINED, reason)
    _tell(actor, "agreement_declined", version, version.agreement.number)
    return version.agreement_id


def _answerable(
    actor: Viewer, version_id: UUID, answer: AgreementState
) -> tuple[AgreementVersion | None, list[AgreementVersion]]:
    """The offer to answer, or None when this very answer was given before, with all wordings of its agreement."""
    found = AgreementVersion.objects.filter(id=version_id, supplier_id=actor.company).values("agreement_id").first()
    if found is None:
        raise NotFound("agreement_version", "There is no such offer.")
    versions = _locked_versions(found["agreement_id"])
    version = next(v for v in versions if v.id == version_id)
    match state_today(version):
        case AgreementState.OFFERED:
            return version, versions
        case AgreementState.EXPIRED:
            raise Stale("offer_expired", "The offer was open until a day that has passed; ask for it to be renewed.")
        case AgreementState.WITHDRAWN:
            raise Stale("offer_withdrawn", "This wording was withdrawn; a newer one stands in its place.")
        case state if version.state == answer:
            record(actor, _subject(version), repeated=True)
            return None, versions
        case state:
            raise Stale("offer_answered", f"This offer was answered already: {state.value}.", state=state.value)


def _answer(actor: Viewer, version: AgreementVersion, state: AgreementState, text: str) -> None:
    version.state, version.answer = state.value, text.strip()
    version.answered_at, version.answered_by = now(), actor.person
    version.save(update_fields=["state", "answer", "answered_at", "answered_by"])


@action("end_agreement", roles=BUYER_EDITORS)
def end_agreement(actor: Viewer, agreement_id: UUID, ends_on: date, reason: str = "") -> None:
    """Ends an agreement on a day that keeps the notice agreed; open offers are withdrawn with it."""
    agreement, versions = _locked(agreement_id)
    accepted = [v for v in versions if state_today(v) is AgreementState.IN_FORCE]
    if not accepted:
        repeated = any(v.valid_to == ends_on for v in versions if state_today(v) is AgreementState.ENDED)
        if not repeated:
            raise Stale("not_in_force", "This agreement is not in force.")
        record(actor, _subject(versions[-1]), repeated=True)
        return
    notice = DataSharingTerms.from_json(accepted[-1].terms).notice_days
    if all(v.valid_to == ends_on for v in accepted):
        record(actor, _subject(accepted[-1]), repeated=True)
        return
    earliest = today() + timedelta(days=notice)
    if ends_on < earliest:
        raise Invalid(
            "notice", f"The notice agreed is {notice} days: {earliest} is the earliest day.", field="ends_on",
            earliest=earliest.isoformat(),
        )  # fmt: skip
    for version in versions:
        _end(version, ends_on)
    _tell(actor, "agreement_ended", accepted[-1], agreement.number, ends_on=ends_on.isoformat(), reason=reason.strip())


def _end(version: AgreementVersion, ends_on: date) -> None:
    match AgreementState(version.state):
        case AgreementState.OFFERED:
            version.state = AgreementState.WITHDRAWN.value
        case AgreementState.IN_FORCE if version.valid_from > ends_on:
            version.state = AgreementState.WITHDRAWN.value
        case AgreementState.IN_FORCE:
            version.valid_to = min(ends_on, version.valid_to or ends_on)
        case _:
            return
    version.save(update_fields=["state", "valid_to"])


def _subject(version: AgreementVersion) -> Subject:
    return Subject("agreement_version", version.id, version.supplier_id, version.segment_id)


def _tell(actor: Viewer, event: str, version: AgreementVersion, number: int, **more: str) -> None:
    """Audit entry and news of one step."""
    said: dict[str, Any] = {"agreement": version.agreement_id, "number": number, "version": version.version, **more}
    record(actor, _subject(version), **said)
    publish_event(actor, event, supplier=version.supplier_id, segment=version.segment_id, version_id=version.id, **said)
