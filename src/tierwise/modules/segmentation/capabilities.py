"""The promises this module keeps, and how far it keeps them."""

from __future__ import annotations

from tierwise.kernel.capability import Capability

ROWS: tuple[Capability, ...] = (
    Capability("1.1", "Choose the segments"),
    Capability("1.2", "Set each supplier's say"),
    Capability("1.3", "Align inside first"),
    Capability("1.4", "Share demand without giving rivals away"),
    Capability("1.5", "Follow the life cycle"),
    Capability("1.6", "Agree benchmarks"),
    Capability("1.7", "Check before finalising"),
    Capability("1.8", "Escalation paths"),
)
