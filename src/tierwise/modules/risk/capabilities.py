"""The promises this module keeps, and how far it keeps them."""

from __future__ import annotations

from tierwise.kernel.capability import Capability

ROWS: tuple[Capability, ...] = (
    Capability("6.1", "Joint risk assessments"),
    Capability("6.2", "Dual sourcing"),
    Capability("6.3", "Where stock stands, and whose it is"),
    Capability("6.4", "Early warning"),
    Capability("6.5", "Disruption exercises"),
    Capability("6.6", "Continuity plans tested"),
    Capability("6.7", "World events"),
    Capability("6.8", "Buffers by segment"),
)
