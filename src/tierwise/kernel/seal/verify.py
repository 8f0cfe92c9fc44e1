"""Whether the audit trail is what was sealed: every cut, change and insertion is named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections

from tierwise.kernel.models import AuditSeal
from tierwise.kernel.seal.chain import GENESIS, START, digest, leaves_of, signed_by
from tierwise.kernel.seal.sealer import entries_within, exported_heads, signer, statement_of
from tierwise.kernel.viewer import Viewer, viewer_scope


@dataclass(frozen=True, slots=True)
class Fault:
    """``kind``: changed, missing, inserted (entries); seal, chain, signature, key, truncated, head, future (seals)."""

    kind: str
    seal: int
    what: str
    entry: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    seals: int
    entries: int
    unsealed: int
    oldest_unsealed: datetime | None
    head: str
    faults: tuple[Fault, ...] = field(default=())

    @property
    def sound(self) -> bool:
        return not self.faults


def known_keys() -> frozenset[str]:
    """Keys whose seals are believed: the installation's own, and those of installations it was restored from."""
    path = keys_file()
    kept = path.read_text().split() if path.exists() else []
    return frozenset({signer().public, *kept})


def keys_file() -> Path:
    return Path(settings.TIERWISE_HOME) / "audit-keys"


def verify(worker: Viewer, trusted: frozenset[str] = frozenset()) -> Verdict:
    """Recomputes every seal from the entries. Reads one batch at a time."""
    keys, exported = known_keys() | trusted, exported_heads()
    faults: list[Fault] = []
    with viewer_scope(worker):
        seals = list(AuditSeal.objects.order_by("number").defer("leaves"))
        faults.extend(_chain_faults(seals))
        for seal in seals:
            faults.extend(_seal_faults(seal, keys, exported))
            faults.extend(_entry_faults(worker, seal))
        numbers = {seal.number for seal in seals}
        faults.extend(
            Fault("truncated", number, f"seal {number} was exported and is gone, with {line.get('entries')} entries")
            for number, line in sorted(exported.items())
            if number not in numbers
        )
        unsealed, oldest, ahead = _tail(worker, seals)
        if ahead:
            faults.append(Fault("future", 0, f"{ahead} entries bear a transaction that has not been yet"))
    head = seals[-1].head if seals else GENESIS
    return Verdict(len(seals), sum(seal.entries for seal in seals), unsealed, oldest, head, tuple(faults))


def _chain_faults(seals: list[AuditSeal]) -> Iterator[Fault]:
    if seals and (seals[0].number != 1 or seals[0].previous != GENESIS or statement_of(seals[0]).since != START):
        yield Fault("chain", seals[0].number, "the chain does not begin at its beginning: earlier seals are gone")
    for before, after in pairwise(seals):
        if after.number != before.number + 1:
            yield Fault("chain", after.number, f"seals {before.number + 1} to {after.number - 1} are gone")
        elif after.previous != before.head or statement_of(after).since != statement_of(before).until:
            yield Fault("chain", after.number, f"seal {after.number} does not follow from seal {before.number}")


def _seal_faults(seal: AuditSeal, keys: frozenset[str], exported: dict[int, dict[str, Any]]) -> Iterator[Fault]:
    if statement_of(seal).head != seal.head:
        yield Fault("seal", seal.number, f"seal {seal.number} was changed after it was made")
    if not signed_by(seal.key, seal.head, seal.signature):
        yield Fault("signature", seal.number, f"seal {seal.number} does not bear a valid signature")
    elif seal.key not in keys:
        yield Fault("key", seal.number, f"seal {seal.number} is signed with a key that is not known: {seal.key}")
    line = exported.get(seal.number)
    if line is not None and line.get("head") != seal.head:
        yield Fault("head", seal.number, f"seal {seal.number} is not the one that was exported")


def _entry_faults(worker: Viewer, seal: AuditSeal) -> Iterator[Fault]:
    said = statement_of(seal)
    found = dict(entries_within(worker.alias, said.since, said.until))
    if len(found) == seal.entries and digest(found.values()) == seal.digest:
        return
    packed = bytes(AuditSeal.objects.values_list("leaves", flat=True).get(id=seal.id))
    sealed = leaves_of(packed)
    if digest(sealed.values()) != seal.digest or len(sealed) != seal.entries:
        yield Fault("seal", seal.number, f"the entries under seal {seal.number} and its own list were both changed")
        return
    for entry in sealed.keys() - found.keys():
        yield Fault("missing", seal.number, f"entry {entry} was removed", str(entry))
    for entry in found.keys() - sealed.keys():
        yield Fault("inserted", seal.number, f"entry {entry} was slipped in", str(entry))
    for entry in sealed.keys() & found.keys():
        if sealed[entry] != found[entry]:
            yield Fault("changed", seal.number, f"entry {entry} was changed", str(entry))


def _tail(worker: Viewer, seals: list[AuditSeal]) -> tuple[int, datetime | None, int]:
    """Entries not under seal, the oldest one's instant, and how many of them cannot be."""
    until = statement_of(seals[-1]).until if seals else START
    with connections[worker.alias].cursor() as cursor:
        cursor.execute(
            "select count(*), min(at), count(*) filter (where (era, transaction) >= "
            "(tw_audit_era(), pg_snapshot_xmax(pg_current_snapshot())::text::bigint)) "
            "from kernel_auditentry where (era, transaction) >= (%s, %s)",
            [until.era, until.transaction],
        )
        unsealed, oldest, ahead = cursor.fetchone()
        return int(unsealed), oldest, int(ahead)
