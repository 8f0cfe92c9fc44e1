"""Rows that imports set aside: kept, settled when they come in, or given up by somebody with a reason."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from uuid import UUID

import polars as pl

from tierwise.kernel.audit import Invalid, NotFound, Subject, action, record
from tierwise.kernel.clock import now
from tierwise.kernel.viewer import BUYER_EDITORS, Viewer
from tierwise.lake.imports import Prepared
from tierwise.lake.models import ImportRun, QuarantinedRow
from tierwise.lake.quarantine import key_in_words
from tierwise.lake.records import Attempt, RowState
from tierwise.lake.staging import Staged

_AT_ONCE = 1000


def put_aside(actor: Viewer, run: ImportRun, prepared: Prepared, attempt: Attempt) -> None:
    """Keeps what an import set aside, inside the import's own action.

    A row that was open already (the same key, or the same texts, in the same block) is replaced by its newer self.
    """
    rows = [
        QuarantinedRow(
            run=run, mapping=run.mapping, mapping_file=attempt.mapping_file, place=one["place"], table=one["table"],
            file=one["file"], row=one["row"], key=one["key"], cells=json.loads(one["cells"]), faults=one["faults"],
            state=RowState.OPEN.value,
        )
        for one in prepared.aside.iter_rows(named=True)
    ]  # fmt: skip
    came = {(row.place, _identity(row)) for row in rows}
    again = [row.id for row in _open(run.mapping) if (row.place, _identity(row)) in came]
    _close(actor, again, RowState.SUPERSEDED, "came again with a later extract")
    QuarantinedRow.objects.bulk_create(rows, batch_size=_AT_ONCE)


def settle(actor: Viewer, mapping: str, staged: Iterable[Staged]) -> None:
    """Open rows whose key has come in leave the quarantine."""
    open_rows = [row for row in _open(mapping) if row.key]
    for one in staged:
        keys = {row.key: row.id for row in open_rows if row.table == one.table.name}
        if keys:
            words = one.scan().select(key_in_words(one.table, one.table.key))
            found = words.filter(pl.col("key").is_in(pl.Series(list(keys)).implode())).collect(engine="streaming")
            _close(actor, [keys[key] for key in found["key"]], RowState.SUPERSEDED, "came in with a later extract")


def settle_repaired(actor: Viewer, prepared: Prepared, tried: Collection[UUID]) -> None:
    """Rows that were tried again: those that are still bad keep their newest texts and faults, the others came in."""
    still = {UUID(one["file"]): one for one in prepared.aside.iter_rows(named=True)}
    rows = list(QuarantinedRow.objects.filter(id__in=still))
    for row in rows:
        row.cells, row.faults = json.loads(still[row.id]["cells"]), still[row.id]["faults"]
        row.key = still[row.id]["key"]
    QuarantinedRow.objects.bulk_update(rows, ["cells", "faults", "key"], batch_size=_AT_ONCE)
    _close(actor, [one for one in tried if one not in still], RowState.REPAIRED, "")


@action("discard_quarantined", roles=BUYER_EDITORS)
def discard_quarantined(actor: Viewer, rows: Collection[UUID], why: str) -> int:
    """Gives rows up, with the reason; they will not be imported unless an extract brings them again."""
    if not why.strip():
        raise Invalid("reason", "Say why these rows are given up.", field="why")
    found = list(QuarantinedRow.objects.filter(id__in=rows, state=RowState.OPEN).values_list("id", flat=True))
    if not found:
        raise NotFound("quarantine", "None of these rows is open any more.")
    _close(actor, found, RowState.DISCARDED, why.strip()[:200])
    record(actor, Subject("quarantine", ""), count=len(found), why=why.strip()[:200])
    return len(found)


def _open(mapping: str) -> Iterable[QuarantinedRow]:
    return QuarantinedRow.objects.filter(mapping=mapping, state=RowState.OPEN)


def _identity(row: QuarantinedRow) -> str:
    return row.key or json.dumps(row.cells, sort_keys=True)


def _close(actor: Viewer, rows: Collection[UUID], state: RowState, why: str) -> None:
    if rows:
        found = QuarantinedRow.objects.filter(id__in=rows)
        found.update(state=state.value, why=why, settled_at=now(), settled_by=actor.person)
