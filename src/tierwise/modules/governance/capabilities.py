"""The promises this module keeps, and how far it keeps them."""

from __future__ import annotations

from tierwise.kernel.capability import Capability

ROWS: tuple[Capability, ...] = (
    Capability("7.2", "Quarterly reviews"),
    Capability("8.1", "Bodies"),
    Capability("8.2", "Playbooks"),
    Capability("8.3", "Scalability"),
    Capability("8.4", "Training"),
    Capability("8.5", "Central data, local tactics"),
    Capability("8.6", "Standard or custom"),
    Capability("8.7", "Portfolio"),
    Capability("8.8", "Disputes over priority and resources"),
)
