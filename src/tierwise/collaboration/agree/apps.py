from __future__ import annotations

from django.apps import AppConfig


class AgreeConfig(AppConfig):
    name = "tierwise.collaboration.agree"
    label = "agree"

    def ready(self) -> None:
        from tierwise.collaboration.agree.sheets import register_lists  # noqa: PLC0415  models must be ready

        register_lists()
