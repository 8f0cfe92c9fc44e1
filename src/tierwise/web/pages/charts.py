"""Pictures: what is drawn, over which axis and in which unit. Each can also be read as a table."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from tierwise.web.pages.grids import plain
from tierwise.web.pages.values import ENOUGH, SegmentChip, Status, Tone

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


@dataclass(frozen=True)
class LineChart(Chart):
    """A time series with interval bands and event marks. The axis starts at zero only if ``zero``."""

    x: Axis = ()
    series: Sequence[Series] = ()
    marks: Sequence[Mark] = ()
    zero: bool = False
    target: float | None = None
    x_label: str = ""

    kind = "line"

    def __post_init__(self) -> None:
        _same_length(self.title, self.x, self.series)

    def content(self) -> dict[str, object]:
        return {
            "x": list(self.x),
            "xLabel": str(self.x_label),
            "series": [_series(one) for one in self.series],
            "marks": [{"at": mark.at, "label": str(mark.label), "tone": mark.tone.value} for mark in self.marks],
            "zero": self.zero,
            "target": self.target,
        }


@dataclass(frozen=True)
class BarChart(Chart):
    """Bars from zero, side by side or stacked, standing or lying."""

    x: Axis = ()
    series: Sequence[Series] = ()
    stacked: bool = False
    lying: bool = False

    kind = "bar"

    def __post_init__(self) -> None:
        _same_length(self.title, self.x, self.series)

    def content(self) -> dict[str, object]:
        series = [_series(one) for one in self.series]
        return {"x": list(self.x), "series": series, "stacked": self.stacked, "lying": self.lying}


@dataclass(frozen=True)
class HeatCell:
    """``trend`` is the change since the period before; ``tone`` judges the value; small ``n`` is shown hollow."""

    value: float | None
    n: float | None = None
    trend: float | None = None
    tone: Tone = Tone.PLAIN
    href: str = ""


@dataclass(frozen=True)
class HeatMap(Chart):
    """Rows × columns, such as supplier × segment. ``cells[row][column]``; None where nothing was measured."""

    rows: Sequence[str] = ()
    columns: Sequence[str | SegmentChip] = ()
    cells: Sequence[Sequence[HeatCell | None]] = ()
    row_hrefs: Sequence[str] = ()
    decimals: int = 1
    enough: int = ENOUGH
    row_label: str = ""

    kind = "heat"

    def __post_init__(self) -> None:
        if len(self.cells) != len(self.rows) or any(len(line) != len(self.columns) for line in self.cells):
            raise ValueError(f"HeatMap {self.title!r}: cells must be rows × columns")
        if self.row_hrefs and len(self.row_hrefs) != len(self.rows):
            raise ValueError(f"HeatMap {self.title!r}: give one row_href per row or none")

    def content(self) -> dict[str, object]:
        return {
            "rowLabel": str(self.row_label),
            "rows": [str(row) for row in self.rows],
            "rowHrefs": list(self.row_hrefs),
            "columns": [c.payload() if isinstance(c, SegmentChip) else {"name": str(c)} for c in self.columns],
            "cells": [[_cell(cell, self.enough) for cell in line] for line in self.cells],
            "decimals": self.decimals,
        }


@dataclass(frozen=True)
class Step:
    """A step of a waterfall: a change, or a level when ``total``."""

    label: str
    value: float
    total: bool = False


@dataclass(frozen=True)
class Waterfall(Chart):
    """How one number became another."""

    steps: Sequence[Step] = ()
    more_is_good: bool | None = None

    kind = "waterfall"

    def content(self) -> dict[str, object]:
        steps = [{"label": str(step.label), "value": step.value, "total": step.total} for step in self.steps]
        return {"steps": steps, "moreIsGood": self.more_is_good}


@dataclass(frozen=True)
class Pareto(Chart):
    """Causes by weight, with their cumulative share. Sorted here; what is left over goes last."""

    causes: Sequence[tuple[str, float]] = ()
    shown: int = 12
    rest: str = "Other"

    kind = "pareto"

    def __post_init__(self) -> None:
        if any(value < 0 for _, value in self.causes):
            raise ValueError(f"Pareto {self.title!r}: weights must not be negative")

    def content(self) -> dict[str, object]:
        ranked = sorted(self.causes, key=lambda cause: -cause[1])
        top = [{"label": str(label), "value": value} for label, value in ranked[: self.shown]]
        rest = sum(value for _, value in ranked[self.shown :])
        if rest:
            top.append({"label": str(self.rest), "value": rest})
        return {"causes": top}


@dataclass(frozen=True)
class CoverageCurve(Chart):
    """What share is covered at each threshold; the threshold is dragged, and its value goes into the address.

    On release the element sends ``tw:threshold`` (detail: parameter, value) and sets ``?PARAMETER=VALUE``.
    """

    x: Sequence[float] = ()
    series: Sequence[Series] = ()
    threshold: float = 0.0
    parameter: str = "threshold"
    x_label: str = ""
    x_unit: str = ""

    kind = "coverage"

    def __post_init__(self) -> None:
        _same_length(self.title, self.x, self.series)
        if any(a >= b for a, b in zip(self.x, self.x[1:], strict=False)):
            raise ValueError(f"CoverageCurve {self.title!r}: x must rise")

    def content(self) -> dict[str, object]:
        return {
            "x": list(self.x),
            "xLabel": str(self.x_label),
            "xUnit": str(self.x_unit),
            "series": [_series(one) for one in self.series],
            "threshold": self.threshold,
            "parameter": self.parameter,
        }


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


@dataclass(frozen=True)
class TimelineEntry:
    """What happened, who did it and in which company: ``ours``, ``theirs`` or ``system``.

    ``internal`` entries are notes only the reader's own company sees; they stand visibly apart.
    """

    at: datetime | date
    what: str
    who: str = ""
    side: str = "ours"
    status: Status | None = None
    note: str = ""
    href: str = ""
    internal: bool = False

    def __post_init__(self) -> None:
        if self.side not in {"ours", "theirs", "system"}:
            raise ValueError(f"TimelineEntry: side is ours, theirs or system, not {self.side!r}")


@dataclass(frozen=True)
class Timeline:
    """What both companies did to a record, newest first."""

    entries: Sequence[TimelineEntry]
    empty: str = ""
    title: str = ""
    ours: str = ""
    theirs: str = ""

    def payload(self) -> str:
        entries = [
            {
                "at": entry.at,
                "day": not isinstance(entry.at, datetime),
                "what": str(entry.what),
                "who": entry.who,
                "side": entry.side,
                "status": entry.status.payload() if entry.status else None,
                "note": str(entry.note),
                "href": entry.href,
                "internal": entry.internal,
            }
            for entry in self.entries
        ]
        spec = {"title": str(self.title), "empty": str(self.empty), "ours": self.ours, "theirs": self.theirs}
        return json.dumps(spec | {"entries": entries}, default=plain, ensure_ascii=False, separators=(",", ":"))


def _same_length(title: str, x: Axis | Sequence[float], series: Sequence[Series]) -> None:
    for one in series:
        if len(one.values) != len(x):
            raise ValueError(
                f"Chart {title!r}: series {one.name} has {len(one.values)} values for {len(x)} places on x"
            )


def _series(one: Series) -> dict[str, object]:
    return {
        "name": str(one.name),
        "values": list(one.values),
        "low": list(one.low),
        "high": list(one.high),
        "slot": one.slot,
        "dashed": one.dashed,
    }


def _cell(cell: HeatCell | None, enough: int) -> dict[str, object] | None:
    if cell is None or cell.value is None:
        return None
    small = cell.n is not None and cell.n < enough
    return {"v": cell.value, "n": cell.n, "d": cell.trend, "t": cell.tone.value, "h": cell.href, "s": small}


def _finite(value: object) -> object:
    """NaN and infinity are not JSON; a gap is."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
