from __future__ import annotations

from django.apps import AppConfig


class KernelConfig(AppConfig):
    name = "tierwise.kernel"
    label = "kernel"

    def ready(self) -> None:
        # Registration, not use: these ask the models, which are there only now.
        from tierwise.kernel.backup import nightly  # noqa: PLC0415
        from tierwise.kernel.doctor import database, machine  # noqa: PLC0415
        from tierwise.kernel.jobs import queue_cycle, queue_examination  # noqa: PLC0415
        from tierwise.kernel.outbox import subscribe  # noqa: PLC0415

        machine.register()
        database.register()
        nightly.register()

        subscribe("cycle_requested", queue_cycle)
        subscribe("examination_requested", queue_examination)
