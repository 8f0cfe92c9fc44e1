from __future__ import annotations

from django.apps import AppConfig


class ResolveConfig(AppConfig):
    name = "tierwise.collaboration.resolve"
    label = "resolve"
