"""Disputing what was published, talking about it, and ruling."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from tierwise.collaboration.agree import shared as agreements
from tierwise.collaboration.numbering import hold
from tierwise.collaboration.publish import queries as publications
from tierwise.collaboration.publish import shared as published
from tierwise.collaboration.publish.actions import dispute_publication
from tierwise.collaboration.publish.records import LineRecord, PublicationRecord
from tierwise.collaboration.resolve.models import Case, CaseCounter, CaseDraft, CaseEntry
from tierwise.collaboration.resolve.reading import claim_of
from tierwise.collaboration.resolve.records import (
    CaseKind,
    CaseState,
    CaseStep,
    Claim,
    DraftClaim,
    Evidence,
    Ruling,
)
from tierwise.kernel import files
from tierwise.kernel.audit import Invalid, NotFound, Stale, Subject, action, publish_event, record
from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import BUYER_EDITORS, SUPPLIER_EDITORS, Role, Viewer

RULING_DAYS = 10
"""Days to rule where no agreement says otherwise."""
JUDGES = frozenset({Role.CATEGORY_MANAGER, Role.QUALITY, Role.PLANNER})
SPEAKERS = SUPPLIER_EDITORS | BUYER_EDITORS | {Role.QUALITY}


@action("save_draft", roles=SUPPLIER_EDITORS)
def save_draft(actor: Viewer, line_id: UUID, claim: DraftClaim) -> UUID:
    """Keeps an unfinished claim about a line where no buyer can read it; saving again replaces it."""
    published.my_line(actor, line_id)
    kept = {
        "reason": claim.reason.value if claim.reason else "", "text": claim.text, "claimed_on": claim.delivered_on,
        "claimed_quantity": claim.quantity, "saved_at": now(), "saved_by": actor.person,
    }  # fmt: skip
    CaseDraft.objects.bulk_create(
        [CaseDraft(id=uuid7(), supplier_id=actor.company, subject=line_id, **kept)],
        update_conflicts=True, unique_fields=["supplier", "subject"], update_fields=list(kept),
    )  # fmt: skip
    draft = CaseDraft.objects.get(supplier_id=actor.company, subject=line_id)
    # Buyers read the audit trail: it names the draft by its own id, and neither the line nor a word of it.
    record(actor, Subject("case_draft", draft.id))
    return draft.id


@action("discard_draft", roles=SUPPLIER_EDITORS)
def discard_draft(actor: Viewer, line_id: UUID) -> None:
    """Throws an unfinished claim away; doing so again has no second effect."""
    gone = list(CaseDraft.objects.filter(supplier_id=actor.company, subject=line_id).values_list("id", flat=True))
    CaseDraft.objects.filter(id__in=gone).delete()
    record(actor, Subject("case_draft", gone[0] if gone else ""), count=len(gone))


@action("dispute_line", roles=SUPPLIER_EDITORS)
def dispute_line(actor: Viewer, line_id: UUID, claim: Claim, evidence: Evidence | None = None) -> UUID:
    """Opens a case about one judged line of the newest scorecard; returns its id.

    The buyer has the days to rule that the agreement gives. The same claim sent twice opens one case.
    """
    line = published.my_line(actor, line_id)
    publication = published.my_publication(actor, line.publication)
    if publication.superseded:
        raise Stale("superseded", "A newer revision of this scorecard is there; dispute the line in that one.")
    counter = hold(actor, CaseCounter, actor.company)
    running = Case.objects.filter(
        supplier_id=actor.company, order=line.order, line=line.line, state=CaseState.OPEN
    ).first()
    if running is not None:
        if running.subject_id != line_id or claim_of(running) != claim:
            raise Stale("case_open", f"Case {running.number} is open for this line.", case=str(running.id))
        record(actor, _subject(running), repeated=True)
        return running.id
    case = _opened(actor, publication, line, claim, counter.advance())
    _enter(actor, case, CaseStep.OPENED, claim.text, evidence)
    CaseDraft.objects.filter(supplier_id=actor.company, subject=line_id).delete()
    dispute_publication(actor, line.publication)
    record(actor, _subject(case), reason=claim.reason.value, number=case.number)
    publish_event(
        actor, "case_opened", case=case.id, number=case.number, supplier=case.supplier_id, segment=case.segment_id,
        due_at=case.due_at,
    )  # fmt: skip
    return case.id


def _opened(actor: Viewer, publication: PublicationRecord, line: LineRecord, claim: Claim, number: int) -> Case:
    at = now()
    wording = agreements.version_terms(actor, publication.agreement_version) if publication.agreement_version else None
    days = wording.terms.ruling_days if wording else RULING_DAYS
    case = Case(
        supplier_id=actor.company, segment_id=line.segment, kind=CaseKind.SCORECARD_LINE.value, number=number,
        state=CaseState.OPEN.value, publication_id=publication.id, subject_id=line.id, order=line.order,
        line=line.line, reason=claim.reason.value, text=claim.text.strip(), claimed_on=claim.delivered_on,
        claimed_quantity=claim.quantity, opened_at=at, opened_by=actor.person, due_at=at + timedelta(days=days),
    )  # fmt: skip
    case.save(force_insert=True)
    return case


def _enter(actor: Viewer, case: Case, what: CaseStep, text: str, evidence: Evidence | None = None) -> CaseEntry:
    """A step of the timeline. Files belong to the supplier, so that both sides reach them."""
    stored = files.store(actor, case.supplier_id, evidence.name, evidence.content) if evidence else None
    entry = CaseEntry(
        supplier_id=case.supplier_id, segment_id=case.segment_id, case_id=case.id, at=now(), person=actor.person,
        side=actor.side.value, what=what.value, text=text.strip(), file=stored,
    )  # fmt: skip
    entry.save(force_insert=True)
    return entry


def _held(actor: Viewer, case_id: UUID) -> Case:
    rows = Case.objects.select_for_update()
    row = (rows.filter(supplier_id=actor.company) if actor.is_supplier else rows).filter(id=case_id).first()
    if row is None:
        raise NotFound("case", "There is no such case.")
    return row


def _must_be_open(case: Case) -> None:
    if case.state != CaseState.OPEN:
        raise Stale("case_closed", f"Case {case.number} is closed: {case.state}.", state=case.state)


@action("withdraw_case", roles=SUPPLIER_EDITORS)
def withdraw_case(actor: Viewer, case_id: UUID, text: str = "") -> None:
    """Takes a dispute back before it is ruled; doing so again has no second effect."""
    case = _held(actor, case_id)
    if case.state == CaseState.WITHDRAWN:
        record(actor, _subject(case), repeated=True)
        return
    _must_be_open(case)
    case.state = CaseState.WITHDRAWN.value
    case.save(update_fields=["state"])
    _enter(actor, case, CaseStep.WITHDRAWN, text)
    record(actor, _subject(case))
    publish_event(
        actor, "case_withdrawn", case=case.id, number=case.number, supplier=case.supplier_id, segment=case.segment_id
    )


@action("add_note", roles=SPEAKERS)
def add_note(actor: Viewer, case_id: UUID, text: str, evidence: Evidence | None = None) -> UUID:
    """Says something in an open case, with a file where there is one; both sides read it. Returns the entry's id.

    The same words sent twice in a row by one person are one note.
    """
    if not text.strip():
        raise Invalid("text", "Write a sentence; a file alone does not say what it shows.", field="text")
    case = _held(actor, case_id)
    _must_be_open(case)
    last = CaseEntry.objects.filter(supplier_id=case.supplier_id, case_id=case.id).order_by("-at", "-id").first()
    if (
        last is not None
        and evidence is None
        and (last.person, last.text, last.what) == (actor.person, text.strip(), CaseStep.NOTE)
    ):
        record(actor, _subject(case), repeated=True)
        return last.id
    entry = _enter(actor, case, CaseStep.NOTE, text, evidence)
    record(actor, _subject(case), entry=entry.id)
    publish_event(
        actor, "case_noted", case=case.id, number=case.number, supplier=case.supplier_id, segment=case.segment_id,
        side=actor.side.value,
    )  # fmt: skip
    return entry.id


@action("rule_case", roles=JUDGES)
def rule_case(actor: Viewer, case_id: UUID, ruling: Ruling) -> None:
    """Decides an open case for good. The news carries everything it takes to state the score anew."""
    case = _held(actor, case_id)
    _must_be_open(case)
    case.state = (CaseState.UPHELD if ruling.upheld else CaseState.REJECTED).value
    case.ruled_at, case.ruled_by, case.ruling = now(), actor.person, ruling.text.strip()
    case.ruled_delivered_on, case.ruled_received, case.ruled_rejected = (
        ruling.delivered_on, ruling.received, ruling.rejected
    )  # fmt: skip
    case.ruled_excluded = ruling.excluded.value if ruling.excluded else ""
    case.save()
    _enter(actor, case, CaseStep.RULED, ruling.text)
    record(actor, _subject(case), state=case.state)
    publication = publications.publication(actor, case.publication_id)
    publish_event(
        actor, "case_ruled", case=case.id, number=case.number, supplier=case.supplier_id, segment=case.segment_id,
        publication=case.publication_id, period_start=publication.period_start, period_end=publication.period_end,
        subject=case.subject_id, order=case.order, line=case.line, reason=case.reason, state=case.state,
        delivered_on=case.ruled_delivered_on, received=case.ruled_received, rejected=case.ruled_rejected,
        excluded=case.ruled_excluded, ruled_at=case.ruled_at.isoformat(),
    )  # fmt: skip


def _subject(case: Case) -> Subject:
    return Subject("case", case.id, case.supplier_id, case.segment_id)
