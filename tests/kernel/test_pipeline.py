from __future__ import annotations

import threading
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from django.db import connections

from fixtures.worlds import NOW, World
from tierwise.directory.models import Segment
from tierwise.kernel.clock import clock_set
from tierwise.kernel.models import StepRun
from tierwise.kernel.pipeline import fingerprint, run_step
from tierwise.kernel.viewer import viewer_scope

pytestmark = pytest.mark.database


def test_a_fingerprint_follows_values_and_not_their_order() -> None:
    day, key = date(2025, 7, 1), UUID(int=7)
    assert fingerprint({"a": 1, "b": day}, key) == fingerprint({"b": day, "a": 1}, key)
    assert fingerprint("a", "b") != fingerprint("ab")
    assert fingerprint(1) != fingerprint("1")
    assert len(fingerprint()) == 64


def test_equal_inputs_run_once_and_answer_twice(world: World) -> None:
    calls: list[int] = []

    def work() -> dict[str, Any]:
        calls.append(1)
        return {"rows": len(calls)}

    first = run_step(world.worker, "mix", "2025", "one", work)
    second = run_step(world.worker, "mix", "2025", "one", work)
    assert (first.skipped, second.skipped) == (False, True)
    assert first.result == second.result == {"rows": 1}
    assert not run_step(world.worker, "mix", "2024", "one", work).skipped
    assert not run_step(world.worker, "score", "2025", "one", work).skipped
    assert not run_step(world.worker, "mix", "2025", "two", work).skipped
    assert len(calls) == 4


def test_only_the_latest_run_counts(world: World) -> None:
    """Inputs that return to what they were are computed anew: the tables now hold the other result."""
    with clock_set(NOW):
        for inputs in ("one", "two", "one"):
            assert not run_step(world.worker, "mix", "2025", inputs, dict).skipped
        assert run_step(world.worker, "mix", "2025", "one", dict).skipped


def test_a_failed_run_leaves_nothing_and_is_run_again(world: World) -> None:
    def fail() -> dict[str, Any]:
        Segment.objects.filter(code="STD").update(name="Half done")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run_step(world.worker, "mix", "2025", "one", fail)
    with viewer_scope(world.worker):
        assert StepRun.objects.count() == 0
        assert Segment.objects.get(code="STD").name == "Standard"
    assert not run_step(world.worker, "mix", "2025", "one", dict).skipped


def test_workers_that_come_together_take_turns(world: World) -> None:
    calls: list[str] = []
    skipped: list[bool] = []
    begun = threading.Event()

    def work() -> dict[str, Any]:
        begun.set()
        calls.append(threading.current_thread().name)
        threading.Event().wait(0.2)
        return {}

    def run() -> None:
        try:
            skipped.append(run_step(world.worker, "mix", "2025", "one", work).skipped)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert begun.wait(10)
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert sorted(skipped) == [False, True, True]
