"""The promises this module keeps, and how far it keeps them."""

from __future__ import annotations

from tierwise.kernel.capability import Capability, State

ROWS: tuple[Capability, ...] = (
    Capability(
        "7.1", "Scorecards", State.PARTLY, page="desk-scorecards",
        action="tierwise.modules.performance.actions.record_scorecards", api="scorecards",
        command="score",
        story="stories/test_main_job.py::test_both_companies_go_once_around",
    ),
    Capability("7.3", "Benchmarks"),
    Capability("7.4", "Improvement"),
    Capability("7.6", "Closed loop"),
    Capability("7.7", "Supplier innovations"),
    Capability("7.8", "Audit rotation"),
)  # fmt: skip
