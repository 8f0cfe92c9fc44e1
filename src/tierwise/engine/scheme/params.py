"""A segmentation scheme as data: thresholds, rules in order of priority, segments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any, NamedTuple

from tierwise.engine.demand import GRAIN
from tierwise.engine.thresholds import UNKNOWN, Threshold

Condition = str | tuple[str, ...]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_PART = re.compile(rf"^\s*(>=|<=|>|<|==|!=)\s*({_NUMBER})\s*$")


class Comparison(NamedTuple):
    """One half of a condition such as ``>= 100 and < 500``."""

    operator: str
    number: float


def parse_comparison(text: str) -> tuple[Comparison, ...]:
    """The parts of a condition on a metric, all of which must hold.

    >>> parse_comparison(">= 100 and < 500")
    (Comparison(operator='>=', number=100.0), Comparison(operator='<', number=500.0))
    """
    parts = []
    for part in re.split(r"\band\b", text):
        found = _PART.match(part)
        if found is None:
            raise ValueError(f"{text!r} is no comparison; write for example '>= 100' or '>= 100 and < 500'")
        parts.append(Comparison(found[1], float(found[2])))
    return tuple(parts)


@dataclass(frozen=True, slots=True)
class Rule:
    """Cells that meet every condition belong to the segment, unless an earlier rule took them.

    ``when`` maps a threshold's name to the labels allowed, an attribute column to the values allowed (both a tuple of
    strings), or a metric column to a comparison such as ``">= 100"``. An empty ``when`` takes every cell.
    """

    name: str
    segment: str
    when: Mapping[str, Condition] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError(f"name: a rule for segment {self.segment!r} has none; give each rule a name to explain by")
        for key, condition in self.when.items():
            if isinstance(condition, str):
                try:
                    parse_comparison(condition)
                except ValueError as error:
                    raise ValueError(f"when: rule {self.name!r}, {key!r}: {error}") from error
            elif not condition:
                raise ValueError(f"when: rule {self.name!r}, {key!r}: give a comparison or a non-empty tuple of values")


@dataclass(frozen=True, slots=True)
class SegmentSpec:
    """A segment: its rank (1 is highest) and the hours per period its collaboration takes on either side."""

    code: str
    rank: int
    effort_hours: float = 0.0
    partner_hours: float = 0.0
    name: str = ""

    def __post_init__(self) -> None:
        if not self.code:
            raise ValueError("code: a segment needs a code")
        if self.rank < 1:
            raise ValueError(f"rank: segment {self.code!r} has {self.rank}; count from 1, the highest")
        for name in ("effort_hours", "partner_hours"):
            hours = getattr(self, name)
            if not (isfinite(hours) and hours >= 0):
                raise ValueError(f"{name}: segment {self.code!r} has {hours}; give hours per period, 0 or more")


@dataclass(frozen=True, slots=True)
class SchemeParams:
    """The whole scheme. Rules are tried in order; cells that no rule takes go to ``default_segment``.

    Hysteresis: a member leaves when the decision would be the same with every cut moved by ``margin`` (relative) in
    favour of where it is, or when it has qualified for the same other segment ``consecutive`` evaluations in a row.
    """

    segments: tuple[SegmentSpec, ...]
    default_segment: str
    thresholds: tuple[Threshold, ...] = ()
    rules: tuple[Rule, ...] = ()
    margin: float = 0.1
    consecutive: int = 2
    grain: tuple[str, ...] = GRAIN

    def __post_init__(self) -> None:
        self._check_segments()
        _check_unique("thresholds", [threshold.name for threshold in self.thresholds])
        _check_unique("rules", [rule.name for rule in self.rules])
        _check_unique("grain", list(self.grain))
        if not self.grain:
            raise ValueError("grain: name at least one column that makes up a cell")
        if not 0 <= self.margin < 1:
            raise ValueError(f"margin: {self.margin} must be at least 0 and below 1; 0.1 means 10 % of the cut")
        if self.consecutive < 1:
            raise ValueError(f"consecutive: {self.consecutive} must be at least 1; 1 lets every member leave at once")
        labels = {threshold.name: {*threshold.all_labels, UNKNOWN} for threshold in self.thresholds}
        for rule in self.rules:
            for key in rule.when.keys() & labels.keys():
                _check_labels(rule, key, labels[key])

    def _check_segments(self) -> None:
        codes = [segment.code for segment in self.segments]
        _check_unique("segments", codes)
        _check_unique("segments", [f"rank {segment.rank}" for segment in self.segments])
        if self.default_segment not in codes:
            raise ValueError(f"default_segment: {self.default_segment!r} is not among the segments {codes}")
        for rule in self.rules:
            if rule.segment not in codes:
                raise ValueError(f"rules: {rule.name!r} names segment {rule.segment!r}; use one of {codes} or add it")

    @property
    def codes(self) -> tuple[str, ...]:
        """Segment codes by rank."""
        return tuple(segment.code for segment in sorted(self.segments, key=lambda segment: segment.rank))

    @property
    def comparisons(self) -> tuple[str, ...]:
        """Metric columns that rules compare with numbers."""
        return self._columns(numeric=True)

    @property
    def attributes(self) -> tuple[str, ...]:
        """Attribute columns whose values rules ask for."""
        return self._columns(numeric=False)

    def _columns(self, numeric: bool) -> tuple[str, ...]:
        names = {threshold.name for threshold in self.thresholds}
        found = (
            key
            for rule in self.rules
            for key, condition in rule.when.items()
            if key not in names and isinstance(condition, str) == numeric
        )
        return tuple(dict.fromkeys(found))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SchemeParams:
        """A scheme from plain data; lists stand for tuples. Raises ValueError for unknown or unfitting fields."""
        try:
            return cls(
                **{
                    **data,
                    "segments": tuple(SegmentSpec(**segment) for segment in data["segments"]),
                    "thresholds": tuple(Threshold(**_tuples(row)) for row in data.get("thresholds", ())),
                    "rules": tuple(
                        Rule(**{**row, "when": _tuples(row.get("when", {}))}) for row in data.get("rules", ())
                    ),
                    "grain": tuple(data.get("grain", GRAIN)),
                }
            )
        except (TypeError, KeyError) as error:
            raise ValueError(f"scheme: {error}; see SchemeParams for the fields") from error


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}


def _check_unique(field_name: str, names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{field_name}: {name!r} stands twice; keep one")
        seen.add(name)


def _check_labels(rule: Rule, name: str, labels: set[str]) -> None:
    condition = rule.when[name]
    if isinstance(condition, str):
        raise ValueError(f"when: rule {rule.name!r} compares threshold {name!r}; name labels, or compare its metric")
    wrong = sorted(set(condition) - labels)
    if wrong:
        raise ValueError(f"when: rule {rule.name!r} asks {name!r} for label {wrong[0]!r}; it has {sorted(labels)}")
