from __future__ import annotations

from django.apps import AppConfig


class AgreeConfig(AppConfig):
    name = "tierwise.collaboration.agree"
    label = "agree"

    def ready(self) -> None:
        # Registration needs the models, which stand only now.
        from tierwise.collaboration.agree.consequences import AgreementImpact  # noqa: PLC0415
        from tierwise.collaboration.agree.sheets import register_lists  # noqa: PLC0415
        from tierwise.directory.ports import register_impact  # noqa: PLC0415

        register_lists()
        register_impact(AgreementImpact())
