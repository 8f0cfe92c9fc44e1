"""Steps that run once for each state of their inputs.

A step's key is its name, its partition and the fingerprint of what goes in, the version of its code included.
A key that has run is skipped; what it returned then is returned again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction

from tierwise.kernel.clock import now
from tierwise.kernel.models import StepRun
from tierwise.kernel.viewer import Viewer, viewer_scope

Progress = Callable[[str, float], None]


def silent(_: str, __: float) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Outcome:
    step: str
    partition: str
    skipped: bool
    result: dict[str, Any]


def fingerprint(*parts: Any) -> str:
    """A digest of anything JSON can carry; sets and ids as sorted text."""
    text = json.dumps(parts, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def run_step(worker: Viewer, step: str, partition: str, inputs: str, work: Callable[[], dict[str, Any]]) -> Outcome:
    """Runs ``work`` unless the latest run of this step and partition had the same inputs.

    Workers that come to one partition at the same time take turns; the second then finds the first one's run.
    """
    with viewer_scope(worker):
        _take_turn(worker, f"{step} {partition}")
        last = StepRun.objects.filter(step=step, partition=partition).order_by("-began_at", "-id").first()
        if last is not None and last.fingerprint == inputs:
            return Outcome(step, partition, True, last.result)
        began = now()
        with transaction.atomic(using=worker.alias):
            result = work()
            StepRun.objects.create(
                step=step, partition=partition, fingerprint=inputs, began_at=began, ended_at=now(), result=result
            )
        return Outcome(step, partition, False, result)


def _take_turn(worker: Viewer, key: str) -> None:
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], signed=True)
    with connections[worker.alias].cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [number])
