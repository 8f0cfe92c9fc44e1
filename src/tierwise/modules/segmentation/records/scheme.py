"""The scheme as a document: written in YAML, read strictly, turned into what the engine computes with."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tierwise.directory.records import COMMON, Collaboration, facets, read_facet
from tierwise.engine.demand.costing import CostingParams, CostPool
from tierwise.engine.scheme import Rule, SchemeParams, SegmentSpec, Threshold
from tierwise.engine.thresholds import UNKNOWN
from tierwise.modules.segmentation.records.metrics import ATTRIBUTES, METRICS
from tierwise.modules.segmentation.records.words import CELL
from tierwise.wire.documents import DocumentError, Problem, near, parse_document


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Pool(_Part):
    """A resource that serves customers: its cost over the window and the minutes it can really work in it."""

    name: str
    cost: float = Field(ge=0)
    practical_capacity_minutes: float = Field(gt=0)
    activities: dict[str, float]


class Cut(_Part):
    """One metric and where it is cut into labels."""

    name: str
    metric: str
    kind: Literal["cumulative_share", "value", "quantile"]
    cuts: tuple[float, ...]
    labels: tuple[str, ...]
    direction: Literal["descending", "ascending"] = "descending"
    band: float = 0.05
    nonpositive: str = ""
    needs_history: bool = False
    within: tuple[str, ...] = ()


class Alias(_Part):
    """What suppliers are told instead of the segment's code and name."""

    code: str = Field(max_length=16)
    name: str = Field(max_length=80)


class SegmentPart(_Part):
    code: str = Field(pattern=r"^[A-Z0-9_-]{1,16}$")
    name: str = Field(max_length=80)
    rank: int = Field(ge=1)
    slot: int = Field(default=1, ge=1, le=8)
    collaborate: Literal["deep", "standard", "none"] = "standard"
    effort_hours: float = Field(default=0, ge=0)
    partner_hours: float = Field(default=0, ge=0)
    alias: Alias | None = None
    policy: dict[str, dict[str, Any]] = Field(default_factory=dict)

    def facets(self) -> dict[str, dict[str, Any]]:
        """The policy's settings with their declared types; what is not set is left to the facet's default."""
        read = {name: read_facet(facets()[name], values) for name, values in self.policy.items()}
        return {name: {key: getattr(facet, key) for key in self.policy[name]} for name, facet in read.items()}

    def typed_policy(self) -> dict[str, dict[str, Any]]:
        """The policy for a document: numbers and flags bare where that reads back as what was written."""
        return {
            name: {key: value if str(value).lower() == str(self.policy[name][key]) else self.policy[name][key]
                   for key, value in values.items()}
            for name, values in self.facets().items()
        }  # fmt: skip


class RulePart(_Part):
    name: str = Field(min_length=1, max_length=80)
    segment: str
    when: dict[str, str | tuple[str, ...]] = Field(default_factory=dict)


class Hysteresis(_Part):
    margin: float = 0.1
    consecutive: int = 2


class Shallower(_Part):
    """A segment that wants depth, worked on at the standard depth: the shares of its hours and of its worth left."""

    effort: float = Field(default=0.4, ge=0, le=1)
    worth: float = Field(default=0.6, ge=0, le=1)


class Hours(_Part):
    """Hours a year that both sides have for segments that are worked on together, and what they must at least reach."""

    hours: float = Field(default=1e9, ge=0)
    partner_hours: float = Field(default=1e9, ge=0)
    volume_floor: float = Field(default=0, ge=0, le=1)
    service_floor: float = Field(default=0, ge=0, le=1)
    standard: Shallower = Shallower()


class SchemeDocument(_Part):
    """Everything that decides which demand belongs to which segment and what follows from it."""

    title: str = Field(max_length=120)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    grain: tuple[Literal["item", "customer_group", "region", "channel"], ...] = CELL
    bucket: Literal["week", "month"] = "month"
    window_months: int = Field(default=12, ge=3, le=60)
    cost_pools: tuple[Pool, ...] = ()
    cost_driver: Literal["revenue", "order_lines", "quantity", "equal"] = "revenue"
    missing_cost: Literal["unknown", "cell_ratio"] = "cell_ratio"
    thresholds: tuple[Cut, ...] = ()
    segments: Annotated[tuple[SegmentPart, ...], Field(min_length=1)]
    rules: tuple[RulePart, ...] = ()
    default_segment: str
    hysteresis: Hysteresis = Hysteresis()
    collaboration: Hours = Hours()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.grain:
            raise ValueError("grain: name at least one of item, customer_group, region, channel")
        if any(segment.code == COMMON for segment in self.segments):
            raise ValueError(f"segments: {COMMON} is there by itself; leave it out")
        found = [*_each(self._threshold_fits, self.thresholds), *_each(self._rule_fits, self.rules)]
        found += _each(_check_policy, self.segments)
        if found:
            raise ValueError("\n".join(found))
        self.params()
        self.costing()
        return self

    def _threshold_fits(self, cut: Cut) -> None:
        if cut.metric not in METRICS:
            hint = near(cut.metric, METRICS)
            raise ValueError(f"thresholds.{cut.name}.metric: {cut.metric!r} is not known; {hint}")
        try:
            Threshold(**cut.model_dump())
        except ValueError as error:
            raise ValueError(f"thresholds.{cut.name}.{error}") from None

    def _rule_fits(self, rule: RulePart) -> None:
        names = {cut.name for cut in self.thresholds}
        for key, condition in rule.when.items():
            known = METRICS if isinstance(condition, str) else {*ATTRIBUTES, *names}
            if key not in known:
                raise ValueError(f"rules.{rule.name}.when.{key}: is not known; {near(key, known)}")
        codes = [segment.code for segment in self.segments]
        if rule.segment not in codes:
            raise ValueError(f"rules.{rule.name}.segment: {rule.segment!r} is no segment; {near(rule.segment, codes)}")
        labels = {cut.name: {*cut.labels, cut.nonpositive, UNKNOWN} - {""} for cut in self.thresholds}
        try:
            Rule(rule.name, rule.segment, rule.when)
        except ValueError as error:
            raise ValueError(f"rules.{rule.name}.{error}") from None
        for key, condition in rule.when.items():
            wrong = sorted(set(condition) - labels[key]) if key in labels and not isinstance(condition, str) else []
            if wrong:
                hint = near(wrong[0], labels[key])
                raise ValueError(f"rules.{rule.name}.when.{key}: {wrong[0]!r} is no label of it; {hint}")

    def params(self) -> SchemeParams:
        """The scheme as the engine evaluates it."""
        return SchemeParams(
            segments=tuple(SegmentSpec(s.code, s.rank, s.effort_hours, s.partner_hours, s.name) for s in self.segments),
            default_segment=self.default_segment,
            thresholds=tuple(Threshold(**cut.model_dump()) for cut in self.thresholds),
            rules=tuple(Rule(rule.name, rule.segment, rule.when) for rule in self.rules),
            margin=self.hysteresis.margin,
            consecutive=self.hysteresis.consecutive,
            grain=CELL,
        )

    def costing(self) -> CostingParams:
        """How its cells are costed."""
        pools = tuple(CostPool(p.name, p.cost, p.practical_capacity_minutes, p.activities) for p in self.cost_pools)
        return CostingParams(pools, CELL, self.cost_driver, self.missing_cost)

    def candidates(self) -> list[tuple[str, str, float, float, float]]:
        """How each segment may be worked on: code, depth, our hours, the partners', the share of its worth."""
        found: list[tuple[str, str, float, float, float]] = []
        for part in self.segments:
            if part.collaborate != "none":
                found.append((part.code, part.collaborate, part.effort_hours, part.partner_hours, 1.0))
            if part.collaborate == "deep":
                effort, worth = self.collaboration.standard.effort, self.collaboration.standard.worth
                ours, theirs = part.effort_hours * effort, part.partner_hours * effort
                found.append((part.code, "standard", ours, theirs, worth))
        return found

    def depths(self, selection: Iterable[Mapping[str, Any]]) -> dict[str, str]:
        """Segment → the depth that a selection of the candidates gives it; what was not picked has none."""
        picked = {row["code"]: row["level"] for row in selection if row["picked"]}
        return {COMMON: "none", **{part.code: picked.get(part.code, "none") for part in self.segments}}

    def segment(self, code: str) -> SegmentPart:
        return next(segment for segment in self.segments if segment.code == code)

    def to_yaml(self) -> str:
        """The document as text that reads back as the same; what has its default is left out."""
        content = self.model_dump(mode="json", exclude_defaults=True)
        for shown, part in zip(content["segments"], self.segments, strict=True):
            if part.policy:
                shown["policy"] = part.typed_policy()
        return yaml.dump(content, Dumper=_Flat, sort_keys=False, allow_unicode=True, width=110)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


Part = TypeVar("Part")


def _each(check: Callable[[Part], None], parts: Iterable[Part]) -> list[str]:
    """What is wrong with each part, the first mistake of each."""
    wrong = []
    for part in parts:
        try:
            check(part)
        except ValueError as error:
            wrong.append(str(error))
    return wrong


def _check_policy(segment: SegmentPart) -> None:
    known = {name: facet for name, facet in facets().items() if facet is not Collaboration}
    for name, values in segment.policy.items():
        if name == Collaboration.name:
            place = f"segments.{segment.code}.policy.{name}"
            raise ValueError(f"{place}: is decided within the hours; say `collaborate` and `effort_hours` instead")
        if name not in known:
            raise ValueError(f"segments.{segment.code}.policy.{name}: is no facet; {near(name, known)}")
        try:
            read_facet(known[name], values)
        except ValueError as error:
            raise ValueError(f"segments.{segment.code}.policy.{name}.{error}") from None


def read_scheme(text: str) -> SchemeDocument:
    """Reads a scheme. ``DocumentError`` lists every mistake with its place and what to do about it."""
    content = parse_document(text)
    if not isinstance(content, dict):
        raise DocumentError([Problem("document", "is not a scheme", "start with `title:`, `segments:` and `rules:`")])
    try:
        return SchemeDocument.model_validate(content)
    except ValidationError as error:
        raise DocumentError(one for each in error.errors() for one in _problems(dict(each))) from None


_PLACED = re.compile(r"^([A-Za-z_]\w*(?:\.[^:]+?)?): (.+)$", re.DOTALL)


def _problems(error: dict[str, Any]) -> list[Problem]:
    path = [str(part) for part in error["loc"]]
    place = ".".join(path) or "document"
    if error["type"] == "missing":
        return [Problem(place, "is missing", "add it")]
    if error["type"] == "extra_forbidden":
        return [Problem(place, "is not known here", "remove it or mend its spelling")]
    messages = str(error["msg"]).removeprefix("Value error, ").split("\n")
    return [_problem(place, message) for message in messages]


def _problem(place: str, message: str) -> Problem:
    # What the document's own checks raise begins with the place it is about.
    if place == "document" and (found := _PLACED.match(message)):
        place, message = found[1], found[2]
    why, _, remedy = message.partition("; ")
    return Problem(place, why, remedy or "correct the value")


class _Flat(yaml.SafeDumper):
    """Lists of plain values on one line, as people write them."""

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        plain = all(not isinstance(one, dict | list) for one in sequence)
        return super().represent_sequence(tag, sequence, flow_style=plain or flow_style)
