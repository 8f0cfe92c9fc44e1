"""The door itself: a list becomes a spreadsheet, and a spreadsheet that comes back becomes the list's own actions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils import translation

from tierwise.doors.actions import SheetRefused, hand_in_sheet, issue_sheet, refuse_sheet, without_stamp
from tierwise.doors.handed import Sent, taken_before
from tierwise.doors.ports import FilledList, list_for
from tierwise.doors.records import CellFault, HandInRecord
from tierwise.doors.tokens import Claims, read_token, sign
from tierwise.doors.wording import refusal_text
from tierwise.kernel import files
from tierwise.kernel.audit import Invalid, NotAllowed, Refused
from tierwise.kernel.viewer import Viewer, viewer_scope
from tierwise.wire.spreadsheets import (
    FilledForm,
    Note,
    Stamp,
    UnreadableWorkbook,
    Workbook,
    base_digest,
    base_of,
    read_form,
    read_stamp,
    render_form,
    restored,
)

FAULTS_KEPT = 500


@dataclass(frozen=True, slots=True)
class SheetFile:
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Expected:
    """The list of the page that a file was handed in at; a file of another one is refused there."""

    name: str = ""
    scope: str = ""


def make_sheet(viewer: Viewer, name: str, scope: str, requested: UUID | None = None) -> SheetFile:
    """A list as a spreadsheet for one person. Noted, so that it can be called off."""
    with viewer_scope(viewer):
        return _made(viewer, Expected(name, scope), list_for(viewer, name).fill(viewer, scope), requested, ({}, ()))


Notes = dict[tuple[str, str], Note]


Said = tuple[Notes, Sequence[str]]
"""What somebody wrote, to be shown again: notes on cells, and the names of rows that he added."""


def _made(viewer: Viewer, of: Expected, filled: FilledList, requested: UUID | None, said: Said) -> SheetFile:
    claims = issue_sheet(viewer, of.name, of.scope, base_digest(base_of(filled.form, filled.rows)), requested)
    stem = re.sub(r"[^\w.-]+", "-", filled.form.name).strip("-.")[:80] or of.name
    return SheetFile(f"{stem}.xlsx", render_form(filled.form, filled.rows, sign(claims), *said))


def receive_sheet(actor: Viewer, file: SheetFile, expected: Expected | None = None) -> HandInRecord:
    """Takes a spreadsheet that came back, whole or not at all, and keeps what became of it.

    ``actor`` says by its door how it came. The very same file is taken once; sent again it does nothing. Raises Refused
    only for a file that is of no list at all, when no page says which one was meant.
    """
    digest = hashlib.sha256(file.content).hexdigest()
    with viewer_scope(actor):
        before = taken_before(actor, digest)
        if before is not None:
            return before
        claims: Claims | None = None
        try:
            book, stamp, claims = _vouched(file.content)
            _check_fits(actor, claims, expected)
            with translation.override(claims.language):
                filled = read_form(book, stamp, list_for(actor, claims.list_name).fill(actor, claims.scope).form)
                return hand_in_sheet(actor, Sent(claims, filled, digest, file.name))
        except SheetRefused as refused:
            assert claims is not None  # hand_in_sheet was reached
            return _refused(actor, Sent(claims, filled, digest, file.name), refused.faults, marked=True)
        except (UnreadableWorkbook, Refused) as error:
            text = refusal_text(error)
            if claims is None and expected is None:
                raise
            meant = expected or Expected()
            known = without_stamp(claims, actor, meant.name, meant.scope)
            sent = Sent(known, FilledForm(Stamp(""), "", {}, {}), digest, file.name)
            return _refused(actor, sent, [CellFault(text)], marked=False)


def _vouched(content: bytes) -> tuple[Workbook, Stamp, Claims]:
    book = Workbook(content)
    stamp = read_stamp(book)
    claims = read_token(stamp.token)
    if base_digest(stamp.base) != claims.base:
        raise Invalid("stamp", "The hidden sheet of this spreadsheet was changed; download it anew.")
    return book, stamp, claims


def claims_of(content: bytes) -> Claims:
    """Who and what a file says it is, once its signature was checked. Invalid or UnreadableWorkbook otherwise."""
    return _vouched(content)[2]


def _check_fits(actor: Viewer, claims: Claims, expected: Expected | None) -> None:
    if claims.company != actor.company:
        raise NotAllowed("company", "This spreadsheet was made for another company.")
    if expected is not None and (claims.list_name, claims.scope) != (expected.name, expected.scope):
        raise Invalid("list", "This spreadsheet is of another list; hand it in on that list's page.", field="file")


def _refused(actor: Viewer, sent: Sent, faults: tuple[CellFault, ...] | list[CellFault], marked: bool) -> HandInRecord:
    annotated = ""
    if marked:
        annotated = files.keep(_annotated(actor, sent, faults).content)
    return refuse_sheet(actor, sent, list(faults)[:FAULTS_KEPT], annotated)


def _annotated(actor: Viewer, sent: Sent, faults: tuple[CellFault, ...] | list[CellFault]) -> SheetFile:
    """The list as it stands now, with what the sender wrote in its cells and the messages beside them.

    It is made from the present state: whoever read what stands against him and sends it back, means it.
    """
    with translation.override(sent.claims.language):
        filled = list_for(actor, sent.claims.list_name).fill(actor, sent.claims.scope)
        notes = _written(filled, sent.filled)
        for fault in faults:
            if fault.key and fault.field:
                text = " ".join(filter(None, (fault.why, fault.remedy)))
                shown = notes[fault.key, fault.field].shown if (fault.key, fault.field) in notes else fault.value
                notes[fault.key, fault.field] = Note(text, shown)
        of = Expected(sent.claims.list_name, sent.claims.scope)
        return _made(actor, of, filled, None, (notes, tuple(sent.filled.added)))


def _written(filled: FilledList, sent: FilledForm) -> Notes:
    """What the sender changed, to stand in the marked-up file."""
    found: Notes = {}
    for key, row in sent.rows.items():
        base = sent.stamp.base.get(key)
        if base is None:
            continue
        for place, column in enumerate(filled.form.editable):
            raw = sent.written.get((key, column.field))
            mine = row.values[column.field]
            if raw is not None:
                found[key, column.field] = Note("", raw, bad=False)
            elif mine != base[place]:
                found[key, column.field] = Note("", restored(column.kind, mine), bad=False)
    for key, row in sent.added.items():
        for column in filled.form.writable:
            raw = sent.written.get((key, column.field))
            shown = raw if raw is not None else restored(column.kind, row.values.get(column.field, ""))
            if shown is not None:
                found[key, column.field] = Note("", shown, bad=False)
    return found
