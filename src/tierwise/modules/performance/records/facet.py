"""The policy facet of scorecards, and the criteria that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tierwise.directory.records import Facet, register_facet, setting
from tierwise.engine.lane_policy import Better, Combine
from tierwise.engine.scoring import Criterion, Measure
from tierwise.modules.performance.records.formula import Gate


@register_facet("scoring")
@dataclass(frozen=True)
class Scoring(Facet):
    """What a segment expects of deliveries: targets, weights, and from how many lines it judges."""

    otif_target: float = setting(0.95, Combine.WEIGHTED, within=(0, 1))
    otif_limit: float = setting(0.80, Combine.WEIGHTED, within=(0, 1))
    otif_weight: float = setting(0.4, Combine.WEIGHTED, within=(0, 1))
    fill_target: float = setting(0.98, Combine.WEIGHTED, within=(0, 1))
    fill_limit: float = setting(0.85, Combine.WEIGHTED, within=(0, 1))
    fill_weight: float = setting(0.2, Combine.WEIGHTED, within=(0, 1))
    adherence_target: float = setting(0.95, Combine.WEIGHTED, within=(0, 1))
    adherence_limit: float = setting(0.75, Combine.WEIGHTED, within=(0, 1))
    adherence_weight: float = setting(0.1, Combine.WEIGHTED, within=(0, 1))
    reject_ppm_target: float = setting(1_000.0, Combine.STRICTEST, Better.LOWER, within=(0, 1_000_000))
    reject_ppm_limit: float = setting(20_000.0, Combine.STRICTEST, Better.LOWER, within=(0, 1_000_000))
    reject_ppm_weight: float = setting(0.3, Combine.WEIGHTED, within=(0, 1))
    least_n: int = setting(10, Combine.STRICTEST, Better.HIGHER, within=(1, 1000))


_SCORED = (
    (Measure.OTIF, "otif"),
    (Measure.FILL_RATE, "fill"),
    (Measure.LEAD_TIME_ADHERENCE, "adherence"),
    (Measure.REJECT_PPM, "reject_ppm"),
)


def criteria_of(policy: Scoring, gates: Mapping[str, Gate]) -> tuple[Criterion, ...]:
    """The measures that a segment scores, weights brought to a sum of 100; none where every weight is 0.

    ValueError names a target that equals its limit.
    """
    weights = {stem: float(getattr(policy, f"{stem}_weight")) for _, stem in _SCORED}
    total = sum(weights.values())
    if total <= 0:
        return ()
    found = []
    for measure, stem in _SCORED:
        gate = gates.get(str(measure))
        if weights[stem] <= 0 and gate is None:
            continue
        found.append(
            Criterion(
                str(measure),
                100 * weights[stem] / total,
                float(getattr(policy, f"{stem}_limit")),
                float(getattr(policy, f"{stem}_target")),
                gate.worse_than if gate else None,
                gate.cap if gate else 0.0,
            )
        )
    return tuple(found)
