"""What surrounds every page: its title, its place, and what it says when there is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tierwise.web.pages.doors import SheetDoor
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
    """Header of a page. ``action`` is the one primary action; ``actions`` are the quieter ones beside it.

    ``door`` offers the page's list as a spreadsheet to fill in.
    """

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
    door: SheetDoor | None = None


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
