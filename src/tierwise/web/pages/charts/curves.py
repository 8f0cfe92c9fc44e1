"""Values over an axis: lines, bars, and the curve of what a threshold covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tierwise.web.pages.charts.chart import Axis, Chart, Mark, Series, same_length, series_payload


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
        same_length(self.title, self.x, self.series)

    def content(self) -> dict[str, object]:
        return {
            "x": list(self.x),
            "xLabel": str(self.x_label),
            "series": [series_payload(one) for one in self.series],
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
        same_length(self.title, self.x, self.series)

    def content(self) -> dict[str, object]:
        series = [series_payload(one) for one in self.series]
        return {"x": list(self.x), "series": series, "stacked": self.stacked, "lying": self.lying}


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
        same_length(self.title, self.x, self.series)
        if any(a >= b for a, b in zip(self.x, self.x[1:], strict=False)):
            raise ValueError(f"CoverageCurve {self.title!r}: x must rise")

    def content(self) -> dict[str, object]:
        return {
            "x": list(self.x),
            "xLabel": str(self.x_label),
            "xUnit": str(self.x_unit),
            "series": [series_payload(one) for one in self.series],
            "threshold": self.threshold,
            "parameter": self.parameter,
        }
