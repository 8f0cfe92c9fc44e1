"""Who and what the invented pages speak of."""

from __future__ import annotations

from datetime import UTC, date, datetime

from tierwise.web.pages import (
    Crumb,
    Page,
    SegmentChip,
    SegmentFilter,
)

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 9, 40, tzinfo=UTC)
PREMIUM = SegmentChip("PRM", "Premium made to order", 1)
CORE = SegmentChip("COR", "Core replenishment", 2)
VALUE = SegmentChip("VAL", "Value build to stock", 3)
SPARES = SegmentChip("SPR", "Spares and service", 4)
LAUNCH = SegmentChip("LNC", "Launch", 5)
COMMON = SegmentChip("CMN", "Common", 0)
SEGMENTS = (PREMIUM, CORE, VALUE, SPARES, LAUNCH, COMMON)
LONG = "Vereinigte Präzisionsgusswerke Oberrhein und Söhne GmbH & Co. KG"
SUPPLIERS = [
    "Kowal Castings",
    "Torres Forja",
    LONG,
    "Hsin Yi Bearings",
    "Delta Carbon",
    "Ostrava Steel Tube",
    "Lumen Electric",
    "Pacific Rim Fasteners",
]
Made = tuple[str, dict[str, object]]


def head(title: str, place: str, **more: object) -> Page:
    filters = tuple(SegmentFilter(chip, f"?segment={chip.code}", chip is PREMIUM) for chip in SEGMENTS[:4])
    return Page(title, (Crumb(place, "#"),), segments=filters, all_segments="?", **more)  # type: ignore[arg-type]
