"""Rows that somebody wrote below a list: each is added by the list's own action, or told cell by cell."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from tierwise.doors.handed import Sent
from tierwise.doors.ports import EditableList, FilledList
from tierwise.doors.records import CellFault
from tierwise.doors.wording import fault_of
from tierwise.kernel.audit import Invalid, Refused
from tierwise.kernel.viewer import Viewer
from tierwise.wire.spreadsheets import Form, restored


def add_rows(
    actor: Viewer, one: EditableList, sent: Sent, stands: FilledList, unread: Collection[str]
) -> list[CellFault]:
    """Adds every row, each in a savepoint of its own so that all refusals are heard; returns them.

    ``stands`` is the list before: a row that it has, or that stands above among the new ones, is not added again.
    """
    faults: list[CellFault] = []
    form = stands.form
    seen: dict[tuple[str, ...], str] = {_known(form, row): "" for row in stands.rows} if form.unique else {}
    if not sent.filled.added:
        return faults
    assert one.adding is not None  # a form with spare rows is a list's that takes them
    add = one.adding(actor, sent.claims.scope)
    for key, row in sent.filled.added.items():
        if key in unread:
            continue
        said = {column.field: restored(column.kind, row.values.get(column.field, "")) for column in form.writable}
        try:
            with transaction.atomic(using=actor.alias):
                _refuse_twice(form, seen, said, row.number)
                add(said)
        except (Refused, ValueError) as refusal:
            faults.append(fault_of(one, sent.filled, (key, said, tuple(said)), refusal))
    return faults


def _known(form: Form, row: Mapping[str, Any]) -> tuple[str, ...]:
    """A row as people tell it apart; choices by what they read."""
    found = []
    for name in form.unique:
        column, value = form.column(name), row.get(name)
        text = "" if value is None else str(value)
        found.append((column.label(text) if column else text).strip().casefold())
    return tuple(found)


def _refuse_twice(form: Form, seen: dict[tuple[str, ...], str], said: Mapping[str, Any], number: int) -> None:
    if not form.unique:
        return
    known = _known(form, said)
    if not any(known):
        return
    above = seen.setdefault(known, str(number))
    if above == str(number):
        return
    if above:
        text = _("This stands twice among the new rows, the first time in row %(row)s.") % {"row": above}
    else:
        text = _("This is in the list already; change its row there and empty this one.")
    raise Invalid("twice", text, field=form.unique[0])
