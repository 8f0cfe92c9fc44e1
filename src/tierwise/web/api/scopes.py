"""What a token may be let do, area by area."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Area(StrEnum):
    """A part of the product that is opened or closed to a token as a whole."""

    DIRECTORY = "directory"
    FACTS = "facts"
    SEGMENTATION = "segmentation"
    AGREEMENTS = "agreements"
    PUBLICATIONS = "publications"
    SCORECARDS = "scorecards"
    CASES = "cases"
    EXCHANGE = "exchange"
    SHEETS = "sheets"
    OPERATIONS = "operations"
    AUDIT = "audit"

    @property
    def read(self) -> str:
        return f"{self.value}:read"

    @property
    def write(self) -> str:
        return f"{self.value}:write"


BUYER_ONLY = frozenset({Area.FACTS, Area.SEGMENTATION, Area.EXCHANGE, Area.OPERATIONS, Area.AUDIT})
"""Areas of which a supplier sees nothing."""


def scopes_of(supplier: bool) -> list[str]:
    """Scopes that a token of one side may carry, in the order of the areas."""
    areas = [area for area in Area if not (supplier and area in BUYER_ONLY)]
    return [scope for area in areas for scope in (area.read, area.write) if scope != Area.AUDIT.write]


def check_scopes(given: Iterable[str], supplier: bool) -> frozenset[str]:
    """The scopes given. ValueError names one that there is not."""
    chosen, known = frozenset(given), scopes_of(supplier)
    if unknown := sorted(chosen - set(known)):
        raise ValueError(f"scopes: {unknown[0]} is not one of {', '.join(known)}")
    if not chosen:
        raise ValueError("scopes: choose at least one")
    return chosen
