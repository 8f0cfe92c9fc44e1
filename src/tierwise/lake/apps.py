from __future__ import annotations

from django.apps import AppConfig


class LakeConfig(AppConfig):
    name = "tierwise.lake"
    label = "lake"

    def ready(self) -> None:
        # Registration, not use: the worker's outbox must know who answers.
        from tierwise.kernel.backup.making import add_keeper, set_lake_versions  # noqa: PLC0415
        from tierwise.kernel.outbox import subscribe  # noqa: PLC0415
        from tierwise.lake.backup import lake_files, lake_versions, uploads  # noqa: PLC0415
        from tierwise.lake.examining import register  # noqa: PLC0415
        from tierwise.lake.jobs import hand_to_worker  # noqa: PLC0415

        register()
        add_keeper("lake", lake_files)
        add_keeper("uploads", uploads)
        set_lake_versions(lake_versions)
        subscribe("import_requested", hand_to_worker)
