from __future__ import annotations

from django.apps import AppConfig


class PerformanceConfig(AppConfig):
    name = "tierwise.modules.performance"
    label = "performance"
