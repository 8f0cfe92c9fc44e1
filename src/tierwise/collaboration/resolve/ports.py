"""What cases need answered from above: what a ruling would do to the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from tierwise.collaboration.publish.records import LineRecord
from tierwise.collaboration.resolve.records import Ruling
from tierwise.kernel.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Change:
    """One value that a ruling moves: its name, what it says now and what it would say."""

    what: str
    before: Any
    after: Any


class RulingEffect(Protocol):
    """Whoever judged the line says what a ruling would change beyond the line itself, such as a measure."""

    def changes(self, viewer: Viewer, line: LineRecord, ruling: Ruling) -> list[Change]:
        """Values that would move, the most telling first."""


_effects: list[RulingEffect] = []


def register_effect(effect: RulingEffect) -> None:
    _effects.append(effect)


def changes_of(viewer: Viewer, line: LineRecord, ruling: Ruling) -> list[Change]:
    """What the line itself and everything built on it would say after the ruling."""
    return [*_of_the_line(line, ruling), *(c for effect in _effects for c in effect.changes(viewer, line, ruling))]


def _of_the_line(line: LineRecord, ruling: Ruling) -> list[Change]:
    found = [
        Change(name, line.values[name], getattr(ruling, name))
        for name in ("delivered_on", "received", "rejected")
        if getattr(ruling, name) is not None and getattr(ruling, name) != line.values[name]
    ]
    due = line.values["due_on"]
    if ruling.delivered_on is not None and due is not None:
        found.append(Change("days_late", line.values["days_late"], (ruling.delivered_on - due).days))
    if ruling.excluded is not None:
        found.append(Change("excluded", line.values["excluded"], ruling.excluded.value))
    return found
