"""What goes back to other systems: feeds of decisions, over channels, acknowledged and logged."""

from __future__ import annotations

from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    name = "tierwise.modules.exchange"
    label = "exchange"

    def ready(self) -> None:
        # Jobs need the models, which stand only now.
        from tierwise.kernel.cycle import CycleStep, add_cycle_steps  # noqa: PLC0415
        from tierwise.kernel.outbox import subscribe  # noqa: PLC0415
        from tierwise.modules.exchange import jobs  # noqa: PLC0415
        from tierwise.modules.exchange.records.feeds import FEEDS  # noqa: PLC0415

        for event in sorted({event for feed in FEEDS.values() for event in feed.events}):
            subscribe(event, jobs.look_again(event))
        subscribe("sending_requested", jobs.send_as_asked)
        subscribe("channel_test_requested", jobs.test_as_asked)
        add_cycle_steps(CycleStep(90, "send decisions", jobs.collect_all))
