from __future__ import annotations

from django.apps import AppConfig


class DoorsConfig(AppConfig):
    name = "tierwise.doors"
    label = "doors"

    def ready(self) -> None:
        # Registration, not use: the outbox must know who writes the mails that actions ask for.
        from tierwise.doors.sending import on_sheets_requested  # noqa: PLC0415
        from tierwise.kernel.outbox import subscribe  # noqa: PLC0415

        subscribe("sheets_requested", on_sheets_requested)
