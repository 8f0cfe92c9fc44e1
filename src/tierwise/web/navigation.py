"""The rail on the left: places a viewer may go, put there by the modules when they start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise

from tierwise.kernel.viewer import Role, Side, Viewer
from tierwise.web.viewing import name_of


@dataclass(frozen=True, slots=True)
class Place:
    """One entry: the URL it opens, its words, its icon, who sees it, and its order in the rail."""

    url: str
    label: str | Promise
    icon: str
    side: Side
    order: int
    group: str | Promise = ""
    roles: frozenset[Role] = frozenset()

    def open_to(self, viewer: Viewer) -> bool:
        return viewer.side is self.side and (not self.roles or viewer.role in self.roles)


_places: dict[str, Place] = {}
_HOMES = frozenset({"/desk/", "/portal/"})


def add_places(*places: Place) -> None:
    _places.update({place.url: place for place in places})


def places_of(viewer: Viewer) -> list[Place]:
    """The places open to a viewer, in the order of the rail."""
    return [place for place in sorted(_places.values(), key=lambda p: p.order) if place.open_to(viewer)]


def places() -> list[Place]:
    """Every entry of both rails, in their order."""
    return sorted(_places.values(), key=lambda place: (place.order, place.url))


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: navigation, and who is signed in."""
    viewer: Viewer | None = getattr(request, "viewer", None)
    if viewer is None:
        return {"navigation": [], "viewer": None}
    name = name_of(viewer)
    return {
        "navigation": _groups(request, viewer),
        "viewer": viewer,
        "viewer_name": name.person,
        "viewer_company": name.company,
        "previewing": name.company if viewer.preview else "",
        "viewer_role": name.role,
    }


def _groups(request: HttpRequest, viewer: Viewer) -> list[dict[str, Any]]:
    groups: dict[str, dict[str, Any]] = {}
    open_places = [(place, reverse(place.url)) for place in places_of(viewer)]
    here = _here(request.path, [href for _, href in open_places])
    for place, href in open_places:
        item = {"label": place.label, "href": href, "icon": place.icon, "active": href == here}
        groups.setdefault(str(place.group), {"label": place.group, "items": []})["items"].append(item)
    return list(groups.values())


def _here(path: str, hrefs: list[str]) -> str:
    """The entry a page belongs to: the nearest above it. The home page stands for itself alone."""
    above = [href for href in hrefs if path == href or (path.startswith(href) and href not in _HOMES)]
    return max(above, key=len, default="")
