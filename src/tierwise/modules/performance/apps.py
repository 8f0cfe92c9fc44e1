from __future__ import annotations

from django.apps import AppConfig


class PerformanceConfig(AppConfig):
    name = "tierwise.modules.performance"
    label = "performance"

    def ready(self) -> None:
        # Importing the records declares the facet that scheme documents may set.
        from tierwise.modules.performance import records  # noqa: F401, PLC0415
