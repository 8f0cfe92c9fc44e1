"""The cycle: every module's steps in their order, run by the worker or by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from tierwise.kernel.pipeline import Progress, silent
from tierwise.kernel.viewer import Viewer

Run = Callable[[Viewer, date, Progress], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class CycleStep:
    """One step: where it stands in the order, what it is called, and the function that does it."""

    order: int
    name: str
    run: Run


_steps: dict[str, CycleStep] = {}


def add_cycle_steps(*steps: CycleStep) -> None:
    """Modules add their steps when they start; a step must skip by itself what has not changed."""
    _steps.update({step.name: step for step in steps})


def cycle_steps() -> list[CycleStep]:
    return sorted(_steps.values(), key=lambda step: (step.order, step.name))


def run_cycle(worker: Viewer, on: date, progress: Progress = silent) -> dict[str, dict[str, Any]]:
    """Runs all steps for a day and returns what each said. A step that fails stops the cycle; those before it stand."""
    steps = cycle_steps()
    results = {}
    for index, step in enumerate(steps):
        begins, width = index / len(steps), 1 / len(steps)

        def tell(what: str, share: float, begins: float = begins, width: float = width) -> None:
            progress(what, begins + share * width)

        progress(step.name, begins)
        results[step.name] = step.run(worker, on, tell)
    progress("done", 1.0)
    return results
