"""How a wording stands on a day: what is stored, seen with the clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from uuid import UUID

from tierwise.collaboration.agree.models import AgreementVersion
from tierwise.collaboration.agree.records import (
    ACCEPTED,
    AgreementHistory,
    AgreementKind,
    AgreementRecord,
    AgreementState,
    DataSharingTerms,
)
from tierwise.kernel.clock import now, today


def state_today(row: AgreementVersion) -> AgreementState:
    """An unanswered offer past its date has expired; an accepted wording past its last day has ended."""
    state = AgreementState(row.state)
    if state is AgreementState.OFFERED and row.answer_due_at is not None and row.answer_due_at < now():
        return AgreementState.EXPIRED
    if state is AgreementState.IN_FORCE and row.valid_to is not None and row.valid_to < today():
        return AgreementState.ENDED
    return state


def as_record(row: AgreementVersion) -> AgreementRecord:
    """``row.agreement`` must have been fetched with it."""
    return AgreementRecord(
        id=row.agreement_id, version_id=row.id, supplier=row.supplier_id, segment=row.segment_id,
        kind=AgreementKind(row.agreement.kind), number=row.agreement.number, title=row.agreement.title,
        version=row.version, state=state_today(row), terms=DataSharingTerms.from_json(row.terms),
        valid_from=row.valid_from, valid_to=row.valid_to, offered_at=row.offered_at, answer_due_at=row.answer_due_at,
        answered_at=row.answered_at, offered_by=row.offered_by, answered_by=row.answered_by, answer=row.answer,
    )  # fmt: skip


def histories(rows: Iterable[AgreementVersion]) -> list[AgreementHistory]:
    """Wordings grouped by agreement, the newest first; agreements by supplier and number."""
    grouped: dict[UUID, list[AgreementRecord]] = defaultdict(list)
    for row in rows:
        grouped[row.agreement_id].append(as_record(row))
    made = [_history(sorted(group, key=lambda v: -v.version)) for group in grouped.values()]
    return sorted(made, key=lambda h: (str(h.latest.supplier), h.latest.number))


def _history(versions: list[AgreementRecord]) -> AgreementHistory:
    """One that was agreed to begin later supersedes the one before it on its first day, without anybody writing."""
    current = in_force_on(versions, today())
    if current is not None:
        versions = [
            replace(v, state=AgreementState.SUPERSEDED)
            if v.state is AgreementState.IN_FORCE and v.version < current.version
            else v
            for v in versions
        ]
    return AgreementHistory(tuple(versions), current if current and current.state is AgreementState.IN_FORCE else None)


def in_force_on(versions: Iterable[AgreementRecord], on: date) -> AgreementRecord | None:
    """The accepted wording that holds on a day: the newest that had begun, unless it was over by then.

    A wording agreed for later leaves the one before it in force until its own first day.
    """
    begun = [v for v in versions if v.state in ACCEPTED and v.valid_from <= on]
    newest = max(begun, key=lambda v: v.version, default=None)
    if newest is None or (newest.valid_to is not None and newest.valid_to < on):
        return None
    return newest
