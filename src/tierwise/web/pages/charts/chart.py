"""What every picture has: title, unit, series over an axis, marks on it."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tierwise.web.pages.grids import plain
from tierwise.web.pages.values import Tone

Values = Sequence[float | None]
Axis = Sequence[str | date]


@dataclass(frozen=True)
class Series:
    """One line or set of bars. ``low`` and ``high`` are its interval; ``slot`` is a segment's colour, else by order."""

    name: str
    values: Values
    low: Values = ()
    high: Values = ()
    slot: int | None = None
    dashed: bool = False

    def __post_init__(self) -> None:
        if len(self.low) != len(self.high) or len(self.low) not in {0, len(self.values)}:
            raise ValueError(f"Series {self.name}: low and high must both be as long as values")


@dataclass(frozen=True)
class Mark:
    """An event on the axis, such as a revision, a re-segmentation or a stoppage."""

    at: str | date
    label: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class Chart(ABC):
    """What every picture states: title, unit and the axis' words."""

    title: str
    unit: str = ""
    note: str = ""
    height: int = 280

    kind = ""

    @abstractmethod
    def content(self) -> dict[str, object]:
        """What this kind of picture shows, as the component wants it."""

    def payload(self) -> str:
        spec = {
            "kind": self.kind,
            "title": str(self.title),
            "unit": str(self.unit),
            "note": str(self.note),
            "height": self.height,
        } | self.content()
        return json.dumps(_finite(spec), default=plain, ensure_ascii=False, separators=(",", ":"))


def same_length(title: str, x: Axis | Sequence[float], series: Sequence[Series]) -> None:
    for one in series:
        if len(one.values) != len(x):
            raise ValueError(
                f"Chart {title!r}: series {one.name} has {len(one.values)} values for {len(x)} places on x"
            )


def series_payload(one: Series) -> dict[str, object]:
    return {
        "name": str(one.name),
        "values": list(one.values),
        "low": list(one.low),
        "high": list(one.high),
        "slot": one.slot,
        "dashed": one.dashed,
    }


def _finite(value: object) -> object:
    """NaN and infinity are not JSON; a gap is."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
