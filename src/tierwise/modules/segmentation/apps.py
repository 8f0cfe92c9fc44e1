from __future__ import annotations

from django.apps import AppConfig


class SegmentationConfig(AppConfig):
    name = "tierwise.modules.segmentation"
    label = "segmentation"

    def ready(self) -> None:
        # The steps need models, which are there only now.
        from tierwise.kernel.cycle import CycleStep, add_cycle_steps  # noqa: PLC0415
        from tierwise.kernel.outbox import subscribe  # noqa: PLC0415
        from tierwise.modules.segmentation import jobs, telling  # noqa: PLC0415
        from tierwise.modules.segmentation.sheets import register_lists  # noqa: PLC0415

        register_lists()

        subscribe("scheme_applied", jobs.tell_of_scheme)
        telling.register()
        add_cycle_steps(
            CycleStep(10, "place demand cells", jobs.place_cells),
            CycleStep(20, "carry segments up the network", jobs.refresh_mix),
            CycleStep(30, "derive supports and lane policies", jobs.derive_policies),
            CycleStep(40, "publish demand", jobs.publish_demand),
        )
