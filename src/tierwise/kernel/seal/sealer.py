"""Seals settled entries batch by batch and exports the heads; nobody who acts ever waits for it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connections

from tierwise.kernel.clock import now
from tierwise.kernel.models import AuditSeal
from tierwise.kernel.seal.chain import GENESIS, START, Place, Signer, Statement, digest, leaf
from tierwise.kernel.seal.stamp import settled_until
from tierwise.kernel.viewer import Viewer, viewer_scope

BATCH = 10_000
"""Entries of one seal at most, but for a transaction that wrote more; what is named missing is found within one."""
_LOCK = 8203003
_CONTENT = """
    jsonb_build_array(id, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), person, company, role, door,
    action, outcome, subject_kind, subject, supplier, segment, count, detail, era, transaction)::text
"""
_WITHIN = "(era, transaction) >= (%s, %s) and (era, transaction) < (%s, %s)"


def signer() -> Signer:
    return Signer(settings.SECRET_KEY)


def statement_of(seal: AuditSeal) -> Statement:
    return Statement(
        seal.number, seal.previous, Place(seal.since_era, seal.since_transaction),
        Place(seal.until_era, seal.until_transaction), seal.entries, seal.digest, seal.sealed_at.isoformat(),
    )  # fmt: skip


def entries_within(alias: str, since: Place, until: Place) -> Iterator[tuple[UUID, bytes]]:
    """Ids and leaves of the entries in a range, in the order in which they are sealed."""
    order = "order by era, transaction, id"
    with connections[alias].cursor() as cursor:
        cursor.execute(
            f"select id, {_CONTENT} from kernel_auditentry where {_WITHIN} {order}",  # noqa: S608  no value in it
            [since.era, since.transaction, until.era, until.transaction],
        )
        for entry, content in cursor:
            yield entry, leaf(entry, content)


def seal_settled(worker: Viewer, limit: int = BATCH) -> int:
    """Seals everything that is settled and returns how many entries; then exports heads that are not yet."""
    sealed = 0
    while count := _seal_batch(worker, limit):
        sealed += count
    export_heads(worker)
    return sealed


def _seal_batch(worker: Viewer, limit: int) -> int:
    with viewer_scope(worker):
        with connections[worker.alias].cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        last = AuditSeal.objects.order_by("-number").first()
        since = Place(last.until_era, last.until_transaction) if last else START
        until = _batch_end(worker.alias, since, limit)
        leaves = [packed for _, packed in entries_within(worker.alias, since, until)]
        if not leaves:
            return 0
        key = signer()
        seal = AuditSeal(
            number=last.number + 1 if last else 1, previous=last.head if last else GENESIS, since_era=since.era,
            since_transaction=since.transaction, until_era=until.era, until_transaction=until.transaction,
            entries=len(leaves), leaves=b"".join(leaves), digest=digest(leaves), sealed_at=now(), key=key.public,
        )  # fmt: skip
        seal.head = statement_of(seal).head
        seal.signature = key.sign(seal.head)
        seal.save(force_insert=True)
        return len(leaves)


def _batch_end(alias: str, since: Place, limit: int) -> Place:
    """Where the batch ends: at what is settled, or earlier, between two transactions."""
    settled = settled_until(alias)
    with connections[alias].cursor() as cursor:
        places = f"select era, transaction from kernel_auditentry where {_WITHIN} order by era, transaction"  # noqa: S608
        bounds = [since.era, since.transaction, settled.era, settled.transaction]
        cursor.execute(f"({places} limit 1) union all ({places} offset {int(limit)} limit 1)", bounds * 2)
        found = [Place(*row) for row in cursor.fetchall()]
    if len(found) < 2:
        return settled
    first, after = found
    return after if after > first else Place(after.era, after.transaction + 1)


def heads_file() -> Path:
    """Where heads are written as they are made; on another disk, or one that is only ever appended to, it is safest."""
    return Path(os.environ.get("TIERWISE_AUDIT_HEADS") or Path(settings.TIERWISE_HOME) / "audit-heads.jsonl")


def exported_heads() -> dict[int, dict[str, Any]]:
    """Number → line. A line that a crash cut short is passed over: its head is written again."""
    path = heads_file()
    if not path.exists():
        return {}
    found: dict[int, dict[str, Any]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            values = json.loads(line)
            found.setdefault(int(values["number"]), values)
        except (ValueError, KeyError, TypeError):
            continue
    return found


def export_heads(worker: Viewer) -> int:
    """Appends the heads that the file does not have yet; returns how many."""
    path = heads_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        known = max(exported_heads(), default=0)
        with viewer_scope(worker):
            seals = list(AuditSeal.objects.filter(number__gt=known).order_by("number").defer("leaves"))
        if not seals:
            return 0
        lines = "".join(json.dumps(_line(seal), separators=(",", ":")) + "\n" for seal in seals)
        file.seek(0, os.SEEK_END)
        if file.tell() and not path.read_bytes().endswith(b"\n"):
            lines = "\n" + lines
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
    return len(seals)


def _line(seal: AuditSeal) -> dict[str, Any]:
    return asdict(statement_of(seal)) | {"head": seal.head, "key": seal.key, "signature": seal.signature}
