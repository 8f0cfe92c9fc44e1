"""What surrounds every page: title, place, navigation and who is looking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tierwise.web.pages.values import Action, SegmentChip, Status, Tone


@dataclass(frozen=True)
class Crumb:
    label: str
    href: str = ""


@dataclass(frozen=True)
class Tab:
    label: str
    href: str
    active: bool = False
    count: int | None = None


@dataclass(frozen=True)
class SegmentFilter:
    """One of the viewer's segments as the first filter of a page; ``href`` is this page seen through it."""

    segment: SegmentChip
    href: str
    active: bool = False


@dataclass(frozen=True)
class Page:
    """Header of a page. ``action`` is the one primary action; ``actions`` are the quieter ones beside it."""

    title: str
    crumbs: Sequence[Crumb] = ()
    lead: str = ""
    status: Status | None = None
    segment: SegmentChip | None = None
    action: Action | None = None
    actions: Sequence[Action] = ()
    tabs: Sequence[Tab] = ()
    segments: Sequence[SegmentFilter] = ()
    all_segments: str = ""
    as_of: str = ""


@dataclass(frozen=True)
class NavigationItem:
    label: str
    href: str
    icon: str = "dot"
    active: bool = False
    count: int | None = None


@dataclass(frozen=True)
class NavigationGroup:
    label: str
    items: Sequence[NavigationItem]


@dataclass(frozen=True)
class ViewerCard:
    """Who is looking and in which chair: ``desk`` (buyer) or ``portal`` (supplier). ``previewing`` names the supplier
    whose view a planner looks at."""

    name: str
    company: str
    role: str
    side: str = "desk"
    previewing: str = ""

    def __post_init__(self) -> None:
        if self.side not in {"desk", "portal"}:
            raise ValueError(f"ViewerCard: side is 'desk' or 'portal', not {self.side!r}")


@dataclass(frozen=True)
class Notice:
    """A message on the page that stays: what happened, where, and what to do next."""

    text: str
    tone: Tone = Tone.PLAIN
    title: str = ""
    action: Action | None = None


@dataclass(frozen=True)
class Empty:
    """What an empty place says: that nothing is due, and what happens next and when."""

    title: str
    text: str = ""
    action: Action | None = None
