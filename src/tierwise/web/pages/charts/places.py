"""Sites, lanes and hazards on a map."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tierwise.web.pages.grids import plain
from tierwise.web.pages.values import Status, Tone


@dataclass(frozen=True)
class Site:
    """A place on the map. ``kind`` is own, supplier, warehouse or customer and gives its shape."""

    key: str
    name: str
    latitude: float
    longitude: float
    kind: str = "supplier"
    status: Status | None = None
    note: str = ""
    href: str = ""


@dataclass(frozen=True)
class Link:
    """A lane between two sites; ``weight`` (any unit) gives its width."""

    origin: str
    target: str
    label: str = ""
    weight: float = 1.0
    slot: int = 0
    tone: Tone = Tone.PLAIN
    href: str = ""


@dataclass(frozen=True)
class Hazard:
    """A reach: everything within ``radius_km`` of a point."""

    name: str
    latitude: float
    longitude: float
    radius_km: float
    tone: Tone = Tone.WATCH


@dataclass(frozen=True)
class Map:
    """Sites, lanes and hazards, with the same sites as a list beside."""

    title: str
    sites: Sequence[Site]
    links: Sequence[Link] = ()
    hazards: Sequence[Hazard] = ()
    height: int = 420
    empty: str = ""

    def __post_init__(self) -> None:
        known = {site.key for site in self.sites}
        unknown = sorted({key for link in self.links for key in (link.origin, link.target)} - known)
        if unknown:
            raise ValueError(f"Map {self.title!r}: links name unknown sites {', '.join(unknown)}")
        for site in self.sites:
            if not (-90 <= site.latitude <= 90 and -180 <= site.longitude <= 180):
                raise ValueError(f"Map {self.title!r}: site {site.key} lies at no place on earth")

    def payload(self) -> str:
        sites = [
            {
                "key": site.key,
                "name": site.name,
                "at": [site.longitude, site.latitude],
                "kind": site.kind,
                "status": site.status.payload() if site.status else None,
                "note": str(site.note),
                "href": site.href,
            }
            for site in self.sites
        ]
        links = [vars(link) | {"tone": link.tone.value} for link in self.links]
        hazards = [vars(hazard) | {"tone": hazard.tone.value} for hazard in self.hazards]
        spec = {"title": str(self.title), "height": self.height, "empty": str(self.empty)}
        return json.dumps(
            spec | {"sites": sites, "links": links, "hazards": hazards},
            default=plain,
            ensure_ascii=False,
            separators=(",", ":"),
        )
