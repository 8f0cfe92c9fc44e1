"""Three states of a form: as it was sent out, as it came back, and as the list stands now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tierwise.wire.spreadsheets.forms import Base, Form
from tierwise.wire.spreadsheets.reading import FilledForm
from tierwise.wire.spreadsheets.values import Value, restored


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row to be changed: the fields that differ, and all editable fields as the row would then read."""

    key: str
    changed: frozenset[str]
    values: Mapping[str, Value | None]
    before: Mapping[str, Value | None]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A cell that both sides changed, differently. A row that is gone has neither field nor ``theirs``."""

    key: str
    field: str
    cell: str
    base: str
    mine: str
    theirs: str
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Merged:
    """Rows to change, cells that stand against it, and how many cells were the same on both sides already."""

    changes: tuple[RowChange, ...]
    conflicts: tuple[Conflict, ...]
    already: int = 0


def merge_form(form: Form, sent: FilledForm, theirs: Base) -> Merged:
    """Cell by cell: what I changed and they did not is taken; what both changed alike stands; the rest is a conflict.

    Rows that were not sent, and rows added since, stay as they are. Changes come in the order of the sheet.
    """
    changes: list[RowChange] = []
    conflicts: list[Conflict] = []
    already = 0
    names = [column.field for column in form.editable]
    for key, row in sent.rows.items():
        base = sent.stamp.base.get(key)
        now = theirs.get(key)
        if base is None:
            # No row of this form: a key that somebody wrote himself.
            conflicts.append(Conflict(key, "", sent.cell(key, form.key), "", key, "", gone=True))
            continue
        changed: set[str] = set()
        for place, name in enumerate(names):
            mine = row.values[name]
            if mine == base[place]:
                continue
            if now is None:
                conflicts.append(Conflict(key, name, sent.cell(key, name), base[place], mine, "", gone=True))
            elif mine == now[place]:
                already += 1
            elif now[place] == base[place]:
                changed.add(name)
            else:
                conflicts.append(Conflict(key, name, sent.cell(key, name), base[place], mine, now[place]))
        if changed and now is not None:
            changes.append(_change(form, key, frozenset(changed), row.values, now))
    return Merged(tuple(changes), tuple(conflicts), already)


def _change(form: Form, key: str, changed: frozenset[str], mine: Mapping[str, str], now: tuple[str, ...]) -> RowChange:
    before = {column.field: restored(column.kind, now[place]) for place, column in enumerate(form.editable)}
    taken = {
        column.field: restored(column.kind, mine[column.field]) for column in form.editable if column.field in changed
    }
    return RowChange(key, changed, before | taken, before)
