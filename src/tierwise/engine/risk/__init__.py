"""Risk: how long does the chain hold out, what would an outage cost, where does it hang by one thread?

Names load the module they live in when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierwise.engine.lazily import load_on_first_use

if TYPE_CHECKING:
    from tierwise.engine.risk.chain import Outages, SupplyChain, each_node_out
    from tierwise.engine.risk.disruptions import DisruptionRisk, Hazards, SimulationParams, simulate_disruptions
    from tierwise.engine.risk.losses import (
        Exposure,
        ResponsePlan,
        SurvivalGap,
        exposure,
        response_plan,
        survival_gap,
        time_to_survive,
    )
    from tierwise.engine.risk.options import OptionTerms, OptionValue, dual_source_option
    from tierwise.engine.risk.propagation import Ripple, RippleNetwork, causes_given_effect, noisy_or, ripple
    from tierwise.engine.risk.recovery import Recovery, RecoveryPlan, time_to_recover
    from tierwise.engine.risk.response import Response
    from tierwise.engine.risk.structure import (
        CommonTiers,
        Cut,
        Joints,
        SinglePoints,
        articulation_points,
        common_tiers,
        single_points,
        smallest_cut,
    )
    from tierwise.engine.risk.tail import TailRisk, tail_risk, tail_shares

load_on_first_use(
    __name__,
    {
        "chain": (
            "Outages",
            "SupplyChain",
            "each_node_out",
        ),
        "disruptions": (
            "DisruptionRisk",
            "Hazards",
            "SimulationParams",
            "simulate_disruptions",
        ),
        "losses": (
            "Exposure",
            "ResponsePlan",
            "SurvivalGap",
            "exposure",
            "response_plan",
            "survival_gap",
            "time_to_survive",
        ),
        "options": (
            "OptionTerms",
            "OptionValue",
            "dual_source_option",
        ),
        "propagation": (
            "Ripple",
            "RippleNetwork",
            "causes_given_effect",
            "noisy_or",
            "ripple",
        ),
        "recovery": (
            "Recovery",
            "RecoveryPlan",
            "time_to_recover",
        ),
        "response": ("Response",),
        "structure": (
            "CommonTiers",
            "Cut",
            "Joints",
            "SinglePoints",
            "articulation_points",
            "common_tiers",
            "single_points",
            "smallest_cut",
        ),
        "tail": (
            "TailRisk",
            "tail_risk",
            "tail_shares",
        ),
    },
)

__all__ = [
    "CommonTiers",
    "Cut",
    "DisruptionRisk",
    "Exposure",
    "Hazards",
    "Joints",
    "OptionTerms",
    "OptionValue",
    "Outages",
    "Recovery",
    "RecoveryPlan",
    "Response",
    "ResponsePlan",
    "Ripple",
    "RippleNetwork",
    "SimulationParams",
    "SinglePoints",
    "SupplyChain",
    "SurvivalGap",
    "TailRisk",
    "articulation_points",
    "causes_given_effect",
    "common_tiers",
    "dual_source_option",
    "each_node_out",
    "exposure",
    "noisy_or",
    "response_plan",
    "ripple",
    "simulate_disruptions",
    "single_points",
    "smallest_cut",
    "survival_gap",
    "tail_risk",
    "tail_shares",
    "time_to_recover",
    "time_to_survive",
]
