"""Words, values and the policy facet of scorecards."""

from __future__ import annotations

from dataclasses import dataclass

from tierwise.directory.records import Facet, register_facet, setting
from tierwise.engine.lane_policy import Better, Combine


@register_facet("scoring")
@dataclass(frozen=True)
class Scoring(Facet):
    """What a segment expects of deliveries: targets, weights, and from how many lines it judges."""

    otif_target: float = setting(0.95, Combine.WEIGHTED, least=0, most=1)
    otif_limit: float = setting(0.80, Combine.WEIGHTED, least=0, most=1)
    otif_weight: float = setting(0.4, Combine.WEIGHTED, least=0, most=1)
    fill_target: float = setting(0.98, Combine.WEIGHTED, least=0, most=1)
    fill_limit: float = setting(0.85, Combine.WEIGHTED, least=0, most=1)
    fill_weight: float = setting(0.2, Combine.WEIGHTED, least=0, most=1)
    adherence_target: float = setting(0.95, Combine.WEIGHTED, least=0, most=1)
    adherence_limit: float = setting(0.75, Combine.WEIGHTED, least=0, most=1)
    adherence_weight: float = setting(0.1, Combine.WEIGHTED, least=0, most=1)
    reject_ppm_target: float = setting(1_000.0, Combine.STRICTEST, Better.LOWER, least=0, most=1_000_000)
    reject_ppm_limit: float = setting(20_000.0, Combine.STRICTEST, Better.LOWER, least=0, most=1_000_000)
    reject_ppm_weight: float = setting(0.3, Combine.WEIGHTED, least=0, most=1)
    least_n: int = setting(10, Combine.STRICTEST, Better.HIGHER, least=1, most=1000)
