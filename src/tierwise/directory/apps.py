from __future__ import annotations

from django.apps import AppConfig


class DirectoryConfig(AppConfig):
    name = "tierwise.directory"
    label = "directory"

    def ready(self) -> None:
        # Registration, not use: the lake must be able to reach masters without knowing who keeps them.
        from tierwise.directory import jobs, onboarding, reviewing  # noqa: PLC0415
        from tierwise.directory.correspondents import DirectoryOfCorrespondents  # noqa: PLC0415
        from tierwise.directory.masters import DirectoryMasters  # noqa: PLC0415
        from tierwise.directory.notices import register  # noqa: PLC0415
        from tierwise.directory.sheets import register_lists  # noqa: PLC0415
        from tierwise.directory.tokens import DirectoryOfTokens  # noqa: PLC0415
        from tierwise.directory.viewers import DirectoryOfViewers  # noqa: PLC0415
        from tierwise.doors.ports import register_correspondents  # noqa: PLC0415
        from tierwise.kernel.cycle import CycleStep, add_cycle_steps  # noqa: PLC0415
        from tierwise.kernel.outbox import subscribe  # noqa: PLC0415
        from tierwise.lake import ports  # noqa: PLC0415
        from tierwise.web.api.passes import register_passes  # noqa: PLC0415
        from tierwise.web.viewing import register_directory  # noqa: PLC0415

        ports.register_masters(DirectoryMasters())
        register_directory(DirectoryOfViewers())
        register_correspondents(DirectoryOfCorrespondents())
        register_lists()
        register_passes(DirectoryOfTokens())
        subscribe("supplier_onboarded", onboarding.take_stated_facts)
        subscribe("access_suspended", reviewing.suspend)
        add_cycle_steps(
            CycleStep(910, "ask who may enter", jobs.step_reviews),
            CycleStep(920, "purge what is not kept", jobs.step_retention),
        )
        subscribe("support_confirmed", jobs.tell_support_confirmed)
        subscribe("support_ended", jobs.tell_support_ended)
        register()
