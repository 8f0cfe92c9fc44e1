"""The promises this module keeps, and how far it keeps them."""

from __future__ import annotations

from tierwise.kernel.capability import Capability

ROWS: tuple[Capability, ...] = (
    Capability("3.1", "Joint business plans"),
    Capability("3.2", "Data ownership and rhythm"),
    Capability("3.3", "Forecast models and the supplier's part in them"),
    Capability("3.4", "Forecast commit and exceptions"),
    Capability("3.5", "Calendars in step"),
    Capability("3.6", "New products"),
    Capability("3.7", "Joint teams"),
    Capability("3.8", "One vocabulary"),
)
