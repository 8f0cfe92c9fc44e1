"""The promises this module keeps, and how far it keeps them."""

from __future__ import annotations

from tierwise.kernel.capability import Capability, State

ROWS: tuple[Capability, ...] = (
    Capability(
        "4.1", "Connect any supplier", State.PARTLY, page="desk-exchange",
        action="tierwise.modules.exchange.actions.put_channel", command="exchange send", api="put_route",
        story="stories/test_back_to_the_erp.py::test_an_upheld_ruling_reaches_the_erp_and_its_refusal_reaches_people",
    ),
    Capability("4.2", "Fields and frequency per segment"),
    Capability("4.3", "Access limited to supported segments"),
    Capability("4.4", "Data quality"),
    Capability("4.5", "Failover drills"),
    Capability("4.6", "Rules for disagreeing data"),
    Capability("4.7", "Digital twin"),
    Capability("4.8", "Live dashboards"),
    Capability("10.1", "Toolkit"),
)  # fmt: skip
