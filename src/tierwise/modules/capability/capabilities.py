"""The promises this module keeps, and how far it keeps them."""

from __future__ import annotations

from tierwise.kernel.capability import Capability

ROWS: tuple[Capability, ...] = (
    Capability("2.1", "On-site assessments"),
    Capability("2.2", "Tiers per segment"),
    Capability("2.4", "Single-source dependencies"),
    Capability("2.5", "Logistics networks"),
    Capability("2.6", "Compliance per segment"),
    Capability("2.7", "Lead times into safety stock"),
    Capability("2.8", "Capacity utilisation"),
)
