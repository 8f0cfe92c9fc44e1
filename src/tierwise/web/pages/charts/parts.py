"""What a number is made of: steps from one to another, causes by weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tierwise.web.pages.charts.chart import Chart


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
