from __future__ import annotations

from django.apps import AppConfig


class LakeConfig(AppConfig):
    name = "tierwise.lake"
    label = "lake"

    def ready(self) -> None:
        # Registration, not use: the worker's outbox must know who answers.
        from tierwise.kernel.outbox import subscribe  # noqa: PLC0415
        from tierwise.lake.jobs import hand_to_worker  # noqa: PLC0415

        subscribe("import_requested", hand_to_worker)
