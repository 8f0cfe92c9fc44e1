from __future__ import annotations

from django.apps import AppConfig


class ResolveConfig(AppConfig):
    name = "tierwise.collaboration.resolve"
    label = "resolve"

    def ready(self) -> None:
        # The last of the three ways to start: by now all their models stand and their pages can be named.
        from tierwise.collaboration import telling  # noqa: PLC0415
        from tierwise.collaboration.resolve.sheets import register_lists  # noqa: PLC0415

        register_lists()
        telling.register()
