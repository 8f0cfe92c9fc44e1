"""Values that templates show: what a number is made of travels with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

SLOTS = 8
ENOUGH = 20  # below this a share moves by five points with one event; shown hollow

Number = int | float | Decimal


class Tone(StrEnum):
    """A judgement. Always shown with a word or a mark, never as colour alone."""

    PLAIN = "plain"
    GOOD = "good"
    WATCH = "watch"
    BAD = "bad"


@dataclass(frozen=True)
class SegmentChip:
    """A segment as it is shown everywhere: short code, name, and one of eight colour slots (then patterned)."""

    code: str
    name: str
    slot: int

    def __post_init__(self) -> None:
        if self.slot < 0:
            raise ValueError(f"SegmentChip {self.code}: slot counts from 1 (0 for none), not {self.slot}")

    @property
    def colour(self) -> int:
        """The colour slot, 1 to 8; 0 is the neutral of Common."""
        return 0 if self.slot == 0 else (self.slot - 1) % SLOTS + 1

    @property
    def patterned(self) -> bool:
        return self.slot > SLOTS

    def payload(self) -> dict[str, object]:
        return {"code": self.code, "name": self.name, "slot": self.colour, "patterned": self.patterned}


@dataclass(frozen=True)
class Status:
    """A state in words with its judgement."""

    label: str
    tone: Tone = Tone.PLAIN

    def payload(self) -> dict[str, object]:
        return {"label": str(self.label), "tone": self.tone.value}


@dataclass(frozen=True)
class Interval:
    """A measured value with its interval and n. ``unit`` is ``ratio`` (shown in percent) or a unit of measure."""

    value: Number | None
    low: Number | None = None
    high: Number | None = None
    n: Number | None = None
    unit: str = "ratio"
    decimals: int = 1
    enough: int = ENOUGH

    @property
    def small(self) -> bool:
        return self.n is not None and self.n < self.enough


@dataclass(frozen=True)
class Money:
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Quantity:
    amount: Number
    unit: str


@dataclass(frozen=True)
class Action:
    """One thing a person may do; the label names the consequence. POST carries ``fields`` and the CSRF token.

    ``ask`` is what cannot be undone, in words: the person must confirm it first.
    """

    label: str
    href: str
    post: bool = False
    fields: Mapping[str, str] | None = None
    ask: str = ""
    tone: Tone = Tone.PLAIN
    disabled: str = ""
