from __future__ import annotations

from django.apps import AppConfig


class PublishConfig(AppConfig):
    name = "tierwise.collaboration.publish"
    label = "publish"
