"""The promises this module keeps, and how far it keeps them."""

from __future__ import annotations

from tierwise.kernel.capability import Capability

ROWS: tuple[Capability, ...] = (
    Capability("2.3", "Volume-flex contracts"),
    Capability("5.1", "SLAs that pay"),
    Capability("5.2", "Sharing the cost of stock"),
    Capability("5.3", "Prices that fit the burden"),
    Capability("5.4", "Rebalancing clauses"),
    Capability("5.5", "Gain sharing"),
    Capability("5.6", "Audit rights"),
    Capability("5.7", "Exit without penalty trap"),
    Capability("5.8", "Term fits the segment"),
    Capability("7.5", "Incentives follow"),
)
