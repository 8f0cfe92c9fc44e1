"""One policy for a lane that serves several segments, computed from theirs, field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

import polars as pl

Value = Decimal | int | float | str


class Combine(StrEnum):
    """How the segments' values of a field become the lane's."""

    STRICTEST = "strictest"
    WEIGHTED = "weighted"
    SPLIT = "split"
    SINGLE = "single"


class Better(StrEnum):
    """Which direction asks more of the lane: a lower value (days, ppm) or a higher one (service level)."""

    LOWER = "lower"
    HIGHER = "higher"


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One field of a policy: how it combines.

    `better` is needed for `strictest`. `order` lists the values of a choice from low to high (a cadence from often to
    seldom); without it values must be numbers. `step` rounds a weighted value, half to even.
    """

    name: str
    combine: Combine
    better: Better | None = None
    order: tuple[str, ...] = ()
    step: Decimal | None = None

    def __post_init__(self) -> None:
        if self.combine is Combine.STRICTEST and self.better is None:
            raise ValueError(f"field {self.name}: strictest needs better, lower or higher")
        if self.combine is Combine.WEIGHTED and self.order:
            raise ValueError(f"field {self.name}: a choice has no weighted mean; combine it as strictest or single")
        if len(set(self.order)) < len(self.order):
            raise ValueError(f"field {self.name}: order lists a value twice")
        if self.step is not None and not self.step > 0:
            raise ValueError(f"field {self.name}: step must be above 0")

    def place(self, value: Value) -> Decimal:
        """Where a value lies from low to high."""
        if self.order:
            if value not in self.order:
                raise ValueError(f"field {self.name}: {value!r} is not one of {', '.join(self.order)}")
            return Decimal(self.order.index(str(value)))
        if isinstance(value, str):
            raise ValueError(f"field {self.name}: {value!r} is not a number; give the field an order")
        return _decimal(value)


@dataclass(frozen=True, slots=True)
class Override:
    """A value that people set for one lane and field, valid up to and including `until`."""

    name: str
    value: Value
    until: date
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class LaneMix:
    """What a lane serves: shares by segment (any scale), and which segment its contract and its lead are."""

    lane: str
    shares: Mapping[str, float]
    contract_segment: str | None = None
    lead: str | None = None

    def __post_init__(self) -> None:
        if any(not share >= 0 for share in self.shares.values()):
            raise ValueError(f"lane {self.lane}: shares must be numbers of at least 0")


@dataclass(frozen=True, slots=True)
class LaneParams:
    """What bears on a lane's policy besides the segments' own.

    `overrides` of this lane, in force while `on` (the day asked about) is not after their `until`. Segments with less
    than `least_share` of the lane do not count (a 1 % customer would otherwise set everybody's cadence), unless none
    reaches it.
    """

    overrides: tuple[Override, ...] = ()
    on: date | None = None
    least_share: float = 0.0

    def __post_init__(self) -> None:
        if self.overrides and self.on is None:
            raise ValueError("on is missing: overrides expire, so the day they are looked up for must be given")
        if not 0 <= self.least_share <= 1:
            raise ValueError("least_share must be from 0 to 1: the share of the lane from which a segment counts")
        names = list(self.active)
        current = [override for override in self.overrides if self.on is not None and override.until >= self.on]
        if len(current) > len(names):
            twice = next(name for name in names if sum(override.name == name for override in current) > 1)
            raise ValueError(f"field {twice} has two overrides in force; end one of them")

    @property
    def active(self) -> dict[str, Override]:
        """The override in force for each field."""
        return {
            override.name: override for override in self.overrides if self.on is not None and override.until >= self.on
        }


@dataclass(frozen=True, slots=True)
class Source:
    """One segment's part in a field: its share of the lane, its value, and whether the value counted."""

    segment: str
    share: float
    value: Value
    counted: bool


@dataclass(frozen=True, slots=True)
class FieldResult:
    """The lane's value of one field, and why. `value` is None on a conflict or where no segment sets the field.

    For `split` the values stand in `per_segment` instead.
    """

    name: str
    rule: Combine
    value: Value | None
    sources: tuple[Source, ...]
    why: str
    per_segment: Mapping[str, Value] = field(default_factory=dict)
    conflict: bool = False
    override: Override | None = None


@dataclass(frozen=True, slots=True)
class LanePolicy:
    """The effective policy of a lane."""

    lane: str
    fields: Mapping[str, FieldResult]

    def __getitem__(self, name: str) -> FieldResult:
        return self.fields[name]

    @property
    def conflicts(self) -> tuple[str, ...]:
        """Fields that need one value and have several: someone must decide."""
        return tuple(name for name, result in self.fields.items() if result.conflict)

    def divide(self, name: str, total: Decimal, step: Decimal) -> dict[str, Decimal]:
        """A total (flex quantity, buffer stock) over the segments of a field by share, in steps, summing to the total.

        Largest remainder, ties to the lower segment code; `total` must be a multiple of `step`.
        """
        sources = sorted(self.fields[name].sources, key=lambda source: source.segment)
        weights = {source.segment: _decimal(source.share) for source in sources if source.counted}
        if not sum(weights.values()):
            raise ValueError(f"lane {self.lane}, field {name}: no segment with a share to divide among")
        if step <= 0 or total % step:
            raise ValueError(f"total {total} is not a multiple of step {step}; round it first")
        steps = abs(total) / step
        quotas = {segment: steps * weight / sum(weights.values()) for segment, weight in weights.items()}
        got = {segment: quota // 1 for segment, quota in quotas.items()}
        by_rest = sorted(quotas, key=lambda segment: (got[segment] - quotas[segment], segment))
        for segment in by_rest[: int(steps - sum(got.values()))]:
            got[segment] += 1
        return {segment: (step * count).copy_sign(total) for segment, count in got.items()}


def combine_lane(
    lane: LaneMix,
    policies: Mapping[str, Mapping[str, Value]],
    rules: Sequence[FieldRule],
    params: LaneParams | None = None,
) -> LanePolicy:
    """The one policy of a lane that serves several segments.

    `policies` {segment: {field: value}}; a segment that does not set a field has no say in it.

    strictest  the value that asks most: the least or greatest by `better` over the segments with demand
    weighted   Σ share × value ÷ Σ share, in Decimal, rounded to `step`
    split      every segment keeps its own value for its part, see `LanePolicy.divide` for amounts
    single     the contract's segment decides, else the lead; else the value all agree on; else a conflict

    >>> days = FieldRule("days_to_confirm", Combine.STRICTEST, Better.LOWER)
    >>> policies = {"PREMIUM": {"days_to_confirm": 1}, "BASIC": {"days_to_confirm": 3}}
    >>> combine_lane(LaneMix("L1", {"PREMIUM": 0.3, "BASIC": 0.7}), policies, [days])["days_to_confirm"].value
    1
    """
    params = params or LaneParams()
    total = sum(lane.shares.values())
    shares = {segment: share / total for segment, share in sorted(lane.shares.items()) if share > 0}
    unknown = [segment for segment in shares if segment not in policies]
    if unknown:
        raise ValueError(f"lane {lane.lane}: no policy for segment {unknown[0]}; add one, COMMON has its own too")
    counted = {segment for segment, share in shares.items() if share >= params.least_share} or set(shares)
    active = params.active
    results: dict[str, FieldResult] = {}
    for rule in rules:
        sources = tuple(
            Source(segment, share, policies[segment][rule.name], segment in counted)
            for segment, share in shares.items()
            if rule.name in policies[segment]
        )
        result = _combined(rule, sources, lane)
        results[rule.name] = _overridden(result, active[rule.name]) if rule.name in active else result
    return LanePolicy(lane.lane, results)


def effective_values(
    shares: pl.DataFrame, policies: pl.DataFrame, rules: Sequence[FieldRule], least_share: float = 0.0
) -> pl.DataFrame:
    """[lane, field, value, rule, segment]: strictest and weighted number fields for many lanes at once.

    `shares` [lane, segment, share], `policies` [segment, field, value as float]. `segment` names the one that sets a
    strictest value (the larger share, then the lower code, on equal values) and is null for weighted. For planning and
    dashboards; what is agreed with a supplier comes from `combine_lane`.
    """
    wanted = [rule for rule in rules if rule.combine in (Combine.STRICTEST, Combine.WEIGHTED) and not rule.order]
    table = pl.DataFrame(
        {
            "field": [rule.name for rule in wanted],
            "rule": [rule.combine.value for rule in wanted],
            "_sign": [-1.0 if rule.better is Better.HIGHER else 1.0 for rule in wanted],
        },
        schema={"field": pl.String, "rule": pl.String, "_sign": pl.Float64},
    )
    held = shares.filter(pl.col("share") > 0).with_columns(share=pl.col("share") / pl.col("share").sum().over("lane"))
    large = pl.col("share") >= least_share
    held = held.filter(large | ~large.any().over("lane"))
    cells = held.join(policies, on="segment").join(table, on="field")
    strict = cells.filter(pl.col("rule") == Combine.STRICTEST).with_columns(_place=pl.col("value") * pl.col("_sign"))
    strict = strict.sort("lane", "field", "_place", "share", "segment", descending=[False, False, False, True, False])
    columns = ["lane", "field", "value", "rule", "segment"]
    strict = strict.unique(["lane", "field"], keep="first", maintain_order=True).select(columns)
    means = cells.filter(pl.col("rule") == Combine.WEIGHTED).sort("lane", "field", "segment")
    means = means.group_by("lane", "field", "rule", maintain_order=True).agg(
        value=(pl.col("value") * pl.col("share")).sum() / pl.col("share").sum()
    )
    means = means.with_columns(segment=pl.lit(None, pl.String)).select(columns)
    return pl.concat([strict, means]).sort("lane", "field")


def _overridden(result: FieldResult, override: Override) -> FieldResult:
    why = f"set to {override.value} by {override.by} until {override.until.isoformat()}: {override.reason}"
    return FieldResult(
        result.name, result.rule, override.value, result.sources, f"{why} (computed: {result.why})", override=override
    )


def _combined(rule: FieldRule, sources: tuple[Source, ...], lane: LaneMix) -> FieldResult:
    counted = [source for source in sources if source.counted]
    if not counted:
        return FieldResult(rule.name, rule.combine, None, sources, "no segment of the lane sets it")
    if rule.combine is Combine.STRICTEST:
        return _strictest(rule, sources, counted)
    if rule.combine is Combine.WEIGHTED:
        return _weighted(rule, sources, counted)
    if rule.combine is Combine.SPLIT:
        kept = {source.segment: source.value for source in counted}
        why = "each segment keeps its own: " + ", ".join(_told(source) for source in counted)
        return FieldResult(rule.name, rule.combine, None, sources, why, per_segment=kept)
    return _single(rule, sources, counted, lane)


def _strictest(rule: FieldRule, sources: tuple[Source, ...], counted: list[Source]) -> FieldResult:
    sign = -1 if rule.better is Better.HIGHER else 1
    chosen = min(counted, key=lambda source: (sign * rule.place(source.value), -source.share, source.segment))
    end = "highest" if rule.better is Better.HIGHER else "lowest"
    why = f"{end} of " + ", ".join(_told(source) for source in counted)
    small = [source.segment for source in sources if not source.counted]
    if small:
        why += f"; too small a share to count: {', '.join(small)}"
    return FieldResult(rule.name, rule.combine, chosen.value, sources, why)


def _weighted(rule: FieldRule, sources: tuple[Source, ...], counted: list[Source]) -> FieldResult:
    weights = [_decimal(source.share) for source in counted]
    mean = sum((w * rule.place(s.value) for w, s in zip(weights, counted, strict=True)), Decimal(0)) / sum(weights)
    if rule.step is not None:
        mean = (mean / rule.step).quantize(Decimal(1), ROUND_HALF_EVEN) * rule.step
    why = "mean by share of " + ", ".join(_told(source) for source in counted)
    return FieldResult(rule.name, rule.combine, mean, sources, why)


def _single(rule: FieldRule, sources: tuple[Source, ...], counted: list[Source], lane: LaneMix) -> FieldResult:
    # The contract decides even where its segment's share is small today: it is what was signed.
    by_segment = {source.segment: source for source in sources}
    for role, segment in (("contract", lane.contract_segment), ("lead", lane.lead)):
        if segment is not None and segment in by_segment:
            source = by_segment[segment]
            return FieldResult(
                rule.name, rule.combine, source.value, sources, f"of the {role}'s segment: {_told(source)}"
            )
    values = {source.value for source in counted}
    told = ", ".join(_told(source) for source in counted)
    if len(values) == 1:
        return FieldResult(rule.name, rule.combine, counted[0].value, sources, f"all agree: {told}")
    why = f"needs one value, segments differ: {told}; name the contract's segment or override"
    return FieldResult(rule.name, rule.combine, None, sources, why, conflict=True)


def _told(source: Source) -> str:
    return f"{source.segment} {source.value} ({100 * source.share:.0f} %)"


def _decimal(value: Decimal | int | float) -> Decimal:
    # Through text: 0.3 stays 0.3 and does not drag its binary tail into a target that people read.
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    if not number.is_finite():
        raise ValueError(f"{value} is not a number a policy can hold")
    return number
