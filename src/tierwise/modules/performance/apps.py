"""Scorecards per supplier, segment and period, that both companies read and either may question."""

from __future__ import annotations

from django.apps import AppConfig


class PerformanceConfig(AppConfig):
    name = "tierwise.modules.performance"
    label = "performance"

    def ready(self) -> None:
        # Registration needs the models, which stand only now.
        from tierwise.collaboration.resolve.ports import register_effect  # noqa: PLC0415
        from tierwise.directory.ports import register_impact  # noqa: PLC0415
        from tierwise.kernel.cycle import CycleStep, add_cycle_steps  # noqa: PLC0415
        from tierwise.kernel.outbox import subscribe  # noqa: PLC0415
        from tierwise.modules.performance import jobs  # noqa: PLC0415
        from tierwise.modules.performance.queries.consequences import (  # noqa: PLC0415
            EffectOnMeasures,
            ScorecardImpact,
        )

        subscribe("case_ruled", jobs.take_ruling)
        add_cycle_steps(
            CycleStep(60, "score suppliers", jobs.score_closed),
            CycleStep(70, "publish scorecards", jobs.publish_closed),
        )
        register_impact(ScorecardImpact())
        register_effect(EffectOnMeasures())
