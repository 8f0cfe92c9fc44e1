"""Rows and blocks of worklists, records and studios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from tierwise.web.pages.values import Action, Interval, Money, Number, Quantity, SegmentChip, Status, Tone

Shown = str | Number | date | Money | Quantity | Interval | SegmentChip | Status | None


@dataclass(frozen=True)
class Stat:
    """A tile: one number that opens (``href`` explains it), its change and whether that is good."""

    label: str
    value: Shown
    note: str = ""
    href: str = ""
    tone: Tone = Tone.PLAIN
    trend: Sequence[float | None] = ()

    def sparkline(self) -> str:
        """Points of the trend in a 96 × 24 box, or nothing when fewer than two are known."""
        known = [(index, value) for index, value in enumerate(self.trend) if value is not None]
        if len(known) < 2:
            return ""
        low, high = min(value for _, value in known), max(value for _, value in known)
        step, span = 92 / (len(self.trend) - 1), (high - low) or 1.0
        return " ".join(f"{2 + index * step:.1f},{21 - (value - low) / span * 18:.1f}" for index, value in known)


@dataclass(frozen=True)
class Fact:
    """A labelled value of a record; ``href`` opens or explains it."""

    label: str
    value: Shown
    note: str = ""
    href: str = ""


@dataclass(frozen=True)
class WorklistRow:
    """One thing that is due: what, for which segments, whose, by when, and what is at stake.

    ``href`` is the record; ``panel`` is the address of this list with the row opened beside it.
    """

    what: str
    href: str
    detail: str = ""
    segments: Sequence[SegmentChip] = ()
    who: str = ""
    due: date | datetime | None = None
    late: bool = False
    value: Shown = None
    status: Status | None = None
    panel: str = ""
    selected: bool = False


@dataclass(frozen=True)
class DifferenceRow:
    """One thing that moves: from → to, by how much, and who is touched."""

    what: str
    before: Shown
    after: Shown
    change: Shown = None
    who: str = ""
    tone: Tone = Tone.PLAIN
    segments: Sequence[SegmentChip] = ()
    href: str = ""


@dataclass(frozen=True)
class Difference:
    """Rows that move and what they come to; shown before the button that lets them."""

    rows: Sequence[DifferenceRow]
    total: str = ""
    empty: str = ""

    @property
    def touches(self) -> bool:
        return any(row.who for row in self.rows)


@dataclass(frozen=True)
class Panel:
    """The record that slides over a list, with its one action. ``template`` adds a body of its own."""

    title: str
    close: str
    href: str = ""
    status: Status | None = None
    segments: Sequence[SegmentChip] = ()
    facts: Sequence[Fact] = ()
    difference: Difference | None = None
    text: str = ""
    action: Action | None = None
    actions: Sequence[Action] = ()
    template: str = ""


@dataclass(frozen=True)
class Message:
    """A line of the message log: one message sent or received, its state and what it changed."""

    at: datetime
    inbound: bool
    partner: str
    kind: str
    status: Status
    changed: str = ""
    href: str = ""
    door: str = ""
    selected: bool = False


@dataclass(frozen=True)
class Card:
    """A card of a board: title, clock, and where it leads."""

    title: str
    href: str
    who: str = ""
    segments: Sequence[SegmentChip] = ()
    due: date | datetime | None = None
    late: bool = False
    value: Shown = None


@dataclass(frozen=True)
class Lane:
    """A column of a board."""

    title: str
    cards: Sequence[Card]
    empty: str = ""
