"""Spreadsheets go out, come back and are called off. What a row says is done by the list's own action."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import connections, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from tierwise.doors.added import add_rows
from tierwise.doors.handed import Became, Sent, keep_hand_in
from tierwise.doors.models import SheetIssue
from tierwise.doors.ports import EditableList, FilledList, list_for, list_named
from tierwise.doors.records import SHEET_DAYS, CellFault, HandInRecord, HandInState
from tierwise.doors.tokens import Claims
from tierwise.doors.wording import fault_of, fault_text
from tierwise.kernel.audit import (
    NotAllowed,
    NotFound,
    Refused,
    Stale,
    Subject,
    action,
    publish_event,
    record,
)
from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import BUYER_EDITORS, SUPPLIER_EDITORS, Role, Viewer
from tierwise.wire.spreadsheets import FilledForm, Merged, RowChange, base_of, merge_form

EVERYBODY = BUYER_EDITORS | SUPPLIER_EDITORS | {Role.QUALITY}


class SheetRefused(Refused):
    """A spreadsheet that was not taken, with a message for every cell. None of its rows was."""

    status = 422

    def __init__(self, faults: Sequence[CellFault]) -> None:
        # What was written is the sender's own; the trail counts it and repeats no word.
        super().__init__("sheet", "Nothing was taken; see the messages.", faults=len(faults))
        self.faults = tuple(faults)


@action("issue_sheet", roles=EVERYBODY)
def issue_sheet(actor: Viewer, name: str, scope: str, base: str, requested: UUID | None = None) -> Claims:
    """Notes that a spreadsheet goes out to the actor; returns what its token says."""
    list_for(actor, name)
    issue = SheetIssue(
        id=uuid7(), company=actor.company, person=actor.person, list_name=name, scope=scope, issued_at=now(),
        expires_at=now() + timedelta(days=SHEET_DAYS), requested=requested,
    )  # fmt: skip
    SheetIssue.objects.using(actor.alias).bulk_create([issue])
    record(actor, _subject(actor, issue.id), list=name, scope=scope)
    language = translation.get_language() or "en"
    return Claims(issue.id, actor.person, actor.company, name, scope, base, language, issue.expires_at)


@action("revoke_sheet", roles=EVERYBODY)
def revoke_sheet(actor: Viewer, issue_id: UUID) -> None:
    """Calls a spreadsheet off: it is no longer taken back, by no door. Doing so again has no second effect."""
    rows = SheetIssue.objects.select_for_update().filter(id=issue_id)
    issue = (rows.filter(company=actor.company) if actor.is_supplier else rows).first()
    if issue is None:
        raise NotFound("sheet", "There is no such spreadsheet.")
    if issue.revoked_at is None:
        issue.revoked_at = now()
        issue.save(update_fields=["revoked_at"])
    record(actor, Subject("sheet", issue.id, issue.company if issue.company != actor.company else None))


@action("request_sheets", roles=EVERYBODY)
def request_sheets(actor: Viewer, name: str, scope: str) -> UUID:
    """Has a list mailed to be filled in: to the supplier's people whose it is, or to the actor when it is his own."""
    one = list_named(name)
    if one.open_to(actor):
        people, company = [actor.person], actor.company
    elif one.company is not None and actor.role in BUYER_EDITORS:
        people, company = [], one.company(actor, scope)
    else:
        raise NotAllowed("role", "Your role may not have this list filled in.", role=actor.role.value)
    request = uuid7()
    record(actor, _subject(actor, request), list=name, scope=scope, company=company)
    publish_event(actor, "sheets_requested", request=request, list=name, scope=scope, company=company, people=people)
    return request


def _subject(actor: Viewer, what: UUID) -> Subject:
    return Subject("sheet", what, actor.company if actor.is_supplier else None)


@action("hand_in_sheet", roles=EVERYBODY)
def hand_in_sheet(actor: Viewer, sent: Sent) -> HandInRecord:
    """Takes all changed rows of a spreadsheet, each by the action that a page would call, or none of them.

    Cells that others changed meanwhile, that the list does not take or an action refuses are told together in
    ``SheetRefused``.
    """
    one = list_for(actor, sent.claims.list_name)
    _take_turn(actor, sent.claims)
    _check_issue(actor, sent.claims)
    now_stands = one.fill(actor, sent.claims.scope)
    merged = merge_form(now_stands.form, sent.filled, base_of(now_stands.form, now_stands.rows))
    faults = [*_read_faults(sent.filled), *_conflict_faults(now_stands, sent.filled, merged)]
    unread = {fault.key for fault in faults}
    faults += _apply(actor, one, sent, [change for change in merged.changes if change.key not in unread])
    faults += add_rows(actor, one, sent, now_stands, unread)
    if faults:
        raise SheetRefused(faults)
    count = len(merged.changes) + len(sent.filled.added)
    state = HandInState.TAKEN if count else HandInState.UNCHANGED
    kept = keep_hand_in(actor, sent, Became(state, count, merged.already))
    record(
        actor, _subject(actor, sent.claims.issue), count=count, list=sent.claims.list_name,
        scope=sent.claims.scope, digest=sent.digest,
    )  # fmt: skip
    return kept


@action("refuse_sheet", roles=EVERYBODY)
def refuse_sheet(actor: Viewer, sent: Sent, faults: Sequence[CellFault], annotated: str) -> HandInRecord:
    """Keeps what became of a spreadsheet that was not taken, for its sender to read."""
    kept = keep_hand_in(actor, sent, Became(HandInState.REFUSED, faults=faults, annotated=annotated))
    record(actor, _subject(actor, kept.id), list=sent.claims.list_name, scope=sent.claims.scope, faults=len(faults))
    return kept


def _take_turn(actor: Viewer, claims: Claims) -> None:
    """Two spreadsheets of one list at once: the second waits, and is then merged with what the first did."""
    said = hashlib.sha256(f"sheet {claims.list_name} {claims.scope}".encode()).digest()
    with connections[actor.alias].cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [int.from_bytes(said[:8], signed=True)])


def _check_issue(actor: Viewer, claims: Claims) -> None:
    if claims.company != actor.company:
        raise NotAllowed("company", "This spreadsheet was made for another company.")
    issue = SheetIssue.objects.filter(id=claims.issue, company=actor.company).first()
    if issue is None:
        raise NotFound("sheet", "This spreadsheet is not known here; download it anew.")
    if issue.revoked_at is not None:
        raise Stale("sheet_revoked", "This spreadsheet was called off; download it anew.")
    if issue.expires_at < now():
        text = _("This spreadsheet could be sent back for %(days)d days; download it anew.")
        raise Stale("sheet_expired", text % {"days": SHEET_DAYS})


def _read_faults(filled: FilledForm) -> list[CellFault]:
    return [
        CellFault(
            fault_text(fault.why) + ".", "", fault.sheet, fault.cell, fault.column, fault.value,
            fault.key, fault.field,
        )
        for fault in filled.faults
    ]  # fmt: skip


def _conflict_faults(stands: FilledList, filled: FilledForm, merged: Merged) -> list[CellFault]:
    found = []
    for conflict in merged.conflicts:
        column = stands.form.column(conflict.field)
        title, label = (column.title, column.label) if column else ("", str)
        place = {"sheet": filled.sheet, "cell": conflict.cell, "column": title, "key": conflict.key,
                 "field": conflict.field, "value": label(conflict.mine)}  # fmt: skip
        if conflict.gone:
            why = _("This row is no longer in the list.")
            remedy = _("Leave the row as it was, or delete it from the spreadsheet.")
            found.append(CellFault(why, remedy, **place))
            continue
        was, stands_now = label(conflict.base), label(conflict.theirs)
        why = _("Changed meanwhile from “%(was)s” to “%(now)s”.") % {
            "was": was or _("nothing"), "now": stands_now or _("nothing"),
        }  # fmt: skip
        remedy = _("Write what stands now to agree, or send the marked-up file with your value to replace it.")
        found.append(CellFault(why, remedy, was=was, now=stands_now, **place))
    return found


def _apply(actor: Viewer, one: EditableList, sent: Sent, changes: Sequence[RowChange]) -> list[CellFault]:
    """Does every change, each in a savepoint of its own so that all refusals are heard; returns them."""
    faults = []
    for change in changes:
        try:
            with transaction.atomic(using=actor.alias):
                one.change(actor, sent.claims.scope, change)
        except (Refused, ValueError) as refusal:
            faults.append(fault_of(one, sent.filled, (change.key, change.values, change.changed), refusal))
    return faults


def without_stamp(claims: Claims | None, actor: Viewer, name: str, scope: str) -> Claims:
    """Claims of a file that nobody vouches for, so that its refusal can be kept."""
    if claims is not None:
        return claims
    return Claims(UUID(int=0), actor.person, actor.company, name, scope, "", "en", now())
