from __future__ import annotations

from django.apps import AppConfig


class ResolveConfig(AppConfig):
    name = "tierwise.collaboration.resolve"
    label = "resolve"

    def ready(self) -> None:
        from tierwise.collaboration.resolve.sheets import register_lists  # noqa: PLC0415  models must be ready

        register_lists()
