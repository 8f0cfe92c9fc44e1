"""The promises this module keeps, and how far it keeps them."""

from __future__ import annotations

from tierwise.kernel.capability import Capability

ROWS: tuple[Capability, ...] = (
    Capability("9.1", "Yearly re-evaluation"),
    Capability("9.2", "Requalification"),
    Capability("9.3", "Retiring a segment"),
    Capability("9.4", "Company goals"),
    Capability("9.5", "Mergers"),
    Capability("9.6", "Agreements under new technology"),
    Capability("9.7", "Capacity after a shock"),
    Capability("9.8", "Telling people"),
)
